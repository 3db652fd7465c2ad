"""Drafts, handing in, publishing, versions, conversation, following: each verb and each refusal."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError
from sqlmodel import col, select

from livinglab.core.errors import Forbidden, NotFound, Refused, TooMany
from livinglab.core.files import StoredFile
from livinglab.core.journal import Event
from livinglab.core.viewer import VISITOR
from livinglab.ideas import commands as ideas
from livinglab.ideas.models import (
    Activity,
    Byline,
    Comment,
    CommentKind,
    Credit,
    CreditKind,
    Follow,
    Idea,
    IdeaCount,
    IdeaTag,
    IdeaVersion,
    Publication,
)
from livinglab.ideas.rules import IdeaTexts, claim_hash
from livinglab.labs.models import ChallengeState

WHOLE = IdeaTexts(
    title="Måking av trapp for eldre naboer",
    summary="En fast avtale mellom en ungdom og en nabo.",
    body="Trappa er måkt før klokka åtte.",
    language="nb",
    tags=("Snø", "nabo"),
)


def kinds(session):
    return list(session.scalars(select(Event.kind).order_by(col(Event.id))))


def draft(session, make, noon, person=None, lab=None, texts=WHOLE):
    lab = lab or make.lab()
    person = person or make.viewer(make.resident())
    return ideas.start_draft(session, lab_id=lab.id, texts=texts, person=person, now=noon), person


def public(session, make, noon, **more):
    idea, person = draft(session, make, noon, **more)
    ideas.hand_in(session, idea_id=idea.id, person=person, now=noon)
    return ideas.publish_idea(session, idea_id=idea.id, by_id=None, now=noon), person


# -- drafts


def test_a_draft_keeps_whatever_was_typed(session, make, noon):
    idea, person = draft(session, make, noon, texts=IdeaTexts(title="Må"))
    assert (idea.title, idea.publication, idea.author_id) == ("Må", Publication.DRAFT, person.person_id)


def test_a_draft_of_a_visitor_is_found_by_its_token_and_by_nothing_else(session, make, noon):
    lab, mine, other = make.lab(), claim_hash("mine"), claim_hash("other")
    idea = ideas.start_draft(session, lab_id=lab.id, texts=WHOLE, person=VISITOR, token_hash=mine, now=noon)
    again = replace(WHOLE, title="Et annet navn")
    ideas.save_draft(session, idea_id=idea.id, texts=again, person=VISITOR, token_hash=mine, now=noon)
    assert idea.title == "Et annet navn"
    for token in (other, None):
        with pytest.raises(NotFound):
            ideas.save_draft(
                session, idea_id=idea.id, texts=WHOLE, person=VISITOR, token_hash=token, now=noon
            )
    with pytest.raises(NotFound):
        ideas.save_draft(session, idea_id=idea.id, texts=WHOLE, person=make.viewer(), now=noon)


def test_a_draft_without_person_and_token_is_refused(session, make, noon):
    with pytest.raises(Forbidden, match="no-owner"):
        ideas.start_draft(session, lab_id=make.lab().id, texts=WHOLE, person=VISITOR, now=noon)


def test_signing_in_binds_every_draft_of_the_browser(session, make, noon):
    lab, token, person = make.lab(), claim_hash("t"), make.resident()
    for _ in range(2):
        ideas.start_draft(session, lab_id=lab.id, texts=WHOLE, person=VISITOR, token_hash=token, now=noon)
    assert ideas.claim_drafts(session, token_hash=token, person_id=person.id, now=noon) == 2
    assert ideas.claim_drafts(session, token_hash=token, person_id=make.resident().id, now=noon) == 0
    assert ideas.claim_drafts(session, token_hash=None, person_id=person.id, now=noon) == 0
    owners = session.execute(sa.select(col(Idea.author_id), col(Idea.claim_hash))).all()
    assert owners == [(person.id, None)] * 2


def test_signing_in_binds_the_picture_of_a_draft_and_nobody_elses(session, make, noon):
    person, other = make.resident(), make.resident()
    handed_in = [StoredFile(key=f"k{n}", width=9, height=9, created_at=noon) for n in (1, 2, 3)]
    handed_in[1].person_id = other.id
    session.add_all(handed_in)
    session.flush()
    for picture in handed_in[:2]:
        texts = replace(WHOLE, image_id=picture.id, image_alt="A bench")
        ideas.start_draft(
            session, lab_id=make.lab().id, texts=texts, person=VISITOR, token_hash=claim_hash("t"), now=noon
        )
    ideas.claim_drafts(session, token_hash=claim_hash("t"), person_id=person.id, now=noon)
    session.expire_all()
    assert [picture.person_id for picture in handed_in] == [person.id, other.id, None]


def test_a_text_that_is_too_long_is_cut_in_the_row_and_refused_when_sent(session, make, noon):
    idea, _ = draft(session, make, noon, texts=replace(WHOLE, title="x" * 130))
    assert len(idea.title) == 120


def test_control_marks_and_decomposed_letters_do_not_reach_the_row(session, make, noon):
    idea, _ = draft(session, make, noon, texts=replace(WHOLE, title="Ma\u030aking\x00 \u202eav  trapp\n"))
    assert idea.title == "Måking av trapp"


def test_a_draft_cannot_be_put_into_another_labs_challenge_or_category(session, make, noon):
    other = make.lab()
    for texts in (
        replace(WHOLE, challenge_id=make.challenge(other).id),
        replace(WHOLE, category_id=make.category(other).id),
        replace(WHOLE, challenge_id=make.challenge(other, state=ChallengeState.DRAFT).id),
    ):
        with pytest.raises(NotFound):
            draft(session, make, noon, texts=texts)


def test_unclaimed_drafts_go_after_ninety_days_and_claimed_ones_stay(session, make, noon):
    lab = make.lab()
    ideas.start_draft(session, lab_id=lab.id, texts=WHOLE, person=VISITOR, token_hash="x", now=noon)
    kept, _ = draft(session, make, noon, lab=lab)
    assert ideas.purge_drafts(session, noon + timedelta(days=90)) == 0
    assert ideas.purge_drafts(session, noon + timedelta(days=90, seconds=1)) == 1
    assert ideas.purge_drafts(session, noon + timedelta(days=91)) == 0
    assert list(session.scalars(select(Idea.id))) == [kept.id]


def test_a_draft_can_be_thrown_away_by_its_author_alone(session, make, noon):
    idea, person = draft(session, make, noon)
    with pytest.raises(NotFound):
        ideas.drop_draft(session, idea_id=idea.id, person=make.viewer())
    ideas.drop_draft(session, idea_id=idea.id, person=person)
    assert session.get(Idea, idea.id) is None


# -- handing in


def test_handing_in_makes_it_pending_and_writes_version_one(session, make, noon):
    idea, person = draft(session, make, noon)
    ideas.hand_in(session, idea_id=idea.id, person=person, now=noon)
    version = session.get_one(IdeaVersion, (idea.id, 1))
    assert (idea.publication, idea.submitted_at, version.title) == (Publication.PENDING, noon, WHOLE.title)
    assert kinds(session) == ["idea-submitted"]


def test_an_unconfirmed_persons_idea_stays_a_draft_that_wants_publishing(session, make, noon):
    person = make.resident(trust=0)
    idea, viewer = draft(session, make, noon, person=make.viewer(person))
    ideas.hand_in(session, idea_id=idea.id, person=viewer, now=noon)
    assert (idea.publication, idea.wants_publishing, kinds(session)) == (Publication.DRAFT, True, [])
    ideas.hand_in(session, idea_id=idea.id, person=replace(viewer, trust=1), now=noon + timedelta(hours=2))
    assert (idea.publication, idea.wants_publishing) == (Publication.PENDING, False)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"title": "Måke"}, "title-too-short"),
        ({"summary": ""}, "summary-missing"),
        ({"body": " "}, "body-missing"),
        ({"link": "javascript:alert(1)"}, "link-not-web"),
        ({"link": "http://[bad"}, "link-not-web"),
    ],
)
def test_an_incomplete_idea_is_refused_at_its_field(session, make, noon, change, code):
    idea, person = draft(session, make, noon, texts=replace(WHOLE, **change))
    with pytest.raises(Refused, match=code):
        ideas.hand_in(session, idea_id=idea.id, person=person, now=noon)
    assert (idea.publication, kinds(session)) == (Publication.DRAFT, [])


def test_only_the_author_hands_in(session, make, noon):
    idea, _ = draft(session, make, noon)
    for somebody in (VISITOR, make.viewer()):
        with pytest.raises(NotFound):
            ideas.hand_in(session, idea_id=idea.id, person=somebody, now=noon)


def test_an_idea_is_handed_in_once(session, make, noon):
    idea, person = draft(session, make, noon)
    ideas.hand_in(session, idea_id=idea.id, person=person, now=noon)
    with pytest.raises(Refused, match="already-sent"):
        ideas.hand_in(session, idea_id=idea.id, person=person, now=noon)


def test_the_fourth_idea_within_a_day_waits_until_tomorrow(session, make, noon):
    lab, person = make.lab(), make.viewer()
    for hour in range(3):
        idea, _ = draft(session, make, noon, person=person, lab=lab)
        ideas.hand_in(session, idea_id=idea.id, person=person, now=noon + timedelta(hours=hour))
    fourth, _ = draft(session, make, noon, person=person, lab=lab)
    with pytest.raises(TooMany, match="ideas-a-day"):
        ideas.hand_in(session, idea_id=fourth.id, person=person, now=noon + timedelta(hours=23))
    ideas.hand_in(session, idea_id=fourth.id, person=person, now=noon + timedelta(hours=24, seconds=1))


def test_an_idea_for_a_closed_challenge_is_refused_at_the_instant(session, make, noon):
    lab = make.lab()
    challenge = make.challenge(lab, closes_at=noon)
    idea, person = draft(session, make, noon, lab=lab, texts=replace(WHOLE, challenge_id=challenge.id))
    with pytest.raises(Refused, match="challenge-closed"):
        ideas.hand_in(session, idea_id=idea.id, person=person, now=noon)
    ideas.hand_in(session, idea_id=idea.id, person=person, now=noon - timedelta(seconds=1))


def test_a_returned_idea_comes_back_even_after_closing_and_does_not_count_twice(session, make, noon):
    lab = make.lab()
    challenge = make.challenge(lab, closes_at=noon + timedelta(hours=1))
    idea, person = draft(session, make, noon, lab=lab, texts=replace(WHOLE, challenge_id=challenge.id))
    ideas.hand_in(session, idea_id=idea.id, person=person, now=noon)
    ideas.set_publication(session, idea_id=idea.id, to=Publication.RETURNED, by_id=make.person().id, now=noon)
    later = noon + timedelta(days=2)
    better = replace(WHOLE, challenge_id=challenge.id, body="Nå med flere ord.")
    ideas.save_draft(session, idea_id=idea.id, texts=better, person=person, now=later)
    ideas.hand_in(session, idea_id=idea.id, person=person, now=later)
    assert session.get_one(IdeaVersion, (idea.id, 1)).body == "Nå med flere ord."
    assert kinds(session) == ["idea-submitted", "idea-returned", "idea-submitted"]


# -- publishing


def test_publishing_makes_numbers_credit_following_and_one_event(session, make, noon):
    idea, person = public(session, make, noon)
    assert (idea.publication, idea.published_at) == (Publication.PUBLISHED, noon)
    assert session.get_one(IdeaCount, idea.id).followers == 1
    assert session.get_one(Follow, (idea.id, person.person_id)).since == noon
    assert [c.kind for c in session.scalars(select(Credit))] == [CreditKind.AUTHOR]
    assert session.get_one(IdeaVersion, (idea.id, 1)).publication == Publication.PUBLISHED
    assert kinds(session) == ["idea-submitted", "idea-published"]


def test_publishing_twice_is_refused(session, make, noon):
    idea, _ = public(session, make, noon)
    with pytest.raises(Refused, match="already-published"):
        ideas.publish_idea(session, idea_id=idea.id, by_id=None, now=noon)


def test_a_draft_cannot_be_published_or_hidden(session, make, noon):
    idea, _ = draft(session, make, noon)
    with pytest.raises(Refused, match="not-sent-in"):
        ideas.publish_idea(session, idea_id=idea.id, by_id=None, now=noon)
    with pytest.raises(Refused, match="not-sent-in"):
        ideas.set_publication(session, idea_id=idea.id, to=Publication.HIDDEN, by_id=None, now=noon)


def test_hiding_and_restoring_keeps_the_day_of_publication(session, make, noon):
    idea, _ = public(session, make, noon)
    later = noon + timedelta(days=3)
    ideas.set_publication(session, idea_id=idea.id, to=Publication.HIDDEN, by_id=None, now=later)
    ideas.set_publication(session, idea_id=idea.id, to=Publication.HIDDEN, by_id=None, now=later)
    ideas.set_publication(session, idea_id=idea.id, to=Publication.PUBLISHED, by_id=None, now=later)
    assert (idea.publication, idea.published_at) == (Publication.PUBLISHED, noon)
    assert kinds(session)[2:] == ["idea-hidden", "idea-restored"]


def test_what_was_never_public_is_told_to_nobody_but_its_author(session, make, noon):
    idea, person = draft(session, make, noon)
    ideas.hand_in(session, idea_id=idea.id, person=person, now=noon)
    ideas.set_publication(session, idea_id=idea.id, to=Publication.REJECTED, by_id=None, now=noon)
    event = session.scalar(select(Event).where(Event.kind == "idea-rejected"))
    assert event is not None
    assert event.public is False


def test_a_rejected_idea_that_wins_its_appeal_is_published(session, make, noon):
    idea, person = draft(session, make, noon)
    ideas.hand_in(session, idea_id=idea.id, person=person, now=noon)
    ideas.set_publication(session, idea_id=idea.id, to=Publication.REJECTED, by_id=None, now=noon)
    ideas.set_publication(session, idea_id=idea.id, to=Publication.PUBLISHED, by_id=None, now=noon)
    assert (idea.publication, idea.published_at) == (Publication.PUBLISHED, noon)
    assert session.get(IdeaCount, idea.id) is not None


# -- withdrawing


def test_an_idea_with_few_supports_is_withdrawn(session, make, noon):
    idea, person = public(session, make, noon)
    ideas.withdraw_idea(session, idea_id=idea.id, person=person, now=noon)
    assert (idea.activity, idea.move, kinds(session)[-1]) == (Activity.WITHDRAWN, 1, "idea-withdrawn")
    with pytest.raises(Refused, match="idea-ended"):
        ideas.withdraw_idea(session, idea_id=idea.id, person=person, now=noon)


def test_an_idea_others_stand_behind_can_only_be_left(session, make, noon):
    idea, person = public(session, make, noon)
    with pytest.raises(Refused, match="can-be-withdrawn"):
        ideas.leave_idea(session, idea_id=idea.id, person=person, now=noon)
    session.get_one(IdeaCount, idea.id).supports = 4
    session.get_one(IdeaCount, idea.id).staff_supports = 1
    session.flush()
    with pytest.raises(Refused, match="others-support-it"):
        ideas.withdraw_idea(session, idea_id=idea.id, person=person, now=noon)
    ideas.leave_idea(session, idea_id=idea.id, person=person, now=noon)
    assert (idea.author_left_at, idea.activity) == (noon, Activity.ACTIVE)
    with pytest.raises(Forbidden, match="author-left"):
        ideas.withdraw_idea(session, idea_id=idea.id, person=person, now=noon)
    assert session.scalar(select(Credit.person_id)) == person.person_id


def test_nobody_else_withdraws_an_idea(session, make, noon):
    idea, _ = public(session, make, noon)
    for somebody in (VISITOR, make.viewer()):
        with pytest.raises(Forbidden, match="not-the-author"):
            ideas.withdraw_idea(session, idea_id=idea.id, person=somebody, now=noon)


# -- versions


def test_an_edit_waits_and_the_approved_text_stands_until_then(session, make, noon):
    idea, person = public(session, make, noon)
    better = replace(WHOLE, body="Nå også med sand.", gains="Naboene")
    version = ideas.edit_idea(session, idea_id=idea.id, texts=better, note="Sand", person=person, now=noon)
    assert (version.number, version.publication, idea.body) == (2, Publication.PENDING, WHOLE.body)
    ideas.approve_version(session, idea_id=idea.id, number=2, by_id=None, now=noon)
    assert (idea.body, idea.version, idea.gains) == ("Nå også med sand.", 2, "Naboene")
    event = session.scalar(select(Event).where(Event.kind == "idea-edited"))
    assert event.data == {"version": 2, "fields": ["body", "gains"], "looked_at": False}


def test_a_second_edit_takes_the_place_of_the_one_that_waits(session, make, noon):
    idea, person = public(session, make, noon)
    for body in ("Andre utkast.", "Tredje utkast."):
        texts = replace(WHOLE, body=body)
        ideas.edit_idea(session, idea_id=idea.id, texts=texts, note="Ny", person=person, now=noon)
    numbers = session.execute(
        sa.select(col(IdeaVersion.number), col(IdeaVersion.body)).order_by(col(IdeaVersion.number))
    )
    assert numbers.all() == [(1, WHOLE.body), (2, "Tredje utkast.")]


def test_a_returned_version_leaves_the_text_and_is_not_public(session, make, noon):
    idea, person = public(session, make, noon)
    ideas.edit_idea(
        session, idea_id=idea.id, texts=replace(WHOLE, body="Annet."), note="Ny", person=person, now=noon
    )
    ideas.refuse_version(session, idea_id=idea.id, number=2, to=Publication.RETURNED, by_id=None, now=noon)
    with pytest.raises(Refused, match="not-waiting"):
        ideas.approve_version(session, idea_id=idea.id, number=2, by_id=None, now=noon)
    third = ideas.edit_idea(
        session, idea_id=idea.id, texts=replace(WHOLE, body="Bedre."), note="Ny", person=person, now=noon
    )
    assert (third.number, idea.body) == (3, WHOLE.body)


def test_byline_tags_and_category_change_at_once_without_a_version(session, make, noon):
    lab = make.lab()
    idea, person = public(session, make, noon, lab=lab)
    category = make.category(lab)
    texts = replace(WHOLE, byline=Byline.RESIDENT, category_id=category.id, tags=("vinter",))
    assert ideas.edit_idea(session, idea_id=idea.id, texts=texts, note="", person=person, now=noon) is None
    assert (idea.byline, idea.category_id) == (Byline.RESIDENT, category.id)
    assert list(session.scalars(select(IdeaTag.tag))) == ["vinter"]
    assert session.scalar(select(Credit.byline)) == Byline.RESIDENT


def test_an_edit_needs_a_change_a_note_and_the_author(session, make, noon):
    idea, person = public(session, make, noon)
    changed = replace(WHOLE, body="Annet.")
    with pytest.raises(Refused, match="nothing-changed"):
        ideas.edit_idea(session, idea_id=idea.id, texts=WHOLE, note="Ny", person=person, now=noon)
    with pytest.raises(Refused, match="note-missing"):
        ideas.edit_idea(session, idea_id=idea.id, texts=changed, note=" ", person=person, now=noon)
    with pytest.raises(Refused, match="note-too-long"):
        ideas.edit_idea(session, idea_id=idea.id, texts=changed, note="x" * 201, person=person, now=noon)
    with pytest.raises(Forbidden, match="not-the-author"):
        ideas.edit_idea(session, idea_id=idea.id, texts=changed, note="Ny", person=make.viewer(), now=noon)


# -- conversation


def say(session, idea, person, now, kind=CommentKind.CONCERN, body="Blir det glatt?", **more):
    return ideas.write_comment(
        session, idea_id=idea.id, person=person, kind=kind, body=body, language="nb", now=now, **more
    )


def test_a_comment_waits_until_it_is_published_and_is_counted_then(session, make, noon):
    idea = make.idea()
    comment = say(session, idea, make.viewer(), noon)
    assert (comment.publication, session.get_one(IdeaCount, idea.id).comments) == (Publication.PENDING, 0)
    ideas.publish_comment(session, comment_id=comment.id, by_id=None, now=noon)
    ideas.publish_comment(session, comment_id=comment.id, by_id=None, now=noon)
    session.expire_all()
    assert (session.get_one(IdeaCount, idea.id).comments, kinds(session)) == (1, ["comment-published"])


def test_hiding_restoring_and_deleting_keep_the_count_right(session, make, noon):
    idea, person = make.idea(), make.viewer()
    comment = say(session, idea, person, noon)
    for to, shown in ((Publication.PUBLISHED, 1), (Publication.HIDDEN, 0), (Publication.PUBLISHED, 1)):
        ideas.set_comment_publication(session, comment_id=comment.id, to=to, by_id=None, now=noon)
        session.expire_all()
        assert session.get_one(IdeaCount, idea.id).comments == shown
    ideas.delete_comment(session, comment_id=comment.id, person=person, now=noon)
    session.expire_all()
    assert (session.get_one(IdeaCount, idea.id).comments, comment.body) == (0, "")
    assert kinds(session) == ["comment-published", "comment-hidden", "comment-restored", "comment-deleted"]


def test_an_unconfirmed_persons_comment_is_a_draft(session, make, noon):
    comment = say(session, make.idea(), make.viewer(make.resident(trust=0)), noon)
    assert comment.publication == Publication.DRAFT


def test_an_answer_to_an_answer_joins_the_same_thread(session, make, noon):
    idea = make.idea()
    first = make.comment(idea)
    reply = make.comment(idea, parent_id=first.id)
    answer = say(session, idea, make.viewer(), noon, parent_id=reply.id)
    assert answer.parent_id == first.id


def test_an_answer_to_another_ideas_comment_is_refused(session, make, noon):
    idea, elsewhere = make.idea(), make.comment(make.idea())
    hidden = make.comment(idea, publication=Publication.HIDDEN)
    for parent in (elsewhere, hidden):
        with pytest.raises(NotFound, match="no-such-comment"):
            say(session, idea, make.viewer(), noon, parent_id=parent.id)


def test_the_same_words_sent_twice_are_one_comment(session, make, noon):
    idea, person = make.idea(), make.viewer()
    first = say(session, idea, person, noon)
    assert say(session, idea, person, noon + timedelta(seconds=5)).id == first.id
    assert say(session, idea, person, noon + timedelta(minutes=3)).id != first.id


def test_a_comment_is_refused_where_it_cannot_stand(session, make, noon):
    person = make.viewer()
    with pytest.raises(Forbidden, match="sign-in-first"):
        say(session, make.idea(), VISITOR, noon)
    with pytest.raises(NotFound):
        say(session, make.idea(publication=Publication.PENDING), person, noon)
    with pytest.raises(Refused, match="talk-closed"):
        say(session, make.idea(activity=Activity.MERGED), person, noon)
    with pytest.raises(Refused, match="comment-empty"):
        say(session, make.idea(), person, noon, body=" \u200b ")
    with pytest.raises(Refused, match="body-too-long"):
        say(session, make.idea(), person, noon, body="x" * 2001)
    assert session.scalar(select(sa.func.count()).select_from(Comment)) == 0


def test_nobody_writes_more_than_thirty_comments_an_hour(session, make, noon):
    idea, person = make.idea(), make.viewer()
    for n in range(30):
        say(session, idea, person, noon + timedelta(seconds=n), body=f"Tanke {n}")
    with pytest.raises(TooMany, match="comments-an-hour"):
        say(session, idea, person, noon + timedelta(minutes=59), body="Enda en")
    say(session, idea, person, noon + timedelta(minutes=61), body="Enda en")


def test_a_comment_can_be_changed_for_fifteen_minutes_by_its_author(session, make, noon):
    author = make.resident()
    comment = make.comment(make.idea(), author=author, created_at=noon)
    late = noon + timedelta(minutes=15)
    ideas.edit_comment(session, comment_id=comment.id, body="Bedre ord", person=make.viewer(author), now=late)
    assert (comment.body, comment.edited_at) == ("Bedre ord", late)
    with pytest.raises(Refused, match="edit-too-late"):
        ideas.edit_comment(
            session,
            comment_id=comment.id,
            body="For sent",
            person=make.viewer(author),
            now=late + timedelta(seconds=1),
        )
    with pytest.raises(Forbidden, match="not-the-author"):
        ideas.edit_comment(session, comment_id=comment.id, body="Min", person=make.viewer(), now=noon)


def test_a_comment_that_was_moderated_is_not_deleted_by_its_author(session, make, noon):
    author = make.resident()
    comment = make.comment(make.idea(), author=author, publication=Publication.HIDDEN)
    with pytest.raises(Refused, match="under-moderation"):
        ideas.delete_comment(session, comment_id=comment.id, person=make.viewer(author), now=noon)
    with pytest.raises(NotFound, match="no-such-comment"):
        ideas.delete_comment(session, comment_id=comment.id, person=make.viewer(), now=noon)


@pytest.mark.parametrize("who", ["finder", "author", "lead", "facilitator"])
def test_a_problem_is_marked_as_answered_and_its_finder_credited(session, make, noon, who):
    lab = make.lab()
    people = {"finder": make.resident(), "author": make.resident(), "lead": make.lead(lab)}
    people["facilitator"] = make.facilitator(lab)
    idea = make.idea(lab, author=people["author"], lead_id=people["lead"].id)
    comment = make.comment(idea, author=people["finder"], kind=CommentKind.PROBLEM)
    actor = make.viewer(people[who])
    ideas.resolve_problem(session, comment_id=comment.id, note="Bredden er 3,2 m", person=actor, now=noon)
    given = session.scalars(select(Credit).where(Credit.kind == CreditKind.PROBLEM)).all()
    assert ([c.person_id for c in given], comment.resolution) == ([people["finder"].id], "Bredden er 3,2 m")
    with pytest.raises(Refused, match="already-resolved"):
        ideas.resolve_problem(session, comment_id=comment.id, note="Igjen", person=actor, now=noon)
    assert kinds(session) == ["problem-resolved"]


def test_a_problem_is_not_marked_by_anybody_else_nor_without_words(session, make, noon):
    idea, finder = make.idea(), make.resident()
    problem = make.comment(idea, author=finder, kind=CommentKind.PROBLEM)
    concern = make.comment(idea, author=finder, kind=CommentKind.CONCERN)
    with pytest.raises(Forbidden, match="not-yours-to-resolve"):
        ideas.resolve_problem(session, comment_id=problem.id, note="Ok", person=make.viewer(), now=noon)
    with pytest.raises(Refused, match="note-missing"):
        ideas.resolve_problem(session, comment_id=problem.id, note="", person=make.viewer(finder), now=noon)
    with pytest.raises(Refused, match="not-a-problem"):
        ideas.resolve_problem(session, comment_id=concern.id, note="Ok", person=make.viewer(finder), now=noon)


# -- following and credits


def test_following_twice_counts_once_and_can_be_undone(session, make, noon):
    idea, person = make.idea(), make.viewer()
    assert ideas.follow_idea(session, idea_id=idea.id, person=person, now=noon) is True
    assert ideas.follow_idea(session, idea_id=idea.id, person=person, now=noon) is False
    session.expire_all()
    assert session.get_one(IdeaCount, idea.id).followers == 2
    assert ideas.unfollow_idea(session, idea_id=idea.id, person=person) is True
    assert ideas.unfollow_idea(session, idea_id=idea.id, person=person) is False
    session.expire_all()
    assert session.get_one(IdeaCount, idea.id).followers == 1


def test_what_cannot_be_seen_cannot_be_followed(session, make, noon):
    with pytest.raises(Forbidden, match="sign-in-first"):
        ideas.follow_idea(session, idea_id=make.idea().id, person=VISITOR, now=noon)
    for idea_id in (make.idea(publication=Publication.HIDDEN).id, 999_999):
        with pytest.raises(NotFound):
            ideas.follow_idea(session, idea_id=idea_id, person=make.viewer(), now=noon)


def test_a_credit_is_written_once(session, make, noon):
    idea, person = make.idea(), make.resident()
    given = {"idea_id": idea.id, "person_id": person.id, "kind": CreditKind.SUGGESTION, "now": noon}
    assert [ideas.credit(session, **given), ideas.credit(session, **given)] == [True, False]


def test_the_ball_and_the_late_mark_are_noted(session, make, noon):
    idea = make.idea()
    ideas.pass_ball(session, idea_id=idea.id, now=noon, due_at=noon + timedelta(days=3))
    ideas.mark_late(session, idea_id=idea.id, since=noon)
    session.expire_all()
    assert (idea.waits_since, idea.due_at, idea.late_since) == (noon, noon + timedelta(days=3), noon)


# -- the journal


@pytest.mark.parametrize("statement", ["UPDATE event SET kind = 'x'", "DELETE FROM event"])
def test_the_journal_cannot_be_rewritten(session, make, noon, statement):
    public(session, make, noon)
    with pytest.raises(DatabaseError, match="append-only"), session.begin_nested():
        session.execute(sa.text(statement))
    assert kinds(session) == ["idea-submitted", "idea-published"]
