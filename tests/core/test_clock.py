"""Working days and deadlines."""

from datetime import UTC, date, datetime

from livinglab.core.clock import add_working_days, due_in_days, due_in_working_days, working_days_between


def test_working_days_skip_weekends_and_public_holidays() -> None:
    assert add_working_days(date(2026, 4, 1), 3, "NO") == date(2026, 4, 9)  # over Easter
    assert add_working_days(date(2026, 4, 1), 3, "SE") == date(2026, 4, 8)
    assert working_days_between(date(2026, 4, 1), date(2026, 4, 9), "NO") == 3


def test_a_deadline_is_the_end_of_a_day_in_the_labs_zone_across_summer_time() -> None:
    start = datetime(2026, 3, 27, 9, 0, tzinfo=UTC)
    assert due_in_days(start, 1, "Europe/Oslo") == datetime(2026, 3, 28, 23, 0, tzinfo=UTC)
    assert due_in_days(start, 2, "Europe/Oslo") == datetime(2026, 3, 29, 22, 0, tzinfo=UTC)
    assert due_in_working_days(start, 1, "Europe/Helsinki", "FI") == datetime(2026, 3, 30, 21, 0, tzinfo=UTC)
