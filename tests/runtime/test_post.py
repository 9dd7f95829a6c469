from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Iterator

import pytest

from penstock.runtime.breakage import Breakage
from penstock.runtime.post import CallerGoneError, StreamPost
from tests.runtime.wire_api import WireApi

pytestmark = pytest.mark.loopback


@pytest.fixture
def api() -> Iterator[WireApi]:
    api = WireApi()
    yield api
    api.stop()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A Runtime API that does nothing but what the test does with its connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)
        yield listener


def plenty_s() -> float:
    return 60.0


def post_to(listener: socket.socket) -> StreamPost:
    return StreamPost(f"127.0.0.1:{listener.getsockname()[1]}", plenty_s)


def send_for_ever(post: StreamPost) -> None:
    while True:
        post.send(b"")


def test_an_answer_is_one_request_of_chunks(api: WireApi) -> None:
    post = StreamPost(api.address, plenty_s)
    post.begin("id-1", "invocation-1", b"head")
    post.send(b"a" * 16)
    post.send(b"")
    post.send(b"b")
    assert post.finish() == 202
    post.close()
    head = (
        "POST /2018-06-01/runtime/invocation/id-1/response HTTP/1.1\r\n"
        f"Host: {api.address}\r\n"
        "Content-Type: application/vnd.awslambda.http-integration-response\r\n"
        "Lambda-Runtime-Function-Response-Mode: streaming\r\n"
        "Transfer-Encoding: chunked\r\n"
        "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n"
        "Lambda-Runtime-Invocation-Id: invocation-1\r\n\r\n"
    )
    body = b"4\r\nhead\r\n10\r\naaaaaaaaaaaaaaaa\r\n1\r\nb\r\n0\r\n\r\n"
    assert api.requests.get(timeout=30) == head.encode() + body


def test_a_broken_answer_ends_with_its_error_in_the_trailers(api: WireApi) -> None:
    post = StreamPost(api.address, plenty_s)
    post.begin("id-1", None, b"head")
    breakage = Breakage("ValueError", ("frame",))
    assert post.break_off(breakage) == 202
    post.close()
    request = api.requests.get(timeout=30)
    assert b"Lambda-Runtime-Invocation-Id" not in request
    error = base64.b64encode(json.dumps(breakage.error_object()).encode())
    assert request.endswith(
        b"4\r\nhead\r\n0\r\nLambda-Runtime-Function-Error-Type: ValueError\r\n"
        b"Lambda-Runtime-Function-Error-Body: " + error + b"\r\n\r\n"
    )


def test_a_runtime_api_that_hangs_up_is_seen_before_the_next_chunk(listener: socket.socket) -> None:
    post = post_to(listener)
    post.begin("id-1", None, b"head")
    connection, _ = listener.accept()
    connection.recv(65536)
    connection.shutdown(socket.SHUT_WR)
    with pytest.raises(CallerGoneError):
        send_for_ever(post)
    post.close()
    connection.close()


def test_a_runtime_api_that_hangs_up_in_silence_is_told_to_who_waits(listener: socket.socket) -> None:
    gone = threading.Event()
    post = post_to(listener)
    post.begin("id-1", None, b"head", gone.set)
    connection, _ = listener.accept()
    connection.close()
    assert gone.wait(30)
    assert post.gone
    post.close()


def test_nobody_is_told_once_the_answer_has_ended(api: WireApi) -> None:
    told: list[bool] = []
    post = StreamPost(api.address, plenty_s)
    post.begin("id-1", None, b"head", lambda: told.append(True))
    assert post.finish() == 202
    post.close()
    assert (told, post.gone) == ([], False)


def test_a_send_waits_for_a_reader_only_as_long_as_there_is_time(listener: socket.socket) -> None:
    left_s = iter([60.0, 60.0])
    post = StreamPost(f"127.0.0.1:{listener.getsockname()[1]}", lambda: next(left_s, 0.0))
    post.begin("id-1", None, b"head")
    with pytest.raises(CallerGoneError):
        post.send(b"x" * 64 * 1024 * 1024)
    post.close()


def test_what_a_reader_takes_at_once_is_sent_when_there_is_no_time_left(api: WireApi) -> None:
    left_s = iter([60.0])
    post = StreamPost(api.address, lambda: next(left_s, -5.0))
    post.begin("id-1", None, b"head")
    post.send(b"the last words")
    assert post.finish() == 202
    post.close()


def test_a_runtime_api_that_is_not_there_takes_nothing(listener: socket.socket) -> None:
    post = post_to(listener)
    listener.close()
    with pytest.raises(CallerGoneError):
        post.begin("id-1", None, b"head")
    post.close()
