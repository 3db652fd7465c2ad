"""Who may open what: every route, every role, the own lab and a foreign one. Source: DOMAIN section 3, rule I-11.

Each line of ``ROUTES`` is a request and what it answers to whom; no route may be missing. All cells run
on one lab in which something waits at every desk (``tests/town.py``); what a request writes is forgotten
before the next one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask, url_for
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from livinglab.core.clock import utc_now
from livinglab.core.db import Database
from livinglab.people.commands import open_device
from livinglab.web.access import mark_of
from tests.security.ledger import Tried
from tests.town import SLUG, Town, build_town

FOREIGN_STAFF = ("foreign_facilitator", "foreign_lead", "foreign_member", "foreign_manager")
OTHER_WRITERS = "foreign_facilitator foreign_lead foreign_manager"
"""Who may write challenges, of another lab: to them a challenge's rooms do not exist."""
STAFF = ("facilitator", "lead", "member", "manager")
ROLES = ("visitor", "resident", "author", *STAFF, "admin", "foreign_author", *FOREIGN_STAFF)
Row = dict[str, int]


def anybody(status: int) -> Row:
    """The same answer for everybody."""
    return dict.fromkeys(ROLES, status)


def signed_in(status: int, *, visitor: int = 303) -> Row:
    """One answer for everybody with an account; a visitor is sent to sign-in."""
    return anybody(status) | {"visitor": visitor}


def only(*, rest: int = 403, visitor: int = 303, **named: str) -> Row:
    """``s200="lead manager"``: these get that answer, a visitor is sent to sign-in, the others get ``rest``."""
    row = signed_in(rest, visitor=visitor)
    for status, roles in named.items():
        for role in roles.replace("foreign_staff", " ".join(FOREIGN_STAFF)).split():
            row[role] = int(status.removeprefix("s"))
    return row


ROUTES: dict[str, Row] = {
    "GET accounts.arrive": anybody(200),
    "POST accounts.arrive_now": anybody(303),
    "POST accounts.change_address": signed_in(422),
    "POST accounts.change_password": signed_in(422),
    "POST accounts.ask_again": signed_in(303),
    "GET accounts.confirm": anybody(200),
    "POST accounts.confirm_now": anybody(303),
    "GET accounts.delete": signed_in(200),
    "POST accounts.delete": signed_in(422),
    "GET accounts.own_file": signed_in(200),
    "POST accounts.own_file": signed_in(200),
    "GET accounts.demo_letter": anybody(404),
    "GET accounts.demo_mail": anybody(404),
    "POST accounts.demo_sign_in": anybody(404),
    "POST accounts.end_other_devices": anybody(303),
    "GET accounts.link": anybody(200),
    "POST accounts.link": anybody(422),
    "GET accounts.mail_sent": anybody(200),
    "GET accounts.new_address": anybody(200),
    "POST accounts.new_address_now": anybody(303),
    "POST accounts.not_me": anybody(409),
    "POST accounts.photo": signed_in(422),
    "GET accounts.register": signed_in(303, visitor=200),
    "POST accounts.register": signed_in(303, visitor=422),
    "POST accounts.remove_photo": anybody(303),
    "GET accounts.reset": anybody(200),
    "POST accounts.reset": anybody(422),
    "GET accounts.security": signed_in(200),
    "POST accounts.send_again": signed_in(409),
    "GET accounts.set_password": anybody(200),
    "POST accounts.set_password": anybody(422),
    "GET accounts.settings": signed_in(200),
    "POST accounts.settings": signed_in(422),
    "GET accounts.sign_in": signed_in(303, visitor=200),
    "POST accounts.sign_in": signed_in(303, visitor=422),
    "POST accounts.sign_out": anybody(303),
    "GET admin.home": only(s200="admin"),
    "POST admin.manage": only(s303="admin"),
    "GET admin.new_lab": only(s200="admin"),
    "POST admin.new_lab": only(s422="admin"),
    "GET challenges.index": anybody(200),
    "GET challenges.page": anybody(200),
    "GET editing.audiences": only(s200="facilitator lead manager", s404=OTHER_WRITERS),
    "POST editing.audiences": only(s303="facilitator lead manager", s404=OTHER_WRITERS),
    "GET editing.card": only(s200="facilitator lead manager", s404=OTHER_WRITERS),
    "POST editing.card": only(s422="facilitator lead manager", s404=OTHER_WRITERS),
    "GET editing.close": only(s200="manager", s404="foreign_manager"),
    "POST editing.close": only(s422="manager", s404="foreign_manager"),
    "GET editing.conclude": only(s200="manager", s404="foreign_manager"),
    "POST editing.conclude": only(s422="manager", s404="foreign_manager"),
    "GET editing.home": only(s200="facilitator lead manager", s404=OTHER_WRITERS),
    "GET editing.index": only(s200="facilitator lead manager"),
    "GET editing.measured": only(s200="facilitator lead manager", s404=OTHER_WRITERS),
    "POST editing.measured": only(s422="facilitator lead manager", s404=OTHER_WRITERS),
    "GET editing.measures": only(s200="facilitator lead manager", s404=OTHER_WRITERS),
    "POST editing.measures": only(s303="facilitator lead manager", s404=OTHER_WRITERS),
    "GET editing.new": only(s200="facilitator lead manager"),
    "POST editing.new": only(s303="facilitator lead manager"),
    "POST editing.open_it": only(s409="manager", s404="foreign_manager"),
    "GET editing.times": only(s200="facilitator lead manager", s404=OTHER_WRITERS),
    "POST editing.times": only(s422="facilitator lead manager", s404=OTHER_WRITERS),
    "GET front.home": anybody(200),
    "GET front.late": anybody(200),
    "POST handoff.acknowledge": only(s404="foreign_staff", s409="member manager"),
    "GET handoff.assign": only(s200="facilitator lead member manager", s404="foreign_staff"),
    "POST handoff.assign": only(s422="facilitator lead member manager", s404="foreign_staff"),
    "POST handoff.begin": only(s404="foreign_staff", s409="member manager"),
    "POST handoff.case": only(s303="member manager", s404="foreign_staff"),
    "GET handoff.correct": only(s200="member manager", s404="foreign_staff"),
    "POST handoff.correct": only(s404="foreign_staff", s422="member manager"),
    "GET handoff.edit": only(s200="member", s404="foreign_staff"),
    "POST handoff.edit": only(s404="foreign_staff", s422="member"),
    "GET handoff.extend": only(s200="member manager", s404="foreign_staff"),
    "POST handoff.extend": only(s404="foreign_staff", s422="member manager"),
    "GET handoff.index": only(s200="facilitator lead member manager foreign_staff"),
    "GET handoff.page": only(s200="facilitator lead member manager", s404="foreign_staff"),
    "POST handoff.publish": only(s303="lead manager", s404="foreign_staff"),
    "POST handoff.resume": only(s404="foreign_staff", s409="member manager"),
    "GET handoff.return_answer": only(s200="lead manager", s404="foreign_staff"),
    "POST handoff.return_answer": only(s404="foreign_staff", s422="lead manager"),
    "GET handoff.route": only(s200="facilitator lead manager"),
    "POST handoff.route": only(s422="facilitator lead manager"),
    "GET handoff.route_again": only(
        s404="foreign_facilitator foreign_lead foreign_manager", s409="facilitator lead manager"
    ),
    "POST handoff.route_again": only(
        s404="foreign_facilitator foreign_lead foreign_manager", s409="facilitator lead manager"
    ),
    "GET handoff.send_back": only(s200="member manager", s404="foreign_staff"),
    "POST handoff.send_back": only(s404="foreign_staff", s422="member manager"),
    "POST handoff.take": only(s303="member", s404="foreign_staff", s409="facilitator lead manager"),
    "GET handoff.wait": only(s200="member manager", s404="foreign_staff"),
    "POST handoff.wait": only(s404="foreign_staff", s422="member manager"),
    "POST handoff.withdraw": only(s303="member", s404="foreign_staff"),
    "GET handoff.write": only(s200="member manager", s404="foreign_staff"),
    "POST handoff.write": only(s404="foreign_staff", s422="member manager"),
    "GET health.alive": anybody(200),
    "GET health.ready": anybody(503),
    "GET ideas.alike_titles": anybody(200),
    "GET ideas.call_back": only(s200="author", rest=404, s403="facilitator manager"),
    "POST ideas.call_back": only(s303="author", rest=404, s403="facilitator manager"),
    "GET ideas.change_comment": only(s200="author"),
    "POST ideas.change_comment": only(s422="author"),
    "GET ideas.conversation": anybody(200),
    "GET ideas.find_comment": anybody(302),
    "GET ideas.comment": signed_in(200),
    "POST ideas.comment": signed_in(303),
    "GET ideas.drop": only(s200="author", rest=404, visitor=404),
    "POST ideas.drop": only(s303="author", rest=404, visitor=404),
    "GET ideas.drop_comment": only(s200="author"),
    "POST ideas.drop_comment": only(s303="author"),
    "GET ideas.edit": only(s200="author"),
    "POST ideas.edit": only(s422="author"),
    "POST ideas.follow": anybody(303),
    "GET ideas.index": anybody(200),
    "GET ideas.page": anybody(200),
    "POST ideas.preview": anybody(200),
    "GET ideas.resolve": only(s200="author facilitator manager"),
    "POST ideas.resolve": only(s422="author facilitator manager"),
    "GET ideas.send": only(s200="author", rest=404),
    "POST ideas.send": only(s303="author", rest=404),
    "GET ideas.sent": only(s200="author", rest=404),
    "POST ideas.unfollow": anybody(303),
    "GET ideas.version": anybody(200),
    "GET ideas.versions": anybody(200),
    "GET ideas.withdraw": only(s200="author"),
    "POST ideas.withdraw": only(s303="author"),
    "GET ideas.write": anybody(200),
    "POST ideas.write": anybody(200),
    "POST invitations.accept": anybody(303),
    "GET invitations.page": anybody(200),
    "GET labs.index": anybody(200),
    "GET labs.page": anybody(200),
    "GET me.following": signed_in(200),
    "GET me.home": signed_in(200),
    "GET me.supports": signed_in(200),
    "GET moderation.appeal": only(s200="facilitator manager", rest=404),
    "POST moderation.appeal": only(s303="manager", s403="facilitator", rest=404, visitor=401),
    "GET moderation.case": only(s200="facilitator manager", s404="admin foreign_facilitator foreign_manager"),
    "POST moderation.decide": only(
        s303="facilitator manager", s404="admin foreign_facilitator foreign_manager"
    ),
    "GET moderation.decision": only(s200="author facilitator manager", rest=404),
    "POST moderation.decision": only(s422="author", rest=404, visitor=401),
    "GET moderation.figures": anybody(200),
    "POST moderation.hold": only(
        s303="facilitator manager", s404="admin foreign_facilitator foreign_manager"
    ),
    "POST moderation.preview": only(
        s200="facilitator manager", s404="admin foreign_facilitator foreign_manager"
    ),
    "GET moderation.queue": only(s200="facilitator manager admin foreign_facilitator foreign_manager"),
    "GET moderation.report": anybody(200),
    "POST moderation.report": anybody(422),
    "GET moderation.report (comment)": anybody(200),
    "POST moderation.report (comment)": anybody(422),
    "GET moderation.reported": anybody(200),
    "GET moderation.suspend": only(
        s200="facilitator manager", s404="admin foreign_facilitator foreign_manager"
    ),
    "POST moderation.suspend": only(
        s422="facilitator manager", s404="admin foreign_facilitator foreign_manager"
    ),
    "GET moderation.suspensions": only(s200="facilitator manager admin foreign_facilitator foreign_manager"),
    "POST moderation.lift": only(
        s303="facilitator manager admin", s404="foreign_facilitator foreign_manager"
    ),
    "GET moderation.suspension": anybody(200),
    "POST moderation.suspension": anybody(422),
    "POST moderation.take_over": only(
        s303="facilitator manager", s404="admin foreign_facilitator foreign_manager"
    ),
    "GET notices.index": signed_in(200),
    "POST notices.read_every": anybody(303),
    "POST notices.read_one": only(s303="author", rest=404),
    "GET notices.stop": anybody(200),
    "POST notices.stop_now": anybody(200),
    "GET pages.accessibility": anybody(200),
    "GET pages.contact": anybody(200),
    "GET pages.favicon": anybody(302),
    "GET pages.how": anybody(200),
    "GET pages.privacy": anybody(200),
    "GET pages.robots": anybody(200),
    "GET pages.rules": anybody(200),
    "GET pages.security": anybody(404),
    "GET pages.appearance": anybody(200),
    "POST pages.appearance": anybody(422),
    "GET pages.manifest": anybody(200),
    "GET pages.sitemap": anybody(200),
    "GET pages.sitemap_part": anybody(200),
    "GET picture": anybody(200),
    "GET pipeline.benefits": only(s200="facilitator lead member manager"),
    "POST pipeline.benefits": only(s422="facilitator lead manager"),
    "GET pipeline.board": only(
        s200="facilitator lead manager foreign_facilitator foreign_lead foreign_manager"
    ),
    "POST pipeline.confirm": only(s404="foreign_staff", s303="facilitator manager"),
    "GET pipeline.decision": anybody(200),
    "GET pipeline.edit_proposal": only(s404="foreign_staff", s200="lead"),
    "POST pipeline.edit_proposal": only(s404="foreign_staff", s422="lead"),
    "GET pipeline.evidence": only(s200="facilitator lead member manager"),
    "POST pipeline.evidence": only(s422="facilitator lead member manager"),
    "GET pipeline.gate": only(s303="facilitator lead member manager"),
    "GET pipeline.lead": only(s200="facilitator manager"),
    "POST pipeline.lead": only(s422="facilitator manager"),
    "GET pipeline.measure": only(s404="foreign_staff", s200="facilitator lead manager"),
    "POST pipeline.measure": only(s404="foreign_staff", s422="facilitator lead manager"),
    "GET pipeline.next_step": only(s200="facilitator lead member manager"),
    "POST pipeline.next_step": only(s422="facilitator lead member manager"),
    "GET pipeline.open_review": only(s200="facilitator manager"),
    "POST pipeline.open_review": only(s303="facilitator manager"),
    "POST pipeline.propose": only(s404="foreign_staff", s303="facilitator lead manager", visitor=401),
    "POST pipeline.return_proposal": only(s404="foreign_staff", s303="facilitator manager", visitor=401),
    "GET pipeline.review": only(s404="foreign_staff", s200="facilitator lead member manager"),
    "POST pipeline.withdraw_evidence": only(s404="foreign_staff", s409="facilitator lead member manager"),
    "POST pipeline.withdraw_proposal": only(s404="foreign_staff", s303="lead"),
    "GET setup.categories": only(s200="manager"),
    "POST setup.categories": only(s303="manager"),
    "GET setup.home": only(s200="facilitator lead manager"),
    "GET setup.look": only(s200="manager"),
    "POST setup.look": only(s422="manager"),
    "GET setup.numbers": only(s200="manager"),
    "POST setup.numbers": only(s422="manager"),
    "GET setup.texts": only(s200="manager"),
    "POST setup.texts": only(s303="manager"),
    "POST setup.usual_categories": only(s303="manager"),
    "GET static": anybody(200),
    "GET stylesheet": anybody(200),
    "POST team.bring_unit_back": only(s303="manager"),
    "POST team.end": only(s303="facilitator manager admin"),
    "POST team.end_membership": only(s303="manager admin"),
    "POST team.hours": only(rest=404, s303="facilitator manager admin"),
    "POST team.invite": only(s303="manager admin"),
    "POST team.join_unit": only(s303="manager"),
    "GET team.new_unit": only(s200="manager"),
    "POST team.new_unit": only(s422="manager"),
    "GET team.people": only(s200="manager admin"),
    "POST team.resend": only(s303="manager admin"),
    "POST team.retire_unit": only(s303="manager"),
    "POST team.take": only(s303="manager"),
    "GET team.unit": only(s200="manager"),
    "POST team.unit": only(s422="manager"),
    "GET team.units": only(s200="manager"),
    "POST team.withdraw": only(s303="manager admin"),
    "POST voting.give": anybody(303),
    "POST voting.withdraw": anybody(303),
    "GET work.home": only(s200="facilitator lead member manager foreign_staff"),
    "GET ideas.page (draft)": only(s200="author", rest=404, visitor=404),
    "GET ideas.page (pending)": only(s200="author facilitator manager", rest=404, visitor=404),
    "GET ideas.page (rejected)": only(s200="author facilitator manager", rest=404, visitor=404),
    "GET ideas.page (hidden)": only(s200="author facilitator manager", rest=404, visitor=404),
    "GET ideas.versions (pending)": only(s200="author facilitator manager", rest=404, visitor=404),
    "GET ideas.sent (pending)": only(s200="author", rest=404),
    "GET ideas.edit (pending)": only(
        s404="resident lead member admin foreign_author foreign_staff", s409="author"
    ),
    "GET ideas.withdraw (pending)": only(
        s404="resident lead member admin foreign_author foreign_staff", s409="author"
    ),
    "GET moderation.report (draft)": only(s200="author", rest=404, visitor=404),
    "GET moderation.report (pending)": only(s200="author facilitator manager", rest=404, visitor=404),
    "GET moderation.report (rejected)": only(s200="author facilitator manager", rest=404, visitor=404),
    "GET moderation.report (hidden)": only(s200="author facilitator manager", rest=404, visitor=404),
    "GET ideas.comment (pending)": only(s409="author facilitator manager", rest=404),
    "GET handoff.route (draft)": only(
        rest=404, s403="resident author member admin foreign_author foreign_member"
    ),
    "GET handoff.route (pending)": only(
        rest=404, s403="resident author member admin foreign_author foreign_member"
    ),
    "GET pipeline.gate (draft)": only(s404="facilitator lead member manager foreign_staff"),
    "GET pipeline.gate (pending)": only(s404="facilitator lead member manager foreign_staff"),
    "GET pipeline.lead (pending)": only(
        s404="facilitator lead manager foreign_facilitator foreign_lead foreign_manager"
    ),
    "GET pipeline.evidence (pending)": only(s404="facilitator lead member manager foreign_staff"),
    "GET pipeline.next_step (pending)": only(s404="facilitator lead member manager foreign_staff"),
    "GET pipeline.open_review (pending)": only(
        s404="facilitator lead manager foreign_facilitator foreign_lead foreign_manager"
    ),
    "POST voting.give (draft)": signed_in(404),
    "POST voting.give (pending)": signed_in(404),
    "POST voting.give (rejected)": signed_in(404),
    "POST voting.give (hidden)": signed_in(404),
    "POST ideas.follow (draft)": only(s303="author", rest=404),
    "POST ideas.follow (pending)": only(s303="author facilitator manager", rest=404),
    "GET challenges.page (draft)": only(s200="facilitator lead manager", rest=404, visitor=404),
    "GET ideas.version (edited)": only(s200="author facilitator manager", rest=404, visitor=404),
    "GET ideas.compare_versions": anybody(200),
}
"""``METHOD endpoint``, and in brackets the case where an endpoint has several."""

READERS = {
    "En kladd om noe helt annet": {"author"},
    "Ruter for tilgjengelige turer": {"author", "facilitator", "manager"},
    "Min nabo er en tosk og det vet alle": {"author", "facilitator", "manager"},
    "En skjult idé om noe": {"author", "facilitator", "manager"},
}
"""Titles that are not public, and who may meet them anywhere."""

BODIES: dict[str, dict[str, object]] = {
    "editing.new": {"title_nb": "Ny"},
    "ideas.comment": {"kind": "question", "body": "Hvor da?", "language": "nb", "byline": "name"},
    "moderation.appeal": {"outcome": "upheld", "text": "Den nevner en nabo."},
    "moderation.decide": {"verdict": "publish", "stamp": 0},
    "moderation.decision": {"text": "Se en gang til."},
    "pipeline.confirm": {"version": 1},
    "pipeline.open_review": {"reason": "Mange spør."},
    "pipeline.propose": {"outcome": "rework", "reason": "Spør naboene først."},
    "pipeline.return_proposal": {"version": 1, "note": "Hvem betaler?"},
    "pipeline.withdraw_proposal": {"version": 1},
    "handoff.publish": {"stamp": 0},
    "handoff.withdraw": {"stamp": 0},
    "team.invite": {"email": "more@example.org", "offer": "role:lead"},
}
"""What is sent where an empty form would hide who may do it; everywhere else nothing is sent."""


def _values(town: Town) -> dict[str, dict[str, Any]]:
    """Return what fills the addresses: under ``""`` what is usual, under an endpoint or key what differs."""
    ids, keys = town.ids, town.keys
    found: dict[str, dict[str, Any]] = {
        "": {
            "idea_id": ids["published"], "slug": SLUG, "challenge_id": ids["challenge"], "measure_id": ids["measure"],
            "handoff_id": ids["handoff_proposed"], "answer_id": ids["answer_waiting"], "review_id": ids["review_ready"],
            "proposal_id": ids["proposal"], "decision_id": ids["decision"], "benefit_id": ids["benefit"],
            "evidence_id": ids["evidence"], "criterion": "need", "comment_id": ids["comment_problem"],
            "case_id": ids["case_pending"], "appeal_id": ids["appeal"], "person_id": town.people["facilitator"].id,
            "role": "facilitator", "unit_id": ids["unit"], "invitation_id": ids["invitation"], "grant_id": ids["grant"],
            "notice_id": ids["notice"], "number": 1, "part": 1, "what": "confirm", "mail_key": keys["mail_key"], "name": "x.eml",
            "key": keys["picture"], "size": "card", "filename": "css/site.css", "token": keys["confirm"],
        },
        "accounts.arrive": {"token": keys["sign-in"]}, "accounts.arrive_now": {"token": keys["sign-in"]},
        "accounts.new_address": {"token": keys["change-email"]},
        "accounts.new_address_now": {"token": keys["change-email"]}, "accounts.set_password": {"token": keys["reset"]},
        "invitations.page": {"token": keys["invitation"]}, "invitations.accept": {"token": keys["invitation"]},
        "handoff.route": {"idea_id": ids["routable"]}, "handoff.correct": {"answer_id": ids["answer"]},
        "handoff.write": {"handoff_id": ids["handoff_decided"], "kind": "final"},
        "moderation.lift": {"decision_id": ids["suspended"]}, "moderation.suspension": {"key": keys["suspension"]},
        "moderation.decision": {"decision_id": ids["letter"]}, "pipeline.benefits": {"idea_id": ids["service"]},
        "ideas.drop": {"idea_id": ids["draft"]}, "ideas.send": {"idea_id": ids["draft"]},
        "ideas.sent": {"idea_id": ids["pending"]}, "ideas.call_back": {"idea_id": ids["pending"]}, "ideas.compare_versions": {"old": 1, "new": 2},
        "editing.open_it": {"challenge_id": ids["draft_challenge"]},
        "editing.conclude": {"challenge_id": ids["closed_challenge"]},
        "team.bring_unit_back": {"unit_id": ids["retired_unit"]}, "team.retire_unit": {"unit_id": ids["other_unit"]},
        "team.end_membership": {"person_id": town.people["member"].id},
        "GET challenges.page (draft)": {"challenge_id": ids["draft_challenge"]},
        "GET ideas.version (edited)": {"idea_id": ids["edited"], "number": 2},
    }  # fmt: skip
    for endpoint in ("home", "card", "audiences", "measures", "times"):
        found[f"editing.{endpoint}"] = {"challenge_id": ids["draft_challenge"]}
    for endpoint in ("evidence", "gate", "lead", "next_step"):
        found[f"pipeline.{endpoint}"] = {"idea_id": ids["ready"]}
    for endpoint in ("assign", "take", "begin", "send_back"):
        found[f"handoff.{endpoint}"] = {"handoff_id": ids["handoff_queued"]}
    for key in ROUTES:
        if case := re.search(r"\((draft|pending|rejected|hidden)\)", key):
            found.setdefault(key, {"idea_id": ids[case[1]]})
    return found


def address_of(app: Flask, town: Town, key: str) -> str:
    """Return the address a line of the matrix is about."""
    values, endpoint = _values(town), _endpoint(key)
    rules = sorted(app.url_map.iter_rules(endpoint), key=lambda rule: rule.rule.count("<"))
    rule = rules[-1 if "(comment)" in key else 0]
    own = values.get(endpoint, {}) | values.get(key, {})
    usual = {name: values[""][name] for name in rule.arguments - set(rule.defaults or ())}
    with app.test_request_context():
        return url_for(endpoint, **usual | own)


def _endpoint(key: str) -> str:
    return key.split()[1]


def test_every_route_is_in_the_matrix_and_no_other(plain_app: Flask) -> None:
    there = {
        f"{method} {rule.endpoint}"
        for rule in plain_app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    named = {" ".join(key.split()[:2]) for key in ROUTES}
    assert there - named == set(), "routes without a line in the matrix"
    assert named - there == set(), "lines without a route"


def test_staff_of_another_lab_never_reach_a_labs_things(plain_app: Flask) -> None:
    """Where an address names something of a lab, its neighbours' staff are refused, whatever it is."""
    arguments = {rule.endpoint: rule.arguments for rule in plain_app.url_map.iter_rules()}
    for key, row in ROUTES.items():
        mark = mark_of(plain_app.view_functions[_endpoint(key)])
        if mark is not None and mark.kind == "staff" and arguments[_endpoint(key)]:
            assert {row[role] for role in FOREIGN_STAFF} <= {403, 404}, key
            assert {row["resident"], row["foreign_author"]} <= {403, 404}, key
            assert row["visitor"] in (303, 401), key


@contextmanager
def _forgetting(database: Database) -> Iterator[Session]:
    """Write as ever, and forget it: each cell meets the same lab."""
    with Session(database._write_engine, expire_on_commit=False) as session:
        try:
            yield session
            session.flush()
        finally:
            session.rollback()


class _Matrix:
    """The lab, its people signed in, and a way to ask."""

    def __init__(self, app: Flask, town: Town) -> None:
        self.app, self.town = app, town
        database: Database = app.extensions["livinglab.database"]
        self.people: dict[str, tuple[FlaskClient, dict[str, str]]] = {}
        for role in ROLES:
            self.people[role] = (app.test_client(use_cookies=False), {})
            if role != "visitor":
                with database.writing() as session:
                    token = open_device(session, person_id=int(town.people[role].id or 0), now=utc_now())
                signer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
                self.people[role][1]["Cookie"] = (
                    f"livinglab={signer.dumps({'_user_id': token, '_fresh': True})}"
                )
        database.writing = lambda: _forgetting(database)  # type: ignore[method-assign]

    def ask(self, key: str, path: str, role: str) -> tuple[int, str]:
        client, headers = self.people[role]
        method = key.split(maxsplit=1)[0]
        answer = client.open(
            path,
            method=method,
            headers=headers,
            data=BODIES.get(_endpoint(key)) if method == "POST" else None,
        )
        text = answer.get_data(as_text=True) if answer.mimetype == "text/html" else ""
        answer.close()
        return answer.status_code, text


@pytest.fixture
def matrix(app: Flask, database: Database) -> _Matrix:
    return _Matrix(app, build_town(database, app.extensions["livinglab.config"].instance, utc_now()))


@pytest.mark.line("matrix")
def test_every_role_gets_from_every_route_what_the_matrix_says(
    matrix: _Matrix, request: pytest.FixtureRequest, tried: Tried
) -> None:
    wrong: list[str] = []
    asked = 0
    database: Database = matrix.app.extensions["livinglab.database"]
    whole = database.is_sqlite or request.config.getoption("--whole")  # the other: one role per answer
    for key, row in ROUTES.items():
        path = address_of(matrix.app, matrix.town, key)
        for role in ROLES if whole else _one_each(row):
            status, text = matrix.ask(key, path, role)
            asked += 1
            if status != row[role]:
                wrong.append(f"{key} {path} for {role}: {status}, not {row[role]}")
            if status >= 500 and key != "GET health.ready":  # it says so where no worker runs
                wrong.append(f"{key} {path} for {role} broke: {status}")
            wrong += [
                f"{key} {path} shows “{title}” to {role}"
                for title, who in READERS.items()
                if title in text and role not in who
            ]
            wrong += [
                f"{key} {path} shows {address} to {role}"
                for address in _addresses(matrix.town, key, role, text)
            ]
    tried(asked)
    assert not wrong, "\n".join(wrong)


def _one_each(row: Row) -> list[str]:
    """Return one role for each answer: on the second engine who asks makes no difference, what is asked does."""
    return list({status: role for role, status in reversed(row.items())}.values())


def _addresses(town: Town, key: str, role: str, text: str) -> set[str]:
    """Return the e-mail addresses of other people on a page (only one's own, and the page of one's own link)."""
    if _is_secret(key):
        return set()
    own = town.people[role].email if role != "visitor" else None
    people = {person.email for person in town.people.values()}
    return {
        address
        for address in re.findall(r"person\d+@example\.org", text)
        if address in people and address != own
    }


def _is_secret(key: str) -> bool:
    """Say whether the address itself is a secret sent to one person."""
    return _endpoint(key) in {
        "accounts.arrive", "accounts.confirm", "accounts.new_address", "accounts.set_password", "notices.stop", "notices.stop_now"
    }  # fmt: skip
