"""The unmodified OpenAI client at responses and embeddings, through the running gateway."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.e2e.conftest import EvidenceReader
from tests.e2e.stub import CUT, StubProvider
from tests.fixtures.openai.response_streams import Stream, stream, streams

ALL = pytest.mark.parametrize("each", streams(), ids=str)
VECTOR = [0.25, -1.0, 0.001]


@pytest.fixture
def direct(stub: StubProvider) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"http://{stub.address}/v1", api_key="x") as client:
        yield client


@ALL
def test_the_client_gets_the_same_object_and_the_upstream_the_same_bytes(
    each: Stream, client: OpenAI, direct: OpenAI, stub: StubProvider
) -> None:
    stub.answer = lambda _: (200, json.dumps(each.unary).encode())
    answers = [
        one.responses.create(model="stub", input="hi", store=False).model_dump(warnings=False)
        for one in (direct, client)
    ]
    assert answers[0] == answers[1]
    assert stub.seen[-1][2] == stub.seen[-2][2]
    assert stub.seen[-1][0] == "/v1/responses"


@ALL
def test_the_client_gets_the_same_events_as_directly(
    each: Stream, client: OpenAI, direct: OpenAI, stub: StubProvider
) -> None:
    half = len(each.body) // 2
    stub.pieces = lambda _: [each.body[:half], each.body[half:]]
    came = [list(one.responses.create(model="stub", input="hi", stream=True)) for one in (direct, client)]
    assert came[0] == came[1]


@pytest.mark.parametrize("name", ["text", "calls", "thoughts", "tools", "interleaved"])
def test_what_the_redactor_leaves_of_a_stream_is_what_it_leaves_of_the_unary_answer(
    name: str, client: OpenAI, stub: StubProvider
) -> None:
    each = stream(name)
    stub.answer = lambda _: (200, json.dumps(each.unary).encode())
    unary = client.responses.create(model="stub-guarded", input="hi")
    stub.pieces = lambda _: [each.body[at : at + 7] for at in range(0, len(each.body), 7)]
    with client.responses.stream(model="stub-guarded", input="hi") as streaming:
        events = list(streaming)
        final = streaming.get_final_response()
    assert "@example.com" not in json.dumps([event.model_dump(warnings=False) for event in events])
    assert outputs(final) == outputs(unary)


def outputs(answer: Any) -> Any:
    """What an answer says. Where an edit moves citations to is not known in a stream."""
    items = json.loads(json.dumps([item.model_dump(warnings=False) for item in answer.output]))
    for item in items:
        item.pop("parsed_arguments", None)
        for part in item.get("content") or () if item["type"] == "message" else ():
            part.pop("parsed", None)
            part.pop("annotations", None)
    return items


def test_a_prompts_mail_address_never_leaves_and_the_record_says_who_masked_it(
    client: OpenAI, stub: StubProvider, evidence: EvidenceReader
) -> None:
    stub.answer = lambda _: (200, json.dumps(stream("vllm").unary).encode())
    answer = client.responses.with_raw_response.create(
        model="stub-guarded",
        instructions="You serve bob@example.com.",
        input=[
            {"role": "user", "content": [{"type": "input_text", "text": "Write to alice@example.com"}]},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"to":"alice\\u0040x.org"}'},
            {"type": "function_call_output", "call_id": "c", "output": "alice@example.com said no"},
        ],
    )
    sent = json.loads(stub.seen[-1][2])
    assert "alice" not in json.dumps(sent)
    assert sent["instructions"] == "You serve <email>."
    assert json.loads(sent["input"][1]["arguments"]) == {"to": "<email>"}
    (record,) = evidence.of(answer.headers["x-request-id"])
    assert (record["route"], record["dialect"], record["usage"]["reasoning"]) == (
        "/v1/responses",
        "openai",
        64,
    )
    acted = {p["moment"]: p["action"] for p in record["placements"] if p["plugin"] == "pii-redactor"}
    assert acted == {"before_upstream": "transform", "after_upstream": "transform"}


def test_state_at_the_provider_passes_unguarded_and_not_under_a_guard(
    client: OpenAI, stub: StubProvider
) -> None:
    stub.answer = lambda _: (200, json.dumps(stream("vllm").unary).encode())
    client.responses.create(model="stub", input="And then?", previous_response_id="resp_1")
    assert json.loads(stub.seen[-1][2])["previous_response_id"] == "resp_1"
    with pytest.raises(openai.PermissionDeniedError) as caught:
        client.responses.create(model="stub-guarded", input="And then?", previous_response_id="resp_1")
    assert caught.value.code == "uninspectable_content"
    assert "opaque" in str(caught.value)


def test_what_is_kept_at_the_provider_is_not_fetched_and_nothing_runs_in_the_background(
    client: OpenAI,
) -> None:
    with pytest.raises(openai.NotFoundError, match="stored at a provider"):
        client.responses.retrieve("resp_1")
    with pytest.raises(openai.NotFoundError, match="stored at a provider"):
        client.responses.delete("resp_1")
    with pytest.raises(openai.BadRequestError, match="background are not served"):
        client.responses.create(model="stub", input="hi", background=True)


def test_a_stream_that_its_upstream_cuts_raises(
    client: OpenAI, stub: StubProvider, evidence: EvidenceReader
) -> None:
    body = stream("text").body
    stub.pieces = lambda _: [body[: body.index(b"event: response.completed")], CUT]
    answer = client.responses.with_raw_response.create(model="stub", input="hi", stream=True)
    with pytest.raises(openai.APIError, match="ended"):
        list(answer.parse())
    (record,) = evidence.of(answer.headers["x-request-id"])
    assert (record["outcome"], record["code"]) == ("failed", "upstream_error")


def test_vectors_come_as_directly_in_numbers_and_in_base64(
    client: OpenAI, direct: OpenAI, stub: StubProvider, evidence: EvidenceReader
) -> None:
    answer = {
        "object": "list",
        "model": "m",
        "data": [{"object": "embedding", "index": 0, "embedding": VECTOR}],
        "usage": {"prompt_tokens": 5, "total_tokens": 5},
    }
    stub.answer = lambda _: (200, json.dumps(answer).encode())
    for given in ("hi", ["a", "b"], [1, 2], [[1], [2, 3]]):
        came = [one.embeddings.create(model="stub", input=given) for one in (direct, client)]
        assert came[0] == came[1]
    raw = client.embeddings.with_raw_response.create(model="stub", input="hi")
    (record,) = evidence.of(raw.headers["x-request-id"])
    assert (record["route"], record["usage"]["input_tokens"]) == ("/v1/embeddings", 5)


def test_what_is_embedded_is_masked_and_tokens_are_refused_under_a_guard(
    client: OpenAI, stub: StubProvider
) -> None:
    answer = {
        "object": "list",
        "model": "m",
        "data": [{"object": "embedding", "index": 0, "embedding": VECTOR}],
    }
    stub.answer = lambda _: (200, json.dumps(answer).encode())
    got = client.embeddings.create(model="stub-guarded", input=["mail alice@example.com", "hi"])
    assert got.data[0].embedding == VECTOR
    assert json.loads(stub.seen[-1][2])["input"] == ["mail <email>", "hi"]
    with pytest.raises(openai.PermissionDeniedError) as caught:
        client.embeddings.create(model="stub-guarded", input=[[1, 2, 3]])
    assert caught.value.code == "uninspectable_content"
