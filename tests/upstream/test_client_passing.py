"""What is passed on unread: method, query, type and bytes are the caller's; the rest is the operator's."""

from __future__ import annotations

import pytest

from penstock.errors import UpstreamError
from penstock.upstream.client import HttpUpstream, Sending
from tests.upstream.server import KEY, OK, Server, answering, shared_upstream

pytestmark = pytest.mark.loopback

BYTES = bytes(range(256))
FORM = {"content-type": "multipart/form-data; boundary=x"}


@pytest.fixture
def upstream() -> HttpUpstream:
    return shared_upstream()


def test_bytes_and_their_type_go_as_they_are_with_the_provider_s_key(upstream: HttpUpstream) -> None:
    with Server(answering(OK)) as server:
        stream = upstream.send(server.target(), "/files", Sending("POST", (), BYTES), FORM, KEY, 20)
        assert stream.body() == b'{"ok":true}'
    (request,) = server.requests
    assert request.startswith(b"POST /v1/files HTTP/1.1\r\n")
    assert request.endswith(b"\r\n\r\n" + BYTES)
    assert b"content-type: multipart/form-data; boundary=x\r\n" in request
    assert f"authorization: Bearer {KEY}\r\n".encode() in request


def test_a_query_goes_on_but_for_what_the_operator_has_set(upstream: HttpUpstream) -> None:
    query = (("API-Version", "mine"), ("include[]", "a b&c"), ("include[]", "ü"), ("empty", ""))
    with Server(answering(OK)) as server:
        target = server.target(query={"api-version": "2025-01-01"})
        upstream.send(target, "/files", Sending("GET", query, b""), {}, KEY, 20).body()
    line = server.requests[0].partition(b"\r\n")[0]
    assert line == (
        b"GET /v1/files?include%5B%5D=a%20b%26c&include%5B%5D=%C3%BC&empty=&api-version=2025-01-01 HTTP/1.1"
    )


def test_a_request_without_a_body_says_no_type(upstream: HttpUpstream) -> None:
    with Server(answering(OK)) as server:
        upstream.send(server.target(), "/files/a", Sending("DELETE", (), b""), {}, KEY, 20).body()
    assert b"content-type" not in server.requests[0].lower()


def test_a_redirect_is_not_followed(upstream: HttpUpstream) -> None:
    redirect = b"HTTP/1.1 302 Found\r\nlocation: https://elsewhere.example.com/\r\ncontent-length: 0\r\n\r\n"
    with Server(answering(redirect)) as server, pytest.raises(UpstreamError) as refused:
        upstream.send(server.target(), "/files/a", Sending("GET", (), b""), {}, KEY, 20)
    assert refused.value.outcome == "redirect"
