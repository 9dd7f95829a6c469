from __future__ import annotations

import pytest

from penstock.dialects.anthropic.dialect import Anthropic
from penstock.dialects.anthropic.stream_collecting import Collected
from penstock.dialects.openai.chat import ChatRequest
from penstock.dialects.sse import Parser
from penstock.dialects.stream_event import written
from penstock.errors import UpstreamError
from penstock.evidence.record import Usage
from tests.dialects.anthropic.streaming import assembled, byte_by_byte, edited
from tests.fixtures.anthropic.streams import Stream, stream, streams

ALL = pytest.mark.parametrize("each", streams(), ids=str)


def collected(*pieces: bytes) -> Collected:
    made = Collected()
    for piece in pieces:
        made.feed(piece)
    made.close()
    return made


@ALL
def test_what_is_collected_is_the_message_that_it_would_have_been(each: Stream) -> None:
    assert collected(each.body).response().tree == each.unary
    assert collected(*byte_by_byte(each.body)).response().tree == each.unary


@ALL
def test_a_message_that_nobody_changed_leaves_as_the_events_that_came(each: Stream) -> None:
    whole = collected(each.body)
    came = [event.stripped() for event in Parser().feed(each.body)]
    assert whole.events(whole.response()) == b"".join(event.raw for event in came if event.data)


@ALL
def test_a_message_that_was_changed_leaves_in_events_of_its_own(each: Stream) -> None:
    whole = collected(each.body)
    response = edited(whole.response(), str.swapcase)
    assert assembled(whole.events(response)).tree == response.tree
    replaced = whole.response().replaced("Sorry.")
    assert assembled(whole.events(replaced)).texts("response.text").texts == ("Sorry.",)


def test_the_message_is_the_same_object_until_more_comes() -> None:
    whole = Collected()
    body = stream("text").body
    whole.feed(body[:900])
    first = whole.response()
    assert whole.response() is first
    whole.feed(body[900:])
    assert whole.response() is not first


def test_what_is_collected_is_bounded() -> None:
    says = written(
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x" * 50}}
    )
    begins = written(
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    )
    whole = Collected(max_bytes=1000)
    with pytest.raises(UpstreamError, match="larger than 1000 bytes") as caught:
        whole.feed(begins + says * 100)
    assert caught.value.outcome == "too_large"
    long = Collected(max_events_bytes=1000)
    long.feed(begins + says * 10)
    assert assembled(long.events(long.response())).tree["content"] == [{"type": "text", "text": "x" * 500}]


def test_a_stream_that_was_cut_or_failed_says_so() -> None:
    body = stream("text").body
    with pytest.raises(UpstreamError) as caught:
        collected(body[:-40])
    assert caught.value.outcome == "cut"
    begun = b"\n\n".join([*body.split(b"\n\n")[:4], b""])
    failed = collected(begun + written({"type": "error", "error": {"message": "x"}}))
    assert failed.has_failed
    assert collected(body).usage == Usage(29, 15, 4, 0)


def test_a_plugins_answer_is_a_whole_stream() -> None:
    dialect = Anthropic()
    request = dialect.decode_request(b'{"model":"m","messages":[],"stream":true}')
    answer = dialect.answer("No.", request, "0190", 0)
    assert assembled(dialect.as_stream(answer, request)).tree == answer.tree


def test_only_messages_are_streamed_as_messages() -> None:
    chat = ChatRequest.decode(b'{"model":"m","messages":[]}')
    with pytest.raises(TypeError):
        Collected().events(chat)
    with pytest.raises(TypeError):
        Anthropic().as_stream(chat, chat)


def test_a_message_whose_upstream_failed_leaves_without_its_words_and_without_an_end() -> None:
    body = stream("text").body
    fails = written({"type": "error", "error": {"type": "overloaded_error", "message": "in its own words"}})
    whole = collected(body[: body.index(b"event: message_stop")] + fails)
    left = whole.events(whole.response())
    assert whole.has_failed
    assert b"own words" not in left
    assert b"message_stop" not in left
    assert b"stop_reason" not in left.partition(b"content_block_start")[2]
