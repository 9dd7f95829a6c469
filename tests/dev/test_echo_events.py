from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.dev.echo_answers import BIG_INTEGER, plain_completion
from penstock.dev.echo_directives import UnknownDirectiveError, asked
from penstock.dev.echo_events import events

TOOLS = [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}]
USAGE = {"include_usage": True}


def made(text: str = "hello there", **members: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The unary answer and the events of the same request."""
    body = {"model": "echo", "messages": [{"role": "user", "content": text}], **members}
    request = asked(body, None)
    answer = plain_completion(body, request, json.dumps(body).encode())
    return answer, list(itertools.islice(events(answer, body, request), 10_000))


def put_together(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The choices that a client has at the end."""
    choices: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        for part in chunk["choices"]:
            choice = choices.setdefault(part["index"], {"message": {}, "tokens": [], "calls": {}})
            choice["finish_reason"] = part["finish_reason"]
            choice["tokens"] += (part["logprobs"] or {}).get("content") or []
            for name, value in part["delta"].items():
                if name == "tool_calls":
                    add_calls(choice["calls"], value)
                else:
                    before = choice["message"].get(name)
                    choice["message"][name] = value if before is None else before + (value or "")
    return [choices[index] for index in sorted(choices)]


def add_calls(calls: dict[int, Any], parts: list[dict[str, Any]]) -> None:
    for part in parts:
        if part["index"] not in calls:
            calls[part["index"]] = {name: part[name] for name in ("id", "type", "function")}
        else:
            calls[part["index"]]["function"]["arguments"] += part["function"]["arguments"]


def check_same(answer: dict[str, Any], chunks: list[dict[str, Any]]) -> None:
    together = put_together(chunks)
    assert len(together) == len(answer["choices"])
    for choice, whole in zip(together, answer["choices"], strict=True):
        message = whole["message"]
        for name in ("role", "content", "refusal"):
            assert choice["message"][name] == message[name]
        assert choice["message"].get("reasoning_content") == message.get("reasoning_content")
        assert list(choice["calls"].values()) == message.get("tool_calls", [])
        assert choice["tokens"] == (whole["logprobs"] or {}).get("content", [])
        assert choice["finish_reason"] == whole["finish_reason"]


ODD_TEXT = st.text(max_size=60) | st.sampled_from(["", "  two  spaces ", "a\n\nb", "ä😀 é", "x" * 2500])


@given(ODD_TEXT, st.integers(1, 3), st.none() | st.integers(1, 5), st.booleans())
def test_put_together_it_is_the_unary_answer(text: str, n: int, split: int | None, logprobs: bool) -> None:
    directive = f"split={split}" if split else ""
    answer, chunks = made(text, n=n, logprobs=logprobs, metadata={"echo": directive})
    check_same(answer, chunks)


@pytest.mark.parametrize(
    "directives", ["", "split=1", "split=3", "reasoning=First I think.", "finish=length"]
)
@pytest.mark.parametrize("text", ["hello", 'call:look_up {"a": "one two"}\ncall:look_up {"b": 2}'])
@pytest.mark.parametrize("n", [1, 2])
def test_calls_and_reasoning_are_put_together_too(text: str, directives: str, n: int) -> None:
    check_same(*made(text, n=n, tools=TOOLS, metadata={"echo": directives}))


def test_a_refusal_is_put_together_too() -> None:
    check_same(*made(metadata={"echo": "refusal=No, I will not."}))


def test_it_comes_in_words_the_role_first_the_reason_last() -> None:
    _, chunks = made()
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas[0] == {"role": "assistant", "content": "", "refusal": None}
    assert [delta["content"] for delta in deltas[1:-1]] == ["You ", "said: ", "hello ", "there"]
    assert deltas[-1] == {}
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk["id"] for chunk in chunks}) == 1


def test_choices_take_turns() -> None:
    _, chunks = made(n=2)
    assert [chunk["choices"][0]["index"] for chunk in chunks[:6]] == [0, 1, 0, 1, 0, 1]


def test_usage_comes_at_the_end_when_it_is_asked_for() -> None:
    answer, chunks = made(stream_options=USAGE)
    assert (chunks[-1]["choices"], chunks[-1]["usage"]) == ([], answer["usage"])
    assert {chunk["usage"] for chunk in chunks[:-1]} == {None}
    assert all("usage" not in chunk for chunk in made()[1])


def test_an_error_ends_it_after_as_many_events_as_told() -> None:
    _, chunks = made(metadata={"echo": "error=2"}, stream_options=USAGE)
    assert [chunk.get("object") for chunk in chunks] == ["chat.completion.chunk"] * 2 + [None]
    assert chunks[-1]["error"]["type"] == "server_error"


def test_an_endless_one_goes_on_and_on() -> None:
    _, chunks = made(metadata={"echo": "endless; text=on and "})
    assert len(chunks) == 10_000
    assert chunks[-1]["choices"][0]["delta"]["content"] in {"on ", "and "}


def test_a_vendors_keys_are_at_every_level() -> None:
    _, chunks = made(metadata={"echo": "vendor"}, stream_options=USAGE)
    for level in (chunks[1], chunks[1]["choices"][0], chunks[1]["choices"][0]["delta"], chunks[-1]["usage"]):
        assert level["x_vendor"]["big"] == BIG_INTEGER


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(UnknownDirectiveError, match="split=CHARACTERS"):
        made(metadata={"echo": "split=few"})
