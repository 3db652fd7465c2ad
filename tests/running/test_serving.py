"""``livinglab serve``: how it begins, how it ends, and what it says when it cannot."""

from __future__ import annotations

import os
import signal
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from click.testing import CliRunner

from livinglab.app import create_app
from livinglab.cli import main
from livinglab.jobs import JOBS
from tests.conftest import SECRET
from tests.running.conftest import Program, Start, living, wait_for


def answer(url: str) -> tuple[int, bytes]:
    """Return status and body; status 0 where nobody listens."""
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read()
    except OSError:
        return 0, b""


def serves(program: Program, site: str) -> bool:
    """Whether web server and worker both do their work."""
    assert program.process.poll() is None, program.said
    return answer(f"{site}/readyz")[0] == 200


@pytest.mark.parametrize(
    ("end", "code"),
    [(signal.SIGINT, 0), (signal.SIGKILL, -signal.SIGKILL)],
    ids=["Ctrl-C", "killed"],
)
def test_it_serves_with_its_worker_and_nothing_of_it_outlives_it(
    start: Start, end: signal.Signals, code: int
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    site = f"http://127.0.0.1:{port}"
    program = start("serve", "--with-worker", "--port", str(port))
    wait_for(lambda: serves(program, site), "it does not serve")
    assert program.says(f"Livinglab is at {site}\n")
    status, page = answer(f"{site}/")
    assert (status, b"<main" in page) == (200, True)
    family = program.family()
    assert len(family) >= 4  # parent, web server, its process, worker
    os.kill(program.process.pid, end)
    assert program.process.wait(30) == code, program.said
    wait_for(lambda: not family & set(living()), "something outlives it")
    assert "Traceback" not in program.said


def say(arguments: list[str], folder: Path, **settings: str) -> tuple[int, str]:
    """Type a command that ends by itself; return its exit code and what it said."""
    told: dict[str, str | None] = {name: None for name in os.environ if name.startswith("LIVINGLAB_")}
    told |= {"LIVINGLAB_INSTANCE": str(folder / "instance"), "LIVINGLAB_SECRET_KEY": SECRET} | settings
    done = CliRunner().invoke(main, arguments, obj=create_app, env=told)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"LIVINGLAB_SECRET_KEY": "short"}, "LIVINGLAB_SECRET_KEY is missing or shorter than 32 characters."),
        ({"LIVINGLAB_DEBUG": "1"}, "LIVINGLAB_DEBUG must be off"),
        ({"LIVINGLAB_BASE_URL": "https://ideas.example.org"}, "LIVINGLAB_TRUSTED_HOSTS must name the host"),
        (
            {"LIVINGLAB_BASE_URL": "http://a.example", "LIVINGLAB_TRUSTED_HOSTS": "a.example"},
            "must start with https://",
        ),
        (
            {"LIVINGLAB_BASE_URL": "https://a.example", "LIVINGLAB_DEMO": "1"},
            "Demo mode lets anybody sign in",
        ),
        ({"LIVINGLAB_LOG_LEVEL": "loud"}, "LIVINGLAB_LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR"),
        ({"LIVINGLAB_AGE_LIMIT": "old"}, "LIVINGLAB_AGE_LIMIT must be a whole number"),
        ({"LIVINGLAB_DATABASE_URL": "mysql://a/b"}, "LIVINGLAB_DATABASE_URL must be postgresql://"),
        (
            {"LIVINGLAB_DATABASE_URL": "sqlite:////not/there/a.sqlite"},
            "a folder that is not there: /not/there",
        ),
        (
            {"LIVINGLAB_DATABASE_URL": "postgresql://127.0.0.1:1/a"},
            "The database does not answer: connection",
        ),
        ({"PORT": "eighty"}, "Invalid value for '--port'"),
        ({"PORT": "70000"}, "Invalid value for '--port'"),
    ],
    ids=lambda value: "" if isinstance(value, str) else " ".join(value),
)
def test_what_an_operator_can_set_right_is_said_in_one_line(
    tmp_path: Path, settings: dict[str, str], words: str
) -> None:
    code, said = say(["serve"], tmp_path, **settings)
    assert code in (1, 2)
    assert words in said
    assert len([line for line in said.splitlines() if line.startswith("Error")]) == 1


def test_a_port_in_use_is_named_with_the_way_out(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert f"Port {port} is taken" in say(["serve", "--port", str(port)], tmp_path)[1]


def test_the_demo_only_listens_on_this_machine(tmp_path: Path) -> None:
    code, said = say(["serve", "--host", "0.0.0.0"], tmp_path, LIVINGLAB_DEMO="1")
    assert (code, said) == (1, "Error: Demo mode only listens on this machine's own address.\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("colour = 'red'", "config.toml: unknown setting colour"),
        ("age_limit = '13'", "config.toml: age_limit must be a whole number, not '13'"),
        ("age_limit", "config.toml cannot be read"),
        ("instance = '/somewhere'", "config.toml: unknown setting instance"),
    ],
)
def test_a_file_of_settings_that_is_wrong_says_where(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "instance").mkdir()
    (tmp_path / "instance" / "config.toml").write_text(text)
    code, said = say(["config"], tmp_path)
    assert code == 1
    assert words in said


def test_the_environment_beats_the_file_and_secrets_are_masked(tmp_path: Path) -> None:
    (tmp_path / "instance").mkdir()
    (tmp_path / "instance" / "config.toml").write_text("age_limit = 15\nsite_name = 'Vår lab'\n")
    code, said = say(["config"], tmp_path, LIVINGLAB_AGE_LIMIT="16")
    assert code == 0
    assert "age_limit = 16\n" in said
    assert "site_name = Vår lab\n" in said
    assert SECRET not in said


def test_the_doctor_finds_what_is_wrong_and_then_nothing(tmp_path: Path) -> None:
    code, said = say(["doctor"], tmp_path, LIVINGLAB_SECRET_KEY="short")
    assert (code, "WRONG  LIVINGLAB_SECRET_KEY" in said) == (1, True)
    assert not (tmp_path / "instance").exists()
    assert say(["db", "upgrade"], tmp_path)[0] == 0
    assert (tmp_path / "instance").stat().st_mode & 0o077 == 0
    code, said = say(["doctor"], tmp_path)
    assert (code, "WRONG" in said) == (0, False)
    assert say(["db", "check"], tmp_path)[0] == 0
    assert say(["jobs", "once", "mails"], tmp_path)[0] == 0
    assert say(["jobs", "list"], tmp_path)[1].count("never run") == len(JOBS) - 1
    assert say(["jobs", "once"], tmp_path)[0] == 0
    assert "never run" not in say(["jobs", "list"], tmp_path)[1]


def test_a_command_that_needs_the_schema_says_how_to_get_it(tmp_path: Path) -> None:
    assert say(["jobs", "list"], tmp_path) == (
        1,
        "Error: The database is not up to date. Run: livinglab db upgrade\n",
    )
