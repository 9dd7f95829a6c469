from __future__ import annotations

import itertools
import json
import re
import zlib
from typing import Any

import pytest

from penstock.dev.echo_framing import DONE, FRAMINGS, compressed, framed

EVENTS: list[dict[str, Any]] = [{"text": f"é {number}", "list": [1, {"a": None}]} for number in range(5)]


def writes(*ways: str, done: bool = True) -> list[bytes]:
    return list(framed(EVENTS, frozenset(ways), done=done))


def read(stream: bytes) -> list[Any]:
    """The events as the HTML standard has them read; the last may lack its blank line."""
    text = stream.decode().removeprefix("\ufeff")
    data: list[list[str]] = [[]]
    for line in re.split(r"\r\n|\r|\n", text):
        if not line:
            data.append([])
        elif line.startswith("data:"):
            data[-1].append(line.removeprefix("data:").removeprefix(" "))
    found = ["\n".join(lines) for lines in data if lines]
    return [text if text == DONE else json.loads(text) for text in found]


WAYS = [
    set(ways)
    for count in (0, 1, 2)
    for ways in itertools.combinations(FRAMINGS, count)
    if set(ways) not in ({"crlf", "cr"}, {"bytes", "ragged"})
]


@pytest.mark.parametrize("ways", WAYS, ids=lambda ways: "+".join(sorted(ways)))
def test_every_framing_says_the_same(ways: set[str]) -> None:
    assert read(b"".join(writes(*ways))) == [*EVENTS, DONE]


def test_usually_each_event_is_a_write() -> None:
    assert writes()[0] == 'data: {"text":"é 0","list":[1,{"a":null}]}\n\n'.encode()
    assert writes()[-1] == b"data: [DONE]\n\n"
    assert len(writes()) == 6


def test_without_its_end_only_the_end_is_missing() -> None:
    assert writes(done=False) == writes()[:-1]


def test_the_sizes_of_writes_are_as_told() -> None:
    assert {len(data) for data in writes("bytes")} == {1}
    assert {len(data) for data in writes("ragged")[:-1]} == {7}
    assert [data.count(b"data:") for data in writes("together")] == [3, 3]


@pytest.mark.parametrize(("way", "end"), [("crlf", b"\r\n"), ("cr", b"\r")])
def test_lines_end_as_told(way: str, end: bytes) -> None:
    stream = b"".join(writes(way))
    assert b"\n" not in stream.replace(end, b"")
    assert stream.count(end * 2) == 6


def test_odd_framings_are_odd() -> None:
    assert b": keep-alive\n" in writes("comments")[0]
    assert b"id: 1\nevent: message\nretry: 10\ndata: " in writes("fields")[0]
    assert writes("lines")[0].count(b"data:") > 3
    assert writes("tight")[0].startswith(b'data:{"')
    assert writes("bom")[0].startswith(b"\xef\xbb\xbfdata")
    assert writes("unfinished")[-1] == b"data: [DONE]"


def test_what_is_compressed_can_be_read_piece_by_piece() -> None:
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    pieces = [b"one", b"two", b"three"]
    assert [unpacker.decompress(packed) for packed in compressed(pieces)] == [*pieces, b""]
    assert unpacker.eof
