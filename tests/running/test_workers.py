"""Two workers on one database: one leads, and the other takes over when it is gone."""

from __future__ import annotations

import signal
from typing import Any

from flask.testing import FlaskClient

from livinglab.core.db import Database
from livinglab.jobs import JOBS
from tests.running.conftest import Program, Start, wait_for

TAKE_OVER_S = 20.0
"""On a quiet machine it is three: two until the lead is asked for again, one until the jobs begin."""


def ready(client: FlaskClient) -> dict[str, Any]:
    """Ask the site as a watching machine does."""
    facts = client.get("/readyz").json
    assert facts is not None
    return facts


def has_run_each_job(client: FlaskClient, worker: Program) -> bool:
    """Whether this worker leads and every job of the table has gone well since it does."""
    assert worker.process.poll() is None, worker.said
    facts = ready(client)
    jobs = facts["jobs"]
    assert not any(job["failed"] for job in jobs.values()), worker.said
    return bool(facts["ok"]) and str(facts["leader"]).endswith(f":{worker.process.pid}")


def runs_of_slow_jobs(client: FlaskClient) -> dict[str, int]:
    """Count the runs of those jobs that nobody runs twice within this test: they look once an hour or so."""
    slow = {job.name for job in JOBS if job.every.total_seconds() >= 900}
    return {name: job["runs"] for name, job in ready(client)["jobs"].items() if name in slow}


def test_a_worker_takes_over_from_one_that_was_killed_and_no_job_runs_twice(
    client: FlaskClient, database: Database, start: Start
) -> None:
    url = database.url.render_as_string(hide_password=False)
    workers = [start("worker", LIVINGLAB_DATABASE_URL=url) for _ in range(2)]
    wait_for(lambda: any(w.says("worker leads") for w in workers), "no worker leads")
    leader, other = sorted(workers, key=lambda w: w.says("worker leads"), reverse=True)
    wait_for(lambda: other.says("worker waits"), "the other worker does not wait")
    wait_for(lambda: set(runs_of_slow_jobs(client).values()) == {1}, "not every job has run")
    assert has_run_each_job(client, leader)
    assert not other.says("worker leads")

    leader.kill()
    wait_for(lambda: has_run_each_job(client, other), "nobody took over", TAKE_OVER_S)
    wait_for(lambda: set(runs_of_slow_jobs(client).values()) == {2}, "not every job has run again")
    assert other.says("worker leads")

    other.process.send_signal(signal.SIGHUP)  # its terminal is closed
    assert other.process.wait(20) == 0, other.said
    assert set(runs_of_slow_jobs(client).values()) == {2}
