"""Time: instants are aware and in UTC; days and deadlines belong to a lab's zone and country."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays


def utc_now() -> datetime:
    """Return the present instant. Only edges (views, jobs, the command line) call it."""
    return datetime.now(UTC)


def local_day(at: datetime, zone: str) -> date:
    """Return the calendar day of an instant in a time zone such as ``Europe/Oslo``."""
    return at.astimezone(ZoneInfo(zone)).date()


def instant(day: date, at: time, zone: str) -> datetime:
    """Return the UTC instant of a wall-clock time in a zone. Source: rule L4."""
    return datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)


def end_of_day(day: date, zone: str) -> datetime:
    """Return the first instant after a calendar day: what is due that day is late from here on."""
    return instant(day + timedelta(days=1), time(), zone)


@lru_cache(maxsize=64)
def _holidays(country: str, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays(country, years=year))


def is_working_day(day: date, country: str) -> bool:
    """Say whether a day is Monday to Friday and no public holiday of the country. Source: rule H2."""
    return day.weekday() < 5 and day not in _holidays(country, day.year)


def add_working_days(day: date, count: int, country: str) -> date:
    """Return the ``count``-th working day after ``day`` (which itself does not count)."""
    while count > 0:
        day += timedelta(days=1)
        if is_working_day(day, country):
            count -= 1
    return day


def working_days_between(start: date, end: date, country: str) -> int:
    """Count the working days after ``start`` up to and including ``end``."""
    days = (start + timedelta(days=n) for n in range(1, (end - start).days + 1))
    return sum(is_working_day(day, country) for day in days)


def due_in_days(start: datetime, days: int, zone: str) -> datetime:
    """Return the end of the calendar day ``days`` after ``start`` in the zone: a deadline's instant."""
    return end_of_day(local_day(start, zone) + timedelta(days=days), zone)


def due_in_working_days(start: datetime, count: int, zone: str, country: str) -> datetime:
    """Return the end of the ``count``-th working day after ``start`` in the zone."""
    return end_of_day(add_working_days(local_day(start, zone), count, country), zone)
