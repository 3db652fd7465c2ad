"""The outside: a program as an operator starts it, browsers without JavaScript, and a ledger of their own.

The ledger knows only what the browsers were told. What the database holds is compared with it afterwards.
"""

from __future__ import annotations

import http.client
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlencode

import psutil
import sqlalchemy as sa
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from sqlmodel import col

from livinglab.core.clock import utc_now
from livinglab.core.db import Database, known_id
from livinglab.ideas.models import IdeaCount
from livinglab.people.commands import open_device
from livinglab.voting.models import Support, SupportGiven
from tests.conftest import SECRET
from tests.make import Make

FULL = os.environ.get("LIVINGLAB_FAULTS") == "full"
PATIENCE_S = 30.0
"""How long a browser waits for an answer; then the outcome is unknown."""
PER_PERSON = 30  # rule V8: supports an hour
TOKEN = re.compile(rb'name="csrf_token"[^>]*value="([^"]+)"')


def size(short: int, full: int) -> int:
    """Return how many: ``make faults`` does the whole, ``make test`` a small part."""
    return full if FULL else short


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: Callable[[], object], sorry: str, within_s: float = 120) -> float:
    """Ask again and again until it is so; return the seconds it took."""
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < within_s, sorry
        time.sleep(0.02)
    return time.monotonic() - began


# ── the program ─────────────────────────────────────────────────────────────────────────────────


class Program:
    """``livinglab …`` (or another module) as processes of their own."""

    def __init__(self, *arguments: str, log: Path, module: str = "livinglab", **settings: str) -> None:
        bare = {name: value for name, value in os.environ.items() if not name.startswith("LIVINGLAB_")}
        self._line = [sys.executable, "-m", module, *arguments]
        self._told = {**bare, "LIVINGLAB_SECRET_KEY": SECRET, "PYTHONUNBUFFERED": "1", **settings}
        self._log = log
        self.start()

    def start(self) -> None:
        """Start it, or start it again as whatever watches over it would."""
        with self._log.open("ab") as out:
            self.process = subprocess.Popen(
                self._line,
                env=self._told,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        """Everything it has printed until now."""
        return self._log.read_text("utf-8", errors="replace")

    @property
    def broke(self) -> list[str]:
        """What it printed of errors that nobody caught: each with the lines around its traceback."""
        lines = self.said.splitlines()
        starts = [n for n, line in enumerate(lines) if "Traceback" in line]
        return ["\n".join(lines[max(0, n - 3) : n + 60]) for n in starts[:3]]

    @property
    def lives(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def web_processes(self) -> list[psutil.Process]:
        """Return the processes that answer: the children of ``serve``."""
        try:
            return psutil.Process(self.process.pid).children()
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> None:
        """End it and everything it started as a power cut would."""
        family = [psutil.Process(self.process.pid)] if self.lives else []
        family += [child for one in family for child in one.children(recursive=True)]
        for one in family:
            send(one, signal.SIGKILL)
        self.process.wait()


def send(process: psutil.Process, name: signal.Signals) -> None:
    """Send a signal to one process, unless it has gone meanwhile."""
    try:
        process.send_signal(name)
    except psutil.NoSuchProcess:
        return


# ── people, sessions and ideas ──────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Town:
    """Who supports what: people with a session each, and ideas."""

    cookies: Mapping[int, str]
    ideas: tuple[int, ...]

    def errands(self) -> list[tuple[int, list[int]]]:
        """Return for each person the ideas they will support, in an order of their own."""
        chance = random.Random(7)
        return [(person, chance.sample(self.ideas, PER_PERSON)) for person in self.cookies]


def settle(database: Database, people: int, ideas: int = 45) -> Town:
    """Write people, a session for each, and published ideas, as the product itself would."""
    app = Flask("cookies")
    app.secret_key = SECRET
    sign = SecureCookieSessionInterface().get_signing_serializer(app)
    assert sign is not None
    with database.writing() as session:
        make = Make(session)
        lab = make.lab(f"faults-{time.monotonic_ns()}")
        make.facilitator(lab)
        author = make.person()
        numbers = tuple(known_id(make.idea(lab, author=author).id) for _ in range(ideas))
        persons = [known_id(make.person().id) for _ in range(people)]
        tokens = {person: open_device(session, person_id=person, now=utc_now()) for person in persons}
    cookies = {person: sign.dumps({"_user_id": token, "_fresh": True}) for person, token in tokens.items()}
    return Town({person: str(cookie) for person, cookie in cookies.items()}, numbers)


# ── browsers ────────────────────────────────────────────────────────────────────────────────────


class Outcome(StrEnum):
    """What a browser was told."""

    DONE = "acknowledged"
    REFUSED = "refused"
    LATER = "503 with Retry-After"
    WRONG = "another 5xx"
    UNKNOWN = "no answer"


@dataclass(frozen=True)
class Answer:
    """Status 0: the connection broke, or nothing came in time."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def outcome(self) -> Outcome:
        """Judge it."""
        if self.status == 0:
            return Outcome.UNKNOWN
        if self.status < 400:
            return Outcome.DONE
        if self.status < 500:
            return Outcome.REFUSED
        return Outcome.LATER if self.status == 503 and "retry-after" in self.headers else Outcome.WRONG


class Browser:
    """A browser without JavaScript: one kept connection, cookies, forms with their CSRF token."""

    def __init__(self, port: int, cookie: str = "") -> None:
        self._port, self._cookie = port, cookie
        self._line: http.client.HTTPConnection | None = None
        self._token = ""

    def ask(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> Answer:
        """Send one request and read the whole answer."""
        headers = {"Cookie": f"livinglab={self._cookie}"} if self._cookie else {}
        if body is not None:
            headers["Content-Type"] = kind or "application/x-www-form-urlencoded"
        try:
            if self._line is None:
                self._line = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_S)
            self._line.request(method, path, body, headers)
            response = self._line.getresponse()
            answer = Answer(
                response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
            )
        except (OSError, http.client.HTTPException):
            self.close()
            return Answer(0, {}, b"")
        return answer

    def close(self) -> None:
        """Hang up."""
        if self._line is not None:
            self._line.close()
        self._line = None

    def get(self, path: str) -> Answer:
        """Read a page; keep its cookie and the token of its forms."""
        answer = self.ask("GET", path)
        if answer.status == 200:
            told = answer.headers.get("set-cookie", "")
            if self._cookie and told.startswith("livinglab="):
                self._cookie = told.partition("=")[2].partition(";")[0]
            found = TOKEN.search(answer.body)
            self._token = found[1].decode() if found else self._token
        return answer

    def support(self, idea: int) -> Answer:
        """Press the button on the idea's page; the first time the page itself is read before."""
        page = f"/ideas/{idea}"
        if not self._token:
            answer = self.get(page)
            if not self._token:
                return answer if answer.status != 200 else Answer(0, {}, b"")
        return self.ask("POST", f"{page}/support", urlencode({"csrf_token": self._token}).encode())

    def send_file(self, path: str, name: str, content: bytes) -> Answer:
        """Send a form with one file in it."""
        edge = "edge-of-a-part"
        parts = (
            f'--{edge}\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{self._token}\r\n'
            f'--{edge}\r\nContent-Disposition: form-data; name="{name}"; filename="a.jpg"\r\n'
            "Content-Type: image/jpeg\r\n\r\n"
        ).encode()
        body = parts + content + f"\r\n--{edge}--\r\n".encode()
        return self.ask("POST", path, body, f"multipart/form-data; boundary={edge}")


# ── the ledger ──────────────────────────────────────────────────────────────────────────────────

Act = tuple[int, int]
"""(idea, person)."""


@dataclass
class Ledger:
    """What was answered to each support that was tried."""

    answers: dict[Act, list[Outcome]] = field(default_factory=lambda: defaultdict(list))
    done_at: list[float] = field(default_factory=list)
    pages: Counter[Outcome] = field(default_factory=Counter)
    page_seconds: list[float] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, act: Act, outcome: Outcome) -> None:
        """Write down one answer."""
        with self._lock:
            self.answers[act].append(outcome)
            if outcome is Outcome.DONE:
                self.done_at.append(time.monotonic())

    def note_page(self, outcome: Outcome) -> None:
        """Write down how a page was answered."""
        with self._lock:
            self.pages[outcome] += 1

    def told(self, outcome: Outcome) -> set[Act]:
        """Return the supports that were answered like this at least once."""
        return {act for act, heard in self.answers.items() if outcome in heard}

    def count(self, outcome: Outcome) -> int:
        """Count all answers of one kind."""
        return sum(heard.count(outcome) for heard in self.answers.values())

    def seconds_to_next(self, since: float) -> float | None:
        """Return how long after an instant the next support was acknowledged."""
        later = [at for at in self.done_at if at > since]
        return min(later) - since if later else None


@dataclass(frozen=True)
class Verdict:
    """The ledger against the database.

    Args:
        lost: Acknowledged, and not there.
        doubled: Counted twice: more rows, or more of what limits count, than supports.
        drift: Sum of the differences between each idea's number and a recount of its rows.
        invented: There, though nobody was told so and no answer stayed away.
        said_later: There, though the only answer was "503, nothing was saved".
    """

    acknowledged: int
    lost: int
    doubled: int
    drift: int
    invented: int
    said_later: int
    wrong: int

    @property
    def clean(self) -> bool:
        """All that is promised to be zero is zero."""
        return not (self.lost or self.doubled or self.drift or self.invented or self.wrong)


def judge(database: Database, town: Town, ledger: Ledger) -> Verdict:
    """Compare what the browsers were told with what the database holds."""
    mine = col(Support.idea_id).in_(town.ideas)
    with database.reading() as session:
        rows = [
            tuple(row) for row in session.execute(sa.select(Support.idea_id, Support.person_id).where(mine))
        ]
        given = session.scalar(
            sa.select(sa.func.count())
            .select_from(SupportGiven)
            .where(col(SupportGiven.person_id).in_(town.cookies))
        )
        numbers = session.execute(
            sa.select(IdeaCount.idea_id, IdeaCount.supports).where(col(IdeaCount.idea_id).in_(town.ideas))
        ).all()
    stored = set(rows)
    recount = Counter(idea for idea, _person in rows)
    done, unknown, later = (ledger.told(one) for one in (Outcome.DONE, Outcome.UNKNOWN, Outcome.LATER))
    return Verdict(
        acknowledged=len(done),
        lost=len(done - stored),
        doubled=len(rows) - len(stored) + max(0, (given or 0) - len(stored)),
        drift=sum(abs(number - recount[idea]) for idea, number in numbers),
        invented=len(stored - done - unknown - later),
        said_later=len((stored & later) - done - unknown),
        wrong=ledger.count(Outcome.WRONG) + ledger.pages[Outcome.WRONG],
    )


class Traffic:
    """So many browsers that go through a town's errands, and a visitor who reads meanwhile.

    Args:
        think_s: How long a person waits between two supports, and after an answer that was no answer.
    """

    def __init__(
        self, port: int, town: Town, clients: int, *, think_s: float = 0.0, visitor: bool = False
    ) -> None:
        self.port, self.town, self.think_s = port, town, think_s
        self.ledger = Ledger()
        self._errands = iter(town.errands())
        self._take = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._go, args=(n,)) for n in range(clients)]
        self._visitor = threading.Thread(target=self._visit) if visitor else None

    def __enter__(self) -> Traffic:
        for thread in (*self._threads, *((self._visitor,) if self._visitor else ())):
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self.wait()
        if self._visitor:
            self._visitor.join()

    @property
    def busy(self) -> bool:
        """Whether somebody still has something to do."""
        return any(thread.is_alive() for thread in self._threads)

    def wait(self, at_most_s: float | None = None) -> None:
        """Let everybody come to the end, or go on for so long."""
        until = None if at_most_s is None else time.monotonic() + at_most_s
        for thread in self._threads:
            thread.join(None if until is None else max(0.0, until - time.monotonic()))

    def _go(self, n: int) -> None:
        chance = random.Random(n)
        while not self._stop.is_set():
            with self._take:
                errand = next(self._errands, None)
            if errand is None:
                return
            person, ideas = errand
            browser = Browser(self.port, self.town.cookies[person])
            for idea in ideas:
                if self._stop.is_set():
                    break
                self._support(browser, idea, person, chance)
            browser.close()

    def _support(self, browser: Browser, idea: int, person: int, chance: random.Random) -> None:
        """Press until there is an answer; one in ten gives up after none, so that "unknown" is looked at, too."""
        while True:
            outcome = browser.support(idea).outcome
            self.ledger.note((idea, person), outcome)
            if outcome in (Outcome.DONE, Outcome.REFUSED):
                if chance.random() < 0.1:
                    self.ledger.note_page(browser.get(f"/ideas/{idea}").outcome)  # where the answer leads
                self._stop.wait(self.think_s)
                return
            if self._stop.wait(max(self.think_s, 0.1)) or chance.random() < 0.1:
                return

    def _visit(self) -> None:
        browser = Browser(self.port)
        for path in _round(("/", *(f"/ideas/{idea}" for idea in self.town.ideas[:5]))):
            if self._stop.wait(0.25):
                browser.close()
                return
            began = time.monotonic()
            outcome = browser.get(f"{path}?lang=en&n={began}").outcome  # a page nobody has kept
            self.ledger.note_page(outcome)
            self.ledger.page_seconds.append(time.monotonic() - began)


def _round(paths: Sequence[str]) -> Iterator[str]:
    while True:
        yield from paths


def p95(seconds: Sequence[float]) -> float:
    """Return the 95th percentile."""
    return sorted(seconds)[int(0.95 * (len(seconds) - 1))] if seconds else 0.0


def serving(port: int) -> bool:
    """Whether the site answers."""
    browser = Browser(port)
    answer = browser.get("/healthz")
    browser.close()
    return answer.status == 200


@contextmanager
def ended(*programs: Program) -> Iterator[None]:
    """Leave nothing of the programs behind, whatever happens."""
    try:
        yield
    finally:
        for program in programs:
            program.kill()
