"""The log: lines for people at a terminal, one JSON object a line for machines everywhere else."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import TextIO, cast

import structlog
from structlog.typing import Processor


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
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *(for_people if sys.stderr.isatty() else for_machines),
        ],
        logger_factory=lambda *_: structlog.PrintLogger(cast(TextIO, _Patient())),
    )


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

    # "skipped" only means that a job is still at work; when it last ended stands in /readyz
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
