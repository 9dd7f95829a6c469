from __future__ import annotations

from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter, ValidationError

from penstock.errors import UndeliverableError
from penstock.sdk import Context, PluginConfig
from penstock.sdk.context import NoCapabilities
from penstock.sdk.delivery import Answer, Url, attempted, compact_json, heals, post

URL = "https://siem.example.com/hook"
Receiver = Callable[[httpx.Request], httpx.Response]


class Reaching(NoCapabilities):
    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def http(self) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(self._receiver))


def context(receiver: Receiver, deadline: float = 20.0) -> Context[Any]:
    return Context("r", PluginConfig(), deadline=deadline, capabilities=Reaching(receiver), clock=lambda: 0.0)


class Script:
    """Answers one after the other; remembers for which a fresh credential was asked for."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.fresh: list[bool] = []
        self.slept: list[float] = []

    def run(self, remaining_ms: float = 20_000) -> Answer:
        def send(fresh: bool) -> Answer:
            self.fresh.append(fresh)
            return self._answers.pop(0)

        return attempted(send, lambda: remaining_ms, self.slept.append)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_2xx_is_taken(status: int) -> None:
    Answer(status).expect_taken()


@pytest.mark.parametrize("status", [302, 303, 307, 401, 403, 408, 425, 429, 500, 502, 503, 504, 599, 999])
def test_what_may_heal_is_tried_again_under_its_status(status: int) -> None:
    with pytest.raises(httpx.HTTPStatusError, match=str(status)) as raised:
        Answer(status).expect_taken()
    assert raised.value.response.status_code == status
    assert heals(status)


@pytest.mark.parametrize(
    "status", [300, 301, 304, 308, 400, 404, 405, 406, 410, 411, 413, 414, 415, 422, 451]
)
def test_what_will_not_heal_is_undeliverable_and_says_what_to_do(status: int) -> None:
    with pytest.raises(UndeliverableError, match=f"{status}.*redrive"):
        Answer(status).expect_taken()
    assert not heals(status)


def test_a_refused_credential_is_read_anew_once() -> None:
    script = Script(Answer(401), Answer(200))
    assert script.run().status == 200
    assert script.fresh == [False, True]
    script = Script(Answer(403), Answer(403))
    assert script.run().status == 403
    assert script.fresh == [False, True]


def test_who_is_busy_and_names_a_short_time_is_asked_once_more_after_it() -> None:
    script = Script(Answer(429, 2.0), Answer(429, 2.0))
    assert script.run().status == 429
    assert script.slept == [2.0]
    script = Script(Answer(401), Answer(503, 1.0), Answer(200))
    assert script.run().status == 200
    assert script.fresh == [False, True, False]


@pytest.mark.parametrize(
    ("answer", "remaining_ms"),
    [
        (Answer(429), 20_000),
        (Answer(429, 5.5), 20_000),
        (Answer(429, 4.0), 4_900),
        (Answer(500, 1.0), 20_000),
        (Answer(200, 1.0), 20_000),
    ],
)
def test_without_a_short_time_within_the_deadline_the_queue_tries_again(
    answer: Answer, remaining_ms: float
) -> None:
    script = Script(answer)
    assert script.run(remaining_ms) is answer
    assert script.slept == []


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("3", 3.0),
        ("", None),
        ("Fri, 31 Dec 1999 23:59:59 GMT", None),
        ("-1", None),
        ("1e9", None),
        ("٣", None),
    ],
)
def test_retry_after_is_read_where_it_is_a_number_of_seconds(header: str, seconds: float | None) -> None:
    given = {b"retry-after": header.encode()}
    answer = post(context(lambda _: httpx.Response(429, headers=given)), URL, b"{}", {})
    assert answer == Answer(429, seconds)


@pytest.mark.parametrize(("read_bytes", "chunks"), [(0, 0), (1000, 1), (70_000, 2)])
def test_no_more_of_an_answer_is_read_than_was_asked_for(read_bytes: int, chunks: int) -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b"x" * 65_536

    answer = post(
        context(lambda _: httpx.Response(200, content=endless())), URL, b"", {}, read_bytes=read_bytes
    )
    assert (len(answer.body), read) == (read_bytes, chunks)


@pytest.mark.parametrize(("deadline", "seconds"), [(60.0, 10.0), (3.0, 2.5), (0.1, 0.001)])
def test_a_receiver_is_waited_for_within_the_deadline(deadline: float, seconds: float) -> None:
    asked: list[httpx.Request] = []

    def receiver(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(301, headers={"location": "https://elsewhere.example.net/"})

    assert post(context(receiver, deadline), URL, b"{}", {"x-one": "1"}).status == 301
    (request,) = asked
    assert set(request.extensions["timeout"].values()) == {seconds}
    assert (request.content, request.headers["x-one"]) == (b"{}", "1")


def test_compact_json_writes_evidence_as_it_is_nested_and_read_only() -> None:
    tags = MappingProxyType({"name": "Zoë"})
    assert (
        compact_json(MappingProxyType({"tags": tags, "n": [1, 2]}))
        == '{"tags":{"name":"Zoë"},"n":[1,2]}'.encode()
    )


@pytest.mark.parametrize(
    "url", ["https://a.example", "https://a.example:8443/x?y=z", "http://127.0.0.1:8080/hook"]
)
def test_a_setting_takes_a_url_of_a_host(url: str) -> None:
    assert TypeAdapter(Url).validate_python(url) == url


@pytest.mark.parametrize(
    "url",
    ["ftp://a.example", "https://a.example/ b", "https://u:p@a.example", "https://A.example", "https://"],
)
def test_a_setting_takes_no_other_url(url: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Url).validate_python(url)
