"""OpenAI's and Anthropic's unmodified Node clients: the same as from the upstream, and their own errors."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from typing import Any

import pytest

from penstock.dev.gateway import LocalGateway
from tests.e2e.conftest import EvidenceReader
from tests.e2e.node.clients import NodeClients, node_clients
from tests.e2e.stub import CUT, Pieces, StubProvider
from tests.fixtures.anthropic import catalogue as messages
from tests.fixtures.anthropic import streams as message_streams
from tests.fixtures.openai import catalogue as chats
from tests.fixtures.openai import response_streams
from tests.fixtures.openai import streams as chat_streams

CHAT = {"model": "stub", "messages": [{"role": "user", "content": "hi"}]}
RESPONSE = {"model": "stub", "input": "hi", "store": False}
MESSAGE = {**CHAT, "max_tokens": 9}
GUARDED = {"model": "stub-guarded"}
ASKED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "chat": ("openai", "chat.completions.create", CHAT),
    "responses": ("openai", "responses.create", RESPONSE),
    "embeddings": ("openai", "embeddings.create", {"model": "stub", "input": ["hi"]}),
    "messages": ("anthropic", "messages.create", MESSAGE),
    "count_tokens": ("anthropic", "messages.countTokens", CHAT),
}
EVERY = pytest.mark.parametrize("what", ASKED)
STREAMED = pytest.mark.parametrize("what", ["chat", "responses", "messages"])


class Both:
    """One client twice: before the stub, and before the gateway, which asks the stub."""

    def __init__(self, node: NodeClients, stub: StubProvider, gateway: LocalGateway) -> None:
        self.stub, self._node = stub, node
        self._direct, self._through = f"http://{stub.address}", gateway.address
        self._key = gateway.prepared.api_key

    def directly(self, client: str, call: str, *given: Any, **more: Any) -> dict[str, Any]:
        return self._asked(client, self._direct, "x", call, given, more)

    def through(
        self, client: str, call: str, *given: Any, key: str | None = None, **more: Any
    ) -> dict[str, Any]:
        return self._asked(client, self._through, key or self._key, call, given, more)

    def _asked(
        self, client: str, address: str, key: str, call: str, given: tuple[Any, ...], more: Any
    ) -> dict[str, Any]:
        url = f"{address}/v1" if client == "openai" else address
        return self._node.ask(client, url, key, call=call, given=given, **more)

    def same(self, client: str, call: str, *given: Any, **more: Any) -> dict[str, Any]:
        """What both get, which is the same, of an upstream that got the same bytes."""
        came = [asked(client, call, *given, **more) for asked in (self.directly, self.through)]
        for said in came:
            # Only the gateway gives its requests an id.
            said.get("error", {}).pop("requestID", None)
        assert came[0] == came[1]
        assert self.stub.seen[-1][0] == self.stub.seen[-2][0]
        assert self.stub.seen[-1][2] == self.stub.seen[-2][2]
        return came[0]


@pytest.fixture(scope="module")
def node() -> Iterator[NodeClients]:
    with node_clients() as clients:
        yield clients


@pytest.fixture
def both(node: NodeClients, stub: StubProvider, gateway: LocalGateway) -> Iterator[Both]:
    yield Both(node, stub, gateway)
    stub.headers = {}


def halved(body: bytes) -> Pieces:
    return [body[: len(body) // 2], body[len(body) // 2 :]]


@pytest.mark.parametrize("each", chats.fixtures(), ids=str)
def test_a_chat_completion_is_the_same_as_directly(each: chats.Fixture, both: Both) -> None:
    both.stub.answer = lambda _: (200, each.response)
    said = both.same("openai", "chat.completions.create", json.loads(each.request))
    assert said["value"]["choices"] is not None


@pytest.mark.parametrize("each", response_streams.streams(), ids=str)
def test_a_response_is_the_same_as_directly_whole_and_streamed(
    each: response_streams.Stream, both: Both
) -> None:
    both.stub.answer = lambda _: (200, json.dumps(each.unary).encode())
    assert both.same("openai", "responses.create", RESPONSE)["value"]["output"] is not None
    both.stub.pieces = lambda _: halved(each.body)
    assert both.same("openai", "responses.create", {**RESPONSE, "stream": True})["events"]


@pytest.mark.parametrize("each", messages.fixtures(), ids=str)
def test_a_message_is_the_same_as_directly(each: chats.Fixture, both: Both) -> None:
    both.stub.answer = lambda _: (200, each.response)
    both.same("anthropic", "post", "/v1/messages", {"body": json.loads(each.request)})


@pytest.mark.parametrize("each", chat_streams.streams(), ids=str)
def test_a_streamed_chat_is_the_same_as_directly(each: chat_streams.Stream, both: Both) -> None:
    both.stub.pieces = lambda _: halved(each.body)
    both.same("openai", "chat.completions.create", {**CHAT, "stream": True})


@pytest.mark.parametrize("each", message_streams.streams(), ids=str)
def test_a_streamed_message_is_the_same_as_directly_and_adds_up(
    each: message_streams.Stream, both: Both
) -> None:
    both.stub.pieces = lambda _: halved(each.body)
    both.same("anthropic", "messages.stream", MESSAGE, final="finalMessage")


def test_the_clients_own_helpers_put_streams_together_alike(both: Both) -> None:
    both.stub.pieces = lambda _: halved(chat_stream("tools"))
    said = both.same("openai", "chat.completions.stream", CHAT, final="finalChatCompletion")
    assert len(said["final"]["choices"][0]["message"]["tool_calls"]) == 2
    both.stub.pieces = lambda _: halved(response_streams.stream("calls").body)
    said = both.same("openai", "responses.stream", RESPONSE, final="finalResponse")
    assert [item["type"] for item in said["final"]["output"]].count("function_call") == 2


def chat_stream(name: str) -> bytes:
    return next(each.body for each in chat_streams.streams() if each.name == name)


def test_vectors_come_as_directly_in_base64_which_the_client_asks_for_by_itself(both: Both) -> None:
    def answer(body: bytes) -> tuple[int, bytes]:
        numbers = [0.25, -1.0, 0.5]
        packed = base64.b64encode(struct.pack("<3f", *numbers)).decode()
        vector = packed if json.loads(body).get("encoding_format") == "base64" else numbers
        data = [{"object": "embedding", "index": 0, "embedding": vector}]
        return 200, json.dumps({"object": "list", "model": "m", "data": data}).encode()

    both.stub.answer = answer
    for more in ({}, {"encoding_format": "float"}):
        said = both.same("openai", "embeddings.create", {"model": "stub", "input": ["hi"], **more})
        assert said["value"]["data"][0]["embedding"] == [0.25, -1.0, 0.5]


def test_tokens_are_counted_as_directly(both: Both) -> None:
    both.stub.answer = lambda _: (200, b'{"input_tokens": 14}')
    assert both.same("anthropic", "messages.countTokens", CHAT)["value"] == {"input_tokens": 14}


@pytest.mark.parametrize("client", ["openai", "anthropic"])
def test_models_are_listed_to_each_client_in_its_own_shape(client: str, both: Both) -> None:
    listed = both.through(client, "models.list")["events"]
    assert {"stub", "echo"} <= {model["id"] for model in listed}
    assert both.through(client, "models.retrieve", "stub")["value"]["id"] == "stub"
    unknown = both.through(client, "models.retrieve", "nobodys")["error"]
    assert (unknown["class"], unknown["penstockCode"]) == ("NotFoundError", "model_not_found")


OF_THE_UPSTREAM = ("class", "status", "code", "type", "body", "message", "retryAfter")


@EVERY
@pytest.mark.parametrize("status", [400, 404, 422, 429])
def test_an_upstreams_own_error_is_the_same_as_directly(status: int, what: str, both: Both) -> None:
    client, call, body = ASKED[what]
    said = {"type": "not_so", "message": "Not so.", "code": "not_so", "param": "model"}
    both.stub.answer = lambda _: (status, json.dumps({"type": "error", "error": said}).encode())
    both.stub.headers = {"retry-after": "7"}
    came = [
        asked(client, call, body, options={"maxRetries": 0})["error"]
        for asked in (both.directly, both.through)
    ]
    assert [came[0].get(name) for name in OF_THE_UPSTREAM] == [came[1].get(name) for name in OF_THE_UPSTREAM]
    assert came[1]["retryAfter"] == "7"


@EVERY
def test_a_client_that_is_told_to_wait_asks_again_through_the_gateway_as_directly(
    what: str, both: Both
) -> None:
    client, call, body = ASKED[what]
    both.stub.headers = {"retry-after-ms": "1", "retry-after": "0"}
    for asked in (both.directly, both.through):
        answers = iter([(429, b'{"error": {"message": "Slower."}}'), (200, b'{"data": []}')])
        both.stub.answer = lambda _, answers=answers: next(answers)  # type: ignore[misc]  # bound now
        assert "error" not in asked(client, call, body)
        assert next(answers, None) is None


@EVERY
def test_an_upstream_that_fails_is_asked_once_whatever_the_client_would_do(what: str, both: Both) -> None:
    client, call, body = ASKED[what]
    both.stub.answer = lambda _: (500, b'{"error": {"message": "broken"}}')
    before = len(both.stub.seen)
    error = both.through(client, call, body)["error"]
    assert (error["class"], error["status"]) == ("InternalServerError", 502)
    assert (error["penstockCode"], error["shouldRetry"]) == ("upstream_error", "false")
    assert len(both.stub.seen) == before + 1


@EVERY
def test_a_wrong_key_is_each_clients_own_authentication_error(what: str, both: Both) -> None:
    client, call, body = ASKED[what]
    error = both.through(client, call, body, key="pk_wrong")["error"]
    assert (error["class"], error["status"]) == ("AuthenticationError", 401)
    assert error["penstockCode"] == "unauthorized"


@EVERY
def test_a_model_that_is_not_there_is_each_clients_own_error(what: str, both: Both) -> None:
    client, call, body = ASKED[what]
    error = both.through(client, call, {**body, "model": "nobodys"})["error"]
    assert (error["class"], error["penstockCode"]) == ("BadRequestError", "model_not_found")


@STREAMED
@pytest.mark.parametrize("more", [{}, {"stream": True}], ids=["unary", "stream"])
def test_a_block_is_each_clients_own_permission_error_with_its_code(
    what: str, more: dict[str, bool], both: Both, evidence: EvidenceReader
) -> None:
    client, call, body = ASKED[what]
    before = len(both.stub.seen)
    error = both.through(client, call, {**body, **GUARDED, **more, "unknown_key": "words"})["error"]
    assert (error["class"], error["status"]) == ("PermissionDeniedError", 403)
    assert code_of(client, error) == error["penstockCode"] == "uninspectable_content"
    assert len(both.stub.seen) == before
    (record,) = evidence.of(error["requestID"])
    assert record["code"] == "uninspectable_content"


def code_of(client: str, error: dict[str, Any]) -> Any:
    """Where each client's user finds the gateway's code (docs/errors.md)."""
    return error["code"] if client == "openai" else error["body"]["error"]["details"]["error_code"]


def text_stream(what: str) -> bytes:
    """Words with a mail address, as the door's upstream streams them."""
    found = {
        "chat": chat_stream("text"),
        "responses": response_streams.stream("text").body,
        "messages": message_streams.stream("text").body,
    }
    return found[what]


@STREAMED
def test_a_stream_that_its_upstream_cuts_is_each_clients_own_error(what: str, both: Both) -> None:
    client, call, body = ASKED[what]
    whole = text_stream(what)
    both.stub.pieces = lambda _: [whole[: len(whole) // 2], CUT]
    said = both.through(client, call, {**body, "stream": True})
    assert said["events"]
    assert said["error"]["class"] == "APIError"
    assert code_of(client, said["error"]) == "upstream_error"


HELPERS = {
    "chat": ("chat.completions.stream", "finalChatCompletion"),
    "responses": ("responses.stream", "finalResponse"),
    "messages": ("messages.stream", "finalMessage"),
}


@STREAMED
def test_a_guards_edits_come_to_each_client_wherever_the_stream_is_cut(what: str, both: Both) -> None:
    client, _, body = ASKED[what]
    call, final = HELPERS[what]
    whole = text_stream(what)
    both.stub.pieces = lambda _: [whole[at : at + 7] for at in range(0, len(whole), 7)]
    said = both.through(client, call, {**body, **GUARDED}, final=final)
    assert "error" not in said
    assert "<email>" in json.dumps(said["final"])
    assert "@example" not in json.dumps(said)
