from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from penstock.egress.client import AliasTransport
from penstock.egress.messages import Failure, encode_failure, encode_response
from penstock.egress.network import RefusedAddressError
from penstock.errors import FailureClass, FieldNotGrantedError, PluginError

URL = "https://siem.example.com/in"


def client(answer: Callable[[bytes], bytes]) -> httpx.Client:
    return httpx.Client(transport=AliasTransport(answer), trust_env=False)


def answering(tree: dict[str, Any]) -> httpx.Client:
    return client(lambda _: json.dumps(tree).encode())


def test_a_request_leaves_by_the_alias_and_its_response_comes_back() -> None:
    sent: list[dict[str, Any]] = []

    def invoke(payload: bytes) -> bytes:
        sent.append(json.loads(payload))
        return json.dumps(encode_response(202, [(b"x-request-id", b"7")], b"taken")).encode()

    response = client(invoke).post(URL, content=b"{}")
    assert (response.status_code, response.headers["x-request-id"], response.text) == (202, "7", "taken")
    assert (sent[0]["method"], sent[0]["url"], sent[0]["body"]) == ("POST", URL, "e30=")


def test_a_redirect_that_is_followed_goes_by_the_alias_once_more() -> None:
    urls: list[str] = []

    def invoke(payload: bytes) -> bytes:
        urls.append(json.loads(payload)["url"])
        return json.dumps(encode_response(307, [(b"location", b"https://evil.example.com/")], b"")).encode()

    assert client(invoke).get(URL).status_code == 307
    with pytest.raises(httpx.TooManyRedirects):
        client(invoke).get(URL, follow_redirects=True)
    assert urls[:3] == [URL, URL, "https://evil.example.com/"]


@pytest.mark.parametrize(
    ("failure", "raised"),
    [
        (Failure.NOT_GRANTED, FieldNotGrantedError),
        (Failure.NOT_PUBLIC, RefusedAddressError),
        (Failure.TIMEOUT, httpx.ReadTimeout),
        (Failure.UNREACHED, httpx.ConnectError),
        (Failure.PROTOCOL, httpx.RemoteProtocolError),
        (Failure.TOO_LARGE, httpx.ReadError),
        (Failure.MALFORMED, httpx.LocalProtocolError),
    ],
)
def test_each_failure_is_the_error_that_a_connection_of_its_own_would_give(
    failure: Failure, raised: type[Exception]
) -> None:
    with pytest.raises(raised):
        answering(encode_failure(failure)).get(URL)


@pytest.mark.parametrize(
    ("failure", "raised"),
    [
        (FailureClass.TIMEOUT, httpx.ReadTimeout),
        (FailureClass.THROTTLED, httpx.ConnectError),
        (FailureClass.UNAVAILABLE, httpx.ConnectError),
        (FailureClass.EXCEPTION, httpx.ConnectError),
        (FailureClass.DENIED, PluginError),
    ],
)
def test_an_alias_that_cannot_be_invoked_is_a_host_that_is_not_there_unless_the_role_may_not(
    failure: FailureClass, raised: type[Exception]
) -> None:
    def invoke(_: bytes) -> bytes:
        raise PluginError(failure, "no")

    with pytest.raises(raised):
        client(invoke).get(URL)


@pytest.mark.parametrize("tree", [{}, {"status": 200}, {"errorMessage": "boom"}])
def test_an_answer_that_is_none_is_a_broken_connection(tree: dict[str, Any]) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        answering(tree).get(URL)
