"""The gates in front of the app: bodies are read first, few work at once, and writers never hold up readers."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import Client, EnvironBuilder
from werkzeug.wrappers import Response

from livinglab.web import gates


def echo(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
    start("200 OK", [("Content-Type", "text/plain")])
    return [environ["wsgi.input"].read()]


@pytest.fixture
def gate(app: Flask, monkeypatch: pytest.MonkeyPatch) -> gates.Gates:
    """Gates in front of an app that sends back what it got."""
    monkeypatch.setattr(gates, "PATIENCE_S", 0.01)
    made = gates.Gates(app, 2_000_000)
    monkeypatch.setattr(made, "_answer", echo)
    return made


@pytest.mark.parametrize("size", [0, 10, gates.CHUNK + 1, gates.IN_MEMORY + 1])
def test_a_body_reaches_the_app_whole(gate: gates.Gates, size: int) -> None:
    assert len(Client(gate, Response).post("/", data=b"x" * size).data) == size


def test_when_all_writers_wait_pages_are_still_read_and_who_writes_is_told_when_to_come_back(
    gate: gates.Gates,
) -> None:
    for _ in range(gates.WRITERS):
        assert gate._writers.acquire(blocking=False)
    client = Client(gate, Response)
    assert client.get("/").status_code == 200
    sorry = client.post("/", data={"title": "a"})
    assert (sorry.status_code, sorry.headers["Retry-After"]) == (503, "10")
    assert b"<h1>" in sorry.data
    assert "Content-Security-Policy" in sorry.headers
    gate._writers.release()
    assert client.post("/", data=b"a").data == b"a"
    assert client.post("/", data=b"b").data == b"b"  # a place that was taken is given back


def test_whoever_asks_whether_the_process_lives_is_answered_while_all_others_wait(gate: gates.Gates) -> None:
    for _ in range(gates.READERS):
        assert gate._readers.acquire(blocking=False)
    client = Client(gate, Response)
    assert (client.get("/").status_code, client.get("/healthz").status_code) == (503, 200)


def test_a_slow_body_is_waited_for_outside_the_gate(gate: gates.Gates) -> None:
    free: list[int] = []

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            free.append(gate._writers._value)  # type: ignore[attr-defined]
            return super().read(size)

    environ = EnvironBuilder(method="POST", input_stream=Slow(b"abc")).get_environ()
    environ["CONTENT_LENGTH"] = "3"
    assert b"".join(gate(environ, lambda *_: None)) == b"abc"
    assert set(free) == {gates.WRITERS}


def test_a_body_that_finds_no_room_is_to_be_sent_again(gate: gates.Gates) -> None:
    class Broken(io.BytesIO):
        def read(self, _size: int | None = -1) -> bytes:
            raise OSError(28, "No space left on device")

    environ = EnvironBuilder(method="POST", input_stream=Broken()).get_environ()
    environ["CONTENT_LENGTH"] = "3"
    said: list[str] = []
    list(gate(environ, lambda status, _headers, _e=None: said.append(status)))
    assert said == ["503 SERVICE UNAVAILABLE"]
