"""Events of MCP: a message, and where a reader is; nothing else passes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.dialects import sse
from penstock.dialects.mcp import events
from penstock.dialects.mcp.events import Marks


def only(raw: bytes) -> sse.Event:
    parser = sse.Parser()
    found = [*parser.feed(raw), *parser.close()]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"id: e-1\nretry: 500\ndata:\n\n", Marks("e-1", "500")),
        (b"id:e-1\r\ndata: {}\r\n\r\n", Marks("e-1", None)),
        (b"id: a\nid: b\ndata: {}\n\n", Marks("b", None)),
        (b"data: id: x\n\n", Marks(None, None)),
        (b": id: x\ndata: {}\n\n", Marks(None, None)),
        (b"id:\nretry: soon\ndata: {}\n\n", Marks(None, None)),
    ],
)
def test_an_event_says_where_its_reader_is(raw: bytes, said: Marks) -> None:
    assert events.marks(only(raw)) == said


@pytest.mark.parametrize(
    ("raw", "is_message"),
    [
        (b"data: {}\n\n", True),
        (b"event: message\ndata: {}\n\n", True),
        (b"event: endpoint\ndata: /messages\n\n", False),
        (b"id: 1\ndata:\n\n", False),
        (b": comment\n\n", False),
    ],
)
def test_only_events_that_clients_read_are_messages(raw: bytes, is_message: bool) -> None:
    assert events.is_message(only(raw)) is is_message


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1))
def test_what_is_encoded_is_read_back(text: str) -> None:
    message = text.encode()
    found = only(events.encode(message, Marks("e-1", "500")))
    assert (found.data or "").split("\n") == [
        line.decode() for line in message.splitlines()
    ] or not message.splitlines()
    assert events.marks(found) == Marks("e-1", "500")


def test_a_mark_alone_has_empty_data() -> None:
    assert events.encode(b"", Marks("e-1", None)) == b"id: e-1\ndata:\n\n"
