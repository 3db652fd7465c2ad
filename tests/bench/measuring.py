"""One kind of database measured: towns of each size at once, product and control in turns."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from livinglab.core.db import Database
from livinglab.voting.rules import PER_HOUR
from livinglab.web.kept import LIFE_SECONDS
from tests.bench.client import Lap, Request, ask_for
from tests.bench.direct import Direct
from tests.bench.meters import Memory, memory, processor_seconds
from tests.bench.people import Cast, cast
from tests.bench.rows import ROWS, Row
from tests.bench.serving import Site, bare, product, serving
from tests.bench.statements import Statements
from tests.bench.towns import Towns

Say = Callable[[str], None]
YARDSTICK = 21_000
"""Bytes of the bare page whose cost is told of each machine."""


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Args:
        sizes: Ideas of each town, the smallest first.
        rounds: Laps of each row that count; one more warms.
        lap_s: Seconds of a lap.
        kept_lap_s: Seconds of a lap of pages that are kept: as long as one lives.
        clients: How many ask at once.
        sample: Requests of a row whose statements are counted.
        rows: What is measured.
    """

    sizes: tuple[int, ...] = (1_000, 100_000)
    engines: tuple[str, ...] = ("sqlite", "postgresql")
    rounds: int = 5
    lap_s: float = 0.5
    kept_lap_s: float = LIFE_SECONDS
    clients: int = 4
    sample: int = 10
    rows: tuple[Row, ...] = ROWS

    @property
    def givers(self) -> int:
        """People who give support: enough for all laps at a pace of 500 a second, within rule V8."""
        return min(240, 10 + ceil((self.rounds + 1) * self.lap_s * 500 / PER_HOUR))


@dataclass(frozen=True)
class Cost:
    """A lap with what it cost."""

    lap: Lap
    server_s: float
    database_s: float

    @property
    def each_ms(self) -> float:
        """Processor time of an answer: server and database."""
        return 1000 * (self.server_s + self.database_s) / max(1, len(self.lap.times))


@dataclass
class Measured:
    """A row in one town: product and control, lap by lap."""

    row: Row
    ideas: int
    statements: int = 0
    ours: list[Cost] = field(default_factory=list)
    control: list[Cost] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """Processor time of the control by that of the product: 0.5 means that ours costs twice as much."""
        pairs = zip(self.ours, self.control, strict=True)
        return statistics.median(control.each_ms / ours.each_ms for ours, control in pairs)


@dataclass
class Run:
    """All that was measured on one kind of database.

    Args:
        memory: Of the web processes: after warming, and after each round.
        yardstick: Processor milliseconds of F for a page of ``YARDSTICK`` bytes, in each round.
    """

    towns: Towns
    rows: list[Measured]
    start_up_s: list[float]
    durability: str
    memory: list[Memory]
    yardstick: list[float]


@dataclass
class _Place:
    """A town with what is served on it."""

    ideas: int
    url: str
    drawn: Site
    production: Site
    cast: Cast
    direct: Direct


class Measuring:
    """Measures one kind of database.

    Args:
        folder: For logs and what the programs write.
    """

    def __init__(self, towns: Towns, plan: Plan, folder: Path, say: Say) -> None:
        self.towns, self.plan, self.folder, self.say = towns, plan, folder, say

    def run(self) -> Run:
        """Measure all rows."""
        with ExitStack() as stack:
            urls = {size: stack.enter_context(self.towns.town(size)) for size in self.plan.sizes}
            self._bare = bare(next(iter(urls.values())), self.folder)
            sites = {
                size: [product(url, self.folder, keep_pages=keep) for keep in (False, True)]
                for size, url in urls.items()
            }
            stack.enter_context(serving([self._bare, *(site for both in sites.values() for site in both)]))
            places = [self._place(stack, size, urls[size], *sites[size]) for size in urls]
            found = [Measured(row, place.ideas) for place in places for row in self.plan.rows]
            self._count(found, places)
            held, yardstick = self._rounds(found, places)
            start_ups = [site.start_up_s for both in sites.values() for site in both]
            return Run(self.towns, found, start_ups, places[0].direct.durability(), held, yardstick)

    def _place(self, stack: ExitStack, ideas: int, url: str, drawn: Site, production: Site) -> _Place:
        with closing(Database(url)) as database:
            people = cast(database, production, self.plan.givers)
        direct = stack.enter_context(closing(Direct(url)))
        return _Place(ideas, url, drawn, production, people, direct)

    def _count(self, found: Sequence[Measured], places: Sequence[_Place]) -> None:
        """Count the statements of each row in each town."""
        for place in places:
            with closing(Statements(place.url, self.folder, place.production.port)) as statements:
                for one in (one for one in found if one.ideas == place.ideas):
                    asked = one.row.requests(place.cast, place.production)
                    one.statements = statements.count(asked, kept=one.row.kept, sample=self.plan.sample)

    def _rounds(
        self, found: Sequence[Measured], places: Sequence[_Place]
    ) -> tuple[list[Memory], list[float]]:
        """Go through all rows again and again; the first time warms."""
        by_size = {place.ideas: place for place in places}
        ordered = sorted(found, key=lambda one: self.plan.rows.index(one.row))  # towns of each size in turns
        held, yardstick = [], []
        for number in range(self.plan.rounds + 1):
            for one in ordered:
                self.say(f"{self.towns.engine} · round {number} of {self.plan.rounds} · {one.row.title}")
                ours, control = self._pair(one.row, by_size[one.ideas])
                if number and ours.lap.times and control.lap.times:
                    one.ours.append(ours)
                    one.control.append(control)
            web = [process for place in places for process in place.production.program.web_processes()]
            held.append(memory(web))
            yardstick.append(self._control(YARDSTICK).each_ms)
        return held, yardstick

    def _pair(self, row: Row, place: _Place) -> tuple[Cost, Cost]:
        site = place.production if row.kept else place.drawn
        asked = row.requests(place.cast, site)
        ours = self._asked(site, asked, self.plan.kept_lap_s if row.lives else self.plan.lap_s)
        if row.direct:
            return ours, self._committed(place)
        size = ours.lap.mean_size
        if row.served is not None:
            size = len(site.ask(Request(row.served(place.cast))).body)
        return ours, self._control(size)

    def _control(self, size: int) -> Cost:
        return self._asked(self._bare, _again(Request(f"/{size}")), self.plan.lap_s)

    def _asked(self, site: Site, asked: Iterator[Request], seconds: float) -> Cost:
        root = site.root
        server, database = processor_seconds(root), self._database_seconds()
        lap = ask_for(site.port, asked, seconds, self.plan.clients)
        server = processor_seconds(root) - server
        database = self._database_seconds() - database
        return Cost(lap, server, database if site is not self._bare else 0.0)

    def _committed(self, place: _Place) -> Cost:
        database = self._database_seconds()
        lap, spent = place.direct.give_for(place.cast.direct_errands, self.plan.lap_s)
        return Cost(lap, spent, self._database_seconds() - database)

    def _database_seconds(self) -> float:
        home: psutil.Process | None = self.towns.home
        return processor_seconds(home) if home is not None else 0.0


def _again(request: Request) -> Iterator[Request]:
    while True:
        yield request
