from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.dialects.openai.stream_halves import pieces
from penstock.dialects.stream_halves import Halves
from penstock.errors import UpstreamError

FIRST, SECOND = "\ud83d", "\ude00"
WHOLE = "\U0001f600"


def chunk(delta: Any, **members: Any) -> str:
    return json.dumps({"choices": [{"index": 0, "delta": delta, **members}]})


def joined(*deltas: Any) -> list[Any]:
    halves = Halves(pieces)
    found = [json.loads(halves.joined(chunk(delta)))["choices"][0]["delta"] for delta in deltas]
    halves.require_none()
    return found


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["a" + FIRST, SECOND + "b"], ["a", WHOLE + "b"]),
        ([FIRST, SECOND], ["", WHOLE]),
        ([FIRST, "", SECOND], ["", "", WHOLE]),
        ([FIRST, SECOND + FIRST, SECOND], ["", WHOLE, WHOLE]),
        ([WHOLE + FIRST, SECOND + WHOLE], [WHOLE, WHOLE + WHOLE]),
    ],
)
def test_halves_are_joined_in_the_delta_that_brings_the_second(texts: list[str], expected: list[str]) -> None:
    assert joined(*({"content": text} for text in texts)) == [{"content": text} for text in expected]


@pytest.mark.parametrize(
    "delta",
    [
        lambda text: {"reasoning": text},
        lambda text: {"content": [{"type": "text", "text": text}]},
        lambda text: {"tool_calls": [{"index": 3, "function": {"arguments": text}}]},
        lambda text: {"reasoning_details": [{"index": 1, "text": text}]},
        lambda text: {"x_vendor": {"y": [text]}},
    ],
)
def test_any_text_of_a_delta_can_be_cut(delta: Any) -> None:
    assert joined(delta("a" + FIRST), delta(SECOND)) == [delta("a"), delta(WHOLE)]


def test_a_half_waits_in_its_own_text() -> None:
    first = {"content": FIRST, "tool_calls": [{"index": 0, "x": FIRST}, {"index": 1, "x": "\ud83e"}]}
    between = {"reasoning": "b"}
    second = {"tool_calls": [{"index": 1, "x": SECOND}, {"index": 0, "x": SECOND}]}
    last = joined(first, between, second, {"content": SECOND})
    assert [call["x"] for call in last[2]["tool_calls"]] == ["\U0001fa00", WHOLE]
    assert last[3] == {"content": WHOLE}


def test_choices_are_told_apart_by_their_numbers() -> None:
    halves = Halves(pieces)
    trees = [
        {"choices": [{"index": 1, "text": FIRST}, {"index": 0, "text": "a"}]},
        {"choices": [{"index": 0, "text": "b"}, {"index": 1, "text": SECOND}]},
    ]
    found = [json.loads(halves.joined(json.dumps(tree)))["choices"] for tree in trees]
    assert [[choice["text"] for choice in listed] for listed in found] == [["", "a"], ["b", WHOLE]]


@pytest.mark.parametrize("texts", [[SECOND], [FIRST, "a"], [FIRST, FIRST], [FIRST + "a"], [SECOND + FIRST]])
def test_a_half_without_its_other_is_the_upstreams_failure(texts: list[str]) -> None:
    halves = Halves(pieces)
    with pytest.raises(UpstreamError, match="half of a surrogate pair") as caught:
        [halves.joined(chunk({"content": text})) for text in texts]
    assert caught.value.outcome == "malformed"


def test_a_half_that_waits_when_the_stream_ends_is_the_upstreams_failure() -> None:
    with pytest.raises(UpstreamError, match="half of a surrogate pair"):
        joined({"content": FIRST})


def test_half_tokens_in_log_probabilities_are_put_as_what_they_are() -> None:
    logprobs = {"content": [{"token": "a" + FIRST, "logprob": -1}]}
    tree = json.loads(Halves(pieces).joined(chunk({"content": "a"}, logprobs=logprobs)))
    assert tree["choices"][0]["logprobs"]["content"] == [{"token": "a\ufffd", "logprob": -1}]


@pytest.mark.parametrize("text", ["{", "[]", '{"a":"\\ud83d"}', '{"a":1,"a":"\\ud83d"}', chunk({"a": "b"})])
def test_what_is_no_chunk_or_has_no_half_in_it_is_left_as_it_is(text: str) -> None:
    assert Halves(pieces).joined(text) == text


def test_nothing_but_the_texts_is_written_anew() -> None:
    text = '{ "choices" : [ {"delta":{ "content" : "a\\ud83d" , "n":1.0} } ] }'
    assert Halves(pieces).joined(text) == text.replace("\\ud83d", "")
