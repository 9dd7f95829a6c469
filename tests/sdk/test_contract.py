"""The check of a decision against a grant. What the engine does with a breach is in tests/gates."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import FailureClass, PluginError
from penstock.sdk import (
    AddText,
    Allow,
    Block,
    Decision,
    MemberEdit,
    Respond,
    Span,
    SpanEdit,
    TextEdit,
    Transform,
)
from penstock.sdk.contract import MAX_EDIT_CHARS, MAX_EDITS, MAX_MEMBER_DEPTH, Terms, checked
from penstock.sdk.edits import REMOVED, Replace

USER, TOOLS, TAGS = "request.messages.user", "request.tools", "request.tags"
PARAMETERS, METADATA, NOTES = "request.parameters", "request.metadata", "response.metadata"
HEADER = "request.headers.x-team"
ALL = Terms(
    writes=frozenset({USER, TOOLS, TAGS, PARAMETERS, METADATA, NOTES, HEADER, "response.text"}),
    effects=frozenset({"block", "transform", "respond"}),
    reasons=frozenset({"card"}),
    tags={"team": frozenset({"red", "blue"})},
    refers=True,
)
NOTHING = Terms()
HALF = "\ud800"


class Text(str):
    """A subclass: it could answer otherwise after it was checked."""

    __slots__ = ()


class Later(dict[str, Any]):
    """Shows one thing when it is looked at, and another when it is encoded."""

    def items(self) -> Any:
        return [("other", "value")]


class Chameleon(type):
    """A class that is equal to SpanEdit."""

    def __eq__(cls, other: object) -> bool:
        return other is SpanEdit

    def __hash__(cls) -> int:
        return hash(SpanEdit)


class NoEdit(metaclass=Chameleon):
    """Built as a SpanEdit, equal to it, and none."""

    field = USER
    spans = ((0, (Replace(0, 1, "x"),)),)


def member(field: str, name: Any, value: Any) -> Transform:
    return Transform(MemberEdit(field, name, value))


def texts(*pairs: Any) -> Transform:
    return Transform(TextEdit(USER, pairs))


def spans(*pairs: Any) -> Transform:
    return Transform(SpanEdit(USER, pairs))


GOOD: dict[str, Decision] = {
    "allow": Allow(),
    "block": Block("card"),
    "block at a span": Block("card", at=Span(1, 4)),
    "block that refers": Block("card", refer=True),
    "no edits": Transform(),
    "texts": texts((0, "x"), (1, "")),
    "spans": spans((0, (Replace(0, 1, "x"), Replace(1, 1, "")))),
    "a message": Transform(AddText(USER, "hello")),
    "a tool removed": member(TOOLS, "search", REMOVED),
    "a parameter": member(PARAMETERS, "temperature", 0.5),
    "a nested parameter": member(PARAMETERS, "response_format", {"a": [1, None, {"b": True}]}),
    "metadata removed": member(METADATA, "team", REMOVED),
    "metadata's strings": Transform(TextEdit(METADATA, ((0, "x"),))),
    "a tag": member(TAGS, "team", "red"),
    "a tag removed": member(TAGS, "team", REMOVED),
    "a header": member(HEADER, "x-team", "red team (1)"),
    "a header removed": member(HEADER, "x-team", REMOVED),
    "a note": member(NOTES, "checked-by", "card-guard"),
    "a response": Respond.text("no"),
    "an empty response": Respond.text(""),
}

BAD: dict[str, Any] = {
    "a number as reason": Block(cast("str", 7)),
    "a subclass as reason": Block(Text("card")),
    "an undeclared reason": Block("other"),
    "words where it says whether it refers": Block("card", refer=cast("bool", "my prompt")),
    "content where a span stands": Block("card", at=cast("Span", "my prompt")),
    "a tuple where a span stands": Block("card", at=cast("Span", (1, 2))),
    "a span of words": Block("card", at=Span(cast("int", "my"), cast("int", "prompt"))),
    "a subclass as response": Respond(Text("no")),
    "half a character as response": Respond(HALF),
    "a huge response": Respond("x" * (MAX_EDIT_CHARS + 1)),
    "the class instead of a decision": Allow,
    "a coroutine's stand-in": iter(()),
    "no edit": Transform(cast("TextEdit", "x")),
    "an edit's class": Transform(cast("TextEdit", TextEdit)),
    "a class that equals an edit's": Transform(cast("SpanEdit", NoEdit())),
    "a field that is a subclass": Transform(TextEdit(Text(USER), ())),
    "a field that is no text": Transform(TextEdit(cast("str", None), ())),
    "another field": Transform(TextEdit("request.messages.system", ((0, "x"),))),
    "an unknown field": Transform(TextEdit("request", ((0, "x"),))),
    "half a character": texts((0, HALF)),
    "a subclass as text": texts((0, Text("x"))),
    "a truth as index": texts((True, "x")),
    "a text as index": texts(("0", "x")),
    "a pair too short": texts((0,)),
    "texts in a list": Transform(TextEdit(USER, cast("Any", [(0, "x")]))),
    "no pair at all": texts(7),
    "spans in a list": spans((0, [Replace(0, 1, "x")])),
    "a span without text": spans((0, ((0, 1),))),
    "a span with floats": spans((0, ((0.0, 1.0, "x"),))),
    "a span with half a character": spans((0, (Replace(0, 1, HALF),))),
    "spans of nothing": spans((0, 5)),
    "a message that is no text": Transform(AddText(USER, cast("str", None))),
    "a message to a response": Transform(AddText("response.text", "x")),
    "a message to tools": Transform(AddText(TOOLS, "x")),
    "a member of a text": member(USER, "x", "y"),
    "a text of a header": Transform(TextEdit(HEADER, ((0, "x"),))),
    "a text of tags": Transform(TextEdit(TAGS, ((0, "x"),))),
    "a nameless member": member(PARAMETERS, "", 1),
    "a member with a number as name": member(PARAMETERS, 1, 1),
    "a member with a long name": member(PARAMETERS, "x" * 257, 1),
    "a member with half a name": member(PARAMETERS, HALF, 1),
    "a member that is no JSON": member(PARAMETERS, "x", {1, 2}),
    "a member of bytes": member(PARAMETERS, "x", b"x"),
    "NaN": member(PARAMETERS, "x", math.nan),
    "infinity": member(PARAMETERS, "x", {"y": -math.inf}),
    "half a character in JSON": member(PARAMETERS, "x", [HALF]),
    "half a character as key": member(PARAMETERS, "x", {HALF: 1}),
    "a number as key": member(PARAMETERS, "x", {1: "a", "1": "b"}),
    "a key that is nothing": member(PARAMETERS, "x", {None: 1}),
    "an object that changes": member(PARAMETERS, "x", Later(a=1)),
    "a subclass within JSON": member(PARAMETERS, "x", [Text("x")]),
    "an integer without end": member(PARAMETERS, "x", 10**5_000),
    "a huge member": member(METADATA, "x", "x" * MAX_EDIT_CHARS),
    "another header": member(HEADER, "x-other", "red"),
    "the end of a header's name": member(HEADER, "team", "red"),
    "another header removed": member(HEADER, "authorization", REMOVED),
    "a header with a line break": member(HEADER, "x-team", "red\r\nx-admin: yes"),
    "a header with a zero byte": member(HEADER, "x-team", "red\0"),
    "a header with an umlaut": member(HEADER, "x-team", "grün"),
    "a header with spaces around": member(HEADER, "x-team", " red"),
    "an empty header": member(HEADER, "x-team", ""),
    "a long header": member(HEADER, "x-team", "x" * 1025),
    "a header that is a number": member(HEADER, "x-team", 7),
    "an undeclared tag": member(TAGS, "owner", "red"),
    "an undeclared tag removed": member(TAGS, "owner", REMOVED),
    "an undeclared tag value": member(TAGS, "team", "green"),
    "a tag that is a list": member(TAGS, "team", ["red"]),
    "a note with an odd name": member(NOTES, "Checked By", "x"),
    "a note with an odd name removed": member(NOTES, "x\r\ny", REMOVED),
    "a note with a line break": member(NOTES, "checked-by", "a\nb"),
    "too many edits": Transform(*[member(TAGS, "team", "red").edits[0]] * (MAX_EDITS + 1)),
    "too many empty replacements": spans((0, (Replace(0, 0, ""),) * (MAX_EDIT_CHARS + 1))),
    "edits too large together": Transform(*texts((0, "x" * 3_000_000)).edits * 2),
}


@pytest.mark.parametrize("decision", GOOD.values(), ids=GOOD.keys())
def test_what_keeps_to_the_grant_passes_as_it_is(decision: Decision) -> None:
    assert checked(decision, ALL) is decision


@pytest.mark.parametrize("decision", BAD.values(), ids=BAD.keys())
def test_what_does_not_is_a_breach_that_repeats_nothing(decision: object) -> None:
    with pytest.raises(PluginError) as caught:
        checked(decision, ALL)
    assert caught.value.failure is FailureClass.CONTRACT
    for word in ("prompt", "authorization", "x-other", "owner", "green", "admin"):
        assert word not in str(caught.value)


@pytest.mark.parametrize("decision", GOOD.values(), ids=GOOD.keys())
def test_without_a_grant_nothing_but_going_on_is_admitted(decision: Decision) -> None:
    if decision in (Allow(), Transform()):
        assert checked(decision, NOTHING) is decision
        return
    with pytest.raises(PluginError):
        checked(decision, NOTHING)


def test_a_field_without_the_effect_is_no_grant_to_write() -> None:
    with pytest.raises(PluginError, match="transform is not granted"):
        checked(texts((0, "x")), Terms(writes=ALL.writes))


def test_a_block_refers_to_nothing_that_is_not_granted() -> None:
    with pytest.raises(PluginError):
        checked(Block("card", refer=True), replace(ALL, refers=False))


def nested(depth: int) -> Any:
    return [nested(depth - 1)] if depth > 1 else 1


def test_a_member_may_nest_so_deep_and_no_deeper() -> None:
    fits = member(PARAMETERS, "x", nested(MAX_MEMBER_DEPTH))
    assert checked(fits, ALL) is fits
    with pytest.raises(PluginError, match="too deep"):
        checked(member(PARAMETERS, "x", nested(MAX_MEMBER_DEPTH + 1)), ALL)


def test_a_member_that_holds_itself_is_too_deep() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(PluginError, match="too deep"):
        checked(member(PARAMETERS, "x", circle), ALL)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_any_json_can_be_a_parameter(value: object) -> None:
    decision = member(PARAMETERS, "x", value)
    assert checked(decision, ALL) is decision


@given(st.text())
def test_a_header_value_that_passes_cannot_end_a_line(value: str) -> None:
    try:
        checked(member(HEADER, "x-team", value), ALL)
    except PluginError:
        return
    assert value.isprintable()
    assert value.isascii()
    assert value == value.strip() != ""
