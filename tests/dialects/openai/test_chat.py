from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.dialects.openai.chat import ChatRequest, ChatResponse, answer
from penstock.errors import UpstreamError
from penstock.evidence.record import Usage
from penstock.sdk.edits import AddText, Edit, MemberEdit, SpanEdit, TextEdit
from penstock.sdk.fields import CHAT
from penstock.sdk.views import Texts


def request(**members: Any) -> ChatRequest:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **members}
    return ChatRequest.decode(json.dumps(body).encode())


def response(*messages: dict[str, Any], **members: Any) -> ChatResponse:
    choices = [
        {"index": index, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
        for index, message in enumerate(messages)
    ]
    return ChatResponse.decode(json.dumps({"id": "x", "choices": choices, **members}).encode())


def sent(content: ChatRequest | ChatResponse) -> Any:
    return json.loads(content.encoded())


def test_both_bodies_are_of_the_same_surface() -> None:
    assert request().surface == response().surface == CHAT


def test_a_request_says_whether_it_streams_and_whether_with_usage() -> None:
    asking = {"include_usage": True}
    for members, expected in (
        ({}, (False, False)),
        ({"stream": False, "stream_options": asking}, (False, False)),
        ({"stream": None, "stream_options": None}, (False, False)),
        ({"stream": True}, (True, False)),
        ({"stream": True, "stream_options": {"include_usage": False}}, (True, False)),
        ({"stream": True, "stream_options": asking}, (True, True)),
    ):
        content = request(**members)
        assert (content.streams, content.streams_usage) == expected


@pytest.mark.parametrize(
    ("options", "asking"),
    [
        (b"", b',"stream_options":{"include_usage":true}'),
        (b', "stream_options": null', b', "stream_options": {"include_usage":true}'),
        (b', "stream_options": {}', b', "stream_options": {"include_usage":true}'),
        (b', "stream_options": {"x":1.0}', b', "stream_options": {"x":1.0,"include_usage":true}'),
        (b', "stream_options": {"include_usage" : false}', b', "stream_options": {"include_usage" : true}'),
        (b', "stream_options": {"include_usage" : true}', b', "stream_options": {"include_usage" : true}'),
    ],
)
def test_a_stream_can_be_asked_for_its_usage_and_nothing_else_changes(options: bytes, asking: bytes) -> None:
    body = b'{"model" : "m","messages":[], "stream":true%s }'
    content = ChatRequest.decode(body % options)
    expected = body % asking
    assert content.with_model("m", asks_usage=True) == expected
    assert content.with_model("m") is content.encoded()
    assert content.with_model("n", asks_usage=True) == expected.replace(b'"m"', b'"n"')


def test_an_answer_that_is_no_stream_is_not_asked_for_a_usage_chunk() -> None:
    content = request()
    assert content.with_model("m", asks_usage=True) is content.encoded()


def test_the_model_can_be_called_otherwise_upstream_and_nothing_else_changes() -> None:
    body = b'{ "messages":[{"role":"user","content":"m"}], "seed":1.0, "model" : "m" }'
    content = ChatRequest.decode(body)
    assert content.with_model("m") is body
    assert content.with_model("org/m-2") == body.replace(b': "m" }', b': "org/m-2" }')


def test_parameters_are_all_top_level_members_that_are_nothing_else() -> None:
    content = request(temperature=1, x_vendor={"a": "b"}, metadata={"k": "v"}, stream=False, tools=[])
    assert content.members("request.parameters") == {"temperature": 1, "x_vendor": {"a": "b"}}
    assert content.members("request.metadata") == {"k": "v"}
    assert request().members("request.metadata") == request(metadata=None).members("request.metadata") == {}


@pytest.mark.parametrize("field", ["request.messages.user", "response.text", "nonsense"])
def test_a_field_without_members_has_none(field: str) -> None:
    for content in (request(), response()):
        with pytest.raises(ValueError, match="no members"):
            content.members(field)
        with pytest.raises(ValueError, match="no members"):
            content.edited([MemberEdit(field, "name", "value")])


def test_tools_come_with_their_definitions() -> None:
    tool = {"type": "function", "function": {"name": "f", "description": "d"}}
    values = request(tools=[tool]).texts("request.tools")
    assert values.texts == ("f", "d")
    assert [(t.name, t.definition) for t in values.tools] == [("f", tool)]


def test_edits_of_several_fields_apply_together_or_not_at_all() -> None:
    content = request(stop="END", metadata={"a": "b"})
    edits: list[Edit] = [
        TextEdit("request.messages.user", ((0, "ho"),)),
        MemberEdit("request.metadata", "c", 1),
        AddText("request.messages.system", "Be kind."),
    ]
    assert sent(content.edited(edits)) == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "ho"}],
        "stop": "END",
        "metadata": {"a": "b", "c": 1},
    }
    with pytest.raises(ValueError, match="no parameter"):
        content.edited([*edits, MemberEdit("request.parameters", "model", "other")])
    assert sent(content)["messages"] == [{"role": "user", "content": "hi"}]


def test_a_member_and_a_text_in_it_cannot_be_edited_at_once() -> None:
    edits: list[Edit] = [
        TextEdit("request.parameters", ((0, "x"),)),
        MemberEdit("request.parameters", "stop", "y"),
    ]
    with pytest.raises(ValueError, match="overlap"):
        request(stop="END").edited(edits)


def test_a_span_in_tool_arguments_is_found_in_the_value_not_in_its_escapes() -> None:
    call = {
        "id": "1",
        "type": "function",
        "function": {"name": "f", "arguments": r'{"n": "\u0034\u0031", "k":  1.0}'},
    }
    content = response({"content": None, "tool_calls": [call]})
    edit = Texts("response.tool_calls", content.texts("response.tool_calls").texts).sub("41", "<n>")
    after = sent(content.edited([edit]))["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
    assert after == '{"n": "<n>", "k":  1.0}'


def test_an_answer_is_as_the_client_expects_it() -> None:
    made = answer("No.", request(n=2), "0190", 1762430000)
    choice = {"message": {"role": "assistant", "content": "No.", "refusal": None}, "logprobs": None}
    assert sent(made) == {
        "id": "chatcmpl-0190",
        "object": "chat.completion",
        "created": 1762430000,
        "model": "m",
        "choices": [{"index": index, **choice, "finish_reason": "stop"} for index in (0, 1)],
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    }
    assert made.texts("response.text").texts == ("No.", "No.")
    assert made.unseen == ()


@pytest.mark.parametrize(("n", "choices"), [(None, 1), (0, 1), (-3, 1), (128, 128), (10**9, 128)])
def test_an_answer_never_has_more_choices_than_the_api_allows(n: int | None, choices: int) -> None:
    assert len(sent(answer("x", request(n=n), "id", 0))["choices"]) == choices


def test_an_answer_answers_a_chat_request() -> None:
    with pytest.raises(TypeError):
        answer("x", response(), "id", 0)


def test_a_replaced_response_keeps_its_envelope_and_nothing_the_model_said() -> None:
    said = {"content": "canary", "reasoning": "canary", "tool_calls": [{"id": "canary"}]}
    before = response(said, said, usage={"prompt_tokens": 7}, citations=["canary"], model="m")
    after = before.replaced("Withheld.")
    assert "canary" not in after.encoded().decode()
    assert after.texts("response.text").texts == ("Withheld.", "Withheld.")
    assert after.usage().input_tokens == 7
    assert (sent(after)["id"], sent(after)["model"]) == ("x", "m")
    assert ChatResponse.decode(b"{}").replaced("x").texts("response.text").texts == ("x",)


def test_a_request_is_not_replaced_and_a_response_takes_no_message() -> None:
    with pytest.raises(ValueError, match="not replaced"):
        request().replaced("x")
    with pytest.raises(ValueError, match="no message"):
        response({"content": "x"}).edited([AddText("response.text", "x")])


@pytest.mark.parametrize("body", [b"[]", b"null", b"not json", b'{"a":1,"a":2}', b"", b"<html>"])
def test_an_upstream_that_sends_no_json_object_has_failed(body: bytes) -> None:
    with pytest.raises(UpstreamError) as caught:
        ChatResponse.decode(body)
    assert caught.value.outcome == "malformed"


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (
            {
                "prompt_tokens": 5,
                "completion_tokens": 7,
                "prompt_tokens_details": {"cached_tokens": 3},
                "completion_tokens_details": {"reasoning_tokens": 2},
            },
            Usage(5, 7, 3, 2),
        ),
        (None, Usage()),
        ([], Usage()),
        ({"prompt_tokens": "5", "completion_tokens": True, "prompt_tokens_details": None}, Usage()),
        ({"prompt_tokens": -1, "completion_tokens": 1.5, "completion_tokens_details": [1]}, Usage()),
        ({"prompt_tokens": 10**15, "completion_tokens": 10**30}, Usage()),
    ],
)
def test_usage_is_what_the_upstream_said_or_nothing(usage: Any, expected: Usage) -> None:
    assert response(usage=usage).usage() == expected


def test_text_edits_of_one_choice_leave_the_others_alone() -> None:
    logprobs = {"content": [{"token": "a", "logprob": 0, "bytes": [97], "top_logprobs": []}]}
    content = response({"content": "a"}, {"content": "b"})
    tree = content.tree
    for choice in tree["choices"]:
        choice["logprobs"] = logprobs
    content = ChatResponse.decode(json.dumps(tree).encode())
    after = sent(content.edited([TextEdit("response.text", ((1, "c"),))]))["choices"]
    assert (after[0]["logprobs"], after[1]["logprobs"]) == (logprobs, None)


def test_dropped_images_leave_a_message_that_can_be_sent() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://x"}}
    text = {"type": "text", "text": "look"}
    both = request(
        messages=[{"role": "user", "content": [text, image]}, {"role": "user", "content": [image]}]
    )
    assert sent(both.without(both.unseen))["messages"] == [
        {"role": "user", "content": [text]},
        {"role": "user", "content": ""},
    ]


def test_a_body_goes_nowhere_without_its_roles() -> None:
    content = request(messages=[{"role": "a role with spaces", "content": "x"}])
    with pytest.raises(ValueError, match="cannot go on"):
        content.without(content.unseen)


def test_dropping_tools_drops_what_needs_them() -> None:
    tool = {"type": "function", "function": {"name": "f"}}
    content = request(tools=[tool], tool_choice="auto", parallel_tool_calls=True)
    assert sent(content.without_field("request.tools")) == sent(request())


def test_dropping_the_answers_text_drops_what_repeats_it() -> None:
    content = response(
        {"content": "canary", "refusal": "canary", "audio": {"data": "canary", "transcript": "canary"}}
    )
    after = content.without_field("response.text")
    assert "canary" not in after.encoded().decode()
    assert sent(after)["choices"][0]["message"]["content"] == ""


def test_edits_that_change_nothing_give_the_same_bytes() -> None:
    content = request(stop="END")
    same = content.edited(
        [TextEdit("request.messages.user", ((0, "hi"),)), SpanEdit("request.parameters", ())]
    )
    assert same is content


def test_a_long_number_in_arguments_is_a_text_and_its_mask_a_string() -> None:
    call = {"name": "pay", "arguments": '{"card": 4111111111111111, "amount": 12}'}
    tool_calls = [{"id": "c1", "type": "function", "function": call}]
    body = {"model": "m", "messages": [{"role": "assistant", "tool_calls": tool_calls}]}
    request = ChatRequest.decode(json.dumps(body).encode())
    assert request.texts("request.tool_calls").texts == ("4111111111111111",)
    edited = request.edited([TextEdit("request.tool_calls", ((0, "<card>"),))])
    (sent,) = json.loads(edited.encoded())["messages"][0]["tool_calls"]
    assert sent["function"]["arguments"] == '{"card": "<card>", "amount": 12}'
