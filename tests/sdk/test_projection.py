"""The parts of a view: they show what was granted, change nothing, and remember what was asked for."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import FieldNotGrantedError, PluginError
from penstock.sdk import AddText, MemberEdit, Members, Span, SpanEdit, TextEdit, Texts, Tools
from penstock.sdk.edits import REMOVED, Replace
from penstock.sdk.projection import (
    WRITE_ONLY,
    Headers,
    Piece,
    Projection,
    Tool,
    UnreadableMembers,
    frozen,
    frozen_mapping,
    thawed,
)

USER = "request.messages.user"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def test_texts_are_a_sequence_that_says_nothing_of_itself_in_a_log() -> None:
    texts = Texts(USER, ("my secret", "b"))
    assert list(texts) == ["my secret", "b"]
    assert (len(texts), texts[1], texts[-1], texts[:1]) == (2, "b", "b", ("my secret",))
    assert "b" in texts
    assert repr(texts) == f"<{USER}: 2 texts>"
    assert "secret" not in repr(Members("request.metadata", {"a": "my secret"}))


def test_edits_of_texts_name_them_by_index() -> None:
    texts = Texts(USER, ("a-a", "b", "a"))
    assert texts.sub("a", "x") == SpanEdit(
        USER, ((0, (Replace(0, 1, "x"), Replace(2, 3, "x"))), (2, (Replace(0, 1, "x"),)))
    )
    assert texts.sub(re.compile("A", re.IGNORECASE), lambda m: m[0] * 2).spans[1] == (
        2,
        (Replace(0, 1, "aa"),),
    )
    assert not texts.sub("z", "x")
    assert texts.map(str.upper) == TextEdit(USER, ((0, "A-A"), (1, "B"), (2, "A")))
    assert texts.set(1, "c") == TextEdit(USER, ((1, "c"),))
    assert texts.add("d") == AddText(USER, "d")
    assert texts.replace(lambda text: [Replace(0, 1, "")] if text == "b" else []).spans == (
        (1, (Replace(0, 1, ""),)),
    )
    assert list(texts) == ["a-a", "b", "a"]


def test_tools_show_each_definition_and_let_nobody_change_it() -> None:
    definition = {"function": {"name": "f", "parameters": {"required": ["a"]}}}
    tools = Tools("request.tools", ("f",), (Tool("f", definition),))
    shown = tools.definitions[0].definition
    with pytest.raises(TypeError):
        shown["function"]["name"] = "g"
    with pytest.raises(AttributeError):
        shown["function"]["parameters"]["required"].append("b")
    assert tools.remove("f") == MemberEdit("request.tools", "f", REMOVED)
    assert definition == {"function": {"name": "f", "parameters": {"required": ["a"]}}}


def test_members_read_as_a_mapping_and_edit_by_name() -> None:
    members = Members("request.parameters", {"stop": ["a"], "n": 1})
    assert dict(members.items()) == {"stop": ("a",), "n": 1}
    assert ("n" in members, len(members), members.get("x")) == (True, 2, None)
    assert members.set("n", 2) == MemberEdit("request.parameters", "n", 2)
    assert members.remove("n") == MemberEdit("request.parameters", "n", REMOVED)


def test_what_was_read_can_be_set_again_and_what_was_set_stays_as_it_was() -> None:
    members = Members("request.parameters", {"response_format": {"schema": {"enum": ["a"]}}})
    edit = members.set("response_format", members["response_format"])
    assert edit.value == {"schema": {"enum": ["a"]}}
    mine = {"a": [1]}
    kept = members.set("x", mine)
    mine["a"].append(2)
    assert kept.value == {"a": [1]}


def test_headers_are_granted_one_by_one_and_found_in_any_case() -> None:
    projection = Projection({"request.headers.x-team": "red", "request.headers.x-none": None})
    headers = Headers("request.headers.", projection)
    assert (headers.get("x-team"), headers.get("X-Team"), headers.get("x-none")) == ("red", "red", None)
    assert headers.set("X-Team", "blue") == MemberEdit("request.headers.x-team", "x-team", "blue")
    assert headers.remove("X-Team") == MemberEdit("request.headers.x-team", "x-team", REMOVED)
    assert projection.refused == []


def test_of_a_refused_header_nothing_is_remembered_but_that_it_was_one() -> None:
    projection = Projection({})
    with pytest.raises(FieldNotGrantedError) as caught:
        Headers("request.headers.", projection).get("my-prompt-as-a-name")
    assert projection.refused == ["request.headers"]
    assert "prompt" not in str(caught.value)


def test_what_may_only_be_written_cannot_be_looked_at() -> None:
    projection = Projection({"request.headers.x-team": WRITE_ONLY})
    headers = Headers("request.headers.", projection)
    with pytest.raises(FieldNotGrantedError):
        headers.get("x-team")
    assert headers.set("x-team", "red").value == "red"
    members = Members("request.tags", UnreadableMembers("request.tags", projection))
    looks: list[Any] = [
        dict,
        list,
        len,
        bool,
        lambda m: m["a"],
        lambda m: "a" in m,
        lambda m: m.get("a"),
        lambda m: m == {},
    ]
    for look in looks:
        with pytest.raises(FieldNotGrantedError):
            look(members)
    assert members.set("team", "red").value == "red"
    assert projection.refused == ["request.headers"] + ["request.tags"] * len(looks)


@given(JSON)
def test_what_is_frozen_reads_the_same_and_thaws_to_what_it_was(value: Any) -> None:
    assert thawed(frozen(value)) == value
    assert immutable(frozen(value))


def immutable(value: Any) -> bool:
    if isinstance(value, MappingProxyType):
        return all(immutable(item) for item in value.values())
    return isinstance(value, str | int | None) or (isinstance(value, tuple) and all(map(immutable, value)))


def test_a_frozen_object_does_not_follow_the_original() -> None:
    original = {"a": {"b": 1}}
    shown = frozen_mapping(original)
    original["a"]["b"] = 2
    assert shown["a"]["b"] == 1


def piece(text: str, *, is_end: bool = False) -> Texts:
    return Texts("response.text", (text,), Piece(is_end, 8, 8))


def test_only_a_piece_of_a_stream_is_open_and_only_until_its_end() -> None:
    assert not Texts("response.text", ("a",)).is_open
    assert piece("a").is_open
    assert not piece("a", is_end=True).is_open


def test_of_a_piece_only_spans_change() -> None:
    assert piece("ab").sub("a", "x").spans == ((0, (Replace(0, 1, "x"),)),)
    with pytest.raises(PluginError, match=r"use \.sub or \.replace"):
        piece("ab").map(str.upper)
    with pytest.raises(PluginError, match=r"use \.sub or \.replace"):
        piece("ab").set(0, "x")


def test_a_pattern_too_wide_for_the_window_is_refused_on_any_piece_and_not_on_a_whole_text() -> None:
    for text in (piece("ab"), piece("ab", is_end=True)):
        with pytest.raises(PluginError, match="window_chars is 8"):
            text.sub("a+b", "x")
        with pytest.raises(PluginError, match="window_chars is 8"):
            text.search("a+b")
    assert Texts("response.text", ("aab",)).sub("a+b", "x").spans == ((0, (Replace(0, 3, "x"),)),)


def test_what_is_open_is_edited_to_the_end_of_a_piece_and_on_a_whole_text_it_is_left() -> None:
    def edits(texts: Texts) -> object:
        return texts.sub("ab", "x", opening="c+").spans, texts.replace(lambda _: [], opening="c+").spans

    assert edits(piece("abcc")) == (
        ((0, (Replace(0, 2, "x"), Replace(2, 4, ""))),),
        ((0, (Replace(2, 4, ""),)),),
    )
    for whole in (piece("abcc", is_end=True), Texts("response.text", ("abcc",))):
        assert edits(whole) == (((0, (Replace(0, 2, "x"),)),), ())


def test_the_first_match_is_searched_for_a_block() -> None:
    assert Texts("response.text", ("zz", "a ab", "ab")).search("ab") == Span(2, 4)
    assert Texts("response.text", ("zz", "")).search("ab") is None
    assert piece("cab").search("ab", opening="c[ab]*") == Span(0, 3)
    assert piece("abc").search("ab", opening="c") == Span(0, 2)
