"""How the echo upstream's answers go out: whole, as a stream, or in one of the ways that break HTTP."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from penstock.dev.echo_directives import Asked
from penstock.dev.http_server import Connection, json_headers

# Where the middle of a stream without an end is.
MIDDLE_OF_ENDLESS = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and body of an answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer that is made while it is sent. `writes`: each is one chunk of the transfer."""

    headers: tuple[tuple[str, str], ...]
    writes: Iterator[bytes]


def json_answer(status: int, value: Mapping[str, Any]) -> Answer:
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return Answer(status, tuple(json_headers()), body)


def send(connection: Connection, answer: Answer) -> None:
    connection.send(answer.status, answer.headers, answer.body)


def send_as_asked(
    connection: Connection, answer: Answer, request: Asked, sleep: Callable[[float], None]
) -> None:
    """The answer, or one of the ways in which a server breaks HTTP."""
    half = len(answer.body) // 2
    breaks = "lie-length" in request or "cut" in request
    connection.close_connection = connection.close_connection or breaks
    declared = half if "lie-length" in request else len(answer.body)
    connection.wfile.write(connection.head(answer.status, _headers(answer.headers, request), declared))
    connection.wfile.write(answer.body[:half])
    sleep(request.number("stall"))
    if "cut" not in request:
        connection.wfile.write(answer.body[half:])


def send_stream(
    connection: Connection, stream: Stream, request: Asked, sleep: Callable[[float], None]
) -> Iterator[None]:
    """Send a stream, a write for each step of the iterator.

    Raises ConnectionError when the client has gone. What the request should not have asked for is raised
    before anything is sent.
    """
    writes, middle = _begun(stream.writes, request)
    cut_at = int(request.number("cut", middle)) if "cut" in request else None
    pause_s, stall_s = request.number("pause"), request.number("stall")
    _send_head(connection, stream, request)
    for number, data in enumerate(writes):
        sleep(pause_s + (stall_s if number == middle else 0))
        if connection.gone:
            raise ConnectionAbortedError
        if number == cut_at:
            connection.wfile.write(b"%x\r\n%b" % (len(data), data[: len(data) // 2]))
            return
        connection.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        yield
    if cut_at is None:
        connection.wfile.write(b"0\r\n\r\n")


def _begun(writes: Iterator[bytes], request: Asked) -> tuple[Iterator[bytes], int]:
    """The writes, of which at least the first is made, and the number of the one in the middle."""
    if "endless" in request:
        return itertools.chain(list(itertools.islice(writes, 1)), writes), MIDDLE_OF_ENDLESS
    known = list(writes)
    return iter(known), len(known) // 2


def _send_head(connection: Connection, stream: Stream, request: Asked) -> None:
    headers = [*_headers(stream.headers, request), ("Transfer-Encoding", "chunked")]
    connection.close_connection = connection.close_connection or "cut" in request
    connection.wfile.write(connection.head(200, headers, None))


def _headers(headers: tuple[tuple[str, str], ...], request: Asked) -> tuple[tuple[str, str], ...]:
    return (("Content-Type", "text/html; charset=utf-8"),) if "lie-type" in request else headers
