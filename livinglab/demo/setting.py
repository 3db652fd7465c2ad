"""The first act: labs, people, units and challenges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import known_id
from livinglab.core.viewer import Role
from livinglab.demo import texts
from livinglab.demo.stage import Stage
from livinglab.labs.commands import (
    CardTexts,
    CardTimes,
    CategoryDraft,
    add_member,
    add_unit,
    change_settings,
    create_lab,
    draft_challenge,
    enter_measured,
    open_challenge,
    set_audiences,
    set_categories,
    set_measures,
    set_times,
)
from livinglab.labs.models import AudienceLevel, Category, Measure, Moderation
from livinglab.labs.rules.challenges import MeasureDraft
from livinglab.people.commands import add_person, grant_role
from livinglab.voting.queries import active_people

ROLES = {"facilitator": Role.FACILITATOR, "lead": Role.LEAD, "manager": Role.MANAGER}
LONG_AGO = 530


def set_stage(stage: Stage) -> None:
    """Plan everything that stands before the first idea."""
    stage.plan(stage.at(LONG_AGO + 2, "begin"), _labs_and_staff, stage)
    for person in texts.read("people"):
        if person["role"] == "resident":
            stage.plan(
                stage.at(person["joined_days_ago"], person["slug"]),
                _join,
                stage,
                person,
            )
    for number, card in enumerate(texts.read("challenges")):
        stage.plan(
            stage.at(-card["opens_days"] + 5, f"draft-{number}"),
            _draft,
            stage,
            card,
        )
        stage.plan(
            stage.at(-card["opens_days"], f"open-{number}"),
            _open,
            stage,
            card,
            number,
        )


def _join(session: Session, stage: Stage, person: dict[str, Any], now: datetime) -> None:
    slug = person["slug"]
    row = add_person(
        session,
        email=person["email"],
        name=person["name"],
        language=person["language"],
        now=now,
        pseudonym=person["pseudonym"],
        title=person["title"] or "",
        bio=person["bio"] or "",
        is_admin=person["role"] == "admin",
        is_demo=person["demo_login"],
        demo_line=person["shows"],
    )
    stage.cast.people[slug], stage.cast.names[slug] = known_id(row.id), person["name"]
    if person["role"] == "admin":
        stage.cast.admin = slug


def _labs_and_staff(session: Session, stage: Stage, now: datetime) -> None:
    people = texts.read("people")
    staff = [person for person in people if person["role"] != "resident"]
    for person in staff:
        _join(session, stage, person, now)
    told = texts.read("labs")
    for lab in told["labs"]:
        _lab(session, stage, lab, told["categories"], now)
    for person in staff:
        _roles(session, stage, person, now)
    for lab in told["labs"]:
        manager = stage.viewer(lab["manager"])
        lab_id = stage.cast.labs[lab["slug"]]
        change_settings(
            session,
            lab_id=lab_id,
            numbers={"moderation": Moderation(lab["moderation"])},
            person=manager,
            now=now,
        )
        for unit in lab["units"]:
            _unit(session, stage, lab_id, unit, manager.known_id, now)


def _lab(
    session: Session, stage: Stage, lab: dict[str, Any], categories: list[dict[str, str]], now: datetime
) -> None:
    row = create_lab(
        session,
        slug=lab["slug"],
        name=lab["name"],
        languages=lab["languages"],
        timezones=lab["timezones"],
        country=lab["country"],
        person=stage.viewer(stage.cast.admin),
        now=now,
        theme=lab["theme"],
        tagline=lab["tagline"],
        intro=lab["intro"],
        promise=lab["promise"],
        contact_email=f"post@{lab['slug']}.example",
    )
    lab_id = known_id(row.id)
    stage.cast.labs[lab["slug"]] = lab_id
    _grant(session, stage, lab["manager"], lab_id, Role.MANAGER, None, now)
    names = [{code: c[code] for code in ("nb", "sv", "fi", "en")} for c in categories]
    set_categories(
        session,
        lab_id=lab_id,
        drafts=[CategoryDraft(name=name) for name in names],
        person=stage.viewer(lab["manager"]),
        now=now,
    )
    rows = session.scalars(select(Category).where(Category.lab_id == lab_id).order_by(col(Category.position)))
    for category, made in zip(categories, rows, strict=True):
        stage.cast.categories[lab["slug"], category["slug"]] = known_id(made.id)


def _grant(
    session: Session, stage: Stage, slug: str, lab_id: int, role: Role, hours: int | None, now: datetime
) -> None:
    held = stage.cast.roles.setdefault(slug, {}).setdefault(lab_id, set())
    if role not in held:
        grant_role(
            session,
            person_id=stage.cast.people[slug],
            lab_id=lab_id,
            role=role,
            by_id=stage.cast.people[stage.cast.admin],
            now=now,
            weekly_hours=hours,
        )
        held.add(role)


def _roles(session: Session, stage: Stage, person: dict[str, Any], now: datetime) -> None:
    role = ROLES.get(person["role"])
    for lab in person["labs"] if role else ():
        assert role is not None
        _grant(session, stage, person["slug"], stage.cast.labs[lab], role, person["weekly_hours"], now)


def _unit(
    session: Session, stage: Stage, lab_id: int, unit: dict[str, Any], by_id: int, now: datetime
) -> None:
    people = stage.cast.people
    manager = next(slug for slug, number in people.items() if number == by_id)
    row = add_unit(
        session,
        lab_id=lab_id,
        name=unit["name"],
        description=unit["description"],
        person=stage.viewer(manager),
        now=now,
        limit_in_progress=unit["wip_limit"],
        topics=_topic_slugs(session, stage, lab_id, unit["topics"]),
    )
    unit_id = known_id(row.id)
    stage.cast.units[unit["slug"]] = unit_id
    for slug in dict.fromkeys([unit["owner"], unit["deputy"], *unit["members"]]):
        add_member(session, unit_id=unit_id, person_id=people[slug], added_by=by_id, now=now)
        stage.cast.member_of.setdefault(slug, {})[unit_id] = lab_id
    row.owner_id, row.deputy_id = people[unit["owner"]], people[unit["deputy"]]
    session.add(row)


def _topic_slugs(session: Session, stage: Stage, lab_id: int, topics: list[str]) -> list[str]:
    ids = [
        number
        for (lab, slug), number in stage.cast.categories.items()
        if stage.cast.labs[lab] == lab_id and slug in topics
    ]
    return list(session.scalars(select(Category.slug).where(col(Category.id).in_(ids))))


def _manager(card: dict[str, Any]) -> str:
    return next(str(lab["manager"]) for lab in texts.read("labs")["labs"] if lab["slug"] == card["lab"])


def _draft(session: Session, stage: Stage, card: dict[str, Any], now: datetime) -> None:
    words = ("title", "intro", "goal", "purpose", "benefit", "now_state", "wanted_state", "actions")
    row = draft_challenge(
        session,
        lab_id=stage.cast.labs[card["lab"]],
        texts=CardTexts(**{w: card[w] for w in words}),
        person=stage.viewer(_manager(card)),
        now=now,
    )
    card["id"] = known_id(row.id)


def _open(session: Session, stage: Stage, card: dict[str, Any], number: int, now: datetime) -> None:
    person, people = stage.viewer(_manager(card)), stage.cast.people
    challenge_id = card["id"]
    closes = stage.today + timedelta(days=card["closes_days"])
    set_times(
        session,
        challenge_id=challenge_id,
        person=person,
        now=now,
        times=CardTimes(
            responsible_id=people[card["responsible"]],
            deputy_id=people[card["deputy"]],
            closes_at=datetime(closes.year, closes.month, closes.day, 20, tzinfo=UTC),
            counts_from=now if card["counts_shown"] == "opening" else None,
        ),
    )
    set_measures(
        session,
        challenge_id=challenge_id,
        person=person,
        now=now,
        measures=[
            MeasureDraft(m["label"], m["unit"], m["baseline"], m["target"], stage.day(m["due_in_days"]))
            for m in card["measures"]
        ],
    )
    set_audiences(
        session,
        challenge_id=challenge_id,
        person=person,
        now=now,
        audiences=[
            (AudienceLevel(level), name) for level, names in card["audiences"].items() for name in names
        ],
    )
    open_challenge(session, challenge_id=challenge_id, person=person, now=now, count_active=active_people)
    stage.cast.challenges[number] = challenge_id
    _plan_measuring(stage, card)


def _plan_measuring(stage: Stage, card: dict[str, Any]) -> None:
    def measure(session: Session, now: datetime) -> None:
        rows = session.scalars(
            select(Measure).where(Measure.challenge_id == card["id"]).order_by(col(Measure.id))
        )
        for row, told in zip(rows, card["measures"], strict=True):
            if told["current"] is not None:
                enter_measured(
                    session,
                    measure_id=known_id(row.id),
                    value=told["current"],
                    on=now.date(),
                    person=stage.viewer(_manager(card)),
                    now=now,
                )

    stage.plan(stage.at(12, f"measure-{card['key']}"), measure)
