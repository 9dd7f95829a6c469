"""Streams through all of the local gateway: process, Runtime API, exchange, front, HTTP caller."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from penstock.dev.front import Front
from penstock.dev.invocation import Outcome, Refused, RefusedError, Relay, Streamed
from tests.dev.conftest import MakePool
from tests.dev.test_processes import eventually

Serve = Callable[..., Front]


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def serve(make_pool: MakePool, tmp_path: Path, told: list[str]) -> Iterator[Serve]:
    """A front before environments of the streaming sample."""
    fronts: list[Front] = []

    def start(**options: object) -> Front:
        pool = make_pool(
            handler="tests.runtime.sample_stream.handler",
            environment={"FOLDER": str(tmp_path)},
            **{"streams": True, "warm": 1, "maximum": 1, **options},
        )
        front = Front(pool.invoke, 0, tell=told.append)
        front.start()
        fronts.append(front)
        return front

    yield start
    for front in fronts:
        front.stop()


def url(front: Front, path: str) -> str:
    return f"http://127.0.0.1:{front.port}{path}"


@contextlib.contextmanager
def raw(front: Front, request: str, *, receive_buffer_bytes: int | None = None) -> Iterator[socket.socket]:
    with socket.socket() as caller:
        if receive_buffer_bytes:
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        caller.settimeout(30)
        caller.connect(("127.0.0.1", front.port))
        caller.sendall(f"{request}\r\nHost: x\r\n\r\n".encode())
        yield caller


def all_of(caller: socket.socket) -> bytes:
    content = b""
    while piece := caller.recv(65536):
        content += piece
    return content


def test_a_streamed_answer_reaches_the_caller_with_its_head(serve: Serve) -> None:
    response = httpx.get(url(serve(), "/two"), timeout=30)
    assert (response.status_code, response.text) == (200, "data: 1\n\ndata: é\n\n")
    assert response.headers["content-type"] == "text/event-stream"
    assert response.headers.get_list("x-twice") == ["1", "2"]
    assert response.headers["transfer-encoding"] == "chunked"
    assert "x-amzn-requestid" in response.headers


def test_each_chunk_reaches_the_caller_before_the_next_is_made(serve: Serve, tmp_path: Path) -> None:
    with httpx.stream("GET", url(serve(), "/wait"), timeout=30) as response:
        chunks = response.iter_raw()
        assert next(chunks) == b"first"
        (tmp_path / "go").touch()
        assert list(chunks) == [b"second"]


def test_the_head_can_go_ahead_of_the_first_byte(serve: Serve) -> None:
    with httpx.stream("GET", url(serve(), "/silent"), timeout=30) as response:
        assert response.status_code == 200


def test_a_connection_serves_one_stream_after_another(serve: Serve) -> None:
    front = serve()
    with httpx.Client(base_url=url(front, ""), timeout=30) as client:
        assert {client.get("/few").text for _ in range(3)} == {"01234"}


def test_a_buffered_answer_on_a_streamed_route_is_the_same_to_the_caller(serve: Serve) -> None:
    response = httpx.get(url(serve(), "/buffered"), timeout=30)
    assert (response.status_code, response.json(), response.headers["x-a"]) == (403, {"no": "é"}, "1")


def test_a_head_request_gets_the_head_alone(serve: Serve) -> None:
    with raw(serve(), "HEAD /two HTTP/1.1\r\nConnection: close") as caller:
        head, _, body = all_of(caller).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert body == b""


def test_a_caller_of_http_1_0_gets_the_body_unframed(serve: Serve) -> None:
    with raw(serve(), "GET /two HTTP/1.0") as caller:
        head, _, body = all_of(caller).partition(b"\r\n\r\n")
    assert b"Transfer-Encoding" not in head
    assert body == "data: 1\n\ndata: é\n\n".encode()


@pytest.mark.parametrize("path", ["/later", "/exit"])
def test_a_stream_that_breaks_ends_without_its_last_chunk(serve: Serve, told: list[str], path: str) -> None:
    front = serve()
    with raw(front, f"GET {path} HTTP/1.1") as caller:
        content = all_of(caller)
    assert content.endswith(b"\r\n\r\n9\r\ndata: 1\n\n\r\n")
    assert len(told) == 1
    assert httpx.get(url(front, "/few"), timeout=30).text == "01234"


@pytest.mark.parametrize("path", ["/first", "/raise", "/object"])
def test_what_goes_wrong_before_the_first_byte_is_a_clean_502(
    serve: Serve, told: list[str], path: str
) -> None:
    response = httpx.get(url(serve(), path), timeout=30)
    assert (response.status_code, response.json()["error"]["code"]) == (502, "function_failed")
    assert len(told) == 1


@pytest.mark.parametrize("path", ["/drops", "/silent", "/flood"])
def test_a_caller_who_goes_away_ends_the_chunks_within_a_second(
    serve: Serve, tmp_path: Path, told: list[str], path: str
) -> None:
    front = serve()
    with raw(front, f"GET {path} HTTP/1.1") as caller:
        assert caller.recv(100)
    gone_at = time.time()
    closed = tmp_path / "closed"
    assert eventually(lambda: closed.exists() and closed.read_text() != "")
    # Half a second is usual; a machine that is busy with other things gets more.
    assert float(closed.read_text()) - gone_at < 5
    assert httpx.get(url(front, "/few"), timeout=30).text == "01234"  # from the same environment
    assert told == []


def test_a_slow_reader_holds_the_function_back_instead_of_filling_memory(
    serve: Serve, tmp_path: Path
) -> None:
    made = tmp_path / "made"
    with raw(serve(), "GET /flood HTTP/1.1", receive_buffer_bytes=8192) as caller:
        assert caller.recv(1000)
        assert eventually(lambda: _is_still(made))
        before = made.stat().st_size
        for _ in range(20):
            assert caller.recv(1000)
            time.sleep(0.01)
        after = made.stat().st_size
    # Pieces of 16 KB. Held on the way: kernel buffers of three sockets, and `HELD_BYTES`.
    assert before * 16 < 16 * 1024
    assert after - before <= 16


def _is_still(made: Path) -> bool:
    before = made.stat().st_size
    time.sleep(0.3)
    return before == made.stat().st_size


def test_fifty_streams_at_once_take_their_turn_on_few_environments(serve: Serve) -> None:
    front = serve(warm=2, maximum=2)
    limits = httpx.Limits(max_connections=50)
    with (
        httpx.Client(base_url=url(front, ""), timeout=120, limits=limits) as client,
        ThreadPoolExecutor(50) as callers,
    ):
        answers = list(callers.map(lambda _: client.get("/few"), range(50)))
    assert [answer.text for answer in answers] == ["01234"] * 50


def test_a_stream_can_end_by_itself_before_its_deadline(serve: Serve) -> None:
    response = httpx.get(url(serve(timeout_s=5.0), "/deadline"), timeout=30)
    assert response.text.endswith(".deadline")


def test_a_stream_beyond_its_deadline_is_killed_and_its_caller_cut_off(serve: Serve, told: list[str]) -> None:
    front = serve(timeout_s=2.0)
    with raw(front, "GET /drops HTTP/1.1") as caller:
        assert not all_of(caller).endswith(b"0\r\n\r\n")
    assert "longer than 2 s" in told[0]


def test_a_caller_who_does_not_read_leaves_the_function_its_last_words(serve: Serve, tmp_path: Path) -> None:
    with raw(serve(timeout_s=6.0), "GET /flood HTTP/1.1", receive_buffer_bytes=8192):
        closed = tmp_path / "closed"
        assert eventually(lambda: closed.exists() and closed.read_text() != "")


class Says:
    """A function that streams these bytes."""

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = chunks

    def __call__(self, event: bytes, relay: Relay) -> Outcome:
        try:
            for chunk in self._chunks:
                relay.pass_on(chunk)
        except RefusedError:
            return Refused()
        return Streamed()


@pytest.fixture
def answer(told: list[str]) -> Iterator[Callable[..., httpx.Response]]:
    fronts: list[Front] = []

    def ask(*chunks: bytes) -> httpx.Response:
        front = Front(Says(*chunks), 0, tell=told.append)
        front.start()
        fronts.append(front)
        return httpx.get(url(front, "/"), timeout=30)

    yield ask
    for front in fronts:
        front.stop()


def test_a_prelude_may_come_in_pieces_and_with_the_first_of_the_body(
    answer: Callable[..., httpx.Response],
) -> None:
    pieces = (b'{"status', b'Code":201,"cookies":["a=1"]}\0\0\0', b"\0\0\0\0\0a", b"b")
    response = answer(*pieces)
    assert (response.status_code, response.text) == (201, "ab")
    assert response.headers["set-cookie"] == "a=1"


def test_an_answer_without_content_has_no_chunks(answer: Callable[..., httpx.Response]) -> None:
    response = answer(b'{"statusCode":204}\0\0\0\0\0\0\0\0')
    assert response.status_code == 204
    assert "transfer-encoding" not in response.headers


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        b'{"statusCode":200}',
        b" " * 17_000 + b'{"statusCode":200}\0\0\0\0\0\0\0\0',
        b"data: 1\n\n\0\0\0\0\0\0\0\0",
        b'{"statusCode":200,"body":"x"}\0\0\0\0\0\0\0\0',
        b'{"statusCode":200,"headers":{"a":"b\\r\\nc: d"}}\0\0\0\0\0\0\0\0',
        b'{"statusCode":200,"cookies":["a=1\\r\\nc: d"]}\0\0\0\0\0\0\0\0',
    ],
)
def test_what_has_no_proper_prelude_is_a_502(
    answer: Callable[..., httpx.Response], told: list[str], wire: bytes
) -> None:
    response = answer(wire)
    assert (response.status_code, response.json()["error"]["code"]) == (502, "function_failed")
    assert told == ["the function returned what is not a proxy response"]
