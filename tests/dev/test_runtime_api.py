from __future__ import annotations

import base64
import contextlib
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from penstock.dev.invocation import HELD_BYTES, Begun, Ended, Exchange, Failed, Invocation
from penstock.dev.runtime_api import PAYLOAD_LIMIT_BYTES, STREAM_LIMIT_BYTES, RuntimeApi

INVOCATION = Invocation("id-1", b'{"a":1}', 1_700_000_000_000, "arn:aws:lambda:x", "Root=1-2-3")


@pytest.fixture
def api() -> Iterator[RuntimeApi]:
    api = RuntimeApi()
    api.start()
    yield api
    api.stop()


@pytest.fixture
def client(api: RuntimeApi) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://{api.address}/2018-06-01/runtime", timeout=30) as client:
        yield client


@pytest.fixture
def exchange(api: RuntimeApi, client: httpx.Client) -> Exchange:
    """An invocation that the environment has been given."""
    exchange = Exchange(INVOCATION)
    api.hand_over(exchange)
    client.get("/invocation/next")
    return exchange


def parts(exchange: Exchange) -> list[object]:
    found: list[object] = []
    while (part := exchange.take(0)) is not None:
        found.append(part)
    return found


def test_next_waits_for_an_invocation_and_says_all_of_it(api: RuntimeApi, client: httpx.Client) -> None:
    with ThreadPoolExecutor(1) as runtime:
        waiting = runtime.submit(client.get, "/invocation/next")
        assert api.first_word.wait(30)
        api.hand_over(Exchange(INVOCATION))
        response = waiting.result()
    assert response.content == b'{"a":1}'
    assert response.headers["Lambda-Runtime-Aws-Request-Id"] == "id-1"
    assert response.headers["Lambda-Runtime-Deadline-Ms"] == "1700000000000"
    assert response.headers["Lambda-Runtime-Invoked-Function-Arn"] == "arn:aws:lambda:x"
    assert response.headers["Lambda-Runtime-Trace-Id"] == "Root=1-2-3"


def test_a_response_comes_as_parts(client: httpx.Client, exchange: Exchange) -> None:
    assert client.post("/invocation/id-1/response", content=b'{"b":2}').status_code == 202
    begun, *chunks, ended = parts(exchange)
    assert begun == Begun("application/json", streaming=False)
    assert chunks == [b'{"b":2}']
    assert ended == Ended()


def test_a_streamed_response_comes_chunk_by_chunk_with_the_error_of_its_trailers(
    api: RuntimeApi, exchange: Exchange
) -> None:
    host, _, port = api.address.partition(":")
    error = base64.b64encode(b'{"errorType":"E"}').decode()
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(
            b"POST /2018-06-01/runtime/invocation/id-1/response HTTP/1.1\r\nHost: x\r\n"
            b"Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Type: application/vnd.awslambda.http-integration-response\r\n\r\n2\r\nab\r\n"
        )
        assert isinstance(exchange.take(30), Begun)
        assert exchange.take(30) == b"ab"
        trailers = (
            f"Lambda-Runtime-Function-Error-Type: E\r\nLambda-Runtime-Function-Error-Body: {error}\r\n\r\n"
        )
        connection.sendall(b"1\r\nc\r\n0\r\n" + trailers.encode())
        assert exchange.take(30) == b"c"
        assert exchange.take(30) == Ended('{"errorType":"E"}')
        assert b" 202 " in connection.recv(65536)


def test_an_error_of_the_function_comes_as_it_was_sent(client: httpx.Client, exchange: Exchange) -> None:
    assert client.post("/invocation/id-1/error", content=b'{"errorType":"E"}').status_code == 202
    assert parts(exchange) == [Failed(b'{"errorType":"E"}')]


def test_a_response_beyond_the_quota_is_an_error(client: httpx.Client, exchange: Exchange) -> None:
    with ThreadPoolExecutor(1) as runtime:
        answered = runtime.submit(
            client.post, "/invocation/id-1/response", content=b"x" * (PAYLOAD_LIMIT_BYTES + 1)
        )
        while isinstance(part := exchange.take(30), Begun | bytes):
            pass
        answered.result()
    assert isinstance(part, Failed)
    assert b"Function.ResponseSizeTooLarge" in part.payload


def test_an_answer_to_what_is_not_under_way_is_refused(client: httpx.Client, exchange: Exchange) -> None:
    assert client.post("/invocation/another/response", content=b"1").status_code == 400
    assert client.post("/invocation/id-1/response", content=b"1").status_code == 202
    assert client.post("/invocation/id-1/response", content=b"2").status_code == 400


def test_an_error_while_starting_is_kept(api: RuntimeApi, client: httpx.Client) -> None:
    assert client.post("/init/error", content=b'{"errorType":"E"}').status_code == 202
    assert api.first_word.is_set()
    assert api.init_error == b'{"errorType":"E"}'


def test_another_path_is_not_found(client: httpx.Client) -> None:
    assert client.get("/restore/next").status_code == 404


def chunk_of(content: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(content), content)


STREAM_HEAD = (
    b"POST /2018-06-01/runtime/invocation/id-1/response HTTP/1.1\r\nHost: x\r\n"
    b"Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n\r\n"
)


@pytest.fixture
def environment(api: RuntimeApi, exchange: Exchange) -> Iterator[socket.socket]:
    """The environment's connection, after it has begun to stream."""
    host, _, port = api.address.partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(STREAM_HEAD)
        assert isinstance(exchange.take(30), Begun)
        yield connection


def test_an_environment_waits_while_nobody_takes_what_it_streams(
    exchange: Exchange, environment: socket.socket
) -> None:
    environment.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
    environment.settimeout(0.5)
    sent_bytes = 0
    with contextlib.suppress(TimeoutError):
        while sent_bytes < STREAM_LIMIT_BYTES:
            environment.sendall(chunk_of(b"x" * 32_000))
            sent_bytes += 32_000
    held_bytes = 0
    while isinstance(part := exchange.take(0.5), bytes):
        held_bytes += len(part)
    assert sent_bytes < 32 * 1024 * 1024  # what the kernel holds; the rest was never made
    assert held_bytes >= sent_bytes


def test_an_abandoned_stream_ends_the_connection_although_it_is_silent(
    exchange: Exchange, environment: socket.socket
) -> None:
    exchange.abandon()
    assert environment.recv(1) == b""


def test_a_stream_that_is_cut_short_has_failed_when_the_environment_asks_for_work(
    exchange: Exchange, environment: socket.socket, client: httpx.Client, api: RuntimeApi
) -> None:
    environment.sendall(chunk_of(b"a"))
    assert exchange.take(30) == b"a"
    environment.close()
    with ThreadPoolExecutor(1) as runtime:
        waiting = runtime.submit(client.get, "/invocation/next")
        part = exchange.take(30)
        api.hand_over(Exchange(INVOCATION))
        waiting.result()
    assert isinstance(part, Failed)
    assert b"Runtime.TruncatedResponse" in part.payload


def test_a_stream_given_up_just_after_asking_for_work_has_failed_as_well(
    exchange: Exchange, environment: socket.socket, client: httpx.Client, api: RuntimeApi
) -> None:
    with ThreadPoolExecutor(1) as runtime:
        waiting = runtime.submit(client.get, "/invocation/next")
        assert exchange.take(0.3) is None
        assert not api.waiting.is_set()
        environment.close()
        part = exchange.take(30)
        api.hand_over(Exchange(INVOCATION))
        waiting.result()
    assert isinstance(part, Failed)


def test_what_a_process_had_written_when_it_ended_is_there_when_the_api_has_settled(
    exchange: Exchange, environment: socket.socket, client: httpx.Client, api: RuntimeApi
) -> None:
    environment.sendall(chunk_of(b"x") * 5000)
    for connection in (environment, client):
        connection.close()
    assert api.settle(30)
    assert parts(exchange) == [b"x"] * 5000


def test_settling_does_not_wait_for_ever_for_a_caller_who_does_not_read(
    exchange: Exchange, environment: socket.socket, api: RuntimeApi
) -> None:
    environment.sendall(chunk_of(b"x" * HELD_BYTES) + chunk_of(b"y"))
    environment.close()
    assert not api.settle(0.1)


def test_an_environment_that_waits_for_work_settles_at_once(api: RuntimeApi, client: httpx.Client) -> None:
    with ThreadPoolExecutor(1) as runtime:
        waiting = runtime.submit(client.get, "/invocation/next")
        assert api.waiting.wait(30)
        with contextlib.suppress(httpx.TransportError):
            api.settle(0.0)
            waiting.result()
    client.close()
    assert api.settle(30)
