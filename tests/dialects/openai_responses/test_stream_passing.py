from __future__ import annotations

import pytest

from penstock.denial import Denial
from penstock.dialects.openai_responses.stream_passing import PassingStream
from penstock.errors import UpstreamError
from tests.dialects.openai_responses.streaming import answer, byte_by_byte, events, everything, in_two
from tests.fixtures.openai.response_streams import Stream, stream, streams

ALL = pytest.mark.parametrize("each", streams(), ids=str)
DENIAL = Denial("cards.card_number", "It has a card's number.", 403, "plugin_blocked")


@ALL
def test_it_passes_byte_for_byte_wherever_it_is_cut(each: Stream) -> None:
    assert everything(PassingStream(), *byte_by_byte(each.body)) == answer(each.body)
    for pieces in in_two(each.body, 97):
        assert everything(PassingStream(), *pieces) == answer(each.body)


@ALL
@pytest.mark.parametrize("line_end", [b"\r\n", b"\r"])
def test_ends_of_lines_are_the_upstreams(each: Stream, line_end: bytes) -> None:
    body = b": hello\n\n" + each.body.replace(b"\n", line_end)
    assert everything(PassingStream(), body) == answer(body)


@ALL
def test_the_event_that_holds_the_whole_answer_waits_for_the_ending(each: Stream) -> None:
    passing = PassingStream()
    left = passing.feed(each.body) + passing.close()
    terminal = {"response.completed", "response.incomplete", "response.failed"}
    assert terminal.isdisjoint(event.kind for event in events(left))
    assert terminal.intersection(event.kind for event in events(passing.ending))
    assert (passing.has_failed, passing.usage is None) == ((each.name == "failed"),) * 2


def test_tokens_are_counted_as_the_whole_answer_says() -> None:
    passing = PassingStream()
    everything(passing, stream("text").body)
    assert passing.usage is not None
    counts = (passing.usage.input_tokens, passing.usage.output_tokens, passing.usage.cached)
    assert (*counts, passing.usage.reasoning) == (36, 87, 4, 64)


def test_a_stream_without_the_whole_answer_was_cut() -> None:
    body = stream("text").body
    passing = PassingStream()
    assert passing.feed(body[: body.index(b"event: response.completed")])
    with pytest.raises(UpstreamError) as caught:
        passing.close()
    assert caught.value.outcome == "cut"


def test_an_upstream_that_says_it_failed_was_not_cut() -> None:
    body = b'data: {"type":"error","code":"server_error","message":"No.","param":null}\n\n'
    passing = PassingStream()
    assert everything(passing, body) == body
    assert passing.has_failed


def test_an_error_has_the_next_number_and_stands_alone() -> None:
    passing = PassingStream()
    passing.feed(stream("text").body.split(b"\n\n")[0] + b"\n\n")
    [error] = events(passing.error(DENIAL, "0190"))
    assert (error.kind, error.tree["sequence_number"]) == ("error", 1)
    assert (error.tree["code"], error.tree["error"]["code"]) == (DENIAL.code, DENIAL.code)


def test_an_event_that_was_cut_is_ended_before_an_error() -> None:
    passing = PassingStream()
    passing.feed(b'data: {"type":"response.created"')
    with pytest.raises(UpstreamError):
        passing.close()
    assert passing.error(DENIAL, "0190").startswith(b"\n\n")


def test_what_follows_the_answer_is_bounded() -> None:
    passing = PassingStream(max_kept_bytes=20)
    with pytest.raises(UpstreamError) as caught:
        passing.feed(stream("text").body)
    assert caught.value.outcome == "too_large"


def test_what_is_no_json_passes_too() -> None:
    body = b"data: {\n\ndata: [1]\n\n" + stream("text").body
    assert everything(PassingStream(), body) == body
