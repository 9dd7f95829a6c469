"""Streams of the echo upstream on the wire, and what their client sees."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from penstock.dev.echo import Echo
from tests.dev.test_processes import eventually


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def echo(slept: list[float]) -> Iterator[Echo]:
    echo = Echo(sleep=slept.append)
    echo.start()
    yield echo
    echo.stop()


@pytest.fixture
def client(echo: Echo) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{echo.port}", timeout=30) as client:
        yield client


def body_of(directives: str, **members: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": "a b c d"}]
    return {
        "model": "echo",
        "messages": messages,
        "stream": True,
        "metadata": {"echo": directives},
        **members,
    }


def wire(echo: Echo, directives: str) -> bytes:
    """All bytes of the answer's body, as they are framed, until the connection ends."""
    body = json.dumps(body_of(directives)).encode()
    with socket.create_connection(("127.0.0.1", echo.port), timeout=30) as connection:
        head = (
            "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        )
        connection.sendall((head % len(body)).encode() + body)
        content = b"".join(iter(lambda: connection.recv(65536), b""))
    return content.partition(b"\r\n\r\n")[2]


def ends(client: httpx.Client) -> list[Any]:
    return [seen["stream"] for seen in client.get("/_seen").json()["requests"]]


def test_a_stream_is_an_event_stream_in_chunks(client: httpx.Client) -> None:
    response = client.post("/v1/chat/completions", json=body_of(""))
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["transfer-encoding"] == "chunked"
    assert response.text.endswith("\n\ndata: [DONE]\n\n")
    assert ends(client) == [{"writes": 9, "end": "whole"}]


def test_a_connection_serves_one_stream_after_another(client: httpx.Client) -> None:
    answers = {client.post("/v1/chat/completions", json=body_of("")).text for _ in range(3)}
    assert len(answers) == 1


def test_a_cut_stream_ends_within_a_chunk(echo: Echo) -> None:
    *whole, last = wire(echo, "cut=2").split(b"\n\n\r\n")
    size, _, rest = last.partition(b"\r\n")
    assert len(whole) == 2
    assert 0 < len(rest) < int(size, 16)


@pytest.mark.parametrize(("directive", "writes"), [("cut=0", 0), ("cut=3", 3), ("cut", 4)])
def test_a_client_of_a_cut_stream_knows_it(client: httpx.Client, directive: str, writes: int) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        client.post("/v1/chat/completions", json=body_of(directive))
    assert eventually(lambda: ends(client) == [{"writes": writes, "end": "cut"}])


def test_a_cut_beyond_the_end_is_at_the_end(echo: Echo) -> None:
    assert not wire(echo, "cut=100").endswith(b"0\r\n\r\n")


def test_it_waits_before_each_write_and_in_the_middle(client: httpx.Client, slept: list[float]) -> None:
    client.post("/v1/chat/completions", json=body_of("delay=7; pause=1; stall=5"))
    assert slept == [7.0, 1.0, 1.0, 1.0, 1.0, 6.0, 1.0, 1.0, 1.0, 1.0]


@pytest.mark.parametrize("directives", ["no-done", "error=1"])
def test_what_ends_without_its_terminator_ends_cleanly_all_the_same(
    client: httpx.Client, directives: str
) -> None:
    assert "[DONE]" not in client.post("/v1/chat/completions", json=body_of(directives)).text


def test_an_endless_stream_ends_when_its_client_goes(client: httpx.Client) -> None:
    with client.stream("POST", "/v1/chat/completions", json=body_of("endless")) as response:
        lines = response.iter_lines()
        for _ in range(100):
            next(lines)
    assert eventually(lambda: ends(client)[0]["end"] == "gone")


def test_a_compressed_stream_says_so(client: httpx.Client) -> None:
    response = client.post("/v1/chat/completions", json=body_of("gzip"))
    assert response.headers["content-encoding"] == "gzip"
    assert response.text.endswith("data: [DONE]\n\n")


def test_a_stream_can_lie_about_its_type(client: httpx.Client) -> None:
    response = client.post("/v1/chat/completions", json=body_of("lie-type"))
    assert response.headers["content-type"].startswith("text/html")
    assert response.text.startswith("data:")


@pytest.mark.parametrize(
    "directives", ["split=few", "pause=long", "cut=here", "framing=odd", "endless; split=x"]
)
def test_what_cannot_be_is_refused_before_anything_is_sent(client: httpx.Client, directives: str) -> None:
    response = client.post("/v1/chat/completions", json=body_of(directives))
    assert (response.status_code, response.json()["error"]["code"]) == (400, "unknown_directive")


def test_an_error_of_the_api_is_no_stream(client: httpx.Client) -> None:
    response = client.post("/v1/chat/completions", json=body_of("fail=429"))
    assert (response.status_code, response.json()["error"]["param"]) == (429, None)
    assert ends(client) == [None]
