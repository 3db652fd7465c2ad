"""How often one network may knock at the doors that stand open to anybody: sign-in, sign-up, reports.

Counts live in the app's database and commit on their own, so that all workers count together and a
refused request is counted, too. A person's own limits (rule V8) are counted inside the commands.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address, ip_address
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from flask import Flask, Response, current_app, request
from flask_babel import lazy_gettext as _l
from flask_limiter import Limiter, RequestLimit
from limits.storage import Storage
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from sqlmodel import Field, SQLModel, col

from livinglab.core.clock import utc_now
from livinglab.core.errors import TooMany
from livinglab.web.database import db, settings
from livinglab.web.errors import refused

KEY_DAYS = 14
View = TypeVar("View", bound=Callable[..., Any])


class RateCount(SQLModel, table=True):
    """How often one network knocked at one door within the window that runs now."""

    __tablename__ = "rate_count"
    key: str = Field(primary_key=True, max_length=200)
    count: int
    expires_at: datetime = Field(index=True)


class NetworkKey(SQLModel, table=True):
    """The key that hashes network addresses for a fortnight. Once deleted, no hash leads back (rule V8)."""

    __tablename__ = "network_key"
    period: int = Field(primary_key=True)
    secret: str = Field(max_length=64)


class DatabaseStorage(Storage):
    """Counts of Flask-Limiter in the app's own database. One statement counts and answers."""

    STORAGE_SCHEME = ["livinglab"]

    @property
    def base_exceptions(self) -> type[Exception] | tuple[type[Exception], ...]:
        """Name what the database may raise; the error page says when to come back."""
        return SQLAlchemyError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add to a count, starting anew where its window is over."""
        now = utc_now()
        table = RateCount.__table__  # type: ignore[attr-defined]
        insert = sqlite.insert if db.is_sqlite else postgresql.insert
        fresh = insert(table).values(key=key, count=amount, expires_at=now + timedelta(seconds=expiry))
        over = table.c.expires_at <= now
        query = fresh.on_conflict_do_update(
            index_elements=[table.c.key],
            set_={
                "count": sa.case((over, amount), else_=table.c.count + amount),
                "expires_at": sa.case((over, fresh.excluded.expires_at), else_=table.c.expires_at),
            },
        ).returning(table.c.count)
        with db.writing() as session:
            return int(session.execute(query).scalar_one())

    def get(self, key: str) -> int:
        """Return a count; 0 where its window is over."""
        row = self._row(key)
        return row.count if row else 0

    def get_expiry(self, key: str) -> float:
        """Return the end of a window in seconds since 1970."""
        row = self._row(key)
        return (row.expires_at if row else utc_now()).timestamp()

    def check(self) -> bool:
        """Say whether the database answers."""
        with db.reading() as session:
            return session.scalar(sa.select(sa.literal(1))) == 1

    def reset(self) -> int | None:
        """Forget all counts."""
        with db.writing() as session:
            gone = session.execute(sa.delete(RateCount).returning(col(RateCount.key)))
            return len(gone.all())

    def clear(self, key: str) -> None:
        """Forget one count."""
        with db.writing() as session:
            session.execute(sa.delete(RateCount).where(col(RateCount.key) == key))

    def _row(self, key: str) -> RateCount | None:
        with db.reading() as session:
            row = session.get(RateCount, key)
        return row if row and row.expires_at > utc_now() else None


def network() -> str:
    """Return the keyed hash of the caller's network: the address itself, for IPv6 its /64."""
    try:
        address = ip_address(request.remote_addr or "0.0.0.0")  # noqa: S104  # stands for "unknown"
    except ValueError:
        address = ip_address("0.0.0.0")  # noqa: S104
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or IPv6Address(int(address) >> 64 << 64)
    return hmac.new(_network_key().encode(), str(address).encode(), hashlib.sha256).hexdigest()[:32]


def _network_key() -> str:
    """Return the key of this fortnight, made by the first worker that needs it."""
    period = (utc_now() - datetime(1970, 1, 1, tzinfo=UTC)).days // KEY_DAYS
    known = cast("tuple[int, str] | None", current_app.extensions.get("livinglab.network_key"))
    if known and known[0] == period:
        return known[1]
    insert = sqlite.insert if db.is_sqlite else postgresql.insert
    with db.writing() as session:
        session.execute(
            insert(NetworkKey).values(period=period, secret=secrets.token_hex(32)).on_conflict_do_nothing()
        )
        session.execute(sa.delete(NetworkKey).where(col(NetworkKey.period) < period))
        secret = session.scalars(
            sa.select(col(NetworkKey.secret)).where(col(NetworkKey.period) == period)
        ).one()
    current_app.extensions["livinglab.network_key"] = (period, secret)
    return secret


def _too_many(limit: RequestLimit) -> Response:
    """Answer a network that knocked too often, and say when to come back."""
    response = refused(TooMany("door-limit", _l("This was tried very often from your network.")))
    response.headers["Retry-After"] = str(max(1, int(limit.reset_at - utc_now().timestamp())))
    return cast(Response, response)


limiter = Limiter(network, storage_uri="livinglab://", strategy="fixed-window", headers_enabled=False)


def door(name: str, limits: str) -> Callable[[View], View]:
    """Limit a route to so many sends from one network. Only POST counts; stands under the access mark.

    Args:
        name: Routes with the same name share one count.
        limits: Such as ``"10 per minute; 60 per hour"``.
    """
    shared = limiter.shared_limit(limits, scope=name, methods=["POST"], on_breach=_too_many)
    return cast("Callable[[View], View]", shared)


def count_sign_up() -> bool:
    """Count one more sign-up from this network; say whether it is within the hour's limit (rule V8)."""
    used = DatabaseStorage().incr(f"sign-up/{network()}", 3600)
    return used <= settings().sign_ups_per_hour


def forget_counts(session: Session, now: datetime) -> int:
    """Delete counts whose window is over; nightly."""
    gone = session.execute(
        sa.delete(RateCount).where(col(RateCount.expires_at) <= now).returning(col(RateCount.key))
    )
    return len(gone.all())


def install(app: Flask) -> None:
    """Put the doors on the app."""
    limiter.init_app(app)
