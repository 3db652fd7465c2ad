"""Forms of the ideas room: writing, changing, taking part in the conversation."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from livinglab.core.text import LANGUAGES
from livinglab.ideas.models import (
    ALT_MAX,
    BODY_MAX,
    COMMENT_MAX,
    GAINS_MAX,
    NOTE_MAX,
    PLACE_MAX,
    SUMMARY_MAX,
    TAG_MAX,
    TAGS_MAX,
    TITLE_MAX,
    Byline,
    CommentKind,
)
from livinglab.ideas.rules import IdeaTexts, tags_of
from livinglab.web.forms import Choice, Form, Hidden, Line, Link, Picture, Radios, Text, Tick
from livinglab.web.locale import NAMES

BYLINES = (
    (Byline.NAME.value, _l("My name")),
    (Byline.PSEUDONYM.value, _l("A pseudonym")),
    (Byline.RESIDENT.value, _l("A resident")),
)
KINDS = (
    (CommentKind.BUILD_ON.value, _l("I build on it")),
    (CommentKind.EXPERIENCE.value, _l("I have experience with this")),
    (CommentKind.CONCERN.value, _l("I have a concern")),
    (CommentKind.PROBLEM.value, _l("I found a problem")),
    (CommentKind.QUESTION.value, _l("I have a question")),
)


class WriteForm(Form):
    """An idea, from its first word. Only the first three fields are needed."""

    idea = Hidden()
    once = Hidden()
    """New with each empty form: what is sent twice with the same one is one idea."""
    title = Line(
        _l("What is the idea?"), max_length=TITLE_MAX, description=_l("A short title, 5 to 120 characters.")
    )
    summary = Text(
        _l("What is it about, in one sentence?"),
        max_length=SUMMARY_MAX,
        description=_l("Shown on the card. At most 140 characters."),
    )
    body = Text(
        _l("Tell us more"),
        max_length=BODY_MAX,
        description=_l("What have you experienced? What could be different?"),
    )
    byline = Radios(_l("How shall your name be shown?"), BYLINES, default=Byline.NAME.value)
    gains = Text(
        _l("Who gains from it?"),
        max_length=GAINS_MAX,
        required=False,
        description=_l("Which people, in which situation?"),
    )
    place = Line(
        _l("Which place is it about?"),
        max_length=PLACE_MAX,
        required=False,
        description=_l("A place in words, such as “the bridge by the library”."),
    )
    challenge = Choice(_l("Where does it belong?"), (), required=False)
    category = Choice(_l("Subject"), (), required=False)
    tags = Line(
        _l("Tags"),
        max_length=TAGS_MAX * (TAG_MAX + 2),
        required=False,
        description=_l("Up to five words, with commas between them."),
    )
    link = Link(_l("Link"), required=False, description=_l("A web page that shows more."))
    image = Picture(
        _l("Picture"),
        description=_l("A photo or drawing of your own. Hidden data such as the place is removed."),
    )
    image_alt = Line(
        _l("What does the picture show?"),
        max_length=ALT_MAX,
        required=False,
        description=_l("For people who cannot see it. Needed when there is a picture."),
    )
    remove_image = Tick(_l("Remove the picture"))
    language = Choice(
        _l("Which language did you write in?"), tuple((code, NAMES[code]) for code in LANGUAGES)
    )

    def texts(self, image_id: int | None) -> IdeaTexts:
        """Return what was typed and chosen, as it is.

        Args:
            image_id: The picture the draft has now.
        """
        byline = self.byline.data if self.byline.data in set(Byline) else Byline.NAME
        return IdeaTexts(
            title=self.title.data or "",
            summary=self.summary.data or "",
            body=self.body.data or "",
            gains=self.gains.data or "",
            place=self.place.data or "",
            link=self.link.data or "",
            language=self.language.data if self.language.data in LANGUAGES else LANGUAGES[-1],
            byline=Byline(byline),
            challenge_id=self._chosen("challenge"),
            category_id=self._chosen("category"),
            tags=tags_of(self.tags.data or ""),
            image_id=image_id,
            image_alt=self.image_alt.data or "" if image_id is not None else "",
        ).cleaned()

    def _chosen(self, name: str) -> int | None:
        field = self[name]
        known = {str(value) for value, _ in field.choices or ()}
        return int(field.data) if field.data in known and str(field.data).isdigit() else None

    @property
    def place_known(self) -> bool:
        """Say whether the chosen challenge can be chosen; it may have closed while somebody wrote."""
        known = {str(value) for value, _ in self["challenge"].choices or ()}
        return not self.challenge.data or self.challenge.data in known

    def fill(self, texts: IdeaTexts) -> None:
        """Show what has been written before."""
        self.title.data, self.summary.data, self.body.data = texts.title, texts.summary, texts.body
        self.gains.data, self.place.data, self.link.data = texts.gains, texts.place, texts.link
        self.language.data, self.byline.data = texts.language, texts.byline.value
        self.challenge.data = str(texts.challenge_id or "")
        self.category.data = str(texts.category_id or "")
        self.tags.data, self.image_alt.data = ", ".join(texts.tags), texts.image_alt

    @property
    def folded_filled(self) -> bool:
        """Say whether anything in the folded part is filled in or wrong, so that it stands open."""
        names = ("gains", "place", "tags", "link", "image_alt", "image", "category", "challenge")
        return any(self[name].data or self[name].errors for name in names)


class EditForm(WriteForm):
    """A new version of a public idea."""

    note = Line(
        _l("What have you changed, and why?"),
        max_length=NOTE_MAX,
        required=False,
        description=_l("Public, in a few words. Not needed when only byline, subject or tags change."),
    )


class CommentForm(Form):
    """Something said in the conversation."""

    kind = Radios(_l("What do you want to do?"), KINDS)
    body = Text(_l("Your words"), max_length=COMMENT_MAX)
    byline = Radios(_l("How shall your name be shown?"), BYLINES, default=Byline.NAME.value)


class ReplyForm(Form):
    """An answer to a comment."""

    body = Text(_l("Your answer"), max_length=COMMENT_MAX)
    byline = Radios(_l("How shall your name be shown?"), BYLINES, default=Byline.NAME.value)


class ChangeCommentForm(Form):
    """A comment, changed."""

    body = Text(_l("Your words"), max_length=COMMENT_MAX)


class ResolveForm(Form):
    """How a problem was answered."""

    resolution = Line(
        _l("How was it answered?"),
        max_length=NOTE_MAX,
        description=_l("Public, such as “The path will be 3.2 m wide”."),
    )
