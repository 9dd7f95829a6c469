"""Events on the wire, framed as servers do it, and as they may.

Source: "Server-sent events", sections 9.2.5 and 9.2.6, HTML Living Standard: line ends, comments, fields.
"""

from __future__ import annotations

import itertools
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

DONE = "[DONE]"
TOGETHER = 3
RAGGED_BYTES = 7

# One row per way; several go together.
FRAMINGS: Mapping[str, str] = MappingProxyType(
    {
        "bytes": "every byte in a write of its own",
        "ragged": "writes of 7 bytes, wherever they end",
        "together": "three events in a write",
        "crlf": "lines end with CR LF",
        "cr": "lines end with CR",
        "comments": "comments before and inside events",
        "fields": "each event with an id, a type and a retry time",
        "lines": "the data of an event in several lines",
        "tight": "no space after the colon",
        "bom": "a byte order mark at the beginning",
        "unfinished": "no blank line after the last event",
    }
)


def framed(
    events: Iterable[Mapping[str, Any]], ways: frozenset[str], *, done: bool, named: bool = False
) -> Iterator[bytes]:
    """What is written, write by write. `named`: events are named by their types."""
    written = (_event(_json(event, ways), ways, event["type"] if named else None) for event in events)
    whole = _finished(itertools.chain(written, [_event(DONE, ways, None)] if done else []), ways)
    if "bytes" in ways or "ragged" in ways:
        return _sized(whole, 1 if "bytes" in ways else RAGGED_BYTES)
    return _joined(whole, TOGETHER if "together" in ways else 1)


def compressed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """As gzip, each piece flushed so that it can be read at once."""
    packer = zlib.compressobj(6, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    for piece in pieces:
        yield packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH)
    yield packer.flush()


def _json(event: Mapping[str, Any], ways: frozenset[str]) -> str:
    return json.dumps(
        event,
        ensure_ascii=False,
        indent=1 if "lines" in ways else None,
        separators=None if "lines" in ways else (",", ":"),
    )


def _event(text: str, ways: frozenset[str], name: str | None) -> bytes:
    """One event with the blank line that ends it."""
    colon = ":" if "tight" in ways else ": "
    lines = [f"data{colon}{line}" for line in text.split("\n")]
    called = [f"event{colon}{name}"] if name else []
    if "fields" in ways:
        called = ["id: 1", *(called or ["event: message"]), "retry: 10"]
    lines = [*called, *lines]
    if "comments" in ways:
        lines = [": keep-alive", "", ":", *lines, ": inside"]
    return _line_end(ways).join([*lines, "", ""]).encode("utf-8", "surrogatepass")


def _line_end(ways: frozenset[str]) -> str:
    return "\r\n" if "crlf" in ways else "\r" if "cr" in ways else "\n"


def _finished(events: Iterator[bytes], ways: frozenset[str]) -> Iterator[bytes]:
    """With what only the first and the last have."""
    before = next(events, b"")
    if "bom" in ways:
        before = b"\xef\xbb\xbf" + before
    for event in events:
        yield before
        before = event
    yield before.rstrip(b"\r\n") if "unfinished" in ways else before


def _sized(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    left = b""
    for piece in pieces:
        left += piece
        while len(left) >= size:
            yield left[:size]
            left = left[size:]
    if left:
        yield left


def _joined(pieces: Iterator[bytes], count: int) -> Iterator[bytes]:
    while together := b"".join(itertools.islice(pieces, count)):
        yield together
