"""The one way to say no. The same refusal draws a disabled button and stops a command."""

from __future__ import annotations

from typing import ClassVar


class Refused(Exception):
    """A command that may not happen now.

    Args:
        code: Stable word for programs and tests, such as ``support-closed``.
        reason: A sentence for people, translatable (lazy) where it reaches a page.
        field: Name of the form field it belongs to, where there is one.
        also: What is wrong besides, at other fields, so that a form is put right in one go.
    """

    status: ClassVar[int] = 409

    def __init__(
        self, code: str, reason: object, *, field: str | None = None, also: tuple[Refused, ...] = ()
    ) -> None:
        super().__init__(code)
        self.code = code
        self.reason = reason
        self.field = field
        self.also = also


class Forbidden(Refused):
    """The person lacks the right."""

    status: ClassVar[int] = 403


class NotFound(Refused):
    """No such thing, or none that this person may know of."""

    status: ClassVar[int] = 404


class TooMany(Refused):
    """A limit per person or network is used up (rule V8)."""

    status: ClassVar[int] = 429


def refuse(problem: Refused | None) -> None:
    """Raise the answer of a ``why_not_…`` rule, if there is one."""
    if problem is not None:
        raise problem
