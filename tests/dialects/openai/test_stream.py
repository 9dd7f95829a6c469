"""What holds for every listed stream, however its bytes are cut."""

from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.dialects.openai.stream import (
    Chunk,
    ChunkReader,
    ChunkWriter,
    Done,
    Silence,
    TextPart,
)
from penstock.dialects.openai.stream_assembly import Template
from penstock.dialects.openai.stream_writer import as_stream
from penstock.dialects.sse import Event, Parser, encode
from penstock.errors import UpstreamError
from tests.dialects.openai.streaming import assembled, chunks, edited, frames
from tests.fixtures.openai.streams import Stream, stream, streams

ALL = pytest.mark.parametrize("each", streams(), ids=str)
CANARY = "a canary, planted here"
REPEATS = ("logprobs", "prompt_logprobs")


def events(*pieces: bytes) -> list[Event]:
    """All that a frame is made of."""
    parser = Parser()
    return [event for piece in pieces for event in parser.feed(piece)] + parser.close()


@ALL
def test_a_stream_adds_up_to_the_response_that_it_would_have_been(each: Stream) -> None:
    assert assembled(each.body).response().tree == each.unary


@ALL
def test_what_is_hidden_is_what_the_list_says(each: Stream) -> None:
    hidden = [(unseen.kind, unseen.path) for chunk in chunks(each.body) for unseen in chunk.unseen]
    assert hidden == list(each.hidden)


@ALL
def test_any_split_in_two_gives_the_same_events(each: Stream) -> None:
    whole = events(each.body)
    assert all(events(each.body[:at], each.body[at:]) == whole for at in range(len(each.body) + 1))
    assert events(*(each.body[at : at + 1] for at in range(len(each.body)))) == whole


@ALL
@pytest.mark.parametrize("line_end", [b"\r\n", b"\r"])
def test_another_end_of_lines_says_the_same(each: Stream, line_end: bytes) -> None:
    assert assembled(each.body.replace(b"\n", line_end)).response().tree == each.unary


@ALL
def test_without_an_edit_the_bytes_are_those_that_came(each: Stream) -> None:
    writer, sent = ChunkWriter(), b""
    for frame in frames(each.body):
        if isinstance(frame, Chunk):
            unedited = {part: part.text for part in frame.parts if isinstance(part, TextPart)}
            assert ChunkWriter().edited(frame, unedited) == ChunkWriter().edited(frame, {}) == frame.event.raw
            sent += writer.passed(frame)
        else:
            sent += writer.raw(frame.event)
    assert sent == each.body


@ALL
def test_a_response_as_a_stream_adds_up_to_itself(each: Stream) -> None:
    first = assembled(each.body)
    again = b"".join(as_stream(first.response(), first.template()))
    assert assembled(again).response().tree == each.unary
    assert assembled(again).template() == first.template()


@ALL
def test_an_edited_response_as_a_stream_adds_up_to_the_edited_one(each: Stream) -> None:
    first = assembled(each.body)
    response = edited(first.response(), lambda text: f"<{text}>")
    again = assembled(b"".join(as_stream(response, first.template()))).response()
    assert again.tree == response.tree


@ALL
def test_what_was_taken_out_of_a_response_is_not_in_its_stream(each: Stream) -> None:
    first = assembled(each.body)
    response = first.response()
    response = response.without(response.unseen)
    again = b"".join(as_stream(response, first.template()))
    assert assembled(again).response().unseen == ()
    assert [unseen for chunk in chunks(again) for unseen in chunk.unseen] == []


@ALL
def test_no_text_can_be_planted_that_is_neither_in_a_part_nor_unseen(each: Stream) -> None:
    for chunk in chunks(each.body):
        for path in leaves(chunk.tree):
            tree = json.loads(chunk.text)
            owner = at(tree, path[:-1])
            owner[path[-1]] = CANARY
            planted = decoded(tree)
            is_text = CANARY in [part.text for part in planted.parts if isinstance(part, TextPart)]
            is_call = CANARY in planted.texts("response.tool_calls").texts
            is_unseen = any(unseen.at == path and unseen.kind != "key" for unseen in planted.unseen)
            is_repeat = any(step in REPEATS for step in path)
            assert is_text + is_call + is_unseen + is_repeat == 1, path


@ALL
def test_a_part_says_where_its_text_is(each: Stream) -> None:
    for chunk in chunks(each.body):
        for part in (part for part in chunk.parts if isinstance(part, TextPart)):
            assert at(chunk.tree, part.at) == part.text
            assert part.text in chunk.texts(part.field).texts


def test_an_event_is_a_chunk_an_end_or_nothing_that_a_client_reads() -> None:
    kinds = [type(frame) for frame in frames(stream("keep_alive").body)]
    assert kinds.count(Chunk) == 2
    assert kinds[-1] is Done
    assert set(kinds) == {Chunk, Done, Silence}


def test_after_done_nothing_is_read() -> None:
    [done, late] = frames(encode("[DONE]") + encode('{"choices":[]}'))
    assert isinstance(done, Done)
    assert isinstance(late, Silence)


@pytest.mark.parametrize(
    "data", ["[DONE] and more", "{", "null", "[1]", '"text"', "NaN", '{"a":1,"a":2}', '{"a":"\\ud83d"}']
)
def test_data_that_is_no_strict_object_is_the_upstreams_failure(data: str) -> None:
    with pytest.raises(UpstreamError, match="strict JSON object") as caught:
        frames(encode(data))
    assert caught.value.outcome == "malformed"


def test_bytes_that_are_no_utf8_are_the_upstreams_failure() -> None:
    with pytest.raises(UpstreamError, match="strict JSON"):
        frames(b'data: {"x":"\xff"}\n\n')
    assert chunks('data: {"x":"\ufffd"}\n\n'.encode())


@pytest.mark.parametrize("size", range(7, 25))
def test_a_stream_that_ends_inside_of_an_event_was_cut(size: int) -> None:
    with pytest.raises(UpstreamError, match="ended inside") as caught:
        frames(b'data: {"choices":[],"id":"x"}'[:size])
    assert caught.value.outcome == "cut"


def test_the_reader_knows_whether_the_stream_was_whole() -> None:
    reader = ChunkReader()
    reader.read(Event(b"", None, '{"choices":[]}'))
    assert not reader.is_done
    reader.read(Event(b"", None, "[DONE]"))
    assert reader.is_done


def test_a_stream_that_ends_inside_of_a_character_is_the_upstreams_failure() -> None:
    half = Event(b"", None, '{"choices":[{"delta":{"content":"\\ud83d"}}]}')
    for end in (ChunkReader.close, lambda reader: reader.read(Event(b"", None, "[DONE]"))):
        reader = ChunkReader()
        reader.read(half)
        with pytest.raises(UpstreamError, match="half of a surrogate pair"):
            end(reader)


def test_a_template_says_the_shape_and_nothing_else() -> None:
    assert assembled(stream("usage_chunk").body).template() == Template("apart")
    assert assembled(stream("no_done").body).template() == Template(is_done=False)
    assert assembled(stream("gemini").body).template() == Template("last")
    azure = assembled(stream("azure").body).template()
    assert azure == Template("apart", lead=("prompt_filter_results",), is_lead_blank=True)


def test_every_stream_of_the_list_has_its_own_name_and_says_what_it_proves() -> None:
    assert len({each.name for each in streams()}) == len(streams())
    assert all(each.proves.endswith(".") for each in streams())


def decoded(tree: Any) -> Chunk:
    text = json.dumps(tree)
    return Chunk.decode(Event(encode(text), None, text))


def leaves(tree: Any, above: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    if isinstance(tree, str):
        return [above]
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [leaf for step, value in pairs for leaf in leaves(value, (*above, step))]


def at(tree: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        tree = tree[step]
    return tree
