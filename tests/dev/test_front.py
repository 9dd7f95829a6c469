from __future__ import annotations

import base64
import json
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from penstock.dev.front import BODY_LIMIT_BYTES, Front
from penstock.dev.invocation import (
    EnvironmentLost,
    FunctionFailed,
    InitFailed,
    Outcome,
    Relay,
    Returned,
    TimedOut,
)
from penstock.errors import ConfigurationError
from tests.dev.conftest import MakePool


class Function:
    """A function of the test's; answers with the event that it got unless told otherwise."""

    def __init__(self) -> None:
        self.outcome: Outcome | None = None
        self.events: list[dict[str, Any]] = []

    def __call__(self, event: bytes, relay: Relay) -> Outcome:
        self.events.append(json.loads(event))
        return self.outcome or Returned(json.dumps({"statusCode": 200, "body": event.decode()}).encode())


@pytest.fixture
def function() -> Function:
    return Function()


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def front(function: Callable[[bytes, Relay], Outcome], told: list[str]) -> Iterator[Front]:
    front = Front(function, 0, tell=told.append)
    front.start()
    yield front
    front.stop()


@pytest.fixture
def client(front: Front) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{front.port}", timeout=30) as client:
        yield client


def test_a_request_becomes_an_event_and_its_response_an_answer(
    client: httpx.Client, function: Function
) -> None:
    function.outcome = Returned(b'{"statusCode":201,"headers":{"X-A":"1"},"body":"done"}')
    response = client.post("/v1/chat/completions?a=1", json={"model": "m"})
    assert (response.status_code, response.text, response.headers["x-a"]) == (201, "done", "1")
    event = function.events[0]
    assert json.loads(event["body"]) == {"model": "m"}
    assert event["requestContext"]["requestId"] == response.headers["x-amzn-requestid"]
    assert event["queryStringParameters"] == {"a": "1"}


def test_a_connection_is_kept_for_the_next_request(client: httpx.Client, front: Front) -> None:
    with socket.create_connection(("127.0.0.1", front.port), timeout=30) as connection:
        for _ in range(3):
            connection.sendall(b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_chunked_request_arrives_whole(client: httpx.Client, function: Function) -> None:
    client.post("/", content=iter([b"ab", b"", b"cd"]))
    assert function.events[0]["body"] == "abcd"
    assert "Transfer-Encoding" not in function.events[0]["headers"]


def test_a_compressed_request_arrives_as_base64(client: httpx.Client, function: Function) -> None:
    client.post("/", content=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
    assert base64.b64decode(function.events[0]["body"]) == b"\x1f\x8b"


def test_head_and_options_reach_the_function(client: httpx.Client, function: Function) -> None:
    assert client.head("/v1/models").content == b""
    assert client.options("/v1/models").status_code == 200
    assert [event["httpMethod"] for event in function.events] == ["HEAD", "OPTIONS"]


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_beyond_api_gateways_quota_never_reaches_the_function(
    client: httpx.Client, function: Function, chunked: bool
) -> None:
    body = b"x" * (BODY_LIMIT_BYTES + 1)
    pieces = iter([body[: 1 << 20], body[1 << 20 :]])
    response = client.post("/", content=pieces if chunked else body)
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "payload_too_large"
    assert response.headers["connection"] == "close"  # its rest is not waited for
    assert function.events == []


def test_an_event_beyond_lambdas_quota_never_reaches_the_function(
    client: httpx.Client, function: Function
) -> None:
    response = client.post("/", content=b'"' * 4_000_000)
    assert response.status_code == 413
    assert function.events == []


def test_a_body_that_is_cut_short_is_a_bad_request(front: Front) -> None:
    with socket.create_connection(("127.0.0.1", front.port), timeout=30) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
        assert b" 400 " in connection.recv(65536)


def test_a_request_line_that_cannot_be_read_is_a_bad_request_in_the_clients_shape(front: Front) -> None:
    with socket.create_connection(("127.0.0.1", front.port), timeout=30) as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        head, _, body = connection.recv(65536).partition(b"\r\n\r\n")
    assert b" 400 " in head
    assert json.loads(body)["error"]["code"] == "bad_request"


@pytest.mark.parametrize(
    ("outcome", "status", "code"),
    [
        (EnvironmentLost("signal: killed"), 502, "environment_lost"),
        (TimedOut(30.0), 504, "gateway_timeout"),
        (FunctionFailed(b"{}"), 502, "function_failed"),
        (InitFailed("no"), 502, "not_started"),
        (Returned(b"null"), 502, "function_failed"),
    ],
)
def test_a_function_that_does_not_answer_is_answered_for(
    client: httpx.Client, function: Function, told: list[str], outcome: Outcome, status: int, code: str
) -> None:
    function.outcome = outcome
    response = client.post("/v1/chat/completions", json={})
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert response.headers["x-should-retry"] == "false"
    assert response.headers["x-request-id"] == function.events[0]["requestContext"]["requestId"]
    assert len(told) == 1


def test_a_taken_port_is_named_with_the_way_out(front: Front) -> None:
    with pytest.raises(ConfigurationError, match=rf"port {front.port} .* is taken\. .*--port"):
        Front(Function(), front.port, tell=print)


def test_a_lost_environment_is_a_502_and_the_next_request_is_served(make_pool: MakePool) -> None:
    pool = make_pool(handler="tests.dev.sample_function.proxy", warm=1, maximum=2, timeout_s=2.0)
    front = Front(pool.invoke, 0, tell=lambda _: None)
    front.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{front.port}", timeout=30) as client:
        assert client.get("/exit").json()["error"]["code"] == "environment_lost"
        assert client.get("/sleep").status_code == 504
        assert client.get("/malformed").json()["error"]["code"] == "function_failed"
        response = client.get("/v1/models")
        assert response.json()["path"] == "/v1/models"
        assert response.headers.get_list("x-twice") == ["1", "2"]
    front.stop()


def test_two_hundred_callers_at_once_are_served_by_a_few_environments(make_pool: MakePool) -> None:
    pool = make_pool(handler="tests.dev.sample_function.proxy", warm=2, maximum=3, wait_s=120.0)
    front = Front(pool.invoke, 0, tell=lambda _: None)
    front.start()
    limits = httpx.Limits(max_connections=200)
    with (
        httpx.Client(base_url=f"http://127.0.0.1:{front.port}", timeout=120, limits=limits) as client,
        ThreadPoolExecutor(200) as callers,
    ):
        answers = list(callers.map(lambda number: client.get(f"/{number}"), range(200)))
    front.stop()
    assert [answer.json()["path"] for answer in answers] == [f"/{number}" for number in range(200)]


@pytest.mark.parametrize(
    ("path", "is_theirs"),
    [
        ("/approvals/gate/run-1?sig=x", True),
        ("/approvals/gate", False),
        ("/approvals/gate/run-1/more", False),
        ("/v1/approvals/gate", False),
    ],
)
def test_where_approvers_answer_another_function_does(path: str, is_theirs: bool) -> None:
    gateway, approvals = Function(), Function()
    front = Front(gateway, 0, tell=lambda _: None, approve=approvals)
    front.start()
    try:
        httpx.get(f"http://127.0.0.1:{front.port}{path}", trust_env=False, timeout=30)
    finally:
        front.stop()
    assert (len(approvals.events), len(gateway.events)) == (int(is_theirs), int(not is_theirs))
