from __future__ import annotations

from typing import Any

import pytest
from openai.types.responses import ResponseStreamEvent

from penstock.dialects.openai_responses import stream_paths
from penstock.dialects.openai_responses.stream_paths import event_matcher, event_removals
from penstock.dialects.splicing import Put
from tests.dialects.type_samples import samples


def test_every_string_of_openais_events_is_listed() -> None:
    trees = samples(ResponseStreamEvent)
    assert len(trees) > 50
    unlisted = {
        part.path
        for tree in trees
        for part in event_matcher().unseen(tree, event_matcher().classify(tree))
        if part.kind in {"unlisted", "key"}
    }
    assert unlisted == set()


def test_a_path_stands_in_the_table_once() -> None:
    known = [path for path, _rule in stream_paths.event_table()]
    assert sorted(known) == sorted(set(known))


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({"type": "response.output_text.delta", "delta": "jane"}, "response.text"),
        ({"type": "response.output_text.done", "text": "jane"}, "response.text"),
        ({"type": "response.refusal.delta", "delta": "jane"}, "response.text"),
        ({"type": "response.reasoning_summary_text.delta", "delta": "jane"}, "response.reasoning"),
        ({"type": "response.reasoning_text.done", "text": "jane"}, "response.reasoning"),
        ({"type": "response.function_call_arguments.delta", "delta": '{"a":"ja'}, "response.tool_calls"),
        ({"type": "response.function_call_arguments.done", "arguments": '{"a":"j"}'}, "response.tool_calls"),
        ({"type": "response.custom_tool_call_input.delta", "delta": "jane"}, "response.tool_calls"),
        ({"type": "response.shell_call_command.done", "command": "jane"}, "response.tool_calls"),
        ({"type": "error", "message": "jane", "code": "x", "param": None}, "response.text"),
        ({"type": "x", "annotation": {"type": "url_citation", "title": "jane"}}, "response.text"),
        ({"type": "x", "part": {"type": "summary_text", "text": "jane"}}, "response.reasoning"),
        ({"type": "x", "part": {"type": "output_text", "text": "jane"}}, "response.text"),
        ({"type": "x", "item": {"type": "mcp_call", "output": "jane"}}, "response.text"),
        ({"type": "x", "response": {"error": {"message": "jane"}}}, "response.text"),
    ],
)
def test_what_an_event_says_is_in_the_field_of_what_it_adds_to(event: Any, field: str) -> None:
    found = event_matcher().classify(event)
    assert {name: len(texts.values) for name, texts in found.fields.items()} == {field: 1}
    assert found.hidden == []


def test_a_delta_of_a_kind_that_nobody_knows_is_unlisted() -> None:
    tree = {"type": "response.dream.delta", "delta": "jane"}
    found = event_matcher().classify(tree)
    assert [part.path for part in event_matcher().unseen(tree, found)] == ["delta"]


def test_what_is_taken_out_of_an_event_leaves_one() -> None:
    cited = {"type": "x", "annotation": {"type": "url_citation", "quote": "jane"}}
    assert event_removals().plan(cited, [("annotation", "quote")]) == [Put(("annotation",), None)]
    with pytest.raises(ValueError, match="cannot go on"):
        event_removals().plan(cited, [("type",)])
