"""F: what a page costs at least. A bare Flask view that renders a Jinja page of so many bytes.

The page is a list of cards as everybody writes them, each with a link by ``url_for`` and six values; nothing
is read from anywhere. It is served as the product is: the same server with the same number of processes, and behind the same
gates. By hand: ``python -m tests.bench.bare PORT PROCESSES``, then ``/21000``.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from flask import Flask, render_template
from jinja2 import DictLoader

from livinglab.web import gates

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ rows|length }} ideas</title></head><body>
{% for row in rows %}
<article><h2><a href="{{ url_for('one', number=row.number) }}">{{ row.title }}</a></h2>
<p>{{ row.text }}</p><p>{{ row.author }} · {{ row.stage }} · {{ row.supports }} · {{ row.comments }}</p></article>
{% endfor %}
{{ rest }}</body></html>
"""


@dataclass(frozen=True, slots=True)
class Row:
    """What a card of the page tells."""

    number: int
    title: str
    text: str
    author: str
    stage: str
    supports: int
    comments: int


ROWS = [
    Row(
        n,
        f"Idea number {n}",
        "Some words about what this is & why <it> would help",
        f"Person {n}",
        "idea",
        n,
        n,
    )
    for n in range(1000, 5000)
]


def create_app() -> Flask:
    """Build it."""
    app = Flask("bare")
    app.config["MAX_CONTENT_LENGTH"] = 12_000_000
    app.jinja_loader = DictLoader({"page.html": PAGE})

    def page(rows: int, rest: int) -> str:
        return render_template("page.html", rows=ROWS[:rows], rest="." * rest)

    @app.get("/ideas/<int:number>")
    def one(number: int) -> str:
        return str(number)

    with app.test_request_context():
        empty, ten = (len(page(rows, 0).encode()) for rows in (0, 10))
    of_a_row = (ten - empty) / 10

    @app.get("/<int:size>")
    def sized(size: int) -> str:
        rows = min(len(ROWS), max(0, int((size - empty - 10) / of_a_row)))
        return page(rows, max(0, size - empty - 1 - round(rows * of_a_row)))

    gates.install(app)
    return app


def main() -> None:
    """Serve it as ``livinglab serve`` serves the product."""
    from livinglab.cli import processes

    processes.APP = "tests.bench.bare"
    processes.serve_web("127.0.0.1", int(sys.argv[1]), int(sys.argv[2]))


if __name__ == "__main__":
    main()
