"""The third act: gates, receiving units, answers, benefits, and moderation with its appeals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import known_id
from livinglab.demo import texts
from livinglab.demo.conversation import say
from livinglab.demo.stage import Stage
from livinglab.handoff.commands import (
    acknowledge,
    assign,
    confirm_answer,
    extend_decision,
    return_wrong_unit,
    route_again,
    route_idea,
    write_answer,
)
from livinglab.handoff.models import Answer, AnswerKind, Handoff, Outcome
from livinglab.moderation.commands import appeal, decide_appeal, decide_case, report
from livinglab.moderation.models import AppealOutcome, Case
from livinglab.moderation.rules.deciding import Verdict
from livinglab.pipeline.commands import (
    add_evidence,
    confirm,
    measure_benefit,
    name_lead,
    open_review,
    open_reviews,
    pick_for_review,
    plan_benefit,
    propose,
    request_review,
    return_proposal,
    set_next_step,
)
from livinglab.pipeline.models import (
    Benefit,
    DecisionOutcome,
    DeclineCode,
    Door,
    Proposal,
    ProposalState,
    Review,
)
from livinglab.pipeline.rules.place import Draft

Step = dict[str, Any]
CANVAS = "canvas"


class Walk:
    """One idea's way through the gates."""

    def __init__(self, stage: Stage, road: dict[str, Any], lab: str, language: str) -> None:
        self.stage = stage
        self.road = road
        self.lab = lab
        self.language = language

    @property
    def idea_id(self) -> int:
        """Return the idea's number; known once it was handed in."""
        return self.stage.cast.ideas[self.road["idea"]]

    def plan(self) -> None:
        """Plan every step, and the next one that is promised."""
        for number, step in enumerate(self.road["steps"]):
            act: Callable[[Session, Step, datetime], None] = getattr(self, f"do_{step['do']}")
            self.stage.plan(
                self.stage.at(step["days_ago"], self.road["idea"], number),
                act,
                step,
            )
        if self.road["next_step"]:
            last = min(step["days_ago"] for step in self.road["steps"])
            self.stage.plan(self.stage.at(last, self.road["idea"], len(self.road["steps"]) + 1), self._next)

    def _review(self, session: Session) -> Review:
        return session.scalars(
            select(Review).where(Review.idea_id == self.idea_id, col(Review.closed_at).is_(None))
        ).one()

    def _handoff(self, session: Session) -> Handoff:
        return session.scalars(
            select(Handoff).where(Handoff.idea_id == self.idea_id).order_by(col(Handoff.id).desc()).limit(1)
        ).one()

    def _proposal(self, session: Session) -> Proposal:
        review = self._review(session)
        return session.scalars(
            select(Proposal).where(Proposal.review_id == review.id, Proposal.state == ProposalState.OPEN)
        ).one()

    def _next(self, session: Session, now: datetime) -> None:
        told = self.road["next_step"]
        set_next_step(
            session,
            idea_id=self.idea_id,
            step=told["text"],
            who=told["who"] or "",
            by=self.stage.day(told["due_in_days"]) if told["due_in_days"] is not None else None,
            person=self.stage.viewer(self.road["lead"]),
            now=now,
        )

    def do_open_review(self, session: Session, step: Step, now: datetime) -> None:
        """Open a gate through its door."""
        door, reason = Door(step["door"]), step["reason"] or ""
        if door is Door.THRESHOLD:
            open_reviews(session, now)
        elif door is Door.PICK:
            pick_for_review(
                session, idea_id=self.idea_id, reason=reason, person=self.stage.viewer(step["by"]), now=now
            )
        elif door is Door.REQUEST:
            request_review(
                session, idea_id=self.idea_id, reason=reason, person=self.stage.viewer(step["by"]), now=now
            )
        elif door is Door.UNIT_ANSWER:
            open_reviews(session, now)
        else:
            open_review(session, idea_id=self.idea_id, door=door, now=now, reason=reason)

    def do_name_lead(self, session: Session, step: Step, now: datetime) -> None:
        """Name who leads it."""
        name_lead(
            session,
            idea_id=self.idea_id,
            lead_id=self.stage.cast.people[step["lead"]],
            person=self.stage.viewer(step["by"]),
            now=now,
        )

    def do_route(self, session: Session, step: Step, now: datetime) -> None:
        """Hand it over to a unit, or to another one after the wrong one."""
        unit_id, person = self.stage.cast.units[step["unit"]], self.stage.viewer(step["by"])
        standing = session.scalar(
            select(Handoff).where(Handoff.idea_id == self.idea_id, col(Handoff.closed_at).is_(None))
        )
        if standing is None:
            route_idea(
                session,
                idea_id=self.idea_id,
                unit_id=unit_id,
                person=person,
                now=now,
                note=step["note"] or "",
            )
        else:
            route_again(
                session,
                handoff_id=known_id(standing.id),
                unit_id=unit_id,
                person=person,
                now=now,
                note=step["note"] or "",
            )

    def do_assign(self, session: Session, step: Step, now: datetime) -> None:
        """Say who at the unit assesses it."""
        assign(
            session,
            handoff_id=known_id(self._handoff(session).id),
            assignee_id=self.stage.cast.people[step["to"]],
            person=self.stage.viewer(step["by"]),
            now=now,
        )

    def do_acknowledge(self, session: Session, step: Step, now: datetime) -> None:
        """Agree to assess."""
        acknowledge(
            session,
            handoff_id=known_id(self._handoff(session).id),
            person=self.stage.viewer(step["by"]),
            now=now,
        )

    def do_wrong_unit(self, session: Session, step: Step, now: datetime) -> None:
        """Say that it belongs elsewhere."""
        return_wrong_unit(
            session,
            handoff_id=known_id(self._handoff(session).id),
            note=step["note"],
            person=self.stage.viewer(step["by"]),
            now=now,
        )

    def do_extend(self, session: Session, step: Step, now: datetime) -> None:
        """Ask for more time, with a public reason."""
        extend_decision(
            session,
            handoff_id=known_id(self._handoff(session).id),
            until=self.stage.day(step["until_in_days"]),
            reason=step["reason"],
            person=self.stage.viewer(step["by"]),
            now=now,
        )

    def do_answer(self, session: Session, step: Step, now: datetime) -> None:
        """Write an official answer; a second person lets a final one out."""
        row = write_answer(
            session,
            handoff_id=known_id(self._handoff(session).id),
            kind=AnswerKind(step["kind"]),
            title=step["title"],
            body=step["body"],
            language=self.language,
            person=self.stage.viewer(step["signer"]),
            now=now,
            outcome=_outcome(step["outcome"]),
        )
        if row.published_at is None and step["second"]:
            waiting = session.get_one(Answer, row.id)
            confirm_answer(
                session,
                answer_id=known_id(row.id),
                person=self.stage.viewer(step["second"]),
                now=now + timedelta(minutes=1),
                stamp=waiting.stamp,
            )

    def do_evidence(self, session: Session, step: Step, now: datetime) -> None:
        """Show that criteria are met."""
        for code, given in step["criteria"].items():
            on = given.get("on_in_days")
            add_evidence(
                session,
                idea_id=self.idea_id,
                criterion=code,
                person=self.stage.viewer(step["by"]),
                now=now,
                text=given.get("text") or "",
                number=given.get("number"),
                link=given.get("link") or "",
                on_date=self.stage.day(on) if on is not None else None,
            )

    def do_propose(self, session: Session, step: Step, now: datetime) -> None:
        """Write a decision."""
        hold, code = step.get("hold_until_in_days"), step.get("decline_code")
        draft = Draft(
            outcome=DecisionOutcome(step["outcome"]),
            reason=step["reason"],
            deviations=step.get("deviations") or {},
            hold_until=self.stage.day(hold) if hold is not None else None,
            decline_code=DeclineCode(code) if code else None,
            would_change=step.get("would_change") or "",
        )
        propose(
            session,
            review_id=known_id(self._review(session).id),
            draft=draft,
            person=self.stage.viewer(step["by"]),
            now=now,
        )

    def do_confirm(self, session: Session, step: Step, now: datetime) -> None:
        """Sign it."""
        proposal = self._proposal(session)
        confirm(
            session,
            proposal_id=known_id(proposal.id),
            version=proposal.version,
            person=self.stage.viewer(step["by"]),
            now=now,
        )

    def do_return_proposal(self, session: Session, step: Step, now: datetime) -> None:
        """Send it back with a note."""
        proposal = self._proposal(session)
        return_proposal(
            session,
            proposal_id=known_id(proposal.id),
            version=proposal.version,
            note=step["note"],
            person=self.stage.viewer(step["by"]),
            now=now,
        )

    def do_plan_benefit(self, session: Session, step: Step, now: datetime) -> None:
        """Say what the service is to change."""
        plan_benefit(
            session,
            idea_id=self.idea_id,
            label=step["label"],
            unit=step["unit"],
            baseline=step["baseline"],
            baseline_on=self.stage.day(-step["baseline_days_ago"]),
            target=step["target"],
            measure_next=self.stage.day(step["next_in_days"]),
            person=self.stage.viewer(step["by"]),
            now=now,
        )

    def do_measure_benefit(self, session: Session, step: Step, now: datetime) -> None:
        """Measure it again."""
        row = session.scalars(
            select(Benefit).where(Benefit.idea_id == self.idea_id, Benefit.label == step["label"])
        ).one()
        measure_benefit(
            session,
            benefit_id=known_id(row.id),
            measured=step["value"],
            measured_on=now.date(),
            measure_next=self.stage.day(step["next_in_days"]) if step["next_in_days"] is not None else None,
            person=self.stage.viewer(step["by"]),
            now=now,
        )


def _outcome(word: str | None) -> Outcome | None:
    return Outcome({"accepted_with_changes": "accepted_changed"}.get(word, word)) if word else None


def set_road(stage: Stage) -> None:
    """Plan the way of each idea, and what moderation had to decide."""
    ideas = {idea["key"]: idea for idea in texts.read("ideas")}
    told = texts.read("road")
    for road in told["ideas"]:
        idea = ideas[road["idea"]]
        Walk(stage, road, idea["lab"], idea["language"]).plan()
    for case in told["moderation"]:
        _moderation(stage, case, ideas[case["idea"]])


def _moderation(stage: Stage, case: dict[str, Any], idea: dict[str, Any]) -> None:
    key = case["comment"]["key"] if case["comment"] else case["idea"]
    if case["comment"]:
        comment = case["comment"]

        def speak(session: Session, now: datetime) -> None:
            stage.cast.comments[key] = say(session, stage, idea, comment, now)

        stage.plan(stage.at(comment["days_ago"], key), speak)
    for number, told in enumerate(case["reports"]):
        stage.plan(
            stage.at(told["days_ago"], key, number + 1),
            _report,
            stage,
            case,
            told,
        )
    if case["action"]:
        stage.plan(stage.at(case["days_ago"], key, 9), _decide, stage, case)
    if case["appeal"]:
        stage.plan(stage.at(case["appeal"]["days_ago"], key, 12), _appeal, stage, case)
        if case["appeal"]["outcome"]:
            stage.plan(
                stage.at(case["appeal"]["decided_days_ago"], key, 15),
                _settle,
                stage,
                case,
            )


def _comment_id(stage: Stage, case: dict[str, Any]) -> int | None:
    return stage.cast.comments[case["comment"]["key"]] if case["comment"] else None


def _report(
    session: Session, stage: Stage, case: dict[str, Any], told: dict[str, Any], now: datetime
) -> None:
    report(
        session,
        idea_id=stage.cast.ideas[case["idea"]],
        comment_id=_comment_id(stage, case),
        person=stage.viewer(told["by"]),
        rule=told["rule"],
        text=told["text"],
        now=now,
    )


def _decide(session: Session, stage: Stage, case: dict[str, Any], now: datetime) -> None:
    row = session.scalars(
        select(Case).where(
            Case.idea_id == stage.cast.ideas[case["idea"]],
            Case.comment_id == _comment_id(stage, case),
            col(Case.closed_at).is_(None),
        )
    ).one()
    decision = decide_case(
        session,
        case_id=known_id(row.id),
        person=stage.viewer(case["by"]),
        verdict=Verdict(case["action"]),
        stamp=row.stamp,
        now=now,
        rule=case["rule"],
        facts=case["facts"],
    )
    case["decision_id"] = known_id(decision.id)


def _appeal(session: Session, stage: Stage, case: dict[str, Any], now: datetime) -> None:
    told = case["appeal"]
    row = appeal(
        session, decision_id=case["decision_id"], person=stage.viewer(told["by"]), text=told["text"], now=now
    )
    case["appeal_id"] = known_id(row.id)


def _settle(session: Session, stage: Stage, case: dict[str, Any], now: datetime) -> None:
    told = case["appeal"]
    decide_appeal(
        session,
        appeal_id=case["appeal_id"],
        person=stage.viewer(told["decided_by"]),
        outcome=AppealOutcome(told["outcome"]),
        reasons=told["reasons"],
        now=now,
    )
