from __future__ import annotations

from typing import Any

import pytest

from penstock.errors import PluginError
from penstock.sdk import AddText, Allow, MemberEdit, Replace, Respond, SpanEdit, TextEdit, Transform
from penstock.sdk.edits import REMOVED
from penstock.sdk.fields import FIELDS
from penstock.sdk.sample import decided, request_values, response_values

TOOL = {"type": "function", "function": {"name": "look", "description": "up", "parameters": {"title": "T"}}}


def test_a_sample_has_every_field_of_the_table() -> None:
    named = {name for name in FIELDS if "<" not in name and name != "evidence"}
    assert named <= set(response_values({}))
    assert {name for name in named if not name.startswith("response.")} <= set(request_values({}))


def test_tools_are_their_strings_and_their_definitions() -> None:
    tools = request_values({"tools": [TOOL]})["request.tools"]
    assert tools.texts == ("look", "up", "T")
    assert [tool.name for tool in tools.tools] == ["look"]


def test_a_sample_s_own_values_are_kept_apart_from_what_was_given() -> None:
    metadata = {"a": 1}
    values = request_values({"metadata": metadata})
    decided(values, Transform(MemberEdit("request.metadata", "a", 2)))
    assert (metadata, values["request.metadata"]) == ({"a": 1}, {"a": 1})


@pytest.mark.parametrize(
    ("edit", "field", "after"),
    [
        (
            SpanEdit("request.messages.user", ((1, (Replace(0, 1, "x"),)),)),
            "request.messages.user",
            ("ab", "xd"),
        ),
        (TextEdit("request.messages.user", ((0, "new"),)), "request.messages.user", ("new", "cd")),
        (AddText("request.messages.user", "last"), "request.messages.user", ("ab", "cd", "last")),
        (AddText("request.messages.system", "first"), "request.messages.system", ("first", "be good")),
    ],
)
def test_edits_of_texts_do_what_the_gateway_does(edit: Any, field: str, after: tuple[str, ...]) -> None:
    values = request_values({"user": ["ab", "cd"], "system": "be good"})
    assert decided(values, Transform(edit))[field].texts == after


def test_two_edits_of_one_text_both_mean_the_text_as_it_was() -> None:
    values = request_values({"user": "abc"})
    edits = (
        SpanEdit("request.messages.user", ((0, (Replace(2, 3, "zz"),)),)),
        SpanEdit("request.messages.user", ((0, (Replace(0, 1, "xxx"),)),)),
    )
    assert decided(values, Transform(*edits))["request.messages.user"].texts == ("xxxbzz",)
    overlapping = SpanEdit("request.messages.user", ((0, (Replace(0, 2, "y"),)),))
    with pytest.raises(PluginError, match="does not fit"):
        decided(values, Transform(*edits, overlapping))


def test_members_and_headers_are_set_and_removed() -> None:
    values = request_values({"metadata": {"a": 1, "b": 2}, "headers": {"x-team": "t"}, "tools": [TOOL]})
    edits = (
        MemberEdit("request.metadata", "a", REMOVED),
        MemberEdit("request.metadata", "c", [3]),
        MemberEdit("request.headers.x-team", "x-team", REMOVED),
        MemberEdit("request.tools", "look", REMOVED),
    )
    after = decided(values, Transform(*edits))
    assert after["request.metadata"] == {"b": 2, "c": [3]}
    assert after["request.headers.x-team"] is None
    assert after["request.tools"] == request_values({})["request.tools"]


@pytest.mark.parametrize(
    "edit",
    [
        SpanEdit("request.messages.user", ((5, (Replace(0, 1, "x"),)),)),
        SpanEdit("request.messages.user", ((0, (Replace(1, 9, "x"),)),)),
        SpanEdit("request.metadata", ((0, ()),)),
        MemberEdit("request.model", "model", "x"),
    ],
)
def test_an_edit_that_does_not_fit_is_a_breach_of_contract(edit: Any) -> None:
    with pytest.raises(PluginError, match="does not fit"):
        decided(request_values({"user": "ab"}), Transform(edit))


def test_an_answer_stands_for_the_response_s_text() -> None:
    values = response_values({"text": ["a", "b"]})
    assert decided(values, Respond.text("c"))["response.text"].texts == ("c",)
    assert decided(values, Allow()) == values
