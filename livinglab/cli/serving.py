"""``serve`` and ``worker``: the processes that run for as long as the site does."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from types import FrameType

import click

from livinglab.cli.ground import Factory, make_ready, pass_factory, settings, sqlite_file
from livinglab.cli.story import greet, load_once
from livinglab.config import Config, UnsafeConfig, guard
from livinglab.core.glance import look_at, look_through

LOOPBACK = ("127.0.0.1", "localhost", "::1")
END_WITHIN_S = 10.0
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

parent_option = click.option("--parent", type=int, hidden=True, help="End when this process is gone.")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    envvar="PORT",
    default=8000,
    show_default="PORT, else 8000",
    help="Port to listen on.",
)
@click.option(
    "--workers", type=click.IntRange(1, 64), default=None, help="Web processes; one on SQLite, else two."
)
@click.option("--with-worker", is_flag=True, help="Run the jobs beside it, too.")
@parent_option
@pass_factory
def serve(
    create_app: Factory, host: str, port: int, workers: int | None, with_worker: bool, parent: int | None
) -> None:
    """Serve the site."""
    config = _at(settings(), host, port)
    file = sqlite_file(config)
    workers = workers or (1 if file else 2)
    from livinglab.cli.processes import serve_web

    if parent:  # it has looked after schema and demo
        _end_with(parent)
        serve_web(host, port, workers)
        return
    _refuse_to_serve_unsafely(config, host, port)
    there = look_at(file) if file else look_through(config.database)
    if not there.current:
        make_ready(config)
    if config.demo and not there.has_labs:
        load_once(create_app, config)
    if with_worker:
        greet(config)
        sys.exit(_together(host, port, workers))
    serve_web(host, port, workers)


def _at(config: Config, host: str, port: int) -> Config:
    """Return the settings with the address of a site on this machine that was not given one."""
    if config.base_url != Config().base_url or host not in LOOPBACK:
        return config
    name = f"[{host}]" if ":" in host else host
    os.environ["LIVINGLAB_BASE_URL"] = f"http://{name}:{port}"  # for the processes that are started
    return replace(config, base_url=os.environ["LIVINGLAB_BASE_URL"])


def _refuse_to_serve_unsafely(config: Config, host: str, port: int) -> None:
    guard(config)
    if config.demo and host not in LOOPBACK:
        raise UnsafeConfig("Demo mode only listens on this machine's own address.")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            raise click.ClickException(_why_not_listen(problem, host, port)) from None


def _why_not_listen(problem: OSError, host: str, port: int) -> str:
    if problem.errno == errno.EADDRINUSE:
        return f"Port {port} is taken. Choose another: PORT={port % 65535 + 1} make run, or serve --port."
    if problem.errno == errno.EACCES:
        return f"Port {port} is not for ordinary users. Choose one above 1023."
    return f"This machine cannot listen on {host}: {problem.strerror or problem}."


# ── web server and worker under one parent ──────────────────────────────────────────────────────


def _together(host: str, port: int, workers: int) -> int:
    """Run web server and worker as two children; when one ends, so does the other.

    Returns:
        0 when somebody asked it to stop, else 1.
    """
    asked = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        asked.set()

    for name in STOPS:
        signal.signal(name, stop)
    own, me = [sys.executable, "-m", "livinglab"], ["--parent", str(os.getpid())]
    serving = [*own, "serve", *me, "--host", host, "--port", str(port), "--workers", str(workers)]
    children = [subprocess.Popen(line, start_new_session=True) for line in (serving, [*own, "worker", *me])]
    while not asked.wait(0.2):
        if any(child.poll() is not None for child in children):
            break
    _end(children)
    return 0 if asked.is_set() else 1


def _end(children: list[subprocess.Popen[bytes]]) -> None:
    """Ask the children to end, wait a while, and leave nothing of them behind."""
    for child in children:
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + END_WITHIN_S
    for child in children:
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    for child in children:
        try:  # what a child that was killed could not end itself, such as its web processes
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _end_with(parent: int) -> None:
    """End this process when its parent is gone without having ended it, killed for instance."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


@click.command()
@parent_option
@pass_factory
def worker(create_app: Factory, parent: int | None) -> None:
    """Run the jobs: deliver, remind, keep the clocks."""
    from livinglab import jobs
    from livinglab.core.leader import leader_for

    stop = threading.Event()
    for name in STOPS:
        signal.signal(name, lambda *_: stop.set())
    config = settings()
    if parent:
        _end_with(parent)
    else:
        guard(config)
        make_ready(config)
    app = create_app(config)
    jobs.work(app, leader_for(app.extensions["livinglab.database"]), stop)
