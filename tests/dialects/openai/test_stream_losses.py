from __future__ import annotations

from typing import Any

import pytest

from penstock.dialects.openai.stream_losses import is_ambiguous, is_number, is_off, is_said, is_token, says


@pytest.mark.parametrize("value", [None, True, 1, 1.5, "", [], {}, -(10**7) + 1])
def test_what_nobody_reads_anything_in_says_nothing(value: Any) -> None:
    assert not says(value)


@pytest.mark.parametrize("value", ["a", 10**7, -1e7, [0], {"a": None}])
def test_texts_long_numbers_and_what_holds_anything_say_something(value: Any) -> None:
    assert says(value)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("id", "chatcmpl-1", False),
        ("id", "two words", True),
        ("created", 1_790_000_000_000, False),
        ("usage", {"prompt_tokens": 3}, False),
        ("usage", {"a sentence as a name": 3}, True),
        ("citations", ["a"], True),
        ("citations", [""], False),
        ("vendor", "a", True),
    ],
)
def test_a_member_says_what_a_guard_would_see_in_it(name: str, value: Any, expected: bool) -> None:
    assert is_said(name, value, of_choice=False) is expected


def test_a_choices_member_is_judged_at_its_own_place() -> None:
    assert not is_said("finish_reason", "stop", of_choice=True)
    assert is_said("finish_reason", "stop", of_choice=False)
    assert is_said("logprobs", {"content": [{"token": "a"}]}, of_choice=True)


def chunk(**choice: Any) -> dict[str, Any]:
    return {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {}, **choice}]}


@pytest.mark.parametrize(
    "tree",
    [
        {},
        {"choices": None},
        {"choices": [None]},
        chunk(),
        chunk(index=None),
        chunk(delta=None),
        chunk(delta={"content": "a", "function_call": None, "tool_calls": [], "reasoning_details": None}),
        chunk(delta={"content": [{"type": "text", "text": "a"}]}),
        chunk(delta={"tool_calls": [{"index": 0}, {}], "function_call": {"arguments": "a"}}),
        {**chunk(), "obfuscation": "Xy1"},
    ],
)
def test_what_stands_where_clients_look_for_it_is_not_off(tree: dict[str, Any]) -> None:
    assert not is_off(tree)
    assert not is_ambiguous(tree)


@pytest.mark.parametrize(
    "tree",
    [
        {"object": "two words"},
        {"obfuscation": ["a"]},
        {"choices": {"a": "b"}},
        {"choices": ["a"]},
        chunk(index="0"),
        chunk(message={"content": "a"}),
        chunk(delta="a"),
        chunk(delta={"content": ["a"]}),
        chunk(delta={"content": 1}),
        chunk(delta={"function_call": "a"}),
        chunk(delta={"tool_calls": "a"}),
        chunk(delta={"tool_calls": ["a"]}),
        chunk(delta={"tool_calls": [{"index": "0"}]}),
        chunk(delta={"reasoning_details": [{"index": 0.5}]}),
    ],
)
def test_what_stands_elsewhere_is_off(tree: dict[str, Any]) -> None:
    assert is_off(tree)


def test_a_number_is_a_whole_one_from_zero_on_or_none() -> None:
    assert [is_number(index) for index in (None, 0, 7)] == [True] * 3
    others: list[Any] = [-1, 0.0, True, "0", []]
    assert not any(map(is_number, others))


def test_a_token_is_a_string_of_a_names_characters() -> None:
    assert is_token("chatcmpl-1")
    assert not any(is_token(value) for value in ("two words", "a@b", 5, "x" * 129))
