"""The pages: who may open them, what they show, and what they answer when two people meet."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from livinglab.core.clock import utc_now
from livinglab.handoff.models import HandoffState
from livinglab.ideas.models import Activity, Idea, Stage
from livinglab.people.models import RoleGrant
from livinglab.pipeline.commands import confirm, propose
from livinglab.pipeline.models import DecisionOutcome, Evidence, GateDecision, Proposal, ProposalState
from livinglab.pipeline.rules import Draft
from tests.pipeline.conftest import REASON, advance


@pytest.fixture
def enter(app, stored, sign_in):
    """Give a browser in which somebody is signed in."""
    return lambda name: sign_in(app.test_client(), stored.people[name])


def _proposed(database, place, review, draft=None, name="facilitator"):
    with database.writing() as session:
        return propose(
            session,
            review_id=review.id,
            draft=draft or advance(),
            person=place.viewer_of[name],
            now=utc_now(),
        ).id


@pytest.fixture
def at_gate(stored):
    """An idea in review with everything met, and everybody as the rules see them."""
    idea, review = stored.ready()
    stored.viewer_of = {name: stored.viewer(name) for name in ("facilitator", "manager", "lead")}
    return idea, review


def test_two_people_decide_in_the_browser_and_everybody_reads_it(database, stored, at_gate, enter, client):
    idea, review = at_gate
    page = enter("facilitator").get(f"/reviews/{review.id}")
    assert page.status_code == 200
    sent = enter("facilitator").post(
        f"/reviews/{review.id}/propose", data={"outcome": "advance", "reason": REASON}
    )
    assert (sent.status_code, sent.location) == (303, f"/reviews/{review.id}")
    with database.reading() as session:
        proposal = session.scalars(select(Proposal)).one()
    read = enter("manager").get(f"/reviews/{review.id}")
    assert REASON in read.text
    done = enter("manager").post(f"/proposals/{proposal.id}/confirm", data={"version": "1"})
    assert done.status_code == 303
    shown = client.get(done.location)
    assert shown.status_code == 200
    assert all(
        word in shown.text
        for word in (REASON, stored.people["facilitator"].name, stored.people["manager"].name)
    )
    assert not shown.headers.getlist("Set-Cookie")
    assert enter("lead").get(f"/reviews/{review.id}").location == done.location
    with database.reading() as session:
        assert session.get(Idea, idea.id).stage is Stage.CONCEPT


def test_a_proposal_edited_meanwhile_is_told_and_shown_anew(database, stored, at_gate, enter):
    _, review = at_gate
    number = _proposed(database, stored, review)
    edited = enter("facilitator").post(
        f"/proposals/{number}/edit",
        data={"outcome": "rework", "reason": "First ask the neighbours.", "version": "1"},
    )
    assert edited.status_code == 303
    answer = enter("manager").post(f"/proposals/{number}/confirm", data={"version": "1"})
    assert answer.status_code == 409
    assert "was changed after you opened it" in answer.text
    assert "First ask the neighbours." in answer.text
    with database.reading() as session:
        assert session.scalars(select(GateDecision)).all() == []


def _roles_end(session, person):
    session.execute(
        sa.update(RoleGrant).where(col(RoleGrant.person_id) == person.id).values(ended_at=utc_now())
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ("facilitator", "no longer decides here"),
        ("lead", "this criterion can never be passed over"),
        ("day", "Choose a day within the next 180 days."),
    ],
)
def test_confirm_is_drawn_only_where_it_would_be_done_and_the_page_says_why_not(
    database, stored, at_gate, enter, changed, said
):
    _, review = at_gate
    today = utc_now().date()
    hold = Draft(DecisionOutcome.HOLD, REASON, hold_until=today + timedelta(days=9))
    number = _proposed(database, stored, review, draft=hold if changed == "day" else advance())
    manager, page = enter("manager"), f"/reviews/{review.id}?lang=en"
    assert "Confirm exactly this" in manager.get(page).text
    with database.writing() as session:
        if changed == "day":
            session.get(Proposal, number).hold_until = today - timedelta(days=1)
        else:
            _roles_end(session, stored.people[changed])
    shown = manager.get(page).text
    assert "Confirm exactly this" not in shown
    assert said in shown
    assert "Send it back" in shown
    refused = manager.post(f"/proposals/{number}/confirm?lang=en", data={"version": "1"})
    assert (refused.status_code, said in refused.text) == (409, True)


MINE = {"outcome": "rework", "reason": "Mine: first ask the neighbours.", "version": "1"}


def test_a_second_decider_keeps_the_own_words_beside_the_first_proposal_until_they_can_be_signed(
    database, stored, at_gate, enter
):
    _, review = at_gate
    number, lead = _proposed(database, stored, review), enter("lead")
    answer = lead.post(f"/reviews/{review.id}/propose?lang=en", data=MINE)
    assert answer.status_code == 409
    for words in (REASON, MINE["reason"], "Confirm exactly this", f"/proposals/{number}/return"):
        assert words in answer.text
    back = lead.post(f"/proposals/{number}/return", data=MINE | {"note": ""})
    assert (back.status_code, MINE["reason"] in back.text) == (422, True)
    back = lead.post(f"/proposals/{number}/return", data=MINE | {"note": "Who pays?"})
    assert (back.status_code, MINE["reason"] in back.text) == (200, True)
    assert f'action="/reviews/{review.id}/propose' in back.text
    assert lead.post(f"/reviews/{review.id}/propose", data=MINE).status_code == 303


def test_words_changed_while_the_proposal_was_sent_back_or_changed_elsewhere_are_kept(
    database, stored, at_gate, enter
):
    _, review = at_gate
    number, writer = _proposed(database, stored, review), enter("facilitator")
    url = f"/proposals/{number}/edit?lang=en"
    assert writer.post(url, data=MINE).status_code == 303
    again = writer.post(url, data=MINE | {"reason": "From the other window."})
    assert again.status_code == 422
    for words in ("From the other window.", MINE["reason"], 'name="version" value="2"'):
        assert words in again.text
    enter("manager").post(f"/proposals/{number}/return", data={"note": "Who pays?", "version": "2"})
    gone = writer.post(url, data=MINE | {"reason": "Written meanwhile.", "version": "2"})
    assert (gone.status_code, "Written meanwhile." in gone.text) == (409, True)
    assert f'action="/reviews/{review.id}/propose' in gone.text


def test_words_written_while_the_review_was_closed_are_on_the_page(database, stored, at_gate, enter):
    _, review = at_gate
    number = _proposed(database, stored, review, advance())
    with database.writing() as session:
        confirm(session, proposal_id=number, version=1, person=stored.viewer_of["manager"], now=utc_now())
    late = enter("lead").post(f"/reviews/{review.id}/propose", data=MINE)
    assert (late.status_code, MINE["reason"] in late.text) == (409, True)


def test_a_bad_form_keeps_what_was_typed(enter, at_gate):
    _, review = at_gate
    answer = enter("lead").post(
        f"/reviews/{review.id}/propose", data={"outcome": "hold", "reason": "Not before the budget is in."}
    )
    assert answer.status_code in (409, 422)
    assert "Not before the budget is in." in answer.text
    assert "Choose the day on which the idea is taken up again." in answer.text


def test_what_is_missing_is_told_in_the_order_of_the_page(at_gate, enter):
    _, review = at_gate
    page = enter("lead").post(f"/reviews/{review.id}/propose?lang=en", data={}).text.split("</ul>")[0:9]
    told = next(part for part in page if "Not sent yet" in part).split("Not sent yet")[1]
    assert told.index("What do you decide?") < told.index("The reason, in your own words")


def test_sending_back_needs_a_note(database, stored, at_gate, enter):
    _, review = at_gate
    number = _proposed(database, stored, review)
    assert (
        enter("lead").post(f"/proposals/{number}/return", data={"note": "", "version": "1"}).status_code
        == 422
    )
    sent = enter("lead").post(f"/proposals/{number}/return", data={"note": "Who pays?", "version": "1"})
    assert sent.status_code == 303
    page = enter("facilitator").get(f"/reviews/{review.id}?lang=en").text
    assert "Who pays?" in page.split("What you wrote stands below")[0].split("<h2>Decision</h2>")[1]
    assert f">\r\n{REASON}</textarea>" in page, "nobody writes a decision twice"
    assert "What you wrote stands below" not in enter("manager").get(f"/reviews/{review.id}?lang=en").text
    with database.reading() as session:
        assert session.get(Proposal, number).state is ProposalState.RETURNED


@pytest.mark.parametrize(
    "path",
    ["/board", "/work", "/reviews/{review}", "/ideas/{idea}/gate", "/ideas/{idea}/lead",
     "/ideas/{idea}/next-step",
     "/ideas/{idea}/evidence/mandate", "/ideas/{idea}/benefits", "/ideas/{idea}/open-review"],
)  # fmt: skip
def test_work_pages_are_for_people_who_work_here(client, enter, at_gate, path):
    idea, review = at_gate
    address = path.format(idea=idea.id, review=review.id)
    assert client.get(address).status_code == 303
    assert enter("resident").get(address).status_code == 403


def test_staff_of_another_lab_stay_outside(app, make, at_gate, sign_in):
    idea, review = at_gate
    stranger = sign_in(app.test_client(), make.manager(make.lab()))
    for address in (f"/ideas/{idea.id}/gate", f"/ideas/{idea.id}/next-step"):
        assert stranger.get(address).status_code == 403
    assert stranger.get(f"/reviews/{review.id}").status_code == 404  # as if there were none


def test_evidence_lead_and_next_step_in_the_browser(database, stored, enter):
    idea = stored.idea(Stage.CONCEPT, lead=None)
    sent = enter("manager").post(f"/ideas/{idea.id}/lead", data={"lead_id": str(stored.people["lead"].id)})
    assert sent.status_code == 303
    lead = enter("lead")
    assert lead.get(f"/ideas/{idea.id}/evidence/responses").status_code == 200
    assert lead.post(f"/ideas/{idea.id}/evidence/responses", data={"text": "many"}).status_code == 422
    added = lead.post(f"/ideas/{idea.id}/evidence/responses", data={"number": "15", "text": "residents"})
    assert added.status_code == 303
    assert (
        lead.post(
            f"/ideas/{idea.id}/next-step", data={"step": "Ask the school", "who": "", "by": ""}
        ).status_code
        == 303
    )
    page = lead.get(f"/ideas/{idea.id}/gate")
    assert page.status_code == 200
    assert "Ask the school" in page.text
    step = f"/ideas/{idea.id}/next-step?lang=en"
    assert 'value="Ask the school"' in lead.get(step).text
    assert lead.post(step, data={"do": "done"}).status_code == 303
    assert "Ask the school" not in lead.get(f"/ideas/{idea.id}/gate").text
    assert "Done: Ask the school" in lead.get(f"/ideas/{idea.id}?lang=en").text
    assert "because nobody named one" in lead.get(step).text
    same = {"lead_id": str(stored.people["lead"].id)}
    again = enter("manager").post(f"/ideas/{idea.id}/lead?lang=en", data=same, follow_redirects=True)
    assert "named and told" not in again.text
    with database.reading() as session:
        number = session.scalars(select(Evidence.id)).one()
    assert lead.post(f"/evidence/{number}/withdraw").status_code == 303
    assert (
        enter("lead").post(f"/ideas/{idea.id}/open-review", data={"reason": "All is in."}).status_code == 303
    )
    assert "/reviews/" in lead.get(f"/ideas/{idea.id}/gate").location


def test_a_benefit_is_planned_and_measured_in_the_browser(database, stored, enter):
    idea = stored.idea(Stage.SERVICE)
    today = utc_now().date()
    lead = enter("lead")
    plan = {
        "label": "Calls", "unit": "a week", "baseline": "31,5", "target": "18",
        "baseline_on": today.isoformat(),
        "measure_next": (today + timedelta(days=30)).isoformat(),
    }  # fmt: skip
    assert lead.post(f"/ideas/{idea.id}/benefits", data=plan).status_code == 303
    page = lead.get(f"/ideas/{idea.id}/benefits")
    assert "31.5" in page.text
    assert lead.get("/benefits/1/measure").status_code == 200
    assert (
        lead.post(
            "/benefits/1/measure", data={"measured": "20", "measured_on": today.isoformat()}
        ).status_code
        == 303
    )


def test_a_card_on_its_first_day_waits_since_today_and_not_for_no_days(stored, enter):
    idea = stored.idea(Stage.CONCEPT, waits_since=utc_now())
    stored.handoff(idea, state=HandoffState.ASSIGNED, outcome=None, decided_at=None)
    page = enter("lead").get("/board?lang=en").text
    assert "since today" in page
    assert '<b class="num">0</b>' not in page


def test_the_boards_filter_leaves_no_empty_names_in_the_address(stored, enter):
    asked = f"/board?show=late&lab={stored.lab.id}&challenge=&unit=&lead="
    assert enter("lead").get(asked).location == f"/board?show=late&lab={stored.lab.id}"


def test_the_board_keeps_its_filters_in_the_address(stored, enter):
    late = stored.idea(Stage.CONCEPT, title="Late and alone", due_at=utc_now() - timedelta(days=3))
    stored.idea(Stage.CONCEPT, title="Quite in time")
    page = enter("lead").get(f"/board?show=late&lab={stored.lab.id}&stage=concept")
    assert page.status_code == 200
    assert ("Late and alone" in page.text, "Quite in time" in page.text) == (True, False)
    assert f"/ideas/{late.id}/gate" in page.text
    assert enter("lead").get("/board?after=nonsense&stage=idea&lab=999999&lead=x").status_code == 200


@pytest.mark.parametrize("activity", list(Activity))
@pytest.mark.parametrize("stage", list(Stage))
def test_every_stage_and_activity_draws_a_gate_and_a_board(stored, enter, stage, activity):
    idea = stored.idea(stage, activity=activity)
    browser = enter("manager")
    page = browser.get(f"/ideas/{idea.id}/gate", follow_redirects=True)
    assert page.status_code == 200
    assert browser.get("/board").status_code == 200


def test_my_work_says_why_and_when_it_is_empty(stored, enter):
    assert "Nothing waits for you" in enter("lead").get("/work").text
    idea = stored.idea()
    stored.make.review(idea)
    stored.handoff(idea, state=HandoffState.ASSIGNED)
    page = enter("member").get("/work")
    assert "Agree to assess it" in page.text
    assert "about 3 minutes" in page.text


def test_my_work_shows_the_beginning_of_each_lane_and_the_whole_lane_in_pages(stored, enter, monkeypatch):
    monkeypatch.setattr("livinglab.pipeline.views.work.FIRST", 2)
    monkeypatch.setattr("livinglab.pipeline.views.work.PAGE", 3)
    ids = []
    for _ in range(4):
        idea = stored.idea()
        stored.make.review(idea)
        ids.append(stored.handoff(idea, state=HandoffState.ASSIGNED).id)
    browser = enter("member")

    def shown(address):
        page = browser.get(address).text
        return [int(number) for number in re.findall(r'href="/handoffs/([0-9]+)', page)], page

    first, page = shown("/work?lang=en")
    (whole,) = re.findall(r'href="(/work\?lane=\w+)[^"]*"', page)
    assert (len(first), "Show all 4" in page, "4 things wait for you" in page) == (2, True, True)
    one, page = shown(whole)
    assert (len(one), "page=2" in page) == (3, True)
    two, page = shown(f"{whole}&page=2")
    assert sorted(one + two) == sorted(ids)
    assert "page=3" not in page


def test_a_hidden_ideas_decision_is_not_found(database, stored, at_gate, client):
    idea, review = at_gate
    number = _proposed(database, stored, review, Draft(DecisionOutcome.REWORK, REASON))
    with database.writing() as session:
        made = confirm(
            session, proposal_id=number, version=1, person=stored.viewer_of["manager"], now=utc_now()
        )
        session.get(Idea, idea.id).publication = "hidden"
    assert client.get(f"/gate-decisions/{made.id}").status_code == 404
