"""The echo upstream's messages, as the real client reads them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from penstock.dev.echo import Echo
from penstock.dev.echo_messages import as_chat
from penstock.dialects.sse import Parser

MAIL: Any = {"name": "mail", "input_schema": {"type": "object"}}


@pytest.fixture
def client() -> Iterator[anthropic.Anthropic]:
    echo = Echo(sleep=lambda _: None)
    echo.start()
    with anthropic.Anthropic(base_url=f"http://127.0.0.1:{echo.port}", api_key="x", max_retries=0) as made:
        yield made
    echo.stop()


def asked(given: Any, **more: Any) -> Any:
    return {"model": "echo", "max_tokens": 9, "messages": [{"role": "user", "content": given}], **more}


@pytest.mark.parametrize(
    ("given", "more"),
    [
        ("hello", {}),
        ("hello [[echo: reasoning=I think so; split=2]]", {"system": "Be kind."}),
        ("no [[echo: refusal=I cannot]]", {}),
        ('call:mail {"to": "jane"}\ncall:mail {}', {"tools": [MAIL]}),
        ("x", {"tools": [MAIL], "tool_choice": {"type": "any"}}),
        ("x", {"tools": [MAIL], "tool_choice": {"type": "tool", "name": "mail"}}),
        ("x [[echo: framing=fields,tight,crlf; finish=length]]", {}),
    ],
)
def test_a_stream_adds_up_to_the_unary_answer(client: anthropic.Anthropic, given: str, more: Any) -> None:
    unary = client.messages.create(**asked(given, **more))
    with client.messages.stream(**asked(given, **more)) as streaming:
        final = streaming.get_final_message()
    for each in (unary, final):
        each.id = ""  # made of the request's bytes, which differ
        for block in each.content:
            if block.type in ("tool_use", "thinking"):
                vars(block).update(id="", signature="")
    assert final.model_dump(exclude={"content": {"__all__": {"parsed_output"}}}) == unary.model_dump()


def test_it_says_what_it_was_told(client: anthropic.Anthropic) -> None:
    [thought, said] = client.messages.create(**asked("x [[echo: reasoning=Hm.]]")).content
    assert thought.type == "thinking"
    assert said.type == "text"
    assert (thought.thinking, said.text) == ("Hm.", "You said: x")
    answer = client.messages.create(**asked('call:mail {"to": "jane"}', tools=[MAIL]))
    assert answer.stop_reason == "tool_use"
    assert answer.content[0].type == "tool_use"
    assert answer.content[0].input == {"to": "jane"}


def test_it_reads_what_a_tool_has_said(client: anthropic.Anthropic) -> None:
    result = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "sent"}]}
    [said] = client.messages.create(**asked([result])).content
    assert said.type == "text"
    assert said.text == "You said: sent"


def test_tokens_are_words(client: anthropic.Anthropic) -> None:
    given = asked("two words", system="Be kind.")
    del given["max_tokens"]
    counted = client.messages.count_tokens(**given).input_tokens
    assert counted == 4
    assert client.messages.create(**asked("two words", system="Be kind.")).usage.input_tokens == counted


def test_its_errors_are_anthropics(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.RateLimitError) as caught:
        client.messages.create(**asked("[[echo: fail=429]]"))
    assert caught.value.body == {
        "type": "error",
        "error": {"type": "rate_limit_error", "message": "The echo upstream was told to fail."},
    }
    with pytest.raises(anthropic.BadRequestError, match="The echo upstream knows"):
        client.messages.create(**asked("[[echo: nonsense]]"))
    with (
        pytest.raises(anthropic.APIStatusError, match="told to fail in the middle"),
        client.messages.stream(**asked("a b c d e [[echo: error=4]]")) as streaming,
    ):
        streaming.until_done()


def test_each_event_has_its_type_for_a_name(client: anthropic.Anthropic) -> None:
    raw = client.messages.with_raw_response.create(
        **asked('call:mail {"to": "jane"}', tools=[MAIL]), stream=True
    )
    names = [event.event for event in Parser().feed(raw.http_response.read())]
    assert names[0] == "message_start"
    assert names[-1] == "message_stop"
    assert "content_block_delta" in names


def test_a_request_is_read_as_the_chat_that_it_is() -> None:
    chat = as_chat(asked("x", system=[{"type": "text", "text": "Be kind."}], tool_choice={"type": "auto"}))
    assert [message["role"] for message in chat["messages"]] == ["system", "user"]
    assert chat["tool_choice"] is None
