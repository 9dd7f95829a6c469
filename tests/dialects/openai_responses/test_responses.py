from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from penstock.content import Unseen
from penstock.dialects.openai_responses.responses import ResponsesRequest, ResponsesResponse, answer, unit_of
from penstock.dialects.splicing import INSIDE
from penstock.errors import UpstreamError
from penstock.sdk.edits import REMOVED, AddText, MemberEdit, Replace, SpanEdit, TextEdit
from penstock.sdk.openai_paths import RESPONSES, RESPONSES_PATHS
from penstock.sdk.views import Texts
from tests.fixtures.openai.response_streams import Stream, stream, streams
from tests.fixtures.openai.responses import Fixture, fixture, fixtures

REQUESTS = pytest.mark.parametrize("each", fixtures(), ids=str)
ANSWERS = pytest.mark.parametrize("each", streams(), ids=str)
SYSTEM, USER, ASSISTANT = (f"request.messages.{role}" for role in ("system", "user", "assistant"))
TEXT = "response.text"
FIELDS = tuple(RESPONSES_PATHS)


def request(given: Any = "hi", **members: Any) -> ResponsesRequest:
    return ResponsesRequest.decode(json.dumps({"model": "m", "input": given, **members}).encode())


def response(*output: Any, **members: Any) -> ResponsesResponse:
    return ResponsesResponse.decode(json.dumps({"id": "resp_1", "output": output, **members}).encode())


def message(text: str, **members: Any) -> dict[str, Any]:
    return {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": text, **members}],
    }


def leaves(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every value of JSON and where it is; of JSON in a string too."""
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for name, inner in pairs:
            yield from leaves(inner, (*at, name))
    elif at and at[-1] == "arguments" and isinstance(value, str) and value[:1] == "{":
        yield from leaves(json.loads(value), (*at, INSIDE))
    else:
        yield at, value


def decoded(each: Any) -> Any:
    """The content of a fixture: a request's, or an answer's."""
    if isinstance(each, Fixture):
        return ResponsesRequest.decode(each.request)
    return ResponsesResponse.decode(json.dumps(each.unary).encode())


@REQUESTS
def test_all_of_a_request_is_in_a_field_or_seen_to_be_in_none(each: Fixture) -> None:
    content = ResponsesRequest.decode(each.request)
    assert tuple((part.kind, part.path) for part in content.unseen) == each.hidden
    assert content.encoded() == each.request
    assert content.surface == RESPONSES


@ANSWERS
def test_all_of_an_answer_is_in_a_field_or_seen_to_be_in_none(each: Stream) -> None:
    content = decoded(each)
    assert tuple((part.kind, part.path) for part in content.unseen) == each.hidden
    assert content.surface == RESPONSES


@pytest.mark.parametrize("each", [*fixtures(), *streams()], ids=str)
@pytest.mark.parametrize("field", FIELDS)
def test_an_edit_of_a_field_changes_its_texts_and_what_repeats_them(each: Any, field: str) -> None:
    content = decoded(each)
    edited = content.edited([Texts(field, content.texts(field).texts).map(str.swapcase)])
    assert edited.texts(field).texts == tuple(map(str.swapcase, content.texts(field).texts))
    for other in FIELDS:
        if other != field:
            assert edited.texts(other).texts == content.texts(other).texts
    before, after = dict(leaves(content.tree)), dict(leaves(edited.tree))
    changed = {at for at in before if before[at] != after.get(at)}
    repeating = {at for at in changed if "logprobs" in at or at[-1] in {"start_index", "end_index"}}
    swapped = {at for at in changed - repeating if str(before[at]).swapcase() == after[at]}
    assert changed == swapped | repeating
    assert json.loads(edited.encoded()) == edited.tree


def test_every_word_about_jane_is_in_some_field() -> None:
    """A search of the bytes finds no name outside of fields, but in what is hidden, and in ids."""
    for each in fixtures():
        content = decoded(each)
        for field in FIELDS:
            texts = content.texts(field).texts
            content = content.edited([TextEdit(field, tuple((i, "_") for i in range(len(texts))))])
        left = content.without(content.unseen) if content.unseen else content
        assert b"jane" not in left.encoded().lower(), each.name


def test_an_edited_body_is_otherwise_as_it_came() -> None:
    raw = fixture("text").request
    content = ResponsesRequest.decode(raw)
    at = content.texts(USER).texts[0].index("jane")
    edited = content.edited([SpanEdit(USER, ((0, (Replace(at, at + 16, "<email>"),)),))])
    assert edited.encoded() == raw.replace(
        b'"Caf\\u00e9 with jane@example.com \\ud83d\\ude80?"', '"Café with <email> 🚀?"'.encode()
    )


def test_a_request_says_what_it_asks_for() -> None:
    content = request(stream=True, models=["b"], tools=[{"type": "image_generation", "model": "c"}])
    assert (content.model, content.other_models) == ("m", ("b", "c"))
    assert (content.streams, content.streams_usage) == (True, True)
    assert (request().streams, request().streams_usage) == (False, False)
    assert request().with_model("m", asks_usage=True) == request().encoded()
    assert json.loads(request().with_model("x"))["model"] == "x"


def test_a_message_is_added_beside_a_text_that_was_edited() -> None:
    content = request("to jane")
    edited = content.edited([SpanEdit(USER, ((0, (Replace(3, 7, "<name>"),)),)), AddText(SYSTEM, "Be kind.")])
    assert edited.tree["input"] == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "to <name>"},
    ]


def test_members_are_set_and_removed() -> None:
    content = request(metadata={"a": "b"}, temperature=1)
    edited = content.edited(
        [
            MemberEdit("request.metadata", "c", "d"),
            MemberEdit("request.parameters", "temperature", REMOVED),
            MemberEdit("request.tools", "f", {"type": "function", "name": "f"}),
        ]
    )
    assert edited.tree["metadata"] == {"a": "b", "c": "d"}
    assert "temperature" not in edited.tree
    assert [tool.name for tool in edited.texts("request.tools").tools or ()] == ["f"]
    assert content.members("request.metadata") == {"a": "b"}
    for field in (USER, SYSTEM):
        with pytest.raises(ValueError, match="no members"):
            content.members(field)
    with pytest.raises(ValueError, match="no members"):
        content.edited([MemberEdit(USER, "x", "y")])


def test_what_is_unseen_goes_and_leaves_a_request() -> None:
    content = ResponsesRequest.decode(fixture("unseen").request)
    left = content.without(content.unseen)
    assert left.unseen == ()
    assert left.tree["input"] == [
        {"role": "user", "content": [{"type": "input_text", "text": "What is this, Jane?"}]},
        {"type": "function_call_output", "call_id": "c", "output": []},
    ]
    assert {"tools", "prompt", "conversation", "previous_response_id"}.isdisjoint(left.tree)


def test_an_input_that_goes_whole_is_an_empty_one() -> None:
    content = request([{"type": "item_reference", "id": "msg_1"}], tools=None)
    assert content.without(content.unseen).tree["input"] == []


def test_a_screenshot_cannot_go_without_its_call() -> None:
    shot = {"type": "computer_screenshot", "image_url": "data:image/png;base64,aaaa"}
    content = request([{"type": "computer_call_output", "call_id": "c", "output": shot}])
    assert [part.kind for part in content.unseen] == ["image"]
    with pytest.raises(ValueError, match="cannot go on"):
        content.without(content.unseen)


def test_without_its_tools_a_request_has_no_choice_of_them() -> None:
    content = request(tools=[{"type": "file_search", "vector_store_ids": ["v"]}], tool_choice="required")
    left = content.without(content.unseen)
    assert {"tools", "tool_choice"}.isdisjoint(left.tree)


@pytest.mark.parametrize("field", FIELDS[:8])
def test_a_field_goes_with_all_its_texts(field: str) -> None:
    for each in fixtures():
        content = ResponsesRequest.decode(each.request)
        if field in content.present:
            assert not any(content.without_field(field).texts(field).texts), each.name


def test_thoughts_go_and_leave_an_answer() -> None:
    for name in ("thoughts", "vllm", "sealed"):
        content = decoded(stream(name))
        left = content.without_field("response.reasoning")
        assert left.texts("response.reasoning").texts == ()
        assert left.texts(TEXT).texts == content.texts(TEXT).texts
        assert len(left.tree["output"]) == len(content.tree["output"])


def test_what_is_unseen_of_an_answer_goes() -> None:
    content = decoded(stream("sealed"))
    left = content.without(content.unseen)
    assert left.unseen == ()
    assert [item["type"] for item in left.tree["output"]] == [i["type"] for i in content.tree["output"]]


def test_what_makes_an_item_another_one_takes_it_out_whole() -> None:
    assert unit_of(("input", 1, "encrypted_content")) == ("input", 1)
    assert unit_of(("input", 1, "content", 0, "image_url")) == ("input", 1, "content", 0, "image_url")
    assert unit_of(("previous_response_id",)) == ("previous_response_id",)


def test_an_answer_is_replaced_by_a_text_in_its_envelope() -> None:
    content = response(
        message("secret"), output_text="secret", model="m", usage={"input_tokens": 3}, x="secret"
    )
    replaced = content.replaced("No.")
    assert "secret" not in replaced.text
    assert replaced.texts(TEXT).texts == ("No.",)
    assert (replaced.tree["id"], replaced.tree["status"]) == ("resp_1", "completed")
    assert replaced.usage().input_tokens == 3


def test_a_plugin_s_own_answer_costs_nothing() -> None:
    own = answer("No.", request(), "0190", 7)
    assert (own.texts(TEXT).texts, own.usage().input_tokens, own.tree["model"]) == (("No.",), 0, "m")
    assert own.unseen == ()
    with pytest.raises(TypeError):
        answer("No.", own, "0190", 7)


def test_logprobs_and_the_whole_text_beside_go_with_an_edit_and_citations_move() -> None:
    cited = {"type": "url_citation", "start_index": 6, "end_index": 10, "title": "t", "url": "u"}
    content = response(
        message("Hello jane and jo", logprobs=[{"token": "Hello"}], annotations=[cited]),
        message("x", logprobs=[{"token": "x"}]),
        output_text="Hello jane and jox",
    )
    edited = content.edited([SpanEdit(TEXT, ((0, (Replace(0, 5, "Hi"), Replace(6, 10, "<name>"))),))])
    part = edited.tree["output"][0]["content"][0]
    assert part["text"] == "Hi <name> and jo"
    assert part["logprobs"] == []
    assert (part["annotations"][0]["start_index"], part["annotations"][0]["end_index"]) == (3, 9)
    assert edited.tree["output"][1]["content"][0]["logprobs"]
    assert "output_text" not in edited.tree


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"a":1,"a":2}'])
def test_what_is_no_answer_is_the_upstreams_failure(body: bytes) -> None:
    with pytest.raises(UpstreamError) as caught:
        ResponsesResponse.decode(body)
    assert caught.value.outcome == "malformed"


@pytest.mark.parametrize("body", [{"error": {"message": "jane"}}, {"message": "jane"}, {"detail": "jane"}])
def test_a_refusal_of_the_upstream_s_has_words(body: Any) -> None:
    assert ResponsesResponse.decode(json.dumps(body).encode()).texts(TEXT).texts == ("jane",)


def test_what_neither_body_can_do_is_said() -> None:
    with pytest.raises(ValueError, match="not replaced"):
        request().replaced("x")
    with pytest.raises(ValueError, match="no message"):
        response().edited([AddText(TEXT, "x")])
    with pytest.raises(ValueError, match="no members"):
        response().members("request.metadata")
    with pytest.raises(ValueError, match="no members"):
        response().edited([MemberEdit(TEXT, "x", "y")])
    with pytest.raises(ValueError, match="not there"):
        response().edited([TextEdit(TEXT, ((3, "x"),))])
    assert response().without(()).tree == response().tree


def test_what_is_taken_out_by_a_guard_is_named_by_its_place() -> None:
    content = response(message("x"), {"type": "dream", "id": "d", "said": "jane"})
    (part,) = content.unseen
    assert part == Unseen("output[*].?", "unlisted", ("output", 1, "said"))
    assert content.without(content.unseen).tree["output"][1] == {"type": "dream", "id": "d"}
