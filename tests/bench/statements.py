"""How many SQL statements a request takes: counted one by one, in the app itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from werkzeug.test import Client, EnvironBuilder

from livinglab.app import create_app
from livinglab.config import Config
from livinglab.core.db import Database
from livinglab.web.kept import KeptPages
from tests.bench.client import Request
from tests.conftest import SECRET


class Statements:
    """The app on a town's database, with an ear at the driver.

    Args:
        port: Of the site that is measured: what it told its visitors of their pages holds here, too.
    """

    def __init__(self, url: str, folder: Path, port: int) -> None:
        self._host = f"http://127.0.0.1:{port}"
        config = Config(
            instance=folder / "instance",
            database_url=url,
            secret_key=SECRET,
            base_url=self._host,
            testing=True,
        )
        app = create_app(config)
        self._database: Database = app.extensions["livinglab.database"]
        self._heard = 0
        sa.event.listen(self._database.engine, "before_cursor_execute", self._hear)
        self._drawn = Client(app.wsgi_app, use_cookies=False)
        kept = KeptPages(app.wsgi_app, self._database, clock=lambda: 0.0)  # however long the others take
        self._kept = Client(kept, use_cookies=False)

    def count(self, requests: Iterator[Request], *, kept: bool, sample: int) -> int:
        """Return the most statements one of some requests took, once all that warms is warm.

        What begins and ends a transaction is no statement here, nor is the pool's question whether a
        connection still lives.
        """
        asked = list(islice(requests, sample))
        warming = asked if asked[0].method == "GET" else [asked.pop()]
        for request in warming:
            self._send(request, kept=kept)
        return max(self._send(request, kept=kept) for request in asked)

    def _send(self, request: Request, *, kept: bool) -> int:
        path, _, query = request.path.partition("?")
        environ = EnvironBuilder(
            path,
            self._host,
            query_string=query,
            method=request.method,
            headers=list(request.headers),
            data=request.body,
            content_type="application/x-www-form-urlencoded" if request.body else None,
        ).get_environ()
        before = self._heard
        with _closed((self._kept if kept else self._drawn).open(environ)) as reply:
            assert reply.status_code in (request.wanted, 200), (request.path, reply.status_code)
        return self._heard - before

    def _hear(self, _connection: object, _cursor: object, statement: str, *_more: Any) -> None:
        self._heard += not statement.startswith(("BEGIN", "COMMIT", "ROLLBACK"))

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()


@contextmanager
def _closed(reply: Any) -> Iterator[Any]:
    try:
        yield reply
    finally:
        reply.close()
