"""Doors count together, on their own, and without knowing who knocked."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlmodel import select

from livinglab.app import create_app
from livinglab.core.clock import utc_now
from livinglab.core.db import Database
from livinglab.web import limits
from livinglab.web.access import public
from livinglab.web.limits import DatabaseStorage, NetworkKey, RateCount, door, forget_counts, network

pytestmark = pytest.mark.line("limits")


def with_door(config) -> Flask:
    """Make one worker: an app with a door that takes three knocks a minute."""
    app = create_app(config)
    app.config["WTF_CSRF_ENABLED"] = False

    def knock() -> str:
        return "come in"

    app.add_url_rule("/knock", "knock", public(door("knock", "3 per minute")(knock)), methods=["GET", "POST"])
    return app


@pytest.fixture
def workers(config):
    """Two workers on one database."""
    apps = [with_door(config), with_door(config)]
    yield [app.test_client() for app in apps]
    for app in apps:
        app.extensions["livinglab.database"].close()


@pytest.fixture
def still():
    """Let time stand still at the beginning of a minute: the window is the clock's."""
    with time_machine.travel(utc_now().replace(second=1), tick=False) as clock:
        yield clock


def knock(client, address="192.0.2.1", method="post"):
    return getattr(client, method)("/knock", environ_base={"REMOTE_ADDR": address})


def test_all_workers_count_together(workers, still):
    one, two = workers
    assert [knock(worker).status_code for worker in (one, two, one, two, one)] == [200, 200, 200, 429, 429]


def test_who_knocks_too_often_reads_a_calm_page_and_learns_when_to_come_back(workers, still):
    for _ in range(4):
        answer = knock(workers[0])
    assert answer.status_code == 429
    assert answer.headers["X-Reason-Code"] == "door-limit"
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert (
        "A little too fast"
        in workers[0].post("/knock?lang=en", environ_base={"REMOTE_ADDR": "192.0.2.1"}).text
    )


def test_the_door_opens_again_when_the_window_is_over(workers, still):
    for _ in range(4):
        knock(workers[0])
    still.shift(61)
    assert knock(workers[0]).status_code == 200


def test_only_sends_are_counted(workers, still):
    assert [knock(workers[0], method="get").status_code for _ in range(6)] == [200] * 6
    assert knock(workers[0]).status_code == 200


def test_another_network_has_a_count_of_its_own(workers, still):
    for _ in range(4):
        knock(workers[0])
    assert knock(workers[0], "192.0.2.2").status_code == 200


def test_one_household_is_one_network_in_the_new_addresses(app):
    with app.test_request_context(environ_base={"REMOTE_ADDR": "2001:db8:1:2:aaaa::1"}):
        one = network()
    with app.test_request_context(environ_base={"REMOTE_ADDR": "2001:db8:1:2:bbbb::9"}):
        two = network()
    with app.test_request_context(environ_base={"REMOTE_ADDR": "2001:db8:1:3:aaaa::1"}):
        three = network()
    assert one == two != three


def test_an_old_address_is_the_same_when_written_the_new_way(app):
    with app.test_request_context(environ_base={"REMOTE_ADDR": "::ffff:192.0.2.1"}):
        new = network()
    with app.test_request_context(environ_base={"REMOTE_ADDR": "192.0.2.1"}):
        assert network() == new


@pytest.mark.parametrize("address", ["", "unix:", "not an address"])
def test_a_caller_without_an_address_is_counted_too(app, address):
    with app.test_request_context(environ_base={"REMOTE_ADDR": address}):
        assert len(network()) == 32


def test_no_address_is_kept_and_its_key_goes_after_a_fortnight(app, database):
    with time_machine.travel("2026-03-02T12:00:00Z", tick=False) as clock:
        with app.test_request_context(environ_base={"REMOTE_ADDR": "192.0.2.1"}):
            before = network()
            DatabaseStorage().incr(f"x/{before}", 3600)
        clock.shift(timedelta(days=14))
        with app.test_request_context(environ_base={"REMOTE_ADDR": "192.0.2.1"}):
            assert network() != before
    with database.reading() as session:
        assert len(session.scalars(select(NetworkKey)).all()) == 1
        assert "192.0.2.1" not in str([row.model_dump() for row in session.scalars(select(RateCount))])


def test_two_workers_agree_on_the_key(config):
    found = set()
    for _ in range(2):
        app = create_app(config)
        with app.test_request_context(environ_base={"REMOTE_ADDR": "192.0.2.1"}):
            found.add(network())
        app.extensions["livinglab.database"].close()
    assert len(found) == 1


def test_a_count_begins_anew_and_can_be_cleared(app):
    with app.app_context(), time_machine.travel("2026-03-02T12:00:00Z", tick=False) as clock:
        storage = DatabaseStorage()
        assert storage.check()
        assert [storage.incr("k", 60), storage.incr("k", 60, 5)] == [1, 6]
        assert storage.get("k") == 6
        assert storage.get_expiry("k") == utc_now().timestamp() + 60
        clock.shift(60)
        assert (storage.get("k"), storage.incr("k", 60)) == (0, 1)
        storage.clear("k")
        assert storage.get("k") == 0
        storage.incr("a", 60)
        assert (storage.reset(), storage.get("a")) == (1, 0)


def test_a_count_stands_although_the_request_is_rolled_back(app, database):
    with app.app_context():
        DatabaseStorage().incr("k", 60)
        with database.writing() as session:
            session.rollback()
    with app.app_context():
        assert DatabaseStorage().get("k") == 1


def test_the_night_forgets_counts_whose_window_is_over(app, database: Database):
    with app.app_context(), time_machine.travel("2026-03-02T12:00:00Z", tick=False):
        limits.DatabaseStorage().incr("old", 60)
        limits.DatabaseStorage().incr("young", 7200)
        with database.writing() as session:
            assert forget_counts(session, utc_now() + timedelta(hours=1)) == 1
            assert forget_counts(session, utc_now() + timedelta(hours=1)) == 0
