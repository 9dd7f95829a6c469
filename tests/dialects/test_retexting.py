"""Texts that are put into a parsed body: the same as writing the body and parsing it again."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from penstock.dialects.openai.chat import ChatRequest
from penstock.dialects.retexting import with_texts
from penstock.dialects.splicing import INSIDE
from penstock.sdk.edits import TextEdit

USER = "request.messages.user"
SYSTEM = "request.messages.system"
TEXT = st.text(st.characters(codec="utf-8"), max_size=30)


def chat(*messages: tuple[str, Any]) -> ChatRequest:
    body = {"model": "m", "messages": [{"role": role, "content": content} for role, content in messages]}
    return ChatRequest.decode(json.dumps(body).encode())


def parsed_again(content: ChatRequest) -> ChatRequest:
    return ChatRequest.decode(content.encoded())


def test_only_what_is_on_the_way_to_a_text_is_copied() -> None:
    tree = {"a": [{"b": "old", "c": {}}, {"d": {}}], "e": {}}
    new = with_texts(tree, {("a", 0, "b"): "new"})
    assert new == {"a": [{"b": "new", "c": {}}, {"d": {}}], "e": {}}
    assert tree["a"][0]["b"] == "old"  # type: ignore[index]  # it is a list
    assert new["a"][1] is tree["a"][1]  # type: ignore[index]  # same
    assert new["e"] is tree["e"]


def test_a_number_is_no_text_to_be_put_in_place() -> None:
    assert with_texts({"a": 4111111111111111}, {("a",): "x"}) is None


@given(st.lists(st.tuples(st.sampled_from(("system", "user")), TEXT), min_size=1, max_size=5), TEXT, TEXT)
def test_edited_texts_are_what_parsing_the_edited_body_gives(
    messages: list[tuple[str, str]], first: str, second: str
) -> None:
    content = chat(*messages)
    _ = content.present, content.unseen, content.texts(USER), content.texts(SYSTEM)
    edited = content
    for field, new in ((USER, first), (SYSTEM, second), (USER, second)):
        count = len(edited.texts(field).texts)
        edited = edited.edited([TextEdit(field, tuple((i, f"{new}{i}") for i in range(0, count, 2)))])
    again = parsed_again(edited)
    assert edited.tree == again.tree
    assert edited.classified == again.classified
    assert edited.present == again.present
    assert edited.unseen == again.unseen
    assert [edited.texts(field) for field in (USER, SYSTEM)] == [again.texts(f) for f in (USER, SYSTEM)]
    assert [m["content"] for m in content.tree["messages"]] == [text for _, text in messages]


def test_a_member_that_tells_elements_apart_and_json_in_a_string_are_not_settled() -> None:
    matcher = chat().matcher()
    assert matcher.is_settled(("messages", 0, "content"))
    assert not matcher.is_settled(("messages", 0, "role"))
    assert not matcher.is_settled(("messages", 0, "content", 0, "type"))
    assert not matcher.is_settled(("messages", 0, "tool_calls", 0, "function", "arguments", INSIDE, "city"))
