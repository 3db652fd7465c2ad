"""The site as machines see it."""

from datetime import timedelta

import time_machine

from livinglab import jobs
from livinglab.core.clock import utc_now
from tests.journeys.conftest import Site


def test_ready_once_the_worker_has_run_and_no_longer_when_it_is_silent(site: Site) -> None:
    client = site.app.test_client()
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503
    site.work()
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["journal_lag_seconds"] == 0
    assert set(answer.json["jobs"]) == {job.name for job in jobs.JOBS}
    with time_machine.travel(utc_now() + timedelta(minutes=3), tick=False):
        assert client.get("/readyz").status_code == 503
        assert client.get("/healthz").status_code == 200


def test_a_job_that_failed_is_named(site: Site) -> None:
    site.work()
    job = jobs.job_named("mails")

    def fail(_now: object) -> None:
        raise OSError("no room on the disk")

    with site.app.app_context():
        broken = jobs.Job(job.name, job.every, fail, job.about)
        assert not jobs.run_job(site.database, broken, utc_now())
    told = site.app.test_client().get("/readyz").json
    assert told is not None
    assert {name for name, run in told["jobs"].items() if run["failed"]} == {"mails"}
    site.work()
    told = site.app.test_client().get("/readyz").json
    assert told is not None
    assert not any(run["failed"] for run in told["jobs"].values())
