"""What decisions mean on a piece of a stream, and on what stands whole in it."""

from __future__ import annotations

import pytest

from penstock.errors import FailureClass, PluginError
from penstock.gates.stream_decisions import edited, found_in
from penstock.gates.window import Found
from penstock.sdk import Allow, Block, Decision, Edit, MemberEdit, Respond, SpanEdit, TextEdit, Transform
from penstock.sdk.edits import Replace, Span
from tests.gates.fakes import TEXT, USER, FakeContent
from tests.gates.streaming import REASONING


def spans(*replaced: Replace, field: str = TEXT, index: int = 0) -> SpanEdit:
    return SpanEdit(field, ((index, replaced),))


def test_spans_of_the_piece_are_what_was_found_in_the_order_of_the_text() -> None:
    later, earlier = Replace(5, 6, "b"), Replace(0, 2, "a")
    found = found_in(Transform(spans(later), spans(earlier)), TEXT)
    assert found == Found([earlier, later])


def test_edits_that_change_nothing_are_none() -> None:
    assert found_in(Allow(), TEXT) == Found()
    assert found_in(Transform(SpanEdit(REASONING, ()), TextEdit(REASONING, ())), TEXT).spans == []


def test_a_block_says_where_it_is() -> None:
    assert found_in(Block("reason", at=Span(1, 3)), TEXT) == Found(block=Span(1, 3), reason="reason")


@pytest.mark.parametrize(
    "decision",
    [
        Block("reason"),
        Respond("instead"),
        Transform(TextEdit(TEXT, ((0, "whole"),))),
        Transform(MemberEdit("response.metadata", "note", "x")),
        Transform(spans(Replace(0, 1, ""), field=REASONING)),
        Transform(spans(Replace(0, 1, ""), index=1)),
        Transform(spans(Replace(0, 1, "")), spans(Replace(2, 3, ""), field=REASONING)),
    ],
)
def test_whatever_else_is_said_of_a_piece_breaks_the_contract(decision: Decision) -> None:
    with pytest.raises(PluginError) as caught:
        found_in(decision, TEXT)
    assert caught.value.failure is FailureClass.CONTRACT


def test_what_is_whole_takes_every_edit_of_the_texts_that_are_read() -> None:
    content = FakeContent({TEXT: ("one", "two")})
    left = edited(content, [TextEdit(TEXT, ((1, "2"),)), spans(Replace(0, 1, "0"))], (TEXT,))
    assert left == FakeContent({TEXT: ("0ne", "2")})


@pytest.mark.parametrize(
    "edit",
    [
        spans(Replace(0, 1, ""), field=REASONING),
        spans(Replace(0, 1, ""), field=USER),
        MemberEdit("response.headers.x-note", "x-note", "late"),
        spans(Replace(0, 9, "")),
        spans(Replace(0, 1, ""), index=2),
    ],
)
def test_what_is_whole_takes_no_edit_of_another_field_and_none_that_does_not_fit(edit: Edit) -> None:
    with pytest.raises(PluginError) as caught:
        edited(FakeContent({TEXT: ("one", "two"), REASONING: ("so",)}), [edit], (TEXT,))
    assert caught.value.failure is FailureClass.CONTRACT
