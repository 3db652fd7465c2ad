"""Who works in a lab: invitations by e-mail into roles and units, and their life."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import known_id
from livinglab.core.errors import NotFound, Refused, TooMany, refuse
from livinglab.core.journal import record
from livinglab.core.mail import queue_mail
from livinglab.core.tokens import new_token, token_hash
from livinglab.core.viewer import Role, Viewer
from livinglab.labs.commands.units import add_member
from livinglab.labs.models import Invitation, Lab, ReceivingUnit
from livinglab.labs.queries import viewer_of
from livinglab.labs.rules import (
    NO_SUCH_UNIT,
    VALID_FOR,
    state_of,
    why_not_accept,
    why_not_invite,
    why_not_take,
)
from livinglab.people.commands import grant_role, lock_actor, may_mail
from livinglab.people.models import Person, RoleGrant
from livinglab.people.rules import why_not_address

HOURS_MOST = 60
NO_SUCH_ROLE = NotFound("no-such-role", _l("This person does not hold this role."))
FORGET_AFTER = timedelta(days=90) - VALID_FOR
"""An address is kept for 90 days at most after its last mail."""


def invite(
    session: Session,
    *,
    lab_id: int,
    email: str,
    person: Viewer,
    now: datetime,
    role: Role | None = None,
    unit_id: int | None = None,
) -> Invitation:
    """Offer somebody a role or a place in a unit by e-mail. The link in the mail works once, for 14 days.

    Args:
        role: One of the lab's roles; or
        unit_id: a receiving unit of the lab. Exactly one of the two.

    Raises:
        NotFound: ``no-such-lab``. Forbidden: ``not-inviting``.
        Refused: ``bad-address``, ``nothing-offered``, ``unit-elsewhere``, ``already-invited``.
        TooMany: ``mail-limit``.

    Source: rule P2b.
    """
    if session.get(Lab, lab_id) is None:
        raise NotFound("no-such-lab", "")
    refuse(why_not_invite(person, lab_id))
    email = email.strip().lower()
    refuse(why_not_address(email))
    if (role is None) == (unit_id is None):
        raise Refused("nothing-offered", _l("Choose a role or a receiving unit."), field="offer")
    unit = session.get(ReceivingUnit, unit_id) if unit_id is not None else None
    if unit_id is not None and (unit is None or unit.lab_id != lab_id or unit.retired_at is not None):
        raise Refused("unit-elsewhere", _l("Choose one of the lab’s receiving units."), field="offer")
    if _stands(session, email, lab_id=lab_id, role=role, unit_id=unit_id, now=now):
        raise Refused(
            "already-invited", _l("This invitation waits already. You can send it again."), field="email"
        )
    _not_too_often(session, email, now)
    token = new_token()
    invitation = Invitation(
        lab_id=lab_id,
        email=email,
        role=role,
        unit_id=unit_id,
        token_hash=token_hash(token),
        invited_by=person.known_id,
        created_at=now,
        expires_at=now + VALID_FOR,
    )
    session.add(invitation)
    session.flush()
    _mail(session, invitation, token, unit=unit, person=person, now=now)
    _note(session, "invitation-sent", invitation, person, now)
    return invitation


def _stands(
    session: Session, email: str, *, lab_id: int, role: Role | None, unit_id: int | None, now: datetime
) -> bool:
    found = select(Invitation.id).where(
        Invitation.lab_id == lab_id,
        Invitation.email == email,
        Invitation.role == role,
        Invitation.unit_id == unit_id,
        col(Invitation.accepted_at).is_(None),
        col(Invitation.withdrawn_at).is_(None),
        col(Invitation.expires_at) > now,
    )
    return session.scalar(found.limit(1)) is not None


def resend_invitation(
    session: Session, *, lab_id: int, invitation_id: int, person: Viewer, now: datetime
) -> Invitation:
    """Send an invitation again with a new link for another 14 days; the old link is worth nothing.

    Raises:
        NotFound: ``no-such-invitation``. Forbidden: ``not-inviting``.
        Refused: ``invitation-used``, ``invitation-withdrawn``, ``unit-elsewhere``. TooMany: ``mail-limit``.
    """
    refuse(why_not_invite(person, lab_id))
    known = select(Invitation.email).where(Invitation.id == invitation_id, Invitation.lab_id == lab_id)
    email = session.scalar(known)
    if email is not None:
        _not_too_often(session, email, now)  # an address is locked before what hangs on it
    invitation = _invitation(session, invitation_id, lab_id)
    _still_offered(invitation, now)
    unit = session.get(ReceivingUnit, invitation.unit_id) if invitation.unit_id else None
    if unit is not None and unit.retired_at is not None:
        raise Refused("unit-elsewhere", _l("This receiving unit takes nothing new."))
    token = new_token()
    invitation.token_hash, invitation.expires_at = token_hash(token), now + VALID_FOR
    session.add(invitation)
    session.flush()
    _mail(session, invitation, token, unit=unit, person=person, now=now)
    _note(session, "invitation-sent", invitation, person, now)
    return invitation


def _not_too_often(session: Session, email: str, now: datetime) -> None:
    if not may_mail(session, email, now):
        raise TooMany(
            "mail-limit",
            _l("This address has had many mails within the hour. Try again later."),
            field="email",
        )


def withdraw_invitation(
    session: Session, *, lab_id: int, invitation_id: int, person: Viewer, now: datetime
) -> None:
    """Take an invitation back; its link is worth nothing from now on.

    Raises:
        NotFound: ``no-such-invitation``. Forbidden: ``not-inviting``.
        Refused: ``invitation-used``, ``invitation-withdrawn``.
    """
    refuse(why_not_invite(person, lab_id))
    invitation = _invitation(session, invitation_id, lab_id)
    _still_offered(invitation, now)
    invitation.withdrawn_at = now
    session.add(invitation)
    _note(session, "invitation-withdrawn", invitation, person, now)


def _still_offered(invitation: Invitation, now: datetime) -> None:
    state = state_of(invitation, now)
    if state == "accepted":
        raise Refused("invitation-used", _l("This invitation was accepted before."))
    if state == "withdrawn":
        raise Refused("invitation-withdrawn", _l("This invitation was taken back before."))


def accept_invitation(session: Session, *, token: str, person: Viewer, now: datetime) -> Invitation:
    """Take up what was offered. The role or membership counts from the next request on.

    Raises:
        NotFound: ``no-such-invitation``. Forbidden: ``signed-out``, ``account-closed``.
        Refused: ``invitation-used``, ``invitation-withdrawn``, ``invitation-expired``, ``unconfirmed``.

    Source: rule P2b.
    """
    if person.signed_in:
        lock_actor(session, person.known_id)
    invitation = session.scalar(select(Invitation).where(Invitation.token_hash == token_hash(token)))
    if invitation is None:
        raise NotFound("no-such-invitation", "")
    refuse(why_not_accept(person, state=state_of(invitation, now)))
    _still_stands(session, invitation)
    _take_once(session, invitation, person, now)
    if invitation.role is not None:
        grant_role(
            session,
            person_id=person.known_id,
            lab_id=invitation.lab_id,
            role=invitation.role,
            by_id=invitation.invited_by,
            now=now,
        )
    elif invitation.unit_id is not None:
        add_member(
            session,
            unit_id=invitation.unit_id,
            person_id=person.known_id,
            added_by=invitation.invited_by,
            now=now,
        )
    _note(session, "invitation-accepted", invitation, person, now)
    return invitation


def _still_stands(session: Session, invitation: Invitation) -> None:
    """Refuse what nobody could offer any more: the inviter lost the right, or the unit takes nothing new."""
    inviter = viewer_of(session, invitation.invited_by) if invitation.invited_by else None
    if inviter is None or why_not_invite(inviter, invitation.lab_id) is not None:
        raise Refused(
            "invitation-withdrawn",
            _l("Whoever invited you works no longer for the lab. Ask the lab manager for a new invitation."),
        )
    unit = session.get(ReceivingUnit, invitation.unit_id) if invitation.unit_id else None
    if unit is not None and unit.retired_at is not None:
        raise Refused("unit-elsewhere", _l("This receiving unit takes nothing new."))


def _take_once(session: Session, invitation: Invitation, person: Viewer, now: datetime) -> None:
    """Mark it accepted only where it still is not: of two at once, one counts."""
    taken = session.execute(
        sa.update(Invitation)
        .where(
            col(Invitation.id) == invitation.id,
            col(Invitation.accepted_at).is_(None),
            col(Invitation.withdrawn_at).is_(None),
        )
        .values(accepted_at=now, accepted_by=person.known_id, email="")  # the address has done its work
        .execution_options(synchronize_session=False)
    )
    session.refresh(invitation)
    if getattr(taken, "rowcount", 0) != 1:
        raise Refused("invitation-used", _l("This invitation was accepted before. Each one works once."))


def forget_old_invitations(session: Session, now: datetime) -> int:
    """Delete invitations that nobody accepted, so their addresses are not kept: 76 days after they ended.

    Returns:
        How many were deleted. A second run finds none.
    """
    gone = session.execute(
        sa.delete(Invitation).where(
            col(Invitation.accepted_at).is_(None), col(Invitation.expires_at) <= now - FORGET_AFTER
        )
    )
    return int(getattr(gone, "rowcount", 0))


def take_role(session: Session, *, lab_id: int, role: Role, person: Viewer, now: datetime) -> RoleGrant:
    """Give oneself a role: the administrator becomes manager, a manager takes the other roles.

    Raises:
        NotFound: ``no-such-lab``. Forbidden: ``not-admin``, ``not-manager``.
    """
    if session.get(Lab, lab_id) is None:
        raise NotFound("no-such-lab", "")
    refuse(why_not_take(person, lab_id=lab_id, role=role))
    return grant_role(
        session, person_id=person.known_id, lab_id=lab_id, role=role, by_id=person.known_id, now=now
    )


def join_unit(session: Session, *, unit_id: int, person: Viewer, now: datetime) -> None:
    """Let a manager become a member of one of the lab's units.

    Raises:
        NotFound: ``no-such-unit``. Forbidden: ``not-manager``.
    """
    unit = session.get(ReceivingUnit, unit_id)
    if unit is None:
        raise NO_SUCH_UNIT
    refuse(why_not_take(person, lab_id=unit.lab_id, role=Role.FACILITATOR))
    add_member(session, unit_id=unit_id, person_id=person.known_id, added_by=person.known_id, now=now)


def set_weekly_hours(
    session: Session, *, lab_id: int, grant_id: int, weekly_hours: int | None, person: Viewer, now: datetime
) -> None:
    """Say how many hours a week somebody gives to a role: the holder themself, or who invites.

    Raises:
        NotFound: ``no-such-role``; also when it is another lab's, or not this person's to say.
        Refused: ``bad-hours``.
    """
    grant = session.get(RoleGrant, grant_id)
    if grant is None or grant.ended_at is not None or grant.lab_id != lab_id:
        raise NO_SUCH_ROLE
    if grant.person_id != person.person_id and why_not_invite(person, lab_id) is not None:
        raise NO_SUCH_ROLE
    if weekly_hours is not None and not 0 <= weekly_hours <= HOURS_MOST:
        raise Refused("bad-hours", _l("Between 0 and 60 hours a week."), field="weekly_hours")
    grant.weekly_hours = weekly_hours
    session.add(grant)
    record(
        session, "role-hours-set", at=now, actor_id=person.person_id, lab_id=grant.lab_id,
        subject_id=grant.person_id, public=False, readers=(),
        data={"role": grant.role.value, "weekly_hours": weekly_hours},
    )  # fmt: skip


def _invitation(session: Session, invitation_id: int, lab_id: int) -> Invitation:
    """Return an invitation, locked: one that is accepted at this moment is not taken back as well.

    Raises:
        NotFound: ``no-such-invitation``; also when it is another lab's.
    """
    invitation = session.get(Invitation, invitation_id, with_for_update=True, populate_existing=True)
    if invitation is None or invitation.lab_id != lab_id:
        raise NotFound("no-such-invitation", "")
    return invitation


def _mail(
    session: Session,
    invitation: Invitation,
    token: str,
    *,
    unit: ReceivingUnit | None,
    person: Viewer,
    now: datetime,
) -> None:
    lab = session.get_one(Lab, invitation.lab_id)
    known = session.scalar(select(Person).where(Person.email == invitation.email))
    queue_mail(
        session,
        "invitation",
        address=invitation.email,
        language=known.language if known else lab.languages[0],
        now=now,
        person_id=known_id(known.id) if known else None,
        data={
            "path": f"/invitations/{token}",
            "lab": lab.name,
            "role": invitation.role.value if invitation.role else None,
            "unit": dict(unit.name) if unit else None,
            "inviter": person.name,
            "expires_at": invitation.expires_at.isoformat(),
            "timezone": lab.timezones[0],
        },
    )


def _note(session: Session, kind: str, invitation: Invitation, person: Viewer, now: datetime) -> None:
    record(
        session, kind, at=now, actor_id=person.person_id, lab_id=invitation.lab_id,
        subject_id=known_id(invitation.id), public=False, readers=(),
        data={"role": invitation.role.value if invitation.role else None, "unit_id": invitation.unit_id},
    )  # fmt: skip
