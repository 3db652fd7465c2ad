"""A whole lab with something waiting at every desk, and its neighbour, for tests that walk many pages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import Database, known_id
from livinglab.core.files import store_image
from livinglab.core.mail import OutboxMail
from livinglab.core.viewer import Role
from livinglab.handoff import commands as handoff
from livinglab.handoff.models import Answer, AnswerKind, Outcome
from livinglab.ideas.commands import edit_idea, start_draft
from livinglab.ideas.commands.drafts import texts_of
from livinglab.ideas.models import Activity, CommentKind, Idea, Publication, Stage
from livinglab.ideas.rules import IdeaTexts
from livinglab.labs.commands import invite
from livinglab.labs.models import ChallengeState, Lab, Measure
from livinglab.moderation.commands import appeal, decide_case, report, submit_edit, submit_idea, suspend
from livinglab.moderation.models import Case, Source, Suspension
from livinglab.moderation.rules import Verdict
from livinglab.notices.commands import deliver_notices
from livinglab.notices.models import Notice
from livinglab.people.commands.links import make_link
from livinglab.people.models import LinkPurpose, Person, RoleGrant
from livinglab.pipeline.commands import add_evidence, confirm, propose
from livinglab.pipeline.models import Benefit, DecisionOutcome
from livinglab.pipeline.rules import Draft, Want, criteria_of
from livinglab.voting.commands import support_idea
from tests.make import Make

SLUG = "fjellvik"
REASON = "The need is real, many wait there, and the unit wants to look at it."
LONG = (
    "Min mor står i tjue minutter. **En benk** med rygg ville la henne hvile, og flere ville tatt bussen.\n\n"
    "- én benk ved skolen\n- én benk ved butikken\n\nSe [planen](https://example.org/en-ganske-lang-adresse-til-planen)."
)
STAFF = ("facilitator", "lead", "member", "manager")


@dataclass
class Town:
    """Everybody there is and the number of everything there is.

    Args:
        people: By their part: ``author``, ``facilitator``, ``foreign_lead`` …
        ids: By name: ``published`` is the idea everybody reads, ``proposal`` the one that waits …
        keys: What an address names by a word: tokens, slugs, a picture's key.
    """

    make: Make
    lab: Lab
    people: dict[str, Person]
    ids: dict[str, int]
    keys: dict[str, str]


def build_town(database: Database, instance: Path, now: datetime) -> Town:
    """Fill a database by the product's own commands, so that everything in it can really be so."""
    make = Make(database)
    lab = make.lab(
        SLUG, name="Fjellvik", languages=["nb", "en"], created_at=now - timedelta(days=300),
        intro={"nb": "Vi prøver ut løsninger sammen med dem som skal bruke dem."},
        promise={"nb": "Du får svar innen 30 dager."}, settings={"counts_hidden_hours": 0},
    )  # fmt: skip
    town = Town(make, lab, {}, {}, {"slug": SLUG})
    _people(town, now)
    _challenges(town, now)
    _ideas(town, now)
    with database.writing() as session:
        _desks(session, town, now)
        _doors(session, town, instance, now)
    with database.writing() as session:
        deliver_notices(session, now=now)
        told = select(Notice).where(Notice.person_id == town.people["author"].id).order_by(col(Notice.id))
        town.ids["notice"] = known_id(session.scalars(told).first().id)  # type: ignore[union-attr]
    return town


def _people(town: Town, now: datetime) -> None:
    make = town.make
    foreign = make.lab("elvestad", name="Elvestad", created_at=now - timedelta(days=300))
    town.ids["foreign_lab"] = known_id(foreign.id)
    for prefix, lab in (("", town.lab), ("foreign_", foreign)):
        town.people |= {
            f"{prefix}facilitator": make.facilitator(lab, make.person("Ida Vik", title="Facilitator")),
            f"{prefix}lead": make.lead(lab, make.person("Mari Berge", title="Project lead")),
            f"{prefix}manager": make.manager(lab, make.person("Liv Torgersen")),
            f"{prefix}member": make.person("Tone Sand", title="Engineer"),
            f"{prefix}author": make.person("Kari Nordmann"),
        }
        owner = make.person("Jonas Eidem", title="Head of roads")
        town.people[f"{prefix}owner"] = owner
        unit = make.unit(
            lab, members=(town.people[f"{prefix}member"], owner), owner=owner, name={"nb": "Vei og park"}
        )
        town.ids[f"{prefix}unit"] = known_id(unit.id)
    town.people |= {"resident": make.resident("Grete Lunde"), "admin": make.admin()}
    town.ids["other_unit"] = known_id(make.unit(town.lab, name={"nb": "Skole"}).id)
    town.ids["retired_unit"] = known_id(make.unit(town.lab, name={"nb": "Gamle vei"}, retired_at=now).id)
    town.ids["category"] = known_id(make.category(town.lab, "mobility").id)


def _challenges(town: Town, now: datetime) -> None:
    month = timedelta(days=30)
    times = {
        "opens_at": now - month,
        "opened_at": now - month,
        "closes_at": now + month,
        "created_at": now - 2 * month,
    }
    opened = town.make.challenge(town.lab, title={"nb": "Trygg vinter"}, **times)
    draft = town.make.challenge(
        town.lab, state=ChallengeState.DRAFT, opened_at=None, title={"nb": "Grønne tak"}
    )
    closed = town.make.challenge(
        town.lab,
        state=ChallengeState.CLOSED,
        **times | {"closes_at": now - timedelta(days=1), "closed_at": now - timedelta(days=1)},
    )
    town.ids |= {
        "challenge": known_id(opened.id),
        "draft_challenge": known_id(draft.id),
        "closed_challenge": known_id(closed.id),
    }


def _ideas(town: Town, now: datetime) -> None:
    make, author = town.make, town.people["author"]
    about: dict[str, Any] = {
        "author": author, "published_at": now - timedelta(days=20), "summary": "En benk der gamle venter på bussen.",
        "body": LONG, "gains": "Alle som venter, mest de som ikke kan stå lenge.", "place": "Holdeplassen ved skolen",
    }  # fmt: skip
    lead = town.people["lead"].id
    rows = {
        "published": make.idea(town.lab, title="En benk ved bussholdeplassen", supports=3, **about),
        "ready": make.idea(town.lab, title="Lys langs skoleveien", lead_id=lead, **about),
        "proposed": make.idea(town.lab, title="Delt snøfreser i borettslaget", lead_id=lead, **about),
        "queued": make.idea(town.lab, title="Varmestue for eldre om vinteren", lead_id=lead, **about),
        "routable": make.idea(town.lab, title="Sykkelparkering under tak", lead_id=lead, **about),
        "decided": make.idea(town.lab, title="Skolebuss på bestilling", lead_id=lead, **about),
        "service": make.idea(town.lab, title="Strøing av fortau på bestilling", lead_id=lead, stage=Stage.SERVICE, **about),
        "declined": make.idea(town.lab, title="Oppvarmet fortau i hele byen", activity=Activity.DECLINED, decline_code="too_costly", **about),
        "edited": make.idea(town.lab, title="Kart over glatte veier", **about),
        "hidden": make.idea(town.lab, title="En skjult idé om noe", publication=Publication.HIDDEN, **about),
    }  # fmt: skip
    town.ids |= {name: known_id(idea.id) for name, idea in rows.items()}
    for kind in CommentKind:
        town.ids[f"comment_{kind.value}"] = known_id(
            make.comment(
                rows["published"],
                author=town.people["author"],
                kind=kind,
                body="Den må stå i le.",
                created_at=now,
            ).id
        )
    for name in ("ready", "proposed", "decided", "queued", "routable"):
        town.ids[f"review_{name}"] = known_id(make.review(rows[name], opened_at=now - timedelta(days=2)).id)
    foreign = make.idea(Lab(id=town.ids["foreign_lab"]), author=town.people["foreign_author"])
    town.ids["foreign_idea"] = known_id(foreign.id)


def _desks(session: Session, town: Town, now: datetime) -> None:
    """Put something on every desk: to moderate, to answer, to confirm, to read."""
    viewer = {name: town.make.__class__(session).viewer(person) for name, person in town.people.items()}
    ids = town.ids

    ids["draft"] = _written(session, town, viewer["author"], "En kladd om noe helt annet", now)
    for name, title in (
        ("pending", "Ruter for tilgjengelige turer"),
        ("rejected", "Min nabo er en tosk og det vet alle"),
    ):
        ids[name] = _written(session, town, viewer["author"], title, now)
        submit_idea(session, idea_id=ids[name], person=viewer["author"], now=now)
        case = session.scalars(select(Case).where(Case.idea_id == ids[name])).one()
        ids[f"case_{name}"] = known_id(case.id)
    case = session.get_one(Case, ids["case_rejected"])
    decision = decide_case(
        session, case_id=known_id(case.id), person=viewer["facilitator"], verdict=Verdict.REJECT, stamp=case.stamp,
        now=now, rule="personal-data", facts="Teksten nevner en nabo.",
    )  # fmt: skip
    ids["letter"] = known_id(decision.id)
    ids["appeal"] = known_id(
        appeal(
            session,
            decision_id=ids["letter"],
            person=viewer["author"],
            text="Jeg nevner ingen ved navn.",
            now=now,
        ).id
    )
    _suspended(session, town, viewer["facilitator"], now)
    report(
        session,
        idea_id=ids["queued"],
        person=viewer["resident"],
        rule="personal-data",
        text="Se andre avsnitt.",
        now=now,
    )

    for name in ("edited", "published"):
        texts = replace(texts_of(session, session.get_one(Idea, ids[name])), body=LONG + "\n\nOg en til.")
        version = edit_idea(
            session, idea_id=ids[name], texts=texts, note="En benk til", person=viewer["author"], now=now
        )
        assert version is not None
        submit_edit(session, idea_id=ids[name], number=version.number, person=viewer["author"], now=now)
    case = session.scalars(select(Case).where(Case.idea_id == ids["published"])).one()
    decide_case(
        session,
        case_id=known_id(case.id),
        person=viewer["facilitator"],
        verdict=Verdict.PUBLISH,
        stamp=case.stamp,
        now=now,
    )

    for name in ("ready", "proposed", "decided"):
        _agreed(session, town, viewer, name, now)
        for criterion in criteria_of(1):
            if criterion.wants:
                more = {"number": 40.0} if Want.NUMBER in criterion.wants else {}
                evidence = add_evidence(
                    session, idea_id=ids[name], criterion=criterion.code, person=viewer["lead"], now=now,
                    text="Vi har telt og spurt.", **more,
                )  # fmt: skip
                ids["evidence"] = known_id(evidence.id)
    ids["handoff_queued"] = known_id(
        handoff.route_idea(
            session,
            idea_id=ids["queued"],
            unit_id=ids["unit"],
            person=viewer["facilitator"],
            now=now,
            note="Passer hos dere",
        ).id
    )
    words = {"title": "Det er plass til en benk", "body": "Vi har målt. " + LONG, "language": "nb"}
    handoff.write_answer(
        session,
        handoff_id=ids["handoff_proposed"],
        kind=AnswerKind.PRELIMINARY,
        person=viewer["member"],
        now=now,
        **words,
    )
    handoff.write_answer(
        session, handoff_id=ids["handoff_proposed"], kind=AnswerKind.FINAL, outcome=Outcome.ACCEPTED,
        person=viewer["member"], now=now, **words,
    )  # fmt: skip
    handoff.write_answer(
        session,
        handoff_id=ids["handoff_decided"],
        kind=AnswerKind.PRELIMINARY,
        person=viewer["member"],
        now=now,
        **words,
    )
    for name, kind, of in (
        ("answer", AnswerKind.PRELIMINARY, "decided"),
        ("answer_waiting", AnswerKind.FINAL, "proposed"),
    ):
        found = select(Answer).where(Answer.kind == kind, Answer.handoff_id == ids[f"handoff_{of}"])
        ids[name] = known_id(session.scalars(found).one().id)
    draft = Draft(DecisionOutcome.ADVANCE, REASON)
    proposal = propose(session, review_id=ids["review_proposed"], draft=draft, person=viewer["lead"], now=now)
    ids["proposal"] = known_id(proposal.id)

    first = propose(session, review_id=ids["review_decided"], draft=draft, person=viewer["lead"], now=now)
    decided = confirm(
        session, proposal_id=known_id(first.id), version=1, person=viewer["facilitator"], now=now
    )
    benefit = Benefit(
        idea_id=ids["service"], label="Fall på fortauet", unit="fall", baseline=31, target=18,
        baseline_on=now.date() - timedelta(days=30), measure_next=now.date() + timedelta(days=60),
    )  # fmt: skip
    session.add(benefit)
    session.flush()
    ids["decision"], ids["benefit"] = known_id(decided.id), known_id(benefit.id)
    support_idea(session, idea_id=ids["ready"], person=viewer["resident"], now=now)


def _written(session: Session, town: Town, author: Any, title: str, now: datetime) -> int:
    texts = IdeaTexts(title=title, summary="En setning om det.", body=LONG, language="nb")
    return known_id(
        start_draft(session, lab_id=known_id(town.lab.id), texts=texts, person=author, now=now).id
    )


def _agreed(session: Session, town: Town, viewer: dict[str, Any], name: str, now: datetime) -> None:
    routed = handoff.route_idea(
        session, idea_id=town.ids[name], unit_id=town.ids["unit"], person=viewer["facilitator"], now=now
    )
    number = known_id(routed.id)
    handoff.assign(
        session, handoff_id=number, assignee_id=viewer["member"].known_id, person=viewer["member"], now=now
    )
    handoff.acknowledge(session, handoff_id=number, person=viewer["member"], now=now)
    town.ids[f"handoff_{name}"] = number


def _suspended(session: Session, town: Town, by: Any, now: datetime) -> None:
    """Suspend somebody for a comment that was decided about."""
    make = Make(session)
    idea = session.get_one(Idea, town.ids["declined"])
    said = make.comment(idea, author=make.person(), publication=Publication.HIDDEN, created_at=now)
    case = Case(
        lab_id=idea.lab_id, idea_id=known_id(idea.id), comment_id=said.id, source=Source.REPORT, opened_at=now,
        due_at=now, closed_at=now,
    )  # fmt: skip
    make.add(case)
    decision = suspend(
        session,
        case_id=known_id(case.id),
        person=by,
        days=30,
        rule="respect",
        facts="Truet en nabo her.",
        now=now,
    )
    town.ids["suspended"] = known_id(decision.id)
    town.keys["suspension"] = session.get_one(Suspension, decision.id).key


def _doors(session: Session, town: Town, instance: Path, now: datetime) -> None:
    """Make what addresses name by a word: links of mails, an invitation, a picture."""
    resident = town.people["resident"]
    for purpose in LinkPurpose:
        more = {"new_email": "new@example.org"} if purpose is LinkPurpose.CHANGE_EMAIL else {}
        town.keys[purpose.value] = make_link(session, known_id(resident.id), purpose, now=now, **more)
    town.keys["mail_key"] = resident.mail_key
    manager = Make(session).viewer(town.people["manager"])
    invitation = invite(
        session,
        lab_id=known_id(town.lab.id),
        email="new@example.org",
        role=Role.LEAD,
        person=manager,
        now=now,
    )
    town.ids["invitation"] = known_id(invitation.id)
    path = session.scalars(select(OutboxMail).where(OutboxMail.kind == "invitation")).one().data["path"]
    town.keys["invitation"] = path.split("?")[0].rsplit("/", 1)[-1]
    grants = select(RoleGrant).where(RoleGrant.person_id == town.people["facilitator"].id)
    town.ids["grant"] = known_id(session.scalars(grants).one().id)
    measure = select(Measure).where(Measure.challenge_id == town.ids["challenge"]).order_by(col(Measure.id))
    town.ids["measure"] = known_id(session.scalars(measure).first().id)  # type: ignore[union-attr]
    picture = BytesIO()
    Image.new("RGB", (64, 48), (40, 90, 120)).save(picture, "PNG")
    stored = store_image(session, instance / "uploads", picture.getvalue(), person_id=None, now=now)
    town.keys["picture"] = stored.key
    idea = session.get_one(Idea, town.ids["published"])
    idea.image_id, idea.image_alt = stored.id, "En benk"
    session.flush()
