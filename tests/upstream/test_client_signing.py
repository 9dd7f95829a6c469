"""Providers in AWS without a key: what reaches them is, byte for byte, what the role has signed."""

from __future__ import annotations

import functools

import pytest

from penstock.adapters.signing import RoleSigner
from penstock.errors import ConfigurationError, UpstreamError
from penstock.upstream.client import HttpUpstream, Sending
from penstock.upstream.target import Target
from tests.upstream.server import KEY, OK, Server, answering, shared_upstream
from tests.upstream.sigv4 import verified

pytestmark = pytest.mark.loopback

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
BODY = '{"model":"anthropic.claude-opus-4-6","messages":[{"role":"user","content":"ü"}]}'.encode()
EVENTS = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 9\r\n\r\ndata: 1\n\n"


@functools.cache
def signing_upstream() -> HttpUpstream:
    """One for all tests, with the credentials of the first."""
    return HttpUpstream(signer=RoleSigner())


@functools.cache
def broken_upstream() -> HttpUpstream:
    return HttpUpstream(signer=Broken())


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch) -> HttpUpstream:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session-token")
    return signing_upstream()


def bedrock(server: Server, **more: object) -> Target:
    signing = {"auth": "aws", "aws_service": "bedrock-mantle", "aws_region": "eu-west-1"}
    return server.target(**{**signing, **more})


def test_a_whole_and_a_streamed_call_are_signed(upstream: HttpUpstream) -> None:
    headers = {"anthropic-version": "2023-06-01", "anthropic-beta": "context-1m-2025-08-07"}
    with Server(answering(OK)) as server:
        upstream.post(bedrock(server), "/messages", BODY, headers, None, 20)
        whole = server.requests[0]
    with Server(answering(EVENTS)) as server:
        stream = upstream.stream(bedrock(server), "/messages", BODY, headers, None, 20)
        assert stream.read() == b"data: 1\n\n"
        stream.close()
        streamed = server.requests[0]
    for request in (whole, streamed):
        found = verified(request, SECRET)
        assert (found["service"], found["region"]) == ("bedrock-mantle", "eu-west-1")
        assert request.endswith(BODY)
        assert b"x-amz-security-token: session-token" in request.lower()


def test_what_passes_unread_is_signed_too_with_its_query(upstream: HttpUpstream) -> None:
    with Server(answering(OK)) as server:
        sending = Sending("POST", (("b", "x y/z"), ("a", "ü")), b"\x00\xff")
        stream = upstream.send(bedrock(server, query={"v": "1"}), "/files", sending, {}, None, 20)
        stream.body()
        verified(server.requests[0], SECRET)


def test_a_body_that_is_changed_on_the_way_is_noticed(upstream: HttpUpstream) -> None:
    with Server(answering(OK)) as server:
        upstream.post(bedrock(server), "/messages", BODY, {}, None, 20)
        with pytest.raises(AssertionError):
            verified(server.requests[0].replace(b"claude", b"CLAUDE"), SECRET)


def test_nobody_elses_credentials_go_along(upstream: HttpUpstream) -> None:
    sneaky = {"Authorization": "Bearer mine"}
    with Server(answering(OK)) as server:
        upstream.post(bedrock(server), "/messages", BODY, sneaky, KEY, 20)
    request = server.requests[0]
    verified(request, SECRET)
    assert b"mine" not in request
    assert KEY.encode() not in request
    assert request.lower().count(b"authorization:") == 1


class Broken:
    def sign(self, *_: object) -> dict[str, str]:
        raise ConfigurationError("sign", "no AWS credentials were found.")


@pytest.mark.parametrize("has_signer", [True, False])
def test_without_a_signature_nothing_is_sent(has_signer: bool) -> None:
    broken = broken_upstream() if has_signer else shared_upstream()
    with Server(answering(OK)) as server:
        with pytest.raises(UpstreamError) as refused:
            broken.post(bedrock(server), "/messages", BODY, {}, None, 20)
        assert (refused.value.outcome, server.requests) == ("no_credentials", [])


def test_other_providers_are_not_signed(upstream: HttpUpstream) -> None:
    with Server(answering(OK)) as server:
        upstream.post(server.target(), "/messages", BODY, {}, KEY, 20)
    assert b"x-amz-" not in server.requests[0].lower()
