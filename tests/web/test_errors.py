"""Errors that come before a page can be drawn."""

from __future__ import annotations

from pathlib import Path

from livinglab.app import create_app
from livinglab.config import Config


def test_a_foreign_host_is_refused_in_a_line(tmp_path: Path) -> None:
    config = Config(
        instance=tmp_path,
        secret_key="x" * 40,
        base_url="https://ideas.example.org",
        trusted_hosts=("ideas.example.org",),
        database_url=f"sqlite:///{tmp_path}/none.sqlite",
    )
    answer = create_app(config).test_client().get("/", base_url="https://evil.example")
    assert (answer.status_code, answer.text) == (400, "400 Bad Request")
