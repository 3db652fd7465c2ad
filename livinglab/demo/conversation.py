"""The second act: ideas, what people say about them, and who backs them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import known_id
from livinglab.core.errors import Refused
from livinglab.demo import texts
from livinglab.demo.stage import Stage
from livinglab.ideas.commands import edit_idea, resolve_problem, start_draft, write_comment
from livinglab.ideas.commands.drafts import texts_of
from livinglab.ideas.models import Byline, CommentKind, Idea, Publication
from livinglab.ideas.rules import IdeaTexts
from livinglab.moderation.commands import decide_case, submit_comment, submit_edit, submit_idea
from livinglab.moderation.models import Case
from livinglab.moderation.rules.deciding import Verdict
from livinglab.voting.commands import support_idea


def set_conversation(stage: Stage) -> None:
    """Plan each idea with its versions, comments and supports."""
    opened = _door_days()
    for idea in texts.read("ideas"):
        key = idea["key"]
        stage.plan(stage.at(idea["days_ago"], key), _hand_in, stage, idea)
        if idea["publication"] != "published":
            continue
        for number, edit in enumerate(idea["edits"]):
            stage.plan(
                stage.at(edit["days_ago"], key, number),
                _edit,
                stage,
                idea,
                edit,
            )
        for number, comment in enumerate(idea["comments"]):
            set_comment(stage, idea, comment, step=number)
        _supports(stage, idea, opened.get(key))


def _door_days() -> dict[str, int]:
    """Return how many days ago an idea's threshold was reached, for those that reached it."""
    days = {}
    for road in texts.read("road")["ideas"]:
        first = next((s for s in road["steps"] if s["do"] == "open_review"), None)
        if first and first["door"] == "threshold":
            days[road["idea"]] = first["days_ago"]
    return days


def _moderator(lab: str, *, not_: str, wanted: str | None = None) -> str:
    """Return a facilitator of the lab who is not the author."""
    told = next(x for x in texts.read("labs")["labs"] if x["slug"] == lab)
    return next(
        str(slug) for slug in (wanted, *told["facilitators"], told["manager"]) if slug and slug != not_
    )


def publish_waiting(
    session: Session,
    stage: Stage,
    lab: str,
    *,
    idea_id: int,
    comment_id: int | None,
    author: str,
    now: datetime,
    by: str | None = None,
) -> None:
    """Let a facilitator publish what waits in the queue, if it does."""
    case = session.scalar(
        select(Case).where(
            Case.idea_id == idea_id, Case.comment_id == comment_id, col(Case.closed_at).is_(None)
        )
    )
    if case is not None:
        person = stage.viewer(_moderator(lab, not_=author, wanted=by))
        decide_case(
            session,
            case_id=known_id(case.id),
            person=person,
            verdict=Verdict.PUBLISH,
            stamp=case.stamp,
            now=now + timedelta(minutes=2),
        )


def _hand_in(session: Session, stage: Stage, idea: dict[str, Any], now: datetime) -> None:
    author = stage.viewer(idea["author"])
    challenge = None if idea["challenge"] is None else stage.cast.challenges[idea["challenge"]]
    words = IdeaTexts(
        title=idea["title"],
        summary=idea["summary"],
        body=idea["body"],
        gains=idea["gains"],
        place=idea["place"] or "",
        language=idea["language"],
        byline=Byline(idea["byline"]),
        challenge_id=challenge,
        category_id=stage.cast.categories[idea["lab"], idea["category"]],
        tags=tuple(idea["tags"]),
    )
    row = start_draft(
        session,
        lab_id=stage.cast.labs[idea["lab"]],
        texts=words,
        person=author,
        now=now - timedelta(minutes=15),
    )
    idea_id = known_id(row.id)
    stage.cast.ideas[idea["key"]] = idea_id
    submit_idea(session, idea_id=idea_id, person=author, now=now)
    if idea["publication"] == "published":
        publish_waiting(
            session,
            stage,
            idea["lab"],
            idea_id=idea_id,
            comment_id=None,
            author=idea["author"],
            now=now,
            by=idea["published_by"],
        )


def _edit(session: Session, stage: Stage, idea: dict[str, Any], edit: dict[str, Any], now: datetime) -> None:
    author, idea_id = stage.viewer(idea["author"]), stage.cast.ideas[idea["key"]]
    row = session.get_one(Idea, idea_id)
    words = texts_of(session, row)
    version = edit_idea(
        session,
        idea_id=idea_id,
        texts=replace(words, body=f"{words.body}\n\n{edit['body_add']}"),
        note=edit["note"],
        person=author,
        now=now,
    )
    if version is not None:
        submit_edit(session, idea_id=idea_id, number=version.number, person=author, now=now)
        publish_waiting(
            session, stage, idea["lab"], idea_id=idea_id, comment_id=None, author=idea["author"], now=now
        )


def set_comment(
    stage: Stage, idea: dict[str, Any], comment: dict[str, Any], *, step: int = 0, publish: bool = True
) -> None:
    """Plan a comment with its reply and how a problem was answered."""

    def speak(session: Session, now: datetime) -> None:
        stage.cast.comments[comment["key"]] = say(session, stage, idea, comment, now, publish=publish)

    stage.plan(stage.at(comment["days_ago"], comment["key"], step), speak)
    reply, resolved = comment.get("reply"), comment.get("resolved")
    if reply:
        stage.plan(
            stage.at(reply["days_ago"], comment["key"], step + 5),
            _answer,
            stage,
            idea,
            comment,
            reply,
        )
    if resolved:
        stage.plan(
            stage.at(resolved["days_ago"], comment["key"], step + 10),
            _resolve,
            stage,
            comment,
            resolved,
        )


def say(
    session: Session,
    stage: Stage,
    idea: dict[str, Any],
    comment: dict[str, Any],
    now: datetime,
    *,
    parent_id: int | None = None,
    kind: str | None = None,
    publish: bool = True,
) -> int:
    """Write a comment, and let a facilitator publish it where the lab looks first."""
    idea_id, person = stage.cast.ideas[idea["key"]], stage.viewer(comment["author"])
    row = write_comment(
        session,
        idea_id=idea_id,
        person=person,
        kind=CommentKind(kind or comment["kind"]),
        body=comment["text"],
        language=comment["language"],
        now=now,
        byline=Byline(comment.get("byline") or "name"),
        parent_id=parent_id,
    )
    comment_id = known_id(row.id)
    if (
        submit_comment(session, comment_id=comment_id, person=person, now=now) is Publication.PENDING
        and publish
    ):
        publish_waiting(
            session,
            stage,
            idea["lab"],
            idea_id=idea_id,
            comment_id=comment_id,
            author=comment["author"],
            now=now,
        )
    return comment_id


def _answer(
    session: Session,
    stage: Stage,
    idea: dict[str, Any],
    comment: dict[str, Any],
    reply: dict[str, Any],
    now: datetime,
) -> None:
    say(session, stage, idea, reply, now, parent_id=stage.cast.comments[comment["key"]], kind=comment["kind"])


def _resolve(
    session: Session, stage: Stage, comment: dict[str, Any], resolved: dict[str, Any], now: datetime
) -> None:
    resolve_problem(
        session,
        comment_id=stage.cast.comments[comment["key"]],
        note=resolved["note"],
        person=stage.viewer(resolved["by"]),
        now=now,
    )


def _backers(idea: dict[str, Any]) -> list[str]:
    """Return residents who back the idea: of its lab first, the same at each loading."""
    residents = [p for p in texts.read("people") if p["role"] == "resident" and p["slug"] != idea["author"]]
    chance = Random(idea["key"])  # noqa: S311  # a story, not a secret
    near = [p for p in residents if idea["lab"] in p["labs"]]
    far = [p for p in residents if idea["lab"] not in p["labs"]]
    chance.shuffle(near)
    chance.shuffle(far)
    there = [
        p
        for p in (*near, *far)
        if p["joined_days_ago"] > idea["days_ago"] * 0.5 or p["joined_days_ago"] > idea["days_ago"]
    ]
    return [p["slug"] for p in there][: idea["supporters"]]


def _supports(stage: Stage, idea: dict[str, Any], reached_days_ago: int | None) -> None:
    """Spread the supports over the idea's life; where a threshold was reached, the tenth comes that day."""
    joined = {p["slug"]: p["joined_days_ago"] for p in texts.read("people")}
    backers = sorted(_backers(idea), key=lambda slug: -joined[slug])
    for number, slug in enumerate(backers):
        first = min(idea["days_ago"] - 0.5, joined[slug] - 0.1)
        if reached_days_ago is None:
            days_ago = first * (1 - (number + 1) / (len(backers) + 2))
        elif number < 10:
            days_ago = first - (first - reached_days_ago) * (number + 1) / 10
        else:
            days_ago = reached_days_ago * (1 - (number - 9) / (len(backers) - 8))
        at = stage.at(days_ago, f"{slug}-{idea['key']}")
        at = max(at, stage.at(idea["days_ago"], idea["key"]) + timedelta(minutes=30 + number))
        if reached_days_ago is not None and number < 10:
            at = min(at, stage.at(reached_days_ago, idea["key"]) - timedelta(minutes=30 - number))
        stage.plan(at, _back, stage, idea["key"], slug)


def _back(session: Session, stage: Stage, key: str, slug: str, now: datetime) -> None:
    try:
        support_idea(session, idea_id=stage.cast.ideas[key], person=stage.viewer(slug), now=now)
    except Refused as closed:
        if (
            closed.code != "support-closed"
        ):  # it has become a service meanwhile: then it takes no more support
            raise
