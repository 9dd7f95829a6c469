from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.dialects.openai.stream_assembly import Assembler, Template
from penstock.dialects.openai.stream_chunk import Chunk
from penstock.dialects.sse import Event, encode
from penstock.errors import UpstreamError


def assembler(*trees: Any) -> Assembler:
    made = Assembler()
    for tree in trees:
        made.add(decoded(tree))
    return made


def decoded(tree: Any) -> Chunk:
    text = tree if isinstance(tree, str) else json.dumps(tree)
    return Chunk.decode(Event(encode(text), None, text))


def says(**delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta}]}


def message(*deltas: dict[str, Any]) -> dict[str, Any]:
    tree = assembler(*(says(**delta) for delta in deltas)).response().tree
    found = tree["choices"][0]["message"]
    assert isinstance(found, dict)
    return found


def test_a_message_has_a_role_and_content_even_where_no_delta_said_so() -> None:
    assert message({}) == {"role": "assistant", "content": None}


def test_parts_that_think_and_texts_are_kept_apart_and_in_order() -> None:
    thinking = [{"type": "thinking", "thinking": [{"type": "text", "text": "a"}]}]
    said = [{"content": content} for content in (thinking, thinking, "b", "c")]
    assert message(*said)["content"] == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "aa"}]},
        {"type": "text", "text": "bc"},
    ]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": "x"}},
        {"type": "text", "text": "a", "note": "b"},
        {"type": "text", "text": None},
        {"type": "thinking", "thinking": "a"},
        {"type": "thinking", "thinking": [{"type": "text", "text": "a", "x": 1}]},
        {"type": "thinking", "thinking": [{"type": "image"}]},
        {"type": "thinking", "thinking": [], "signature": "s"},
    ],
)
def test_a_part_of_another_kind_is_kept_as_it_is(part: Any) -> None:
    assert message({"content": [part]}, {"content": "a"}, {"content": [part]})["content"] == [
        *(part, {"type": "text", "text": "a"}, part)
    ]


def test_reasoning_details_grow_by_their_number_and_type() -> None:
    details = [
        {"type": "reasoning.text", "index": 0, "text": "a"},
        {"type": "reasoning.summary", "index": 0, "summary": "s"},
        {"type": "reasoning.text", "index": 0, "text": "b"},
        {"type": "reasoning.text", "index": 1, "text": "c"},
    ]
    assert message(*({"reasoning_details": [detail]} for detail in details))["reasoning_details"] == [
        {"type": "reasoning.text", "index": 0, "text": "ab"},
        details[1],
        details[3],
    ]


def test_what_is_blank_later_does_not_replace_what_was_said() -> None:
    trees = [{"id": "", "model": "m", "choices": []}, {"id": "c", "model": "", "choices": []}]
    tree = assembler(*trees, {"id": None, "x": None, "choices": []}).response().tree
    assert tree == {"id": "c", "object": "chat.completion", "model": "m", "x": None, "choices": []}


def test_choices_come_in_the_order_of_their_numbers() -> None:
    made = assembler(*({"choices": [{"index": index, "delta": {}}]} for index in (2, 0, 1)))
    assert [choice["index"] for choice in made.response().tree["choices"]] == [0, 1, 2]


def test_no_log_probabilities_are_null_and_none_stay_none() -> None:
    made = assembler({"choices": [{"index": 0, "delta": {}, "logprobs": None}, {"index": 1, "delta": {}}]})
    first, second = made.response().tree["choices"]
    assert first["logprobs"] is None
    assert "logprobs" not in second


def test_the_last_usage_counts_and_its_place_is_known() -> None:
    apart = assembler({**says(), "usage": {"n": 1}}, {"choices": [], "usage": {"n": 2}})
    assert apart.response().tree["usage"] == {"n": 2}
    assert apart.template().usage == "apart"
    assert assembler({**says(), "usage": {"n": 1}}, says()).template().usage == "last"
    assert assembler({**says(), "usage": None}).template() == Template("none", is_done=False)


def test_a_failure_of_the_upstream_is_in_no_response() -> None:
    made = assembler(says(content="a"), {"error": {"message": "x"}}, {"object": "error", "message": "x"})
    made.add(decoded({**says(content="b"), "error": {"message": "x"}}))
    tree = made.response().tree
    assert "error" not in tree
    assert "message" not in tree
    assert tree["choices"][0]["message"]["content"] == "ab"


def test_members_of_chunks_before_any_choice_are_remembered_by_name_only() -> None:
    lead = {"id": "", "choices": [], "prompt_filter_results": [1], "usage": {"n": 1}}
    assert assembler(lead, says(), {"choices": [], "later": 1}).template().lead == ("prompt_filter_results",)
    assert assembler(lead).template().is_lead_blank
    assert not assembler({**lead, "id": "c"}).template().is_lead_blank


def test_a_number_that_only_python_can_hold_is_the_upstreams_failure() -> None:
    made = assembler('{"choices":[{"index":0,"delta":{"x":1e999}}]}')
    with pytest.raises(UpstreamError, match="out of range"):
        made.response()


def test_what_is_added_does_not_change_the_chunk() -> None:
    logprobs = {"content": [{"token": "x"}]}
    made = Assembler()
    tree = {"choices": [{"index": 0, "delta": {"list": [1]}, "logprobs": logprobs}]}
    chunk = decoded(tree)
    made.add(chunk)
    made.add(chunk)
    assert chunk.tree == json.loads(json.dumps(tree))
    assert made.response().tree["choices"][0]["logprobs"]["content"] == [{"token": "x"}] * 2
