"""The seam between gates and dialects: what every body does, the one in memory and those of the dialects."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Protocol

import pytest

from penstock.content import Content
from penstock.dialects.openai.chat import ChatRequest, ChatResponse
from penstock.sdk.edits import REMOVED, AddText, Edit, MemberEdit, Replace, SpanEdit, TextEdit
from tests.gates.fakes import SYSTEM, TEXT, USER, FakeContent

METADATA = "request.metadata"


class MakeRequest(Protocol):
    def __call__(self, *user: str, **metadata: str) -> Content: ...


def chat_request(*user: str, **metadata: str) -> Content:
    messages = [{"role": "user", "content": text} for text in user]
    return ChatRequest.decode(json.dumps({"model": "m", "messages": messages, "metadata": metadata}).encode())


def fake_request(*user: str, **metadata: str) -> Content:
    return FakeContent({USER: user}, {METADATA: metadata})


def chat_response(text: str) -> Content:
    choices = [{"index": 0, "message": {"role": "assistant", "content": text}}]
    return ChatResponse.decode(json.dumps({"choices": choices}).encode())


def fake_response(text: str) -> Content:
    return FakeContent({TEXT: (text,)})


requests = pytest.mark.parametrize("make", [fake_request, chat_request], ids=["fake", "chat"])
responses = pytest.mark.parametrize("make", [fake_response, chat_response], ids=["fake", "chat"])


def spans(*replacements: Replace, index: int = 0) -> SpanEdit:
    return SpanEdit(USER, ((index, replacements),))


@requests
def test_a_body_shows_its_texts_in_order_and_which_fields_it_carries(make: MakeRequest) -> None:
    body = make("one", "", "three")
    assert body.texts(USER).texts == ("one", "", "three")
    assert body.texts(SYSTEM).texts == ()
    assert USER in body.present
    assert SYSTEM not in body.present
    assert USER not in make("", "").present
    assert body.unseen == ()
    assert make("x").surface == "openai:chat.completions"


@requests
def test_an_edit_gives_a_new_body_and_leaves_the_old_one(make: MakeRequest) -> None:
    body = make("one", "two")
    before = body.encoded()
    edited = body.edited([TextEdit(USER, ((1, "zwei"),)), AddText(USER, "three")])
    assert edited.texts(USER).texts == ("one", "zwei", "three")
    assert (body.texts(USER).texts, body.encoded()) == (("one", "two"), before)
    assert b"zwei" in edited.encoded()


@requests
def test_no_edit_and_one_that_changes_nothing_leave_the_bytes(make: MakeRequest) -> None:
    body = make("one")
    assert body.edited([]).encoded() == body.encoded()
    assert body.edited([TextEdit(USER, ((0, "one"),))]).encoded() == body.encoded()


@requests
def test_two_edits_of_one_text_both_mean_the_text_as_it_was(make: MakeRequest) -> None:
    body = make("mail a@b.c and card 4111")
    mail, card = spans(Replace(5, 10, "<a long placeholder>")), spans(Replace(20, 24, "<card>"))
    for edits in ([mail, card], [card, mail]):
        assert body.edited(edits).texts(USER).texts == ("mail <a long placeholder> and card <card>",)


UNFIT: dict[str, list[Edit]] = {
    "one index too far": [TextEdit(USER, ((1, "x"),))],
    "an index from the end": [TextEdit(USER, ((-1, "x"),))],
    "a span beyond the text": [spans(Replace(0, 9, "x"))],
    "a span that begins before it": [spans(Replace(-1, 2, "x"))],
    "a span that runs backwards": [spans(Replace(2, 1, "x"))],
    "spans that overlap": [spans(Replace(0, 2, "x"), Replace(1, 3, "y"))],
    "spans of two edits that overlap": [spans(Replace(0, 2, "x")), spans(Replace(1, 3, "y"))],
    "a text set and replaced in part": [TextEdit(USER, ((0, "x"),)), spans(Replace(1, 2, "y"))],
    "a text set twice": [TextEdit(USER, ((0, "x"),)), TextEdit(USER, ((0, "y"),))],
    "one good edit before a bad one": [TextEdit(USER, ((0, "x"),)), TextEdit(SYSTEM, ((0, "y"),))],
}


@requests
@pytest.mark.parametrize("edits", UNFIT.values(), ids=UNFIT.keys())
def test_edits_that_do_not_fit_change_nothing_at_all(make: MakeRequest, edits: list[Edit]) -> None:
    body = make("text")
    with pytest.raises(ValueError):  # noqa: PT011  # the seam promises the class alone
        body.edited(edits)
    assert body.texts(USER).texts == ("text",)


@requests
def test_members_are_set_and_removed_by_name(make: MakeRequest) -> None:
    body = make("x", team="red", owner="me")
    edited = body.edited([MemberEdit(METADATA, "team", "blue"), MemberEdit(METADATA, "owner", REMOVED)])
    assert edited.members(METADATA) == {"team": "blue"}
    assert body.members(METADATA) == {"team": "red", "owner": "me"}


@responses
def test_a_response_is_replaced_in_its_own_shape(make: Callable[[str], Content]) -> None:
    body = make("secret")
    replaced = body.replaced("kept back")
    assert replaced.texts(TEXT).texts == ("kept back",)
    assert b"secret" not in replaced.encoded()
    assert body.texts(TEXT).texts == ("secret",)
