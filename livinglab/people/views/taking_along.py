"""Taking one's own data along: one file with all of it, for people and for programs (rule P6)."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from datetime import datetime
from itertools import chain, repeat
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast

from flask import render_template, send_file, stream_template
from werkzeug.wrappers import Response

from livinglab.core.clock import utc_now
from livinglab.core.errors import refuse
from livinglab.core.files import image_path
from livinglab.people.forms import OwnDataForm
from livinglab.people.queries import account_of
from livinglab.people.rules import why_not_current
from livinglab.people.views.blueprint import accounts, proof_of, status_of, why_not_alone
from livinglab.privacy.queries import OwnData, own_data
from livinglab.web.access import signed_in, viewer
from livinglab.web.database import db, settings
from livinglab.web.limits import door

IN_MEMORY = 4_000_000
TITLES = ("name", "title")
"""Columns by which a row is called in the file for people."""


@accounts.route("/settings/data", methods=["GET", "POST"])
@signed_in
@door("own-password", "20 per hour")
def own_file() -> Response | tuple[str, int]:
    """Say what the file holds, and hand it out to whoever surely is this person."""
    with db.reading() as session:
        account = account_of(session, viewer().known_id, utc_now())
    form = OwnDataForm()
    form.ask(has_password=account.has_password)
    if form.validate_on_submit():
        with form.catching():
            proof = proof_of(account, form.typed_password)
            refuse(why_not_current(proof, password_hash=account.password_hash, mailbox=account.confirmed))
            return _handed_out(account.id, utc_now())
    page = render_template(
        "people/own_data.html", account=account, form=form, why_not_alone=why_not_alone(account)
    )
    return page, status_of(form)


def _handed_out(person_id: int, now: datetime) -> Response:
    """Write the file part by part, to disk where it grows: somebody may have been here for years."""
    file = cast(IO[bytes], SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115  # the answer closes it
    with (
        db.reading() as session,
        zipfile.ZipFile(
            file,
            "w",
            zipfile.ZIP_DEFLATED,
            strict_timestamps=False,  # a picture put back from a copy may have no date
        ) as packed,
    ):
        found = own_data(session, person_id)
        for member, texts in (
            ("my-data.html", _for_people(found, now)),
            ("my-data.json", _for_programs(found, now)),
        ):
            with packed.open(member, "w", force_zip64=True) as out:
                for text in texts:
                    out.write(text.encode())
        for key, path in _pictures(found):
            packed.write(path, f"pictures/{key}.webp", zipfile.ZIP_STORED)
    file.seek(0)
    name = f"{settings().host or 'livinglab'}-{now:%Y-%m-%d}.zip"
    answer = send_file(file, mimetype="application/zip", as_attachment=True, download_name=name)
    answer.headers["Cache-Control"] = "no-store"  # a file of one person stays in no cache
    answer.headers.pop("Expires", None)
    return answer


def _for_programs(found: OwnData, now: datetime) -> Iterator[str]:
    """Yield the file of JSON, row by row: an object with the parts, and the titles of the ideas they name."""
    about = {"site": settings().base_url, "made_at": now.isoformat(timespec="seconds")}
    yield json.dumps(about, ensure_ascii=False)[:-1] + ',\n"parts": {'
    for before, part in zip(_commas(), found.parts, strict=False):
        yield f'{before}\n"{part.name}": ['
        for comma, row in zip(_commas(), part.rows, strict=False):
            yield f"{comma}\n" + json.dumps(row, ensure_ascii=False)
        yield "\n]"
    yield '\n},\n"ideas": {'
    for comma, (number, title) in zip(_commas(), found.ideas(), strict=False):
        yield f'{comma}\n"{number}": ' + json.dumps(title, ensure_ascii=False)
    yield "\n}}\n"


def _commas() -> Iterator[str]:
    """Yield what stands before each of several: nothing before the first."""
    return chain([""], repeat(","))


def _for_people(found: OwnData, now: datetime) -> Iterator[str]:
    return stream_template(
        "people/own_data_file.html",
        data=found,
        now=now,
        base_url=settings().base_url,
        called=_called,
        lines=_lines,
    )


def _called(row: dict[str, Any]) -> str:
    """Return by what a row is called, where it has a title of its own."""
    return next((row[name] for name in TITLES if isinstance(row.get(name), str) and row[name]), "")


def _lines(row: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield name and value of what is filled in, as somebody reads it."""
    for name, value in row.items():
        if value in (None, "", [], {}):
            continue
        yield name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _pictures(found: OwnData) -> Iterator[tuple[str, Path]]:
    """Yield where the largest copy that is kept of each picture lies; one whose file is gone is left out."""
    for key in found.pictures():
        path = image_path(settings().instance / "uploads", key, "large")
        if path is not None:
            yield key, path
