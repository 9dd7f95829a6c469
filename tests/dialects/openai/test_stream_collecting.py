from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from penstock.dialects.openai.chat import ChatRequest
from penstock.dialects.openai.stream_collecting import Collected
from penstock.dialects.sse import Parser, encode
from penstock.errors import UpstreamError
from penstock.evidence.record import Usage
from tests.dialects.openai.streaming import assembled, byte_by_byte, edited
from tests.fixtures.openai.streams import Stream, stream, streams

ALL = pytest.mark.parametrize("each", streams(), ids=str)
DONE = encode("[DONE]")


def says(text: str, reason: str | None = None, **members: Any) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": reason}
    return encode(json.dumps({"id": "c", "choices": [choice], **members}))


def collected(*pieces: bytes, **options: Any) -> Collected:
    made = Collected(**options)
    for piece in pieces:
        made.feed(piece)
    made.close()
    return made


@ALL
def test_what_is_collected_is_the_response_that_it_would_have_been(each: Stream) -> None:
    assert collected(each.body).response().tree == each.unary
    assert collected(*byte_by_byte(each.body)).response().tree == each.unary


@ALL
def test_an_answer_that_nobody_changed_leaves_as_the_events_that_came(each: Stream) -> None:
    whole = collected(each.body)
    parser = Parser()
    came = [event.stripped() for event in parser.feed(each.body) + parser.close()]
    if whole.has_failed:
        pytest.skip("what it said of that leaves in the gateway's words")
    assert whole.events(whole.response()) == b"".join(event.raw for event in came if event.data)
    assert whole.events(whole.response()) == whole.events(whole.response())


@ALL
def test_an_answer_that_was_changed_leaves_in_events_of_its_own(each: Stream) -> None:
    whole = collected(each.body)
    response = edited(whole.response(), str.swapcase)
    again = assembled(whole.events(response))
    assert again.response().tree == response.tree
    is_done = not whole.has_failed
    assert again.template() == replace(assembled(each.body).template(), is_done=is_done and again.is_done)
    replaced = whole.response().replaced("Sorry.")
    assert assembled(whole.events(replaced)).response().texts("response.text").texts[0] == "Sorry."


def test_an_equal_answer_that_is_another_one_is_written_anew() -> None:
    whole = collected(says("a") + says("b", "stop"))
    response = whole.response()
    assert whole.events(response).count(b"data:") == 2
    assert whole.events(response.edited([])) == whole.events(response)
    [edit] = [text.replace("a", "A") for text in response.texts("response.text").texts]
    assert edit.encode() in whole.events(edited(response, lambda text: text.replace("a", "A")))


def test_the_answer_is_the_same_object_until_more_comes() -> None:
    whole = Collected()
    whole.feed(says("a"))
    first = whole.response()
    assert whole.response() is first
    whole.feed(says("b", "stop"))
    assert whole.response() is not first
    assert whole.response().texts("response.text").texts == ("ab",)


def test_the_usage_chunk_that_the_caller_did_not_ask_for_is_in_no_event() -> None:
    body = stream("usage_chunk").body
    whole = collected(body, hide_usage=True)
    response = whole.response()
    assert (whole.usage, response.usage()) == (Usage(9, 6, 4, 2), Usage(9, 6, 4, 2))
    for left in (whole.events(response), whole.events(edited(response, str.upper))):
        assert b"prompt_tokens" not in left
        assert left.endswith(DONE)
    assert b"prompt_tokens" in collected(body).events(response)


def test_usage_that_stands_with_the_last_choice_stays_there() -> None:
    whole = collected(says("a", "stop", usage={"prompt_tokens": 3}) + DONE, hide_usage=True)
    assert b"prompt_tokens" in whole.events(edited(whole.response(), str.upper))


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (says("a"), "cut"),
        (b"", "cut"),
        (says("a", "stop")[:-9], "cut"),
        (b"data: {\n\n", "malformed"),
        (says("\ud83d", "stop"), "malformed"),
    ],
)
def test_a_stream_that_is_not_whole_or_no_stream_is_the_upstreams_failure(body: bytes, outcome: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        collected(body)
    assert caught.value.outcome == outcome


def test_an_upstream_that_fails_is_known_to_have_failed() -> None:
    assert collected(stream("error").body).has_failed
    assert not collected(DONE).has_failed


def test_the_words_are_bounded_and_not_the_chunks_that_they_come_in() -> None:
    padding: dict[str, Any] = {"obfuscation": "x" * 200, "usage": {"prompt_tokens": 1}, "model": "m" * 50}
    whole = Collected(max_chars=3000)
    for _ in range(100):
        whole.feed(says("abcd", **padding))
    with pytest.raises(UpstreamError, match="larger than 3000 bytes") as caught:
        whole.feed(says("x" * 3000))
    assert caught.value.outcome == "too_large"


def test_events_are_not_held_beyond_their_bound_and_are_written_anew_then() -> None:
    body = (says("a") + says("b", "stop")) * 5 + DONE
    short, long = (collected(body, max_events_bytes=size) for size in (len(body), len(body) - 1))
    assert short.events(short.response()) == body
    left = long.events(long.response())
    assert left.count(b"data:") == 3
    assert assembled(left).response().tree == short.response().tree


def test_only_a_chat_completion_is_streamed_as_one() -> None:
    request = ChatRequest.decode(b'{"model":"m","messages":[]}')
    with pytest.raises(TypeError, match="streamed as one"):
        collected(DONE).events(request)


SECRET = "alice@example.com"


def chunk(*choices: Any, **members: Any) -> bytes:
    return encode(json.dumps({"id": "c", **members, "choices": list(choices)}))


def of(delta: Any, **members: Any) -> dict[str, Any]:
    return {"index": 0, "delta": delta, **members}


def call(**members: Any) -> dict[str, Any]:
    return of({"tool_calls": [{"index": 0, "id": "c", "type": "function", **members}]})


@pytest.mark.parametrize(
    "said",
    [
        chunk(citations=[SECRET]) + chunk(citations=["other"]),
        chunk(object=SECRET),
        chunk(obfuscation=SECRET),
        chunk(id=SECRET),
        chunk(SECRET),
        chunk({"index": SECRET, "delta": {}}),
        chunk(of(SECRET)),
        chunk(of({}, finish_reason=SECRET)),
        chunk(of({}, message={"content": SECRET})),
        chunk(of({"content": SECRET}), of({}, message={"content": "other"})),
        chunk(of({"content": [SECRET]})),
        chunk(of({"role": SECRET})),
        chunk(of({"id": "a"})) + chunk(of({"id": SECRET})),
        chunk(of({"refusal": SECRET})) + chunk(of({"refusal": 5})),
        chunk(of({"reasoning": SECRET})) + chunk(of({"reasoning": []})),
        chunk(of({"reasoning_details": SECRET})),
        chunk(of({"reasoning_details": [SECRET]})),
        chunk(of({"context": {"id": "a"}})) + chunk(of({"context": {"id": SECRET}})),
        chunk(of({"tool_calls": SECRET})),
        chunk(of({"tool_calls": [SECRET]})),
        chunk(of({"function_call": SECRET})),
        chunk(call(function={"name": "f", "arguments": SECRET})) + chunk(call(function={"arguments": {}})),
        chunk(of({"tool_calls": [{"index": SECRET, "function": {"name": "f"}}]})),
        chunk(of({"function_call": {"arguments": SECRET}})) + chunk(of({"function_call": {"arguments": 1}})),
        encode(json.dumps({"choices": {"a": SECRET}})),
        encode(json.dumps({"choices": SECRET})),
        chunk() + encode(json.dumps({"error": {"message": SECRET}})),
        chunk() + encode(json.dumps({"object": "error", "message": SECRET})),
    ],
)
def test_what_is_not_in_the_answer_is_in_no_event_that_leaves(said: bytes) -> None:
    whole = collected(chunk(of({"role": "assistant", "content": "Hi."})) + said + says("", "stop") + DONE)
    response = whole.response()
    assert SECRET in response.text or SECRET.encode() not in whole.events(response)
    assert b"Hi." in whole.events(response)


def test_a_stream_that_failed_never_leaves_as_one_that_is_whole() -> None:
    whole = collected(says("a") + encode(json.dumps({"error": {"message": "x"}})) + DONE)
    assert DONE not in whole.events(whole.response())
