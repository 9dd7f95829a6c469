from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.dialects.sse import KEEP_ALIVE, Event, Parser, encode, one_line
from penstock.errors import UpstreamError

BOM = b"\xef\xbb\xbf"
TEXT = 'data: {"text":"naïve 日本語 🚰"}\n\n'.encode()

# Streams whose every two-way split is tried: each has another way to cut an event in two.
STREAMS = {
    "plain": TEXT + b"data: [DONE]\n\n",
    "crlf": TEXT.replace(b"\n", b"\r\n") + b"data: [DONE]\r\n\r\n",
    "cr": TEXT.replace(b"\n", b"\r") + b"data: [DONE]\r\r",
    "mixed_ends": b"data: a\r\n\ndata: b\n\r\ndata: c\r\r\ndata: d\r\n\r",
    "comments": b": OPENROUTER PROCESSING\n\n:\n\n: a\ndata: 1\n: b\n\n",
    "several_lines": b'data: {\ndata: "a": 1\ndata\ndata:}\n\n',
    "names": b"event: completion\nid: 7\nretry: 3000\ndata: 1\nother: x\n\nevent\n\n",
    "byte_order_mark": BOM + b"data: 1\n\n" + BOM + b"data: 2\n\n",
    "half_a_byte_order_mark": b"\xef\xbb",
    "stray_blank_lines": b"\n\r\n\rdata: 1\n\n\n\n\r",
    "no_last_blank_line": b"data: 1\n\ndata: [DONE]\n",
    "no_last_line_end": b"data: 1\n\ndata: [DONE]",
    "ends_with_cr": b"data: 1\n\ndata: [DONE]\r",
    "cut_in_a_character": TEXT[:-8],
    "not_utf8": b"data: \xff\xfe\n\n",
    "empty": b"",
}


def parsed(*pieces: bytes) -> list[Event]:
    parser = Parser()
    events = [event for piece in pieces for event in parser.feed(piece)]
    return events + parser.close()


def said(stream: bytes) -> list[tuple[str | None, str | None]]:
    return [(event.event, event.data) for event in parsed(stream)]


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_the_raw_bytes_of_all_events_are_the_input(stream: bytes) -> None:
    assert b"".join(event.raw for event in parsed(stream)) == stream


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_any_split_in_two_gives_the_same_events(stream: bytes) -> None:
    whole = parsed(stream)
    assert all(parsed(stream[:at], stream[at:]) == whole for at in range(len(stream) + 1))


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_one_byte_at_a_time_gives_the_same_events(stream: bytes) -> None:
    assert parsed(*(stream[at : at + 1] for at in range(len(stream)))) == parsed(stream)


LINES = st.sampled_from(
    [b"data: a", b"data:", b"data", b":c", b"id: 1", b"event: e", b"", BOM, b"\xf0\x9f", b"x"]
)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r", b""])


@given(st.lists(st.tuples(LINES, ENDS), max_size=12), st.data())
def test_any_lines_cut_in_any_way_give_the_same_events(
    lines: list[tuple[bytes, bytes]], data: st.DataObject
) -> None:
    stream = b"".join(line + end for line, end in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert parsed(*pieces) == parsed(stream)
    assert b"".join(event.raw for event in parsed(stream)) == stream


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_means_the_same(line_end: str) -> None:
    stream = f"event: a{line_end}data: 1{line_end}data:2{line_end}{line_end}".encode()
    assert said(stream) == [("a", "1\n2")]


def test_an_event_is_there_as_soon_as_its_blank_line_is() -> None:
    parser = Parser()
    assert parser.feed(b"data: 1\n") == []
    assert [event.data for event in parser.feed(b"\n")] == ["1"]
    assert [event.data for event in parser.feed(b"data: 2\r\n\r\ndata")] == ["2"]


def test_one_space_after_the_colon_belongs_to_the_format_and_a_second_to_the_value() -> None:
    assert said(b"data:  x \n\ndata:y\n\n") == [(None, " x "), (None, "y")]


def test_names_are_exact() -> None:
    assert said(b" data: 1\n\nDATA: 2\n\ndata : 3\n\n") == [(None, None)] * 3


def test_a_comment_and_a_blank_line_are_events_without_data() -> None:
    assert said(b": hello\n\n\ndata\n\n") == [(None, None), (None, None), (None, "")]


def test_only_the_first_byte_order_mark_belongs_to_no_line() -> None:
    assert said(STREAMS["byte_order_mark"]) == [(None, None), (None, "1"), (None, None)]


def test_what_follows_the_last_blank_line_is_an_event_that_is_not_complete() -> None:
    for stream in (b"data: [DONE]", b"data: [DONE]\n", b"data: [DONE]\r", b"data: [DONE]\r\n"):
        assert parsed(stream) == [Event(stream, None, "[DONE]", is_complete=False)]
    assert [event.is_complete for event in parsed(TEXT)] == [True]


def test_a_last_blank_line_that_ends_with_cr_ends_its_event() -> None:
    assert parsed(b"data: 1\r\r") == [Event(b"data: 1\r\r", None, "1", is_complete=True)]


def test_bytes_that_are_no_utf8_are_known_as_such() -> None:
    [event] = parsed(STREAMS["not_utf8"])
    assert event.data == "\ufffd\ufffd"
    assert not event.is_utf8
    assert parsed(TEXT)[0].is_utf8


@pytest.mark.parametrize(
    "stream",
    [b"data: " + b"x" * 100 + b"\n\n", b"data: " + b"x" * 100, b":\n" * 60, b"data: 1\n" * 9 + b"\n"],
)
def test_an_event_that_is_too_large_is_an_upstreams_failure_however_it_comes(stream: bytes) -> None:
    for size in (1, 7, len(stream)):
        parser = Parser(max_event_bytes=64)
        with pytest.raises(UpstreamError, match="64 bytes") as caught:
            [parser.feed(stream[at : at + size]) for at in range(0, len(stream), size)]
        assert caught.value.outcome == "too_large"


@pytest.mark.parametrize("rest", [b"x" * 100, b"x" * 100 + b"\n\n"])
def test_events_before_one_that_is_too_large_are_not_lost(rest: bytes) -> None:
    parser = Parser(max_event_bytes=64)
    assert [event.data for event in parser.feed(b"data: 1\n\ndata: 2\n\ndata: " + rest)] == ["1", "2"]
    for late in (b"data: 3\n\n", b""):
        with pytest.raises(UpstreamError, match="64 bytes"):
            parser.feed(late)
    with pytest.raises(UpstreamError, match="64 bytes"):
        parser.close()


@pytest.mark.parametrize("before", [b"", b"data: 1\n\n", b": x\r\n\r\n", b"data: 1\r\r", b"data:"])
@pytest.mark.parametrize(
    "piece",
    [
        b"data: 1\n\n",
        b"data: 1\n\n: x\n\nevent: e\ndata: 2\ndata\n\n",
        b"data: 1\n\n\n\n",
        b"\n\n",
        b"\ndata: 1\n\n",
        b"data: 1\r\n\n\n",
        b"data: 1\rdata: 2\n\n",
        b"data: 1\r\rdata: 2\n\n",
        b"data: 1\n\r\ndata: 2\n\n",
        b"data: \n\ndata:\n\ndata\n\n",
    ],
)
def test_a_piece_of_whole_events_is_what_it_is_byte_by_byte(before: bytes, piece: bytes) -> None:
    assert parsed(BOM, before, piece) == parsed(*(bytes([byte]) for byte in BOM + before + piece))


def test_many_small_events_at_once_are_not_one_large_one() -> None:
    assert len(Parser(max_event_bytes=64).feed(TEXT * 100)) == 100


@pytest.mark.parametrize("data", ["x", "", "a\nb", "a\n", "\n", '{"text":"日本語"}'])
def test_what_is_encoded_is_parsed_as_the_same_data(data: str) -> None:
    [event] = parsed(encode(data))
    assert (event.data, event.is_complete) == (data, True)


def test_no_line_end_in_data_ends_an_event() -> None:
    assert said(encode("a\r\rb\r\n\r\nid: 1")) == [(None, "a\n\nb\n\nid: 1")]


def test_other_data_leaves_every_other_line_as_it_was() -> None:
    raw = b": note\r\nevent: e\r\ndata: 1\r\ndata: 2\r\nid: 7\r\n\r\n"
    assert parsed(raw)[0].with_data("x") == b": note\r\nevent: e\r\ndata: x\r\nid: 7\r\n\r\n"
    assert parsed(b"data:1\n\n")[0].with_data("a\nb") == b"data: a\ndata: b\n\n"
    with pytest.raises(ValueError, match="without data"):
        parsed(KEEP_ALIVE)[0].with_data("x")


@pytest.mark.parametrize("raw", [b"data: 1", b"data: 1\n", b"id: 7\r\ndata: 1\r\n", b"data: 1\nid: 7"])
def test_an_event_with_other_data_is_complete_whatever_it_was(raw: bytes) -> None:
    [event] = parsed(raw)
    [edited] = parsed(event.with_data("2"))
    assert (edited.data, edited.is_complete) == ("2", True)


def test_stripped_of_what_nobody_shows_an_event_says_the_same() -> None:
    raw = b": jane\nevent: delta\nid: jane\ndata: 1\nnote: jane\nretry: 10\n\n"
    stripped = parsed(raw)[0].stripped()
    assert stripped == Event(b"event: delta\ndata: 1\nretry: 10\n\n", "delta", "1")
    assert parsed(b"event: jane doe\ndata: 1\nretry: jane\n\n")[0].stripped().raw == b"data: 1\n\n"


def test_what_has_no_data_is_stripped_to_nothing() -> None:
    for stream in (b": jane\n\n", b"\n", BOM, b"event: x\n\n", b": jane"):
        [event] = parsed(stream)
        assert event.stripped().raw == b""


def test_an_event_that_is_plain_is_its_own_stripped_one() -> None:
    [event] = parsed(TEXT)
    assert event.stripped() is event


def test_a_keep_alive_says_nothing() -> None:
    assert said(KEEP_ALIVE) == [(None, None)]


def test_an_event_may_have_a_name() -> None:
    [event] = Parser().feed(encode('{"a":1}', "message_stop"))
    assert (event.event, event.data) == ("message_stop", '{"a":1}')


def test_json_in_one_line_has_no_character_at_which_anybody_ends_a_line() -> None:
    text = json.dumps({"a": "x\x85y\u2028\u2029z"}, ensure_ascii=False)
    assert len(text.splitlines()) > 1
    assert len(one_line(text).splitlines()) == 1
    assert json.loads(one_line(text)) == json.loads(text)
