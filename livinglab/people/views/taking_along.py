"""Taking one's own data along: one file with all of it, for people and for programs (rule P6)."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from datetime import datetime
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast

from flask import render_template, send_file
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
    with db.reading() as session:
        found = own_data(session, person_id)
    file = cast(IO[bytes], SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115  # the answer closes it
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("my-data.html", _for_people(found, now))
        packed.writestr("my-data.json", _for_programs(found, now))
        for key, content in _pictures(found):
            packed.writestr(f"pictures/{key}.webp", content)
    file.seek(0)
    name = f"{settings().host or 'livinglab'}-{now:%Y-%m-%d}.zip"
    answer = send_file(file, mimetype="application/zip", as_attachment=True, download_name=name)
    answer.headers["Cache-Control"] = "no-store"  # a file of one person stays in no cache
    answer.headers.pop("Expires", None)
    return answer


def _for_programs(found: OwnData, now: datetime) -> str:
    about = {
        "site": settings().base_url,
        "made_at": now.isoformat(timespec="seconds"),
        "parts": {part.name: part.rows for part in found.parts},
        "ideas": found.ideas,
    }
    return json.dumps(about, ensure_ascii=False, indent=1)


def _for_people(found: OwnData, now: datetime) -> str:
    return render_template(
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


def _pictures(found: OwnData) -> Iterator[tuple[str, bytes]]:
    """Yield the largest copy that is kept of each picture; one whose file is gone is left out."""
    for picture in found.pictures:
        path = image_path(settings().instance / "uploads", picture.key, "large")
        if path is not None:
            yield picture.key, path.read_bytes()
