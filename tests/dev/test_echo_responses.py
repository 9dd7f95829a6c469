"""The echo upstream's responses and embeddings, as the real client reads them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from penstock.dev.echo import Echo
from penstock.dev.echo_responses import as_chat
from penstock.dialects.openai_responses.stream_event import StreamEvent
from penstock.dialects.openai_responses.stream_losses import Losses
from penstock.dialects.sse import Parser

MAIL: Any = {"type": "function", "name": "mail", "parameters": {}}


@pytest.fixture
def client() -> Iterator[openai.OpenAI]:
    echo = Echo(sleep=lambda _: None)
    echo.start()
    url = f"http://127.0.0.1:{echo.port}/v1"
    with openai.OpenAI(base_url=url, api_key="x", max_retries=0) as made:
        yield made
    echo.stop()


def streamed(client: openai.OpenAI, given: str, **more: Any) -> Any:
    with client.responses.stream(model="echo", input=given, **more) as streaming:
        return streaming.get_final_response()


@pytest.mark.parametrize(
    ("given", "more"),
    [
        ("hello", {}),
        ("hello [[echo: reasoning=I think so; split=2]]", {"instructions": "Be kind."}),
        ("no [[echo: refusal=I cannot]]", {}),
        ('call:mail {"to": "jane"}', {"tools": [MAIL]}),
        ("x", {"tools": [MAIL], "tool_choice": {"type": "function", "name": "mail"}}),
    ],
)
def test_a_stream_adds_up_to_the_unary_answer(client: openai.OpenAI, given: str, more: Any) -> None:
    unary = client.responses.create(model="echo", input=given, **more)
    final = streamed(client, given, **more)
    assert final.output_text == unary.output_text
    assert [item.type for item in final.output] == [item.type for item in unary.output]
    assert final.usage == unary.usage


def test_it_says_what_it_was_told(client: openai.OpenAI) -> None:
    assert client.responses.create(model="echo", input="hello").output_text == "You said: hello"
    [thought, said] = client.responses.create(
        model="echo", input=[{"role": "user", "content": "x [[echo: reasoning=Hm.]]"}]
    ).output
    assert (thought.type, said.type) == ("reasoning", "message")
    call = client.responses.create(model="echo", input='call:mail {"to": "jane"}', tools=[MAIL]).output[0]
    assert call.type == "function_call"
    assert (call.name, call.arguments) == ("mail", '{"to": "jane"}')


def test_its_directives_hold_here_too(client: openai.OpenAI) -> None:
    with pytest.raises(openai.InternalServerError):
        client.responses.create(model="echo", input="[[echo: fail=500]]")
    events = list(client.responses.create(model="echo", input="[[echo: error=2]]", stream=True))
    assert [event.type for event in events] == ["response.created", "response.in_progress", "error"]


def test_its_events_say_nothing_that_the_answer_does_not_say(client: openai.OpenAI) -> None:
    raw = client.responses.with_raw_response.create(
        model="echo", input="hello [[echo: reasoning=Hm.]]", stream=True
    )
    losses, last = Losses(), None
    for event in Parser().feed(raw.http_response.read()):
        last = StreamEvent.decode(event)
        losses.note(last)
    assert last is not None
    assert last.kind == "response.completed"
    assert not losses.has(last.tree["response"])


def test_a_text_s_vector_is_the_same_each_time(client: openai.OpenAI) -> None:
    def vectors(given: Any) -> list[list[float]]:
        answer = client.embeddings.create(model="echo", input=given)
        return [each.embedding for each in answer.data]

    [one] = vectors("hello")
    assert vectors(["hello", "other"])[0] == one
    assert vectors(["hello", "other"])[1] != one
    assert len(vectors([1, 2])) == 1
    assert len(vectors([[1, 2], [3]])) == 2
    assert client.embeddings.create(model="echo", input="two words").usage.prompt_tokens == 2


def test_a_request_is_read_as_the_chat_that_it_is() -> None:
    chat = as_chat(
        {
            "model": "m",
            "instructions": "Be kind.",
            "input": [{"role": "user", "content": "x"}, {"type": "reasoning", "summary": []}],
            "text": {"format": {"type": "json_schema", "schema": {}}},
        }
    )
    assert [message["role"] for message in chat["messages"]] == ["system", "user"]
    assert chat["response_format"]["json_schema"]["schema"] == {}
