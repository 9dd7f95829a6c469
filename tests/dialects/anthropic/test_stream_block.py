from __future__ import annotations

from typing import Any

import pytest

from penstock.dialects.anthropic.stream_block import GrowingBlock, events_of


def started(block: Any, **more: Any) -> GrowingBlock:
    return GrowingBlock({"type": "content_block_start", "index": 0, "content_block": block, **more})


def grown(block: Any, *deltas: Any) -> dict[str, Any]:
    growing = started(block)
    for delta in deltas:
        growing.add({"type": "content_block_delta", "index": 0, "delta": delta})
    return growing.whole()


TOOL = {"type": "tool_use", "id": "t", "name": "f", "input": {}}


def fragment(text: str) -> dict[str, str]:
    return {"type": "input_json_delta", "partial_json": text}


def test_text_thought_seal_and_citations_add_up() -> None:
    cited = {"type": "char_location", "cited_text": "c"}
    pieces = [{"type": "text_delta", "text": piece} for piece in ("b", "c")]
    assert grown({"type": "text", "text": "a"}, *pieces, {"type": "citations_delta", "citation": cited}) == {
        "type": "text",
        "text": "abc",
        "citations": [cited],
    }
    thought = {"type": "thinking", "thinking": "", "signature": ""}
    deltas = [{"type": "thinking_delta", "thinking": "hm", "estimated_tokens": 3}]
    assert grown(thought, *deltas, {"type": "signature_delta", "signature": "E"}) == {
        "type": "thinking",
        "thinking": "hm",
        "signature": "E",
    }


@pytest.mark.parametrize(
    "pieces", [['{"a": [1, 2.50]}'], ["", '{"a"', ": [1,", " 2.50]}", ""], list('{"a":[1,2.5]}')]
)
def test_input_is_what_its_fragments_say_together(pieces: list[str]) -> None:
    assert grown(TOOL, *map(fragment, pieces)) == {**TOOL, "input": {"a": [1, 2.5]}}


@pytest.mark.parametrize("pieces", [[], [""], [" "]])
def test_without_fragments_the_input_is_what_the_start_said(pieces: list[str]) -> None:
    begun = {**TOOL, "input": {"a": "b"}}
    assert grown(begun, *map(fragment, pieces)) == begun


def test_input_that_is_no_json_is_the_text_and_beside_it_when_escapes_are_in_it() -> None:
    assert grown(TOOL, fragment('{"a":"b')) == {**TOOL, "input": '{"a":"b'}
    odd = '{"a":"\\u0034'
    assert grown(TOOL, fragment(odd)) == {**TOOL, "input": odd, "beside": [odd]}


@pytest.mark.parametrize(
    ("whole", "beside"),
    [
        (grown({**TOOL, "input": {"a": "lost"}}, fragment("{}")), [{"input": {"a": "lost"}}]),
        (grown({"type": "thinking"}, {"type": "signature_delta", "signature": "a", "x": "y"}), [{"x": "y"}]),
        (
            grown(
                {"type": "thinking"},
                {"type": "signature_delta", "signature": "a"},
                {"type": "signature_delta", "signature": "b"},
            ),
            [{"signature": "a"}],
        ),
        (
            grown(TOOL, {"type": "input_json_delta", "partial_json": {"a": "b"}}),
            [{"partial_json": {"a": "b"}}],
        ),
        (started(TOOL, x=["y"]).whole(), [{"x": ["y"]}]),
        (started("no block").whole(), ["no block"]),
    ],
)
def test_what_passes_and_is_not_in_the_block_is_beside_it(whole: dict[str, Any], beside: list[Any]) -> None:
    assert whole["beside"] == beside


def test_numbers_beside_a_block_say_nothing() -> None:
    growing = started(TOOL, weight=0.5, flag=True, nothing=None)
    assert growing.whole() == TOOL


def test_deltas_of_tomorrow_are_kept_as_they_came() -> None:
    odd = {"type": "tomorrow_delta", "said": "x"}
    assert grown({"type": "tomorrow"}, odd, "no delta") == {
        "type": "tomorrow",
        "deltas": [odd, {"delta": "no delta"}],
    }


@pytest.mark.parametrize(
    "block",
    [
        {"type": "text", "text": "abc"},
        {"type": "text", "text": "", "citations": None},
        {"type": "text", "text": "a", "citations": [{"cited_text": "c"}], "x": 1},
        {"type": "thinking", "thinking": "hm", "signature": "E"},
        {"type": "thinking", "thinking": "hm"},
        {"type": "redacted_thinking", "data": "E"},
        {**TOOL, "input": {"a": ["b", 1.5, {"c": "é"}]}, "caller": {"type": "direct"}},
        TOOL,
        {**TOOL, "input": "no json"},
        {"type": "mcp_tool_use", "id": "m", "name": "f", "server_name": "s", "input": {"a": 1}},
        {"type": "web_search_tool_result", "tool_use_id": "t", "content": [{"title": "t"}]},
        {"type": "compaction", "content": "s", "encrypted_content": "E"},
        {"type": "tomorrow", "said": "x", "deltas": [{"type": "tomorrow_delta", "said": "y"}]},
    ],
)
def test_a_block_as_events_adds_up_to_itself(block: dict[str, Any]) -> None:
    start, *deltas, stop = events_of(block, 7)
    assert (start["type"], stop) == ("content_block_start", {"type": "content_block_stop", "index": 7})
    assert {event["index"] for event in (start, *deltas)} == {7}
    growing = GrowingBlock(start)
    for delta in deltas:
        growing.add(delta)
    assert growing.whole() == block


def test_what_clients_show_as_it_comes_is_in_deltas() -> None:
    start, delta, _stop = events_of({**TOOL, "input": {"a": "b"}}, 0)
    assert start["content_block"]["input"] == {}
    assert delta["delta"] == fragment('{"a":"b"}')
