"""Settings that cannot be meant are refused in a line, wherever they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from livinglab.config import UnsafeConfig, load_config

FINE = {"LIVINGLAB_BASE_URL": "https://ideas.example.org/", "LIVINGLAB_DEFAULT_LANGUAGE": "sv"}


def test_a_slash_after_the_address_is_dropped(tmp_path: Path) -> None:
    assert load_config(tmp_path, FINE).base_url == "https://ideas.example.org"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BASE_URL", "ideas.example.org"),
        ("BASE_URL", "https://example.org/ideas"),
        ("BASE_URL", "ftp://example.org"),
        ("DEFAULT_LANGUAGE", "se"),
        ("TRUSTED_PROXIES", "-1"),
        ("TRUSTED_PROXIES", "one"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(UnsafeConfig, match=f"LIVINGLAB_{name}"):
        load_config(tmp_path, FINE | {f"LIVINGLAB_{name}": value})


def test_nobody_runs_the_demo_and_a_setting_still_beats_it(tmp_path: Path) -> None:
    chosen = load_config(tmp_path, {"LIVINGLAB_DEMO": "1", "LIVINGLAB_OWNER": "Fjellvik kommune"})
    assert (chosen.owner, chosen.contact_email.endswith("example.org")) == ("Fjellvik kommune", True)
    assert load_config(tmp_path, FINE).contact_email == ""


def test_a_relative_folder_is_the_one_the_program_was_started_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_config(environ={}).instance == tmp_path / "instance"
    assert load_config(environ={"LIVINGLAB_INSTANCE": "here"}).instance == tmp_path / "here"


@pytest.mark.parametrize("line", ["testing = true", 'trusted_hosts = "example.org"', 'trusted_proxies = "1"'])
def test_the_file_is_read_as_strictly(tmp_path: Path, line: str) -> None:
    (tmp_path / "config.toml").write_text(line)
    with pytest.raises(UnsafeConfig):
        load_config(tmp_path, {})


def test_nobody_switches_the_guards_off_from_outside(tmp_path: Path) -> None:
    assert load_config(tmp_path, {"LIVINGLAB_TESTING": "1"}).testing is False
