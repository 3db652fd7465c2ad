"""Writing, publishing, returning and correcting official answers."""

from __future__ import annotations

from flask import render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from livinglab.core.clock import utc_now
from livinglab.core.errors import NotFound, Refused
from livinglab.handoff import commands
from livinglab.handoff.forms import AnswerForm, SendBackForm, StepForm
from livinglab.handoff.models import AnswerKind, Outcome
from livinglab.handoff.queries import AnswerShown, Sheet, answer_by_id, lab_clock
from livinglab.handoff.queries.facts import authors_of, has_receipt
from livinglab.handoff.rules import (
    can_be_judged,
    is_hard,
    lix,
    needs_second,
    why_not_answer,
    why_not_confirm,
    why_not_correct,
    why_not_edit_answer,
)
from livinglab.handoff.views.room import Answer, ask, bp, load, show, work
from livinglab.labs.queries import people_by_id
from livinglab.web.access import viewer
from livinglab.web.database import db
from livinglab.web.locale import NAMES
from livinglab.web.paging import one_of
from livinglab.web.respond import back

NEXT = (AnswerKind.PRELIMINARY, AnswerKind.FINAL, AnswerKind.RECEIPT)
"""Which answer is written where none is named: the first of these that can still be given."""
WRITTEN = (AnswerKind.RECEIPT.value, AnswerKind.PRELIMINARY.value, AnswerKind.FINAL.value)


def _load_answer(answer_id: int) -> tuple[AnswerShown, Sheet]:
    """Return an answer and its handoff; to another lab's staff there is no such answer."""
    missing = NotFound("no-such-answer", _l("There is no such answer."))
    with db.reading() as session:
        found = answer_by_id(session, answer_id)
    if found is None:
        raise missing
    try:
        return found, load(found.handoff_id)
    except NotFound:
        raise missing from None


def _language(form: AnswerForm, found: Sheet) -> None:
    """Offer the lab's languages; the idea's own one first in mind."""
    form.language.choices = [(code, NAMES.get(code, code)) for code in found.lab.languages]
    own = found.idea.language
    if not form.language.data:
        form.language.data = own if own in found.lab.languages else found.lab.languages[0]


def _editor(
    found: Sheet,
    form: AnswerForm,
    kind: AnswerKind,
    *,
    previewing: bool,
    corrects: AnswerShown | None = None,
    editing: AnswerShown | None = None,
) -> tuple[str, int]:
    """Draw the editor with what the resident will see."""
    text = f"{form.title.data or ''}. {form.body.data or ''}"
    with db.reading() as session:
        settings = lab_clock(session, found.handoff.lab_id).settings
        me = people_by_id(session, {viewer().known_id})[viewer().known_id]
    second = needs_second(
        kind, corrects=corrects.kind if corrects else None, lab_wants_it=settings.second_person_on_final
    )
    promised = {AnswerKind.PRELIMINARY: settings.preliminary_days, AnswerKind.FINAL: settings.decision_days}
    html = render_template(
        "handoff/answer.html",
        s=found,
        h=found.handoff,
        form=form,
        kind=kind,
        me=me,
        needs_second=second,
        corrects=corrects,
        editing=editing,
        previewing=previewing,
        lix=lix(text) if can_be_judged(text) else 0,
        hard=is_hard(text),
        now=utc_now(),
        promised=promised.get(kind),
        seconds=[person for person in found.seconds if person.id != me.id],
    )
    return html, 200 if previewing and not form.errors else 422 if form.is_submitted() else 200


@bp.route("/handoffs/<int:handoff_id>/answer", methods=["GET", "POST"])
@work
def write(handoff_id: int) -> Answer:
    """Write a receipt, a preliminary or a final answer."""
    found, asked = load(handoff_id), one_of("kind", WRITTEN)
    with db.reading() as session:
        authors, receipt = authors_of(session, found.idea.id), has_receipt(session, handoff_id)
        me = people_by_id(session, {viewer().known_id})[viewer().known_id]

    def problem(kind: AnswerKind) -> Refused | None:
        waiting = found.pending is not None
        return why_not_answer(
            kind, found.handoff, viewer(), authors=authors, waiting=waiting, has_receipt=receipt
        )

    kinds = (AnswerKind(asked),) if asked else NEXT
    kind = next((kind for kind in kinds if problem(kind) is None), kinds[0])
    ask(problem(kind))
    form = AnswerForm(stamp=found.handoff.stamp, signer_title=me.face.title)
    _language(form, found)
    previewing = request.form.get("do") == "preview"
    if form.validate_on_submit() and not previewing:
        with form.catching(), db.writing() as session:
            answer = commands.write_answer(
                session,
                handoff_id=handoff_id,
                kind=kind,
                outcome=_outcome(form, kind),
                person=viewer(),
                now=utc_now(),
                stamp=form.seen,
                **_texts(form),
            )
        if not form.refused:
            waits = answer.published_at is None
            return back(
                url_for("handoff.page", handoff_id=handoff_id),
                _("Signed. A second person reads it and publishes it.")
                if waits
                else _("The answer is public."),
            )
    return _editor(found, form, kind, previewing=previewing)


def _outcome(form: AnswerForm, kind: AnswerKind) -> Outcome | None:
    return Outcome(form.outcome.data) if form.outcome.data and kind is AnswerKind.FINAL else None


def _texts(form: AnswerForm) -> dict[str, str]:
    return {
        "title": form.title.data or "",
        "body": form.body.data or "",
        "language": form.language.data or "",
        "signer_title": form.signer_title.data or "",
    }


@bp.route("/answers/<int:answer_id>/edit", methods=["GET", "POST"])
@work
def edit(answer_id: int) -> Answer:
    """Change an answer that is not published yet."""
    answer, found = _load_answer(answer_id)
    ask(why_not_edit_answer(answer, found.handoff, viewer()))
    form = AnswerForm(
        stamp=answer.stamp,
        title=answer.title,
        body=answer.body,
        language=answer.language,
        signer_title=answer.signer.title,
        outcome=answer.outcome.value if answer.outcome else None,
    )
    _language(form, found)
    previewing = request.form.get("do") == "preview"
    if form.validate_on_submit() and not previewing:
        with form.catching(), db.writing() as session:
            commands.edit_answer(
                session,
                answer_id=answer_id,
                outcome=_outcome(form, answer.kind),
                person=viewer(),
                now=utc_now(),
                stamp=answer.stamp if form.seen is None else form.seen,
                **_texts(form),
            )
        if not form.refused:
            url = url_for("handoff.page", handoff_id=found.handoff.id)
            return back(url, _("Changed. A second person reads it and publishes it."))
    return _editor(found, form, answer.kind, previewing=previewing, editing=answer)


@bp.route("/answers/<int:answer_id>/correct", methods=["GET", "POST"])
@work
def correct(answer_id: int) -> Answer:
    """Correct a published answer; the old text stays visible."""
    answer, found = _load_answer(answer_id)
    with db.reading() as session:
        authors = authors_of(session, found.idea.id)
        me = people_by_id(session, {viewer().known_id})[viewer().known_id]
    waiting = found.pending is not None
    ask(why_not_correct(answer, found.handoff, viewer(), authors=authors, waiting=waiting))
    newest = answer.corrections[-1] if answer.corrections else answer
    form = AnswerForm(
        title=newest.title, body=newest.body, language=newest.language, signer_title=me.face.title
    )
    _language(form, found)
    previewing = request.form.get("do") == "preview"
    if form.validate_on_submit() and not previewing:
        with form.catching(), db.writing() as session:
            new = commands.correct_answer(
                session, answer_id=answer_id, person=viewer(), now=utc_now(), **_texts(form)
            )
        if not form.refused:
            waits = new.published_at is None
            said = (
                _("Signed. A second person reads it and publishes it.")
                if waits
                else _("The answer is corrected.")
            )
            return back(url_for("handoff.page", handoff_id=found.handoff.id), said)
    return _editor(found, form, AnswerKind.CORRECTION, previewing=previewing, corrects=answer)


@bp.post("/answers/<int:answer_id>/publish")
@work
def publish(answer_id: int) -> Answer:
    """Publish, as the second person, exactly the text that was read."""
    return _settle(answer_id, withdraw=False)


@bp.post("/answers/<int:answer_id>/withdraw")
@work
def withdraw(answer_id: int) -> Answer:
    """Take an unpublished answer back."""
    return _settle(answer_id, withdraw=True)


def _settle(answer_id: int, *, withdraw: bool) -> Answer:
    answer, found = _load_answer(answer_id)
    form = StepForm()
    if not form.validate_on_submit():
        return show(found.handoff.id)[0], 400
    act = commands.withdraw_answer if withdraw else commands.confirm_answer
    try:
        with db.writing() as session:
            act(
                session,
                answer_id=answer_id,
                person=viewer(),
                now=utc_now(),
                stamp=-1 if form.seen is None else form.seen,
            )
    except Refused as problem:
        if problem.status in (403, 404):
            raise
        return show(found.handoff.id, problem=problem)
    said = (
        _("The answer is taken back. Nobody outside has seen it.") if withdraw else _("The answer is public.")
    )
    return back(url_for("handoff.page", handoff_id=answer.handoff_id), said)


@bp.route("/answers/<int:answer_id>/send-back", methods=["GET", "POST"])
@work
def return_answer(answer_id: int) -> Answer:
    """Send an answer back to its writer with a note."""
    answer, found = _load_answer(answer_id)
    with db.reading() as session:
        authors = authors_of(session, found.idea.id)
    lead = found.idea.lead.id if found.idea.lead else None
    ask(why_not_confirm(answer, found.handoff, viewer(), lead_id=lead, authors=authors))
    form = SendBackForm(stamp=answer.stamp)
    if form.validate_on_submit():
        with form.catching(), db.writing() as session:
            commands.return_answer(
                session,
                answer_id=answer_id,
                note=form.note.data or "",
                person=viewer(),
                now=utc_now(),
                stamp=-1 if form.seen is None else form.seen,
            )
        if not form.refused:
            url = url_for("handoff.page", handoff_id=found.handoff.id)
            return back(url, _("It is back with %(name)s, with your note.", name=answer.signer.name))
    html = render_template("handoff/send_back.html", s=found, h=found.handoff, form=form, answer=answer)
    return html, 422 if form.is_submitted() else 200
