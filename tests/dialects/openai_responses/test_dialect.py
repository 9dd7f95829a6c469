from __future__ import annotations

import json

import pytest

from penstock.dialects import Dialect, dialect_for
from penstock.dialects.openai.dialect import OpenAI
from penstock.dialects.openai_responses.dialect import OpenAIResponses
from penstock.dialects.openai_responses.responses import ResponsesResponse
from penstock.dialects.openai_responses.stream_guarded import GuardedStream
from penstock.dialects.openai_responses.stream_passing import PassingStream
from penstock.errors import RequestError
from tests.dialects.openai_responses.streaming import FakeGuard, assembled, everything, kinds
from tests.fixtures.openai.response_streams import stream

DIALECT = OpenAIResponses()
REQUEST = DIALECT.decode_request(
    b'{"model":"m","input":"hi","instructions":"Answer jane@example.org tersely."}'
)


def test_it_is_the_openai_dialect_at_a_path_of_its_own() -> None:
    dialect: Dialect = DIALECT
    route = dialect_for("POST", "/v1/responses").route
    assert (dialect.name, route.dialect.name, route.upstream_path) == ("openai", "openai", "/responses")
    assert dialect.id_headers == OpenAI().id_headers
    assert dialect.forwarded_headers({"openai-beta": "x=v1"}) == {"openai-beta": "x=v1"}


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"model":"m","model":"m"}'])
def test_a_body_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(RequestError):
        DIALECT.decode_request(body)


def test_a_stream_passes_or_is_guarded() -> None:
    assert isinstance(DIALECT.streaming(), PassingStream)
    assert isinstance(DIALECT.streaming(FakeGuard(), hide_usage=True), GuardedStream)


def test_what_a_plugin_answers_is_an_answer_and_a_stream() -> None:
    answer = DIALECT.answer("No.", REQUEST, "0190", 7)
    events = DIALECT.as_stream(answer, REQUEST)
    assert assembled(events).tree == answer.tree
    assert kinds(events)[0] == "response.created"
    assert (answer.tree["id"], answer.tree["created_at"]) == ("resp_0190", 7)
    with pytest.raises(TypeError):
        DIALECT.as_stream(REQUEST, REQUEST)
    with pytest.raises(TypeError):
        DIALECT.answer("No.", answer, "0190", 7)


def said(response: ResponsesResponse) -> tuple[str, ...]:
    return response.texts("response.text").texts


def test_what_an_answer_repeats_of_its_request_is_no_text_of_it() -> None:
    body = json.dumps(assembled(stream("text").body).tree).encode()
    alone = DIALECT.decode_response(body)
    bound = DIALECT.answering(REQUEST).decode_response(body)
    own = "Write to jane. doe@example.com — naïve café 日本語 🚰"
    assert said(alone) == ("Answer jane@example.org tersely.", own, "search")
    assert said(bound) == (own, "search")
    collecting = DIALECT.answering(REQUEST).collecting()
    collecting.feed(stream("text").body)
    assert said(collecting.response()) == said(bound)


@pytest.mark.parametrize(("dialect", "times"), [(DIALECT, 3), (DIALECT.answering(REQUEST), 0)])
def test_a_guarded_stream_is_shown_no_repeats_either(dialect: OpenAIResponses, times: int) -> None:
    guard = FakeGuard()
    everything(dialect.streaming(guard), stream("text").body)
    shown = [text for content in guard.wholes for text in content.texts("response.text").texts]
    assert sum("tersely" in text for text in shown) == times


def test_a_route_s_dialect_learns_of_the_request_where_it_needs_to() -> None:
    responses, chat = (dialect_for("POST", path).route for path in ("/v1/responses", "/v1/chat/completions"))
    assert responses.answering(REQUEST).dialect is not responses.dialect
    assert chat.answering(REQUEST) is chat
    assert DIALECT.answering(DIALECT.answer("x", REQUEST, "0", 1)).decode_response(b"{}").tree == {}


def test_errors_and_lists_are_openais() -> None:
    assert json.loads(DIALECT.list_models([]).body) == {"object": "list", "data": []}
    refused = DIALECT.render(RequestError("No."), "0190")
    assert json.loads(refused.body)["error"]["message"] == "No."
