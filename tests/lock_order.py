"""The one order of locks, watched: each request of the suite is read statement by statement.

Source: docs/decisions/0010-one-lock-order.md
"""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa
from flask import has_request_context, request

ORDER: tuple[frozenset[str], ...] = (
    frozenset({"address_guard"}),
    frozenset({"person"}),
    frozenset(
        {
            "one_time_link", "device", "invitation", "role_grant", "unit_member", "challenge", "lab",
            "measure", "audience", "category",
        }
    ),
    frozenset({"idea"}),
    frozenset({"comment"}),
    frozenset({"idea_count"}),
    frozenset({"lab_settings", "receiving_unit"}),
)  # fmt: skip
UNDER_ANOTHER_LOCK = frozenset(
    {
        "idea_version", "idea_tag", "credit", "moderation_case", "moderation_decision", "appeal", "report",
        "review", "proposal", "gate_decision", "evidence", "benefit", "handoff", "handoff_note", "answer",
        "escalation", "support", "support_given", "threshold_reached", "follow", "suspension",
    }
)  # fmt: skip
"""Rows of one idea or comment, changed only by who holds that (or, of one person, by that person)."""
ONLY_ADDED_TO = frozenset(
    {
        "event", "event_todo", "outbox_mail", "notice", "digest_sent", "stored_file",
        "rate_count", "network_key", "job_run",
    }
)  # fmt: skip
"""Rows nobody waits for: added, taken with SKIP LOCKED, or counted in a transaction of their own."""
RANK = {table: rank for rank, tables in enumerate(ORDER) for table in tables}
_CHANGES = re.compile(r'^\s*(?:UPDATE|DELETE FROM)\s+"?(\w+)"?')
_LOCKS = re.compile(r'\bFOR (?:NO KEY )?(?:UPDATE|SHARE)(?: OF "?(\w+)"?)?(?! *SKIP LOCKED)(?!.*SKIP LOCKED)')
_READS = re.compile(r'\bFROM "?(\w+)"?')


def locked_by(statement: str) -> str | None:
    """Return the table in which a statement locks rows, or ``None``."""
    changed = _CHANGES.match(statement)
    if changed:
        return changed[1]
    found = _LOCKS.search(statement)
    if found is None:
        return None
    read = _READS.search(statement)
    return found[1] or (read[1] if read else None)


class OutOfOrder(AssertionError):
    """A statement locks what should have been locked before."""


def check(held: list[str], statement: str) -> None:
    """Add what a statement locks to what its transaction holds.

    Raises:
        OutOfOrder: A table of an earlier line of the order follows one of a later line.
    """
    table = locked_by(statement)
    if table is None or table not in RANK or table in held:
        return
    late = [one for one in held if RANK[one] > RANK[table]]
    if late:
        where = f"{request.method} {request.path}" if has_request_context() else "a command"
        raise OutOfOrder(f"{where} locks {table} after {', '.join(late)}: {statement[:300]}")
    held.append(table)


def watch() -> None:
    """Watch every transaction of every request."""

    def before(conn: sa.Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
        if has_request_context() and conn.dialect.name != "sqlite":  # which has one writer, and no such lock
            check(conn.info.setdefault("held", []), statement)

    def afresh(conn: sa.Connection) -> None:
        if not conn.invalidated:  # else the line is gone, and with it what it held
            conn.info["held"] = []

    sa.event.listen(sa.Engine, "before_cursor_execute", before)
    for end in ("begin", "commit", "rollback"):
        sa.event.listen(sa.Engine, end, afresh)
