from __future__ import annotations

import io
import socket
import threading
from collections.abc import Iterator
from email.message import Message

import httpx
import pytest

from penstock.dev.http_server import Body, BodyError, BodyTooLargeError, Connection, Server, json_headers


def body_of(content: bytes, *headers: tuple[str, str]) -> Body:
    message = Message()
    for name, value in headers:
        message[name] = value
    return Body(message, io.BytesIO(content))


def test_a_counted_body_ends_where_it_says() -> None:
    assert body_of(b"hello, and the next request", ("Content-Length", "5")).read(100) == b"hello"


def test_a_body_without_a_length_is_empty() -> None:
    assert body_of(b"the next request").read(100) == b""


def test_a_chunked_body_is_joined_and_its_trailers_are_kept() -> None:
    wire = b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-After: yes\r\n\r\nrest"
    body = body_of(wire, ("Transfer-Encoding", "chunked"))
    assert body.read(100) == b"abcde"
    assert body.trailers == {"x-after": "yes"}


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b"abc", [("Content-Length", "5")]),
        (b"abc", [("Content-Length", "-1")]),
        (b"abc", [("Content-Length", "three")]),
        (b"abc", [("Content-Length", "3"), ("Content-Length", "2")]),
        (b"3\r\nabc\r\n0\r\n\r\n", [("Transfer-Encoding", "chunked"), ("Content-Length", "3")]),
        (b"abc", [("Transfer-Encoding", "gzip, chunked")]),
        (b"abc", [("Content-Length", "1" * 5000)]),
        (b"-3\r\nabc", [("Transfer-Encoding", "chunked")]),
        (b"+3\r\nabc\r\n0\r\n\r\n", [("Transfer-Encoding", "chunked")]),
        (b"0x3\r\nabc\r\n0\r\n\r\n", [("Transfer-Encoding", "chunked")]),
        (b"0_3\r\nabc\r\n0\r\n\r\n", [("Transfer-Encoding", "chunked")]),
        (b"zz\r\nabc", [("Transfer-Encoding", "chunked")]),
        (b"3\r\nab", [("Transfer-Encoding", "chunked")]),
        (b"3\r\nabc\r\n", [("Transfer-Encoding", "chunked")]),
    ],
)
def test_a_body_that_is_framed_wrongly_is_refused(content: bytes, headers: list[tuple[str, str]]) -> None:
    with pytest.raises(BodyError):
        body_of(content, *headers).read(100)


def test_a_body_beyond_the_limit_is_not_kept_and_can_be_drained() -> None:
    body = body_of(b"x" * 200_000, ("Content-Length", "200000"))
    with pytest.raises(BodyTooLargeError):
        body.read(100_000)
    assert sum(map(len, body)) < 100_000


def answer(connection: Connection) -> None:
    content = connection.body.read(1000)
    connection.send(200, json_headers({"X-Method": connection.command}), content or b"{}")


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(answer)
    server.start()
    yield server
    server.stop()


def test_a_connection_serves_one_request_after_another(server: Server) -> None:
    wire = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=30) as connection:
        for letter in (b"a", b"b"):
            connection.sendall(wire + letter)
            assert connection.recv(65536).endswith(b"\r\n\r\n" + letter)


def test_head_is_answered_without_the_body_but_with_its_length(server: Server) -> None:
    response = httpx.head(f"http://{server.address}/")
    assert (response.content, response.headers["content-length"]) == (b"", "2")


def test_every_method_of_http_reaches_the_server(server: Server) -> None:
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        assert httpx.request(method, f"http://{server.address}/").headers["x-method"] == method


@pytest.mark.parametrize(
    "line", [b"nonsense\r\n\r\n", b"TEAPOT / HTTP/1.1\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"]
)
def test_what_is_no_request_gets_an_error_and_the_connection_ends(server: Server, line: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=30) as connection:
        connection.sendall(line)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b'{"error"' in received


def test_two_hundred_callers_at_once_are_all_served(server: Server) -> None:
    statuses: list[int] = []

    def call() -> None:
        with socket.create_connection(("127.0.0.1", server.server_port), timeout=30) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            statuses.append(int(connection.recv(65536).split()[1]))

    callers = [threading.Thread(target=call) for _ in range(200)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert statuses == [200] * 200


def test_stopping_ends_open_connections(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=30) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.recv(65536)
        server.stop()
        assert connection.recv(1) == b""


def test_a_server_is_drained_when_its_last_connection_has_ended(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=30) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.recv(65536)
        assert not server.drained(0.05)
    assert server.drained(30)


def test_a_connection_that_waits_to_be_accepted_is_not_forgotten() -> None:
    server = Server(answer)
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=30):
        assert not server.drained(0.05)
        server.start()
    assert server.drained(30)
    server.stop()
    assert server.drained(0)
