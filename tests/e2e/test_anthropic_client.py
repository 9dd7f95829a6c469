"""The unmodified Anthropic client: the same objects as from the upstream, and its own exceptions."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import httpx
import pytest
from anthropic import Anthropic

from penstock.dev.gateway import LocalGateway
from tests.e2e.conftest import EvidenceReader
from tests.e2e.stub import CUT, StubProvider
from tests.fixtures.anthropic.catalogue import fixtures
from tests.fixtures.anthropic.streams import Stream, stream, streams
from tests.fixtures.openai.catalogue import Fixture

MESSAGES: Any = [{"role": "user", "content": "hi"}]


def directly(stub: StubProvider) -> Anthropic:
    return Anthropic(base_url=f"http://{stub.address}", api_key="x", max_retries=0)


@pytest.mark.parametrize("fixture", fixtures(), ids=str)
def test_the_client_gets_the_same_object_and_the_upstream_the_same_bytes(
    fixture: Fixture, gateway: LocalGateway, claude: Anthropic, stub: StubProvider
) -> None:
    stub.answer = lambda _: (200, fixture.response)
    request = json.loads(fixture.request)
    with directly(stub) as direct:
        sent, objects = [], []
        for one in (direct, claude):
            objects.append(one.post("/v1/messages", body=request, cast_to=anthropic.types.Message))
            sent.append(stub.seen[-1])
    assert objects[0].model_dump(warnings=False) == objects[1].model_dump(warnings=False)
    assert sent[0][2] == sent[1][2]
    assert sent[0][1]["anthropic-version"] == sent[1][1]["anthropic-version"]
    assert gateway.prepared.api_key not in str(sent[1][1])


@pytest.mark.parametrize("each", streams(), ids=str)
def test_the_client_gets_the_same_events_as_directly(
    each: Stream, claude: Anthropic, stub: StubProvider
) -> None:
    third = len(each.body) // 3
    stub.pieces = lambda _: [each.body[:third], each.body[third:]]
    with directly(stub) as direct:
        assert results(claude) == results(direct)


def results(client: Anthropic) -> Any:
    """The events and the message that they add up to, or the client's own error."""
    try:
        with client.messages.stream(model="stub", max_tokens=9, messages=MESSAGES) as answer:
            events = [event.model_dump(warnings=False) for event in answer]
            return events, answer.get_final_message().model_dump(warnings=False)
    except anthropic.APIError as error:
        return type(error).__name__, error.body


def test_a_stream_under_a_guard_leaves_masked(claude: Anthropic, stub: StubProvider) -> None:
    words = stream("text").body
    plain = json.dumps("Write to alice.bernard@example.com, or call me.")[1:-1]
    start = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":'
    letters = [start + b'{"type":"text_delta","text":"' + c.encode() + b'"}}\n\n' for c in plain]
    head, _, tail = words.partition(b"event: content_block_delta")
    tail = tail[tail.index(b"event: content_block_stop") :]
    stub.pieces = lambda _: [head, *letters, tail]
    with claude.messages.stream(model="stub-guarded", max_tokens=9, messages=MESSAGES) as answer:
        said = "".join(answer.text_stream)
    assert said == "Write to <email>, or call me."


def test_a_block_is_the_clients_own_permission_error(claude: Anthropic) -> None:
    more: Any = {"extra_body": {"unknown_key": "words"}}
    with pytest.raises(anthropic.PermissionDeniedError) as caught:
        claude.messages.create(model="stub-guarded", max_tokens=9, messages=MESSAGES, **more)
    assert caught.value.response.headers["x-penstock-code"] == "uninspectable_content"
    assert caught.value.request_id == caught.value.response.headers["x-request-id"]


def test_a_killed_upstream_is_the_clients_own_error_and_a_record(
    claude: Anthropic, stub: StubProvider, evidence: EvidenceReader
) -> None:
    half = stream("text").body
    stub.pieces = lambda _: [half[: len(half) // 2], CUT]
    with claude.messages.stream(model="stub", max_tokens=9, messages=MESSAGES) as answer:
        request_id = answer.response.headers["request-id"]
        with pytest.raises(anthropic.APIError, match="upstream"):
            answer.until_done()
    (record,) = evidence.of(request_id)
    assert (record["dialect"], record["outcome"], record["cause"]) == ("anthropic", "failed", "cut")


def test_tokens_are_counted_behind_the_same_gates(claude: Anthropic, stub: StubProvider) -> None:
    stub.answer = lambda _: (200, b'{"input_tokens": 14}')
    asked: Any = [{"role": "user", "content": "Mail alice@example.com"}]
    assert claude.messages.count_tokens(model="stub-guarded", messages=asked).input_tokens == 14
    path, _headers, body = stub.seen[-1]
    assert path == "/v1/messages/count_tokens"
    assert b"alice" not in body


def test_models_are_listed_in_anthropics_shape(claude: Anthropic) -> None:
    assert "stub" in {model.id for model in claude.models.list()}
    assert claude.models.retrieve("stub").id == "stub"


def test_a_model_of_another_dialect_is_refused_in_words(claude: Anthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match="openai dialect"):
        claude.messages.create(model="echo", max_tokens=9, messages=MESSAGES)


def test_a_wrong_key_is_the_clients_own_authentication_error(gateway: LocalGateway) -> None:
    with (
        Anthropic(base_url=gateway.address, api_key="pk_wrong", max_retries=0) as stranger,
        pytest.raises(anthropic.AuthenticationError),
    ):
        stranger.messages.create(model="stub", max_tokens=9, messages=MESSAGES)


def test_an_unknown_path_is_refused_in_the_callers_own_shape(gateway: LocalGateway) -> None:
    headers = {"anthropic-version": "2023-06-01", "x-api-key": gateway.prepared.api_key}
    response = httpx.post(f"{gateway.address}/v1/messages/batches", headers=headers, json={}, timeout=30)
    assert (response.status_code, response.json()["error"]["type"]) == (404, "not_found_error")
