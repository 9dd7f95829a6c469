from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.dialects.anthropic.messages import MessagesRequest, MessagesResponse
from penstock.dialects.model_content import ModelRequest, ModelResponse
from penstock.dialects.openai.chat import ChatRequest, ChatResponse
from penstock.dialects.openai.embeddings import EmbeddingsRequest, EmbeddingsResponse
from penstock.dialects.openai_responses.responses import ResponsesRequest, ResponsesResponse
from penstock.errors import RequestError, UpstreamError
from penstock.sdk.edits import AddText, Edit, MemberEdit, Replace, SpanEdit

HI = [{"role": "user", "content": "hi"}]
REQUESTS: dict[type[ModelRequest], dict[str, Any]] = {
    ChatRequest: {"model": "a", "messages": HI},
    MessagesRequest: {"model": "a", "max_tokens": 9, "messages": HI},
    ResponsesRequest: {"model": "a", "input": "hi"},
    EmbeddingsRequest: {"model": "a", "input": "hi"},
}
RESPONSES = (ChatResponse, MessagesResponse, ResponsesResponse, EmbeddingsResponse)
TALKING = [kind for kind in REQUESTS if kind is not EmbeddingsRequest]

every_request = pytest.mark.parametrize("kind", REQUESTS)
every_talk = pytest.mark.parametrize("kind", TALKING)
every_response = pytest.mark.parametrize("kind", RESPONSES)


def body(kind: type[ModelRequest], **more: Any) -> bytes:
    return json.dumps(REQUESTS[kind] | more, indent=1).encode()


@every_request
def test_the_same_model_leaves_the_bytes_as_they_came(kind: type[ModelRequest]) -> None:
    came = body(kind, stream=True)
    assert kind.decode(came).with_model("a") == came


@every_request
def test_another_model_changes_its_name_and_no_other_character(kind: type[ModelRequest]) -> None:
    came = body(kind, big=12345678901234567890)
    assert kind.decode(came).with_model("b") == came.replace(b'"model": "a"', b'"model": "b"')


@every_request
def test_only_a_stream_that_would_not_say_its_usage_is_asked_for_it(kind: type[ModelRequest]) -> None:
    came = body(kind, stream=True)
    sent = json.loads(kind.decode(came).with_model("a", asks_usage=True))
    asked = {"stream_options": {"include_usage": True}} if kind is ChatRequest else {}
    assert sent == json.loads(came) | asked


@every_request
def test_a_body_without_a_model_is_refused(kind: type[ModelRequest]) -> None:
    with pytest.raises(RequestError):
        kind.decode(b'{"messages": [], "input": "hi"}')


@every_request
def test_a_request_is_never_replaced(kind: type[ModelRequest]) -> None:
    with pytest.raises(ValueError, match="not replaced"):
        kind.decode(body(kind)).replaced("other")


@every_talk
def test_texts_are_edited_where_they_were_and_what_is_added_comes_after(kind: type[ModelRequest]) -> None:
    field = "request.messages.user"
    edits: list[Edit] = [AddText(field, "more"), SpanEdit(field, ((0, (Replace(0, 2, "ho"),)),))]
    assert list(kind.decode(body(kind)).edited(edits).texts(field).texts) == ["ho", "more"]


@every_talk
def test_members_of_metadata_can_be_set_beside_an_added_text(kind: type[ModelRequest]) -> None:
    edits: list[Edit] = [
        AddText("request.messages.user", "more"),
        MemberEdit("request.metadata", "team", "x"),
    ]
    edited = kind.decode(body(kind)).edited(edits)
    assert edited.members("request.metadata") == {"team": "x"}
    assert "more" in edited.texts("request.messages.user").texts


@every_request
def test_a_field_without_members_has_none_to_read_or_write(kind: type[ModelRequest]) -> None:
    request = kind.decode(body(kind))
    with pytest.raises(ValueError, match="has no members"):
        request.members("request.messages.user")
    with pytest.raises(ValueError, match=r"no members|no parameter"):
        request.member_splices("request.messages.user", [])


def test_what_an_embedding_request_calls_tools_is_none_and_breaks_nothing() -> None:
    request = EmbeddingsRequest.decode(body(EmbeddingsRequest, tools=["x"], metadata={"a": "b"}))
    assert request.texts("request.tools").tools == ()
    assert request.members("request.metadata") == {}


@every_response
@pytest.mark.parametrize("sent", [b"[]", b"nothing", b'{"a": 1, "a": 2}', b'{"a": NaN}', b"\xff"])
def test_an_answer_that_is_no_strict_object_is_malformed(kind: type[ModelResponse], sent: bytes) -> None:
    with pytest.raises(UpstreamError) as raised:
        kind.decode(sent)
    assert raised.value.outcome == "malformed"


@every_response
def test_an_answer_has_no_members_and_takes_no_messages(kind: type[ModelResponse]) -> None:
    response = kind.of({"id": "x"})
    for wrong in (
        lambda: response.members("response.text"),
        lambda: response.member_splices("response.text", []),
        lambda: response.added([AddText("request.messages.user", "x")]),
    ):
        with pytest.raises(ValueError, match="no m"):
            wrong()


@every_response
def test_what_json_cannot_say_is_no_answer_of_ours(kind: type[ModelResponse]) -> None:
    with pytest.raises(ValueError, match="JSON"):
        kind.of({"id": float("nan")})
