from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.dialects.anthropic.messages import MessagesRequest, MessagesResponse, answer
from penstock.errors import UpstreamError
from penstock.sdk.anthropic_paths import MESSAGES
from penstock.sdk.edits import AddText, Edit, MemberEdit, TextEdit
from penstock.sdk.views import Texts


def request(*messages: dict[str, Any], **members: Any) -> MessagesRequest:
    said = list(messages) or [{"role": "user", "content": "hi"}]
    return MessagesRequest.decode(json.dumps({"model": "m", "messages": said, **members}).encode())


def response(*blocks: dict[str, Any], **members: Any) -> MessagesResponse:
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": blocks}
    return MessagesResponse.decode(json.dumps({**message, "stop_reason": "end_turn", **members}).encode())


def sent(content: MessagesRequest | MessagesResponse) -> Any:
    return json.loads(content.encoded())


def upper(content: MessagesRequest | MessagesResponse, field: str) -> Any:
    return sent(content.edited([Texts(field, content.texts(field).texts).map(str.upper)]))


def text(said: str) -> dict[str, str]:
    return {"type": "text", "text": said}


def thought(said: str, signature: str = "EqQB") -> dict[str, str]:
    return {"type": "thinking", "thinking": said, "signature": signature}


def test_both_bodies_are_of_the_same_surface() -> None:
    assert request().surface == response().surface == MESSAGES


def test_the_model_can_be_called_otherwise_upstream_and_nothing_else_changes() -> None:
    body = b'{ "messages":[{"role":"user","content":"m"}], "top_p":1.0, "model" : "m" }'
    content = MessagesRequest.decode(body)
    assert content.with_model("m") is body
    assert content.with_model("org/m-2", asks_usage=True) == body.replace(b': "m" }', b': "org/m-2" }')


def test_a_stream_always_says_its_usage() -> None:
    assert (request(stream=True).streams, request(stream=True).streams_usage) == (True, True)
    assert (request(stream=None).streams, request().streams_usage) == (False, False)


def test_every_model_that_a_request_may_lead_to_is_named() -> None:
    addition = {"type": "tool_definition", "definition": {"type": "advisor_20260301", "model": "c"}}
    kept = {"type": "tool_definition", "definition": {"type": "advisor_20260301", "model": "d"}}
    content = request(
        {"role": "user", "content": [{"type": "tool_addition", "tool": addition}]},
        {"role": "assistant", "content": [{"type": "compaction", "tool_changes": [{}, {"tool": kept}, 5]}]},
        fallbacks=[{"model": "a", "max_tokens": 1}],
        tools=[{"type": "advisor_20260301", "name": "advisor", "model": "b"}],
    )
    assert content.other_models == ("a", "b", "c", "d")
    assert request().other_models == ()


def test_parameters_are_all_top_level_members_that_are_nothing_else() -> None:
    hidden = {"system": "s", "tools": [], "mcp_servers": [], "thread": {}, "fallback_credit_token": "t"}
    content = request(temperature=1, x_vendor={"a": "b"}, metadata={"user_id": "v"}, stream=False, **hidden)
    assert content.members("request.parameters") == {"temperature": 1, "x_vendor": {"a": "b"}}
    assert content.members("request.metadata") == {"user_id": "v"}
    assert request().members("request.metadata") == request(metadata=None).members("request.metadata") == {}


@pytest.mark.parametrize("field", ["request.messages.user", "response.text", "nonsense"])
def test_a_field_without_members_has_none(field: str) -> None:
    for content in (request(), response()):
        with pytest.raises(ValueError, match="no members"):
            content.members(field)
        with pytest.raises(ValueError, match="no members"):
            content.edited([MemberEdit(field, "name", "value")])


def test_tools_come_with_their_definitions_also_those_that_messages_bring() -> None:
    tool = {"name": "f", "description": "d", "input_schema": {}}
    brought = {"type": "tool_definition", "definition": {"name": "g"}}
    said = {"role": "system", "content": [{"type": "tool_addition", "tool": brought}]}
    values = request(said, tools=[tool]).texts("request.tools")
    assert values.texts == ("g", "f", "d")
    assert [(t.name, t.definition) for t in values.tools] == [("f", tool), ("g", {"name": "g"})]


def test_edits_of_several_fields_apply_together_or_not_at_all() -> None:
    content = request(stop_sequences=["END"], metadata={"user_id": "b"}, system="Be.")
    edits: list[Edit] = [
        AddText("request.messages.system", "Be kind."),
        TextEdit("request.messages.system", ((0, "Be there."),)),
        TextEdit("request.messages.user", ((0, "ho"),)),
        MemberEdit("request.metadata", "user_id", "c"),
    ]
    assert sent(content.edited(edits)) == {
        "model": "m",
        "messages": [{"role": "user", "content": "ho"}],
        "stop_sequences": ["END"],
        "metadata": {"user_id": "c"},
        "system": [text("Be there."), text("Be kind.")],
    }
    with pytest.raises(ValueError, match="no parameter"):
        content.edited([*edits, MemberEdit("request.parameters", "model", "other")])
    assert sent(content)["messages"] == [{"role": "user", "content": "hi"}]


def test_a_request_is_not_replaced_and_nothing_is_added_to_a_response() -> None:
    with pytest.raises(ValueError, match="not replaced"):
        request().replaced("x")
    with pytest.raises(ValueError, match="no message"):
        response().edited([AddText("response.text", "x")])


def test_thinking_that_is_edited_goes_with_its_seal_and_everything_else_stays() -> None:
    content = response(thought("secret"), {"type": "redacted_thinking", "data": "Emw"}, text("Yes."))
    assert upper(content, "response.reasoning")["content"] == [
        {"type": "redacted_thinking", "data": "Emw"},
        text("Yes."),
    ]
    assert upper(content, "response.text")["content"][0] == thought("secret")


def test_only_the_thinking_that_changes_goes() -> None:
    content = response(thought("one"), thought("two"))
    texts = Texts("response.reasoning", content.texts("response.reasoning").texts)
    assert sent(content.edited([texts.sub("two", "2")]))["content"] == [thought("one")]


def test_thinking_without_a_seal_is_edited_like_any_text() -> None:
    content = response(thought("secret", signature=""), {"type": "thinking", "thinking": "b"})
    assert [block["thinking"] for block in upper(content, "response.reasoning")["content"]] == ["SECRET", "B"]


def test_sealed_thinking_in_the_history_goes_too_and_its_message_with_the_last_block() -> None:
    said = {"role": "user", "content": "go"}
    content = request(
        {"role": "assistant", "content": [thought("one"), text("two")]},
        {"role": "assistant", "content": [thought("alone")]},
        said,
    )
    after = upper(content, "request.messages.assistant")["messages"]
    assert after == [{"role": "assistant", "content": [text("TWO")]}, said]


def test_a_request_that_was_all_sealed_cannot_be_edited() -> None:
    with pytest.raises(ValueError, match="without any message"):
        upper(request({"role": "assistant", "content": [thought("alone")]}), "request.messages.assistant")


def test_a_message_that_loses_all_that_it_says_goes_whole() -> None:
    image = {"type": "image", "source": {"type": "url", "url": "https://example.com"}}
    said = {"role": "user", "content": "go"}
    content = request({"role": "user", "content": [image]}, said)
    assert sent(content.without(content.unseen))["messages"] == [said]
    alone = request({"role": "user", "content": [image]})
    with pytest.raises(ValueError, match="without any message"):
        alone.without(alone.unseen)


def test_a_tools_result_stays_when_what_it_holds_goes() -> None:
    image = {"type": "image", "source": {"type": "url", "url": "https://example.com"}}
    use = {"type": "tool_use", "id": "t", "name": "f", "input": {"a": "b"}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [image]}
    content = request({"role": "assistant", "content": [use]}, {"role": "user", "content": [result]})
    after = sent(content.without(content.unseen))["messages"]
    assert after[1]["content"] == [{**result, "content": []}]
    after = sent(content.without_field("request.tool_calls"))["messages"]
    assert after[0]["content"] == [{**use, "input": {}}]


def test_a_use_goes_with_its_result() -> None:
    use = {"type": "server_tool_use", "id": "s", "name": "web_fetch", "input": {}}
    page = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JV"}}
    fetched = {"type": "web_fetch_result", "url": "https://example.com", "content": page}
    result = {"type": "web_fetch_tool_result", "tool_use_id": "s", "content": fetched}
    content = response(use, result, text("Read."), {**use, "id": "other", "type": "tool_use"})
    after = sent(content.without(content.unseen))["content"]
    assert after == [text("Read."), {**use, "id": "other", "type": "tool_use"}]


@pytest.mark.parametrize(
    ("field", "left"),
    [
        ("request.metadata", {"tools", "tool_choice", "mcp_servers", "output_config"}),
        ("request.parameters", {"tools", "mcp_servers", "metadata"}),
        ("request.tools", {"metadata", "output_config"}),
    ],
)
def test_a_field_that_is_taken_out_leaves_nothing_that_points_to_it(field: str, left: set[str]) -> None:
    members = {
        "metadata": {"user_id": "u"},
        "tools": [{"name": "f"}],
        "tool_choice": {"type": "tool", "name": "f"},
        "mcp_servers": [{"type": "url", "name": "s", "url": "https://example.com"}],
        "output_config": {"format": {"type": "json_schema", "schema": {"description": "d"}}},
    }
    assert set(sent(request(**members).without_field(field))) == {"model", "messages"} | left


def test_a_span_in_a_tools_input_is_found_in_the_value_not_in_its_escapes() -> None:
    body = b'{"type":"message","content":[{"type":"tool_use","input":{"n":"\\u0034\\u0031","k":  1.0}}]}'
    content = MessagesResponse.decode(body)
    edit = Texts("response.tool_calls", content.texts("response.tool_calls").texts).sub("41", "<n>")
    assert content.edited([edit]).encoded() == body.replace(b"\\u0034\\u0031", b"<n>")


def test_an_answer_is_as_the_client_expects_it() -> None:
    assert sent(answer("No.", request(), "0190")) == {
        "id": "msg_0190",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [text("No.")],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 0, "output_tokens": 0},
    }
    with pytest.raises(TypeError):
        answer("No.", response(), "0190")


def test_a_replaced_answer_keeps_its_envelope_and_nothing_that_was_said() -> None:
    usage = {"input_tokens": 1, "output_tokens": 2}
    old = response(thought("a"), text("b"), stop_sequence="END", usage=usage, container={"id": "c"})
    assert sent(old.replaced("New.")) == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "usage": usage,
        "content": [text("New.")],
        "stop_reason": "end_turn",
        "stop_sequence": None,
    }


def test_a_replaced_refusal_of_an_upstream_is_one_with_other_words() -> None:
    refused = {
        "type": "error",
        "error": {"type": "invalid_request_error", "message": "Jane"},
        "request_id": "r",
    }
    replaced = MessagesResponse.decode(json.dumps(refused).encode()).replaced("No.")
    assert sent(replaced) == {**refused, "error": {"type": "invalid_request_error", "message": "No."}}


@pytest.mark.parametrize("body", [b"", b"[]", b'"x"', b'{"a":1,"a":2}', b"<html>"])
def test_what_is_no_answer_is_the_upstreams_failure(body: bytes) -> None:
    with pytest.raises(UpstreamError) as caught:
        MessagesResponse.decode(body)
    assert caught.value.outcome == "malformed"


@pytest.mark.parametrize("content", [None, "text", {"a": 1}, [None, "x", {}]])
def test_an_answer_of_another_shape_is_no_crash(content: Any) -> None:
    odd = MessagesResponse.decode(json.dumps({"type": "message", "content": content, "usage": []}).encode())
    assert odd.usage().input_tokens == 0
    assert odd.without(odd.unseen).unseen == ()
    assert odd.replaced("x").texts("response.text").texts == ("x",)
