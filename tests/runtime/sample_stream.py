"""A function that streams what its path says. `FOLDER` holds what it waits for and what it leaves behind."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from penstock.runtime.streaming import StreamedResponse

CONTENT = "words that only the caller may see"
HEADERS = {"Content-Type": "text/event-stream"}
PIECE_BYTES = 16 * 1024


def handler(event: dict[str, Any], context: Any) -> Any:
    path = event["path"]
    match path:
        case "/buffered":
            return {"statusCode": 403, "headers": {"X-A": "1"}, "body": json.dumps({"no": "é"})}
        case "/raise":
            raise ValueError("the handler raised")
        case "/object":
            return {"answer": 42}
        case "/silent":
            return silent()
        case "/deadline":
            return StreamedResponse(200, HEADERS, until_deadline(context.get_remaining_time_in_millis))
    makers: dict[str, Callable[[], Iterator[bytes]]] = {
        "/two": two,
        "/nothing": lambda: iter(()),
        "/empty": lambda: iter([b"", b"a", b"", b"b", b""]),
        "/first": broken_at_first,
        "/later": broken_later,
        "/exit": lost,
        "/burst": burst,
        "/wait": waiting,
        "/drops": drops,
        "/flood": flood,
        "/lingering": lingering,
        "/few": few,
    }
    return StreamedResponse(200, HEADERS, makers[path](), {"X-Twice": ["1", "2"]})


def left_behind(name: str) -> Path:
    return Path(os.environ["FOLDER"]) / name


def two() -> Iterator[bytes]:
    yield b"data: 1\n\n"
    yield "data: é\n\n".encode()


def broken_at_first() -> Iterator[bytes]:
    if CONTENT:
        raise ValueError(CONTENT)
    yield b""


def broken_later() -> Iterator[bytes]:
    yield b"data: 1\n\n"
    raise ValueError(CONTENT)


def lost() -> Iterator[bytes]:
    yield b"data: 1\n\n"
    os._exit(3)


def burst() -> Iterator[bytes]:
    """Much in little time, then no more process: its reader is far behind."""
    for _ in range(20):
        yield b"x" * 8000
    os._exit(3)


def waiting() -> Iterator[bytes]:
    """Its second chunk comes when the test has seen the first."""
    yield b"first"
    while not left_behind("go").exists():
        time.sleep(0.01)
    yield b"second"


def drops() -> Iterator[bytes]:
    """A chunk every now and then, until nobody wants any more."""
    try:
        while True:
            yield b"drop"
            time.sleep(0.05)
    finally:
        left_behind("closed").write_text(str(time.time()))


def flood() -> Iterator[bytes]:
    """As fast as it is read; how many were made is told by a file's size."""
    try:
        with left_behind("made").open("ab", buffering=0) as made:
            while True:
                made.write(b".")
                yield b"x" * PIECE_BYTES
    finally:
        left_behind("closed").write_text(str(time.time()))


def lingering() -> Iterator[bytes]:
    """Takes its time when it is closed."""
    try:
        while True:
            yield b"."
    finally:
        time.sleep(0.5)
        left_behind("closed").touch()


def few() -> Iterator[bytes]:
    for number in range(5):
        time.sleep(0.01)
        yield b"%d" % number


def until_deadline(left_ms: Callable[[], int]) -> Iterator[bytes]:
    """Ends by itself with the last of its time."""
    while left_ms() > 1000:
        yield b"."
        time.sleep(0.05)
    yield b"deadline"


def silent() -> StreamedResponse:
    """Status and headers at once, then a long thought, which `cancel` ends."""
    over = threading.Event()

    def chunks() -> Iterator[bytes]:
        yield b""
        over.wait(60)
        left_behind("closed").write_text(str(time.time()))

    return StreamedResponse(200, HEADERS, chunks(), cancel=over.set)
