"""The package as it is installed elsewhere: everything the site needs, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from hatchling.builders.wheel import WheelBuilder

from tests.conftest import SECRET

ROOT = Path(__file__).parents[2]
NOT_SHIPPED = {".pyc", ".po"}

PAGES = """
import sys
from pathlib import Path

import livinglab
from livinglab.app import create_app

assert Path(livinglab.__file__).is_relative_to(sys.argv[1]), livinglab.__file__
client = create_app().test_client()
page = client.get("/sign-in?lang=fi").text
assert "Kirjaudu" in page, page
for address in ("vendor/designsystemet.css", "vendor/theme.css", "vendor/htmx.min.js", "img/mark.svg"):
    assert client.get("/static/" + address).status_code == 200, address
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    """Build it, as the release does."""
    (built,) = WheelBuilder(str(ROOT)).build(
        directory=str(tmp_path_factory.mktemp("wheel")), versions=["standard"]
    )
    return ZipFile(built)


def shipped(folder: Path, under: str) -> set[str]:
    """Return where the files of a folder stand in the wheel."""
    files = (file for file in folder.rglob("*") if file.is_file() and file.suffix not in NOT_SHIPPED)
    return {f"{under}/{file.relative_to(folder).as_posix()}" for file in files}


def test_it_holds_the_program_its_pages_and_nothing_else(wheel: ZipFile) -> None:
    held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    wanted = (
        shipped(ROOT / "livinglab", "livinglab")
        | shipped(ROOT / "templates", "livinglab/_assets/templates")
        | shipped(ROOT / "static", "livinglab/_assets/static")
    )
    assert held == wanted
    assert {
        f"livinglab/translations/{language}/LC_MESSAGES/messages.mo" for language in ("nb", "sv", "fi")
    } < held
    assert "livinglab/_assets/static/vendor/.stamp" in held
    assert "livinglab/migrations/versions/0001_start.py" in held
    assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())
    assert sum(file.compress_size for file in wheel.infolist()) < 4_000_000


def test_the_site_runs_from_it_alone(wheel: ZipFile, tmp_path: Path) -> None:
    place = tmp_path / "site-packages"
    wheel.extractall(place)
    told = {
        **{name: value for name, value in os.environ.items() if not name.startswith("LIVINGLAB_")},
        "PYTHONPATH": str(place),
        "LIVINGLAB_SECRET_KEY": SECRET,
        "LIVINGLAB_INSTANCE": str(tmp_path / "instance"),
    }
    for command in (["-m", "livinglab", "db", "upgrade"], ["-c", PAGES, str(place)]):
        done = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, env=told, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "instance" / "livinglab.sqlite").is_file()
