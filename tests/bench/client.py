"""The outside: connections that are kept open, requests that are ready to be sent, and what came back."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Request:
    """One request, and the answer that is meant.

    Args:
        headers: Further ones, such as the cookie.
    """

    path: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    wanted: int = 200

    def wire(self, port: int) -> bytes:
        """Return it as it goes over the line."""
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.body:
            lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(self.body)}"]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> str:
        """Return one header, or nothing."""
        found = re.search(rb"\r\n" + name.encode() + rb": *([^\r]*)", self.head, re.IGNORECASE)
        return found[1].decode() if found else ""


class Line:
    """One connection that is kept."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, wire: bytes) -> Reply:
        """Send one request and read the whole answer."""
        self._socket.sendall(wire)
        head, _, body = self._until_body()
        found = _LENGTH.search(head)
        status = int(head[9:12])
        length = int(found[1]) if found else 0
        if not found and status not in (204, 304):
            raise ConnectionError("an answer that does not say how long it is")
        parts, got = [body], len(body)
        while got < length:
            parts.append(self._more())
            got += len(parts[-1])
        return Reply(status, head, b"".join(parts))

    def _until_body(self) -> tuple[bytes, bytes, bytes]:
        data = self._more()
        while b"\r\n\r\n" not in data:
            data += self._more()
        return data.partition(b"\r\n\r\n")

    def _more(self) -> bytes:
        chunk = self._socket.recv(262_144)
        if not chunk:
            raise ConnectionError("the server hung up")
        return chunk

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


@dataclass
class Lap:
    """What came of asking for a while.

    Args:
        times: Seconds of each answer, from the first byte sent to the last one read.
        wrong: Answers of another status than the one that was meant.
    """

    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    size: int = 0
    wrong: int = 0

    @property
    def mean_size(self) -> int:
        """Bytes of a body, on average."""
        return round(self.size / max(1, len(self.times)))


def ask_once(port: int, request: Request) -> Reply:
    """Send one request on a line of its own."""
    line = Line(port)
    try:
        return line.ask(request.wire(port))
    finally:
        line.close()


def ask_for(port: int, requests: Iterator[Request], seconds: float, clients: int) -> Lap:
    """Let some clients ask, each for its next request as soon as it has an answer, until the time is over.

    Args:
        requests: Who comes next takes the next one; when there are no more, the lap ends early.
    """
    lap, take = Lap(), threading.Lock()
    failures: list[BaseException] = []

    def go() -> None:
        line = Line(port)
        try:
            while True:
                with take:
                    request = next(requests, None)
                if request is None:
                    return
                wire = request.wire(port)
                at = time.perf_counter()
                reply = line.ask(wire)
                now = time.perf_counter()
                with take:
                    lap.times.append(now - at)
                    lap.size += len(reply.body)
                    lap.wrong += reply.status != request.wanted
                if now >= until:
                    return
        except BaseException as failure:  # told by the thread that waits
            failures.append(failure)
        finally:
            line.close()

    threads = [threading.Thread(target=go) for _ in range(clients)]
    began = time.perf_counter()
    until = began + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lap.seconds = time.perf_counter() - began
    if failures:
        raise failures[0]
    return lap
