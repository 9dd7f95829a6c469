from __future__ import annotations

from typing import Any

import pytest

from penstock.dialects.openai.stream_progress import Progress, is_usage_alone, usage_of
from penstock.errors import UpstreamError
from penstock.evidence.record import Usage


def choice(index: int = 0, reason: Any = None, **members: Any) -> dict[str, Any]:
    return {"index": index, "finish_reason": reason, **members}


def progress(*trees: Any) -> Progress:
    made = Progress()
    for tree in trees:
        made.read(tree)
    return made


def chunk(*choices: Any, **members: Any) -> dict[str, Any]:
    return {"choices": list(choices), **members}


@pytest.mark.parametrize(
    "members",
    [
        {"text": "x"},
        *(
            {"delta": {name: "x"}}
            for name in ("content", "refusal", "reasoning", "reasoning_content", "audio", "function_call")
        ),
        {"delta": {"tool_calls": [{}]}},
        {"delta": {"reasoning_details": [{}]}},
        {"delta": {"content": [{}]}},
    ],
)
def test_what_a_choice_says_opens_it_again(members: dict[str, Any]) -> None:
    made = progress(chunk(choice(reason="stop")))
    assert (made.has_ended, made.ended) == (True, {0})
    assert made.read(chunk(choice(**members))) == {0}
    assert (made.has_ended, made.ended, made.choices) == (False, set(), {0})


@pytest.mark.parametrize(
    "members", [{}, {"text": ""}, {"delta": None}, {"delta": {"role": "a", "content": "", "x": "y"}}]
)
def test_what_says_nothing_opens_nothing_that_has_ended(members: dict[str, Any]) -> None:
    made = progress(chunk(choice(reason="stop")))
    assert made.read(chunk(choice(**members))) == set()
    assert made.has_ended


@pytest.mark.parametrize("reason", [None, "", 0, [], {"a": 1}])
def test_only_a_reason_in_words_ends_a_choice(reason: Any) -> None:
    assert not progress(chunk(choice(reason=reason))).has_ended


def test_every_choice_has_to_end() -> None:
    made = progress(chunk(choice(0), choice(1)), chunk(choice(1, "stop")))
    assert (made.has_ended, made.choices, made.ended) == (False, {0, 1}, {1})
    made.read(chunk(choice(0, "length", delta={"content": "x"})))
    assert made.has_ended


def test_a_stream_without_choices_has_not_ended_unless_it_says_so() -> None:
    made = progress({}, chunk(), chunk(None, 7), {"choices": None}, {"choices": {}})
    assert not made.has_ended
    with pytest.raises(UpstreamError, match="ended before") as caught:
        made.require_whole()
    assert caught.value.outcome == "cut"
    made.is_done = True
    made.require_whole()


@pytest.mark.parametrize("failure", [{"error": {}, "object": "error"}, {"error": "x"}, {"error": {"a": 1}}])
def test_an_upstream_that_has_failed_is_not_cut(failure: Any) -> None:
    made = progress(chunk(choice()), failure, chunk(choice()))
    assert made.has_failed
    made.require_whole()
    assert not progress({"error": None}).has_failed


def test_usage_is_where_the_upstream_says_it_and_the_last_counts() -> None:
    one, two = {"prompt_tokens": 1}, {"prompt_tokens": 2}
    assert usage_of({"usage": one, "x_groq": {"usage": two}}) == one
    assert usage_of({"usage": None, "x_groq": {"usage": two}}) == two
    assert usage_of(chunk(choice(usage=one))) == one
    assert usage_of(chunk(7, choice(usage=one))) is usage_of({"usage": 7, "x_groq": 7}) is None
    made = progress({"usage": one}, {"usage": two}, {"usage": {}}, {})
    assert made.usage == Usage(2, 0, 0, 0)
    assert progress({}).usage is None


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({"choices": [], "usage": {"n": 1}}, True),
        ({"usage": {"n": 1}}, True),
        ({"choices": [{}], "usage": {"n": 1}}, False),
        ({"choices": [], "usage": {}}, False),
        ({"choices": [], "usage": {"n": 1}, "error": "x"}, False),
    ],
)
def test_a_usage_chunk_has_usage_and_no_choice(tree: Any, expected: bool) -> None:
    assert is_usage_alone(tree) is expected
