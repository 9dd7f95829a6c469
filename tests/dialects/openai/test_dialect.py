from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.dialects.openai.chat import ChatRequest, ChatResponse
from penstock.dialects.openai.dialect import OpenAI
from penstock.dialects.openai.stream_guarded import GuardedStream
from penstock.dialects.openai.stream_passing import PassingStream
from tests.dialects.openai.streaming import FakeGuard, assembled
from tests.fixtures.openai.catalogue import Fixture, fixtures
from tests.fixtures.openai.streams import Stream, stream, streams


def request(**members: Any) -> ChatRequest:
    return ChatRequest.decode(json.dumps({"model": "m", "messages": [], "stream": True, **members}).encode())


@pytest.mark.parametrize("fixture", fixtures(), ids=str)
def test_an_answer_that_came_whole_adds_up_to_itself_as_a_stream(fixture: Fixture) -> None:
    response = ChatResponse.decode(fixture.response)
    asking = request(stream_options={"include_usage": True})
    again = assembled(OpenAI().as_stream(response, asking))
    assert again.is_done
    expected = json.loads(fixture.response)
    for choice in expected["choices"]:
        if choice["message"].get("tool_calls") == []:  # a stream has no delta to say that there are none
            del choice["message"]["tool_calls"]
    assert again.response().tree == expected


def test_usage_is_in_a_stream_when_the_caller_asked_for_it() -> None:
    answer = OpenAI().answer("Hello.", request(), "0190", 7)
    silent = OpenAI().as_stream(answer, request(stream_options={"include_usage": False}))
    asked = OpenAI().as_stream(answer, request(stream_options={"include_usage": True}))
    assert b"usage" not in silent
    assert assembled(asked).template().usage == "apart"
    assert silent.endswith(b"data: [DONE]\n\n")


def test_only_a_chat_completion_answers_a_chat_request() -> None:
    answer = OpenAI().answer("Hello.", request(), "0190", 7)
    for wrong in ((request(), request()), (answer, answer)):
        with pytest.raises(TypeError, match="answers a chat request"):
            OpenAI().as_stream(*wrong)


@pytest.mark.parametrize("each", streams(), ids=str)
def test_what_leaves_a_stream_can_be_collected_at_its_end(each: Stream) -> None:
    for streaming in (OpenAI().streaming(), OpenAI().streaming(FakeGuard(held_chars=3))):
        collecting = OpenAI().collecting()
        for left in (streaming.feed(each.body), streaming.close(), streaming.ending):
            collecting.feed(left)
        collecting.close()
        assert collecting.response().tree == each.unary
        assert (collecting.usage, collecting.has_failed) == (streaming.usage, streaming.has_failed)


def test_without_a_guard_a_stream_passes() -> None:
    assert isinstance(OpenAI().streaming(), PassingStream)
    assert isinstance(OpenAI().streaming(FakeGuard()), GuardedStream)
    body = stream("usage_chunk").body
    for guard in (None, FakeGuard()):
        streaming = OpenAI().streaming(guard, hide_usage=True)
        assert b"prompt_tokens" not in streaming.feed(body) + streaming.close() + streaming.ending
    collecting = OpenAI().collecting(hide_usage=True)
    collecting.feed(body)
    assert b"prompt_tokens" not in collecting.events(collecting.response())
