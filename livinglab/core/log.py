"""The log: lines for people at a terminal, one JSON object a line for machines everywhere else."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_request: ContextVar[str] = ContextVar("livinglab_request", default="")


@contextmanager
def about_request(number: str) -> Iterator[None]:
    """Let every line of the log name the request it is about."""
    token = _request.set(number)
    try:
        yield
    finally:
        _request.reset(token)


def request_number() -> str:
    """Return the number of the request that is answered just now; empty outside of one."""
    return _request.get()


def with_request(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Put the number of the request on a line of the log."""
    if number := _request.get():
        line.setdefault("request", number)
    return line


def set_up_log(level: str) -> None:
    """Say what is logged, and how; it goes to standard error.

    Args:
        level: DEBUG, INFO, WARNING or ERROR; what weighs less is left out.
    """
    for_people: tuple[Processor, ...] = (structlog.dev.ConsoleRenderer(),)
    for_machines: tuple[Processor, ...] = (
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    )
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        processors=[
            with_request,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *(for_people if sys.stderr.isatty() else for_machines),
        ],
        logger_factory=lambda *_: structlog.PrintLogger(cast(TextIO, _Patient())),
    )
    # "skipped" only means that a job is still at work; when it last ended stands in /readyz
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)


class _Patient:
    """Standard error, which may be a file on a full disk: a line is lost then, never the answer."""

    def write(self, text: str) -> None:
        """Write if there is room."""
        with suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        """Send it on if there is room."""
        with suppress(OSError):
            sys.stderr.flush()
