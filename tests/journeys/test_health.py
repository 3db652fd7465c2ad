"""The site as machines see it."""

from tests.journeys.conftest import Site


def test_ready_once_the_worker_has_run(site: Site) -> None:
    client = site.app.test_client()
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503
    site.work()
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["journal_lag_seconds"] == 0
