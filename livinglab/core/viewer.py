"""Who is looking: the signed-in person with roles and units, or a visitor. Loaded once a request."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """A role somebody holds in one lab. Everybody with a confirmed account is a resident everywhere."""

    FACILITATOR = "facilitator"
    LEAD = "lead"
    MANAGER = "manager"


@dataclass(frozen=True, slots=True)
class Viewer:
    """What a rule may know of the person who asks. Source: DOMAIN section 3.

    Args:
        person_id: ``None`` for a visitor.
        trust: 0 unconfirmed, 1 e-mail confirmed, 2 met in person, 3 eID (rule P3).
        roles: Roles by lab id.
        units: Lab id by receiving unit, for the units the person is a member of.
    """

    person_id: int | None = None
    name: str = ""
    language: str = ""
    trust: int = 0
    is_admin: bool = False
    photo: str | None = None
    roles: dict[int, frozenset[Role]] = field(default_factory=dict)
    units: dict[int, int] = field(default_factory=dict)

    @property
    def signed_in(self) -> bool:
        """Say whether this is a person and not a visitor."""
        return self.person_id is not None

    @property
    def known_id(self) -> int:
        """Return the person's id; only called where somebody is signed in."""
        if self.person_id is None:
            raise LookupError("a visitor has no id")
        return self.person_id

    def has(self, lab_id: int, *roles: Role) -> bool:
        """Say whether the person holds one of the roles in the lab."""
        return not self.roles.get(lab_id, frozenset()).isdisjoint(roles)

    def labs_as(self, *roles: Role) -> frozenset[int]:
        """Return the labs in which the person holds one of the roles."""
        return frozenset(lab for lab, held in self.roles.items() if not held.isdisjoint(roles))

    def unit_labs(self) -> frozenset[int]:
        """Return the labs in which the person is a member of a receiving unit."""
        return frozenset(self.units.values())

    def moderates(self, lab_id: int) -> bool:
        """Say whether the person moderates in the lab."""
        return self.has(lab_id, Role.FACILITATOR, Role.MANAGER)

    def is_staff(self, lab_id: int) -> bool:
        """Say whether the person's support counts as staff support in the lab (rule V3)."""
        return lab_id in self.roles or lab_id in self.unit_labs()

    @property
    def is_staff_anywhere(self) -> bool:
        """Say whether the person has any work page."""
        return bool(self.roles or self.units)


VISITOR = Viewer()
