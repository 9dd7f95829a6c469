from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import Any

import httpcore
import httpx
import pytest

from penstock.background.capabilities import MAX_RESPONSE_BYTES, GrantedTransport
from penstock.egress.client import AliasTransport
from penstock.egress.deadline import Deadline
from penstock.egress.function import Egress
from penstock.egress.messages import MAX_HEADERS, decode_answer, encode_request
from penstock.egress.network import PublicTransport

NAME = "acme-egress"
PLACE = f"arn:aws:lambda:eu-central-1:123456789012:function:{NAME}"
OWN, OTHER = f"{PLACE}:exporter", f"{PLACE}:notifier"
HOSTS = {
    "exporter": frozenset({"siem.example.com:443"}),
    "notifier": frozenset({"chat.example.com:443"}),
}
SECRET = "4242-secret"
NOT_GRANTED, MALFORMED = {"failure": "not_granted"}, {"failure": "malformed"}


class Kept:
    def text(self, _field: str, value: str) -> str:
        return value


def granted(inner: httpx.BaseTransport, hosts: frozenset[str]) -> httpx.BaseTransport:
    return GrantedTransport(inner, hosts, Kept())


def accepted(request: httpx.Request) -> httpx.Response:
    return httpx.Response(202, headers={"x-request-id": "7"}, content=b"ok", request=request)


def egress(handler: Any = accepted) -> Egress:
    return Egress(NAME, HOSTS, lambda _: httpx.MockTransport(handler), granted)


def event(url: str = "https://siem.example.com/in", **changed: Any) -> dict[str, Any]:
    request = httpx.Request("POST", url, content=SECRET.encode())
    tree: dict[str, Any] = json.loads(encode_request(request))
    return tree | changed


def test_the_owner_of_an_alias_reaches_its_host() -> None:
    answer = egress().answer(event(), OWN, 60)
    assert answer["status"] == 202
    assert decode_answer(json.dumps(answer).encode())[2] == b"ok"


def test_another_plugin_s_host_is_refused_and_nothing_is_sent() -> None:
    sent: list[httpx.Request] = []

    def receiver(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return accepted(request)

    side = egress(receiver)
    assert side.answer(event("https://chat.example.com/"), OWN, 60) == NOT_GRANTED
    assert sent == []
    assert side.answer(event("https://chat.example.com/"), OTHER, 60)["status"] == 202


@pytest.mark.parametrize(
    "arn",
    [
        PLACE,
        f"{PLACE}:$LATEST",
        f"{PLACE}:1",
        f"{PLACE}:nobody",
        f"{PLACE}:exporter:notifier",
        OWN.replace(NAME, "other-egress"),
        "exporter",
        f"{NAME}:exporter",
        "",
    ],
)
def test_who_is_invoked_by_no_plugin_s_alias_sends_nothing(arn: str) -> None:
    assert egress().answer(event(), arn, 60) == NOT_GRANTED


@pytest.mark.parametrize("key", ["alias", "plugin", "invoked_function_arn", "hosts"])
def test_an_event_that_says_who_it_is_is_refused(key: str) -> None:
    assert egress().answer(event(**{key: OTHER}), OWN, 60) == MALFORMED


@pytest.mark.parametrize(
    "headers",
    [
        [["host", "siem.example.com"], ["x-a", "1\r\nhost: evil.example.com"]],
        [["host", "siem.example.com"], ["x-a\r\n", "1"]],
    ],
)
def test_a_header_cannot_write_another(headers: list[list[str]]) -> None:
    assert egress().answer(event(headers=headers), OWN, 60) == MALFORMED


@pytest.mark.parametrize(
    "headers", [[["host", "evil.example.com"]], [["host", "siem.example.com"], ["host", "evil.example.com"]]]
)
def test_another_site_behind_the_same_address_is_refused(headers: list[list[str]]) -> None:
    assert egress().answer(event(headers=headers), OWN, 60) == NOT_GRANTED


@pytest.mark.parametrize(
    "url",
    [
        "http://siem.example.com:443/",
        "https://siem.example.com:444/",
        "https://user@siem.example.com/",
        "https://siem.example.com./",
        "https://siem.example.com@evil.example.com/",
        "https://169.254.169.254/",
        "https://2130706433/",
    ],
)
def test_any_other_spelling_or_place_is_refused(url: str) -> None:
    assert egress().answer(event(url), OWN, 60) == NOT_GRANTED


def test_a_redirect_is_handed_back_and_not_followed() -> None:
    asked: list[str] = []

    def elsewhere(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(302, headers={"location": "https://evil.example.com/"}, request=request)

    assert egress(elsewhere).answer(event(), OWN, 60)["status"] == 302
    assert asked == ["https://siem.example.com/in"]


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b"x" * (MAX_RESPONSE_BYTES + 1)),
        ({"content-encoding": "gzip"}, b"x"),
        ({f"x-{number}": "1" for number in range(MAX_HEADERS + 1)}, b""),
    ],
)
def test_an_answer_that_is_too_large_does_not_pass(headers: dict[str, str], body: bytes) -> None:
    def huge(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=headers, stream=httpx.ByteStream(body), request=request)

    assert egress(huge).answer(event(), OWN, 60) == {"failure": "too_large"}


def test_what_sends_has_what_is_left_without_the_time_to_answer_in() -> None:
    seen: list[float] = []

    def sender(deadline: Deadline) -> httpx.BaseTransport:
        seen.append(deadline.bound(None, httpcore.ReadTimeout))
        return httpx.MockTransport(accepted)

    assert Egress(NAME, HOSTS, sender, granted, lambda: 0.0).answer(event(), OWN, 11)["status"] == 202
    assert seen == [10.0]
    assert egress().answer(event(), OWN, 0.5) == {"failure": "timeout"}


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (httpx.ConnectError("no"), "unreached"),
        (httpx.ConnectTimeout("no"), "timeout"),
        (httpx.RemoteProtocolError("no"), "protocol"),
        (httpx.LocalProtocolError("no"), "malformed"),
        (RuntimeError(SECRET), "malformed"),
    ],
)
def test_whatever_fails_is_told_by_its_kind_and_logged_without_content(
    error: Exception, failure: str, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise error

    with caplog.at_level(logging.DEBUG):
        assert egress(broken).answer(event(), OWN, 60) == {"failure": failure}
    assert not any(SECRET in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.8", "169.254.169.254", "::ffff:10.0.0.1"])
def test_a_granted_name_that_leads_inside_is_refused(address: str) -> None:
    def resolve(_host: str, _port: int) -> Sequence[str]:
        return [address]

    side = Egress(NAME, HOSTS, lambda _: PublicTransport(resolve=resolve), granted)
    assert side.answer(event(), OWN, 60) == {"failure": "not_public"}


def test_both_sides_together_are_one_httpx_client() -> None:
    side = egress()
    asked: list[str] = []

    def invoke(payload: bytes) -> bytes:
        asked.append(OWN)
        return json.dumps(side.answer(json.loads(payload), OWN, 60)).encode()

    near = GrantedTransport(AliasTransport(invoke), HOSTS["exporter"], Kept())
    with httpx.Client(transport=near, trust_env=False) as client:
        assert client.post("https://siem.example.com/in", json={"a": 1}).text == "ok"
    (delivery,) = near.deliveries
    assert (delivery.host, delivery.status, delivery.delivery_id) == ("siem.example.com:443", 202, "7")
    assert asked == [OWN]
