from __future__ import annotations

from typing import Any

import pytest
from anthropic.types import RawMessageStreamEvent
from anthropic.types.beta import BetaRawMessageStreamEvent

from penstock.dialects.anthropic import stream_paths
from penstock.dialects.anthropic.stream_paths import event_matcher, event_removals
from penstock.dialects.splicing import Drop, Put
from tests.dialects.type_samples import samples


@pytest.mark.parametrize("kind", [RawMessageStreamEvent, BetaRawMessageStreamEvent])
def test_every_string_of_anthropics_events_is_listed(kind: Any) -> None:
    trees = samples(kind)
    assert len(trees) > 6
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
    ("delta", "field"),
    [
        ({"type": "text_delta", "text": "jane"}, "response.text"),
        ({"type": "thinking_delta", "thinking": "jane"}, "response.reasoning"),
        ({"type": "input_json_delta", "partial_json": '{"a":"jane'}, "response.tool_calls"),
        ({"type": "compaction_delta", "content": "jane"}, "response.text"),
        (
            {"type": "citations_delta", "citation": {"type": "char_location", "cited_text": "j"}},
            "response.text",
        ),
        ({"stop_sequence": "jane"}, "response.text"),
        ({"stop_details": {"type": "refusal", "explanation": "jane"}}, "response.text"),
    ],
)
def test_what_a_delta_says_is_in_the_field_of_what_it_adds_to(delta: Any, field: str) -> None:
    kind = "content_block_delta" if "type" in delta else "message_delta"
    found = event_matcher().classify({"type": kind, "index": 0, "delta": delta})
    assert {name: len(texts.values) for name, texts in found.fields.items()} == {field: 1}
    assert found.hidden == []


def test_a_text_in_a_delta_of_another_kind_is_unlisted() -> None:
    tree = {"type": "content_block_delta", "delta": {"type": "text_delta", "thinking": "jane"}}
    found = event_matcher().classify(tree)
    assert [part.path for part in event_matcher().unseen(tree, found)] == ["delta.thinking"]


def test_what_is_taken_out_of_an_event_leaves_one() -> None:
    cited = {"type": "content_block_delta", "delta": {"type": "citations_delta", "citation": {"x": "y"}}}
    assert event_removals().plan(cited, [("delta", "citation", "x")]) == [Put(("delta", "citation"), None)]
    begun = {"content_block": {"type": "text", "citations": [{"encrypted_index": "E"}], "x": "y"}}
    places = [("content_block", "citations", 0, "encrypted_index"), ("content_block", "x")]
    assert event_removals().plan(begun, places) == [
        Drop(("content_block", "x")),
        Drop(("content_block", "citations")),
    ]
    with pytest.raises(ValueError, match="cannot go on"):
        event_removals().plan(begun, [("content_block", "type")])
