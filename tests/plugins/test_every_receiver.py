"""What a receiver of http may say, to every exporter: each is told apart alike, as its README has it."""

from __future__ import annotations

import httpx
import pytest

from tests.plugins.exporting import numbered
from tests.plugins.siem_export.collector import endless
from tests.plugins.test_every_exporter import EXPORTERS, Exporter

NEW_KEY = "whsec_" + "C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
ELSEWHERE = {"location": "https://elsewhere.example.net/"}

pytestmark = pytest.mark.parametrize("exporter", EXPORTERS, ids=lambda one: f"{one.plugin}{len(one.more)}")


class Saying(httpx.BaseTransport):
    """Gives these answers, then 200."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.answers = list(answers)
        self.calls: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(request)
        return self.answers.pop(0) if self.answers else httpx.Response(200)

    def credentials(self) -> list[str]:
        """What each call was allowed by, or signed with."""
        names = ("authorization", "webhook-signature")
        return [next(call.headers[name] for name in names if name in call.headers) for call in self.calls]


@pytest.mark.parametrize("status", [301, 308, 400, 404, 410, 413, 422])
def test_what_will_never_heal_is_a_dead_letter_at_once(exporter: Exporter, status: int) -> None:
    receiver = Saying(*[httpx.Response(status, headers=ELSEWHERE)] * 5)
    run = exporter.lane(receiver)
    run.send(numbered(1))
    run.consume(6)
    assert [(record.failure, record.reason) for record in run.records()] == [("denied", "undeliverable")]
    assert (len(receiver.calls), len(run.dead.bodies()), run.queue.bodies()) == (1, 1, [])


@pytest.mark.parametrize("status", [302, 307, 408, 429, 500, 503])
def test_what_may_heal_is_brought_again_and_no_redirect_is_followed(exporter: Exporter, status: int) -> None:
    receiver = Saying(httpx.Response(status, headers={**ELSEWHERE, "retry-after": "600"}))
    run = exporter.lane(receiver)
    run.send(numbered(1))
    run.consume(2)
    assert [record.action for record in run.records()] == ["fail", "emit"]
    assert {request.url.host for request in receiver.calls} == {"receiver.example.com"}
    assert run.time.slept == [], "ten minutes are the queue's to wait"


def test_a_short_retry_after_is_waited_for_within_the_try(exporter: Exporter) -> None:
    run = exporter.lane(Saying(httpx.Response(429, headers={"retry-after": "4"})))
    run.send(numbered(1))
    run.consume()
    assert ([record.action for record in run.records()], run.time.slept) == (["emit"], [4.0])


@pytest.mark.parametrize("status", [401, 403])
def test_a_secret_that_has_expired_is_read_anew_within_the_try(exporter: Exporter, status: int) -> None:
    receiver = Saying(httpx.Response(200), httpx.Response(status))
    run = exporter.lane(receiver)
    if exporter.plugin != "siem-export":
        run.loaded.plugin.clock = lambda: 1_700_000_000  # type: ignore[attr-defined]  # a signature is of a time
    run.send(numbered(1))
    run.consume()
    (name,) = run.secrets.now
    run.secrets.now[name] = NEW_KEY
    run.send(numbered(2))
    run.consume()
    assert [(record.attempt, record.action) for record in run.records()] == [(1, "emit"), (1, "emit")]
    _, refused, taken = receiver.credentials()
    assert refused != taken, "the second time by the new one"


def test_a_secret_that_nobody_has_renewed_is_tried_by_the_queue(exporter: Exporter) -> None:
    receiver = Saying(*[httpx.Response(401)] * 4)
    run = exporter.lane(receiver)
    run.send(numbered(1))
    run.consume(3)
    assert [(record.action, record.failure) for record in run.records()] == [
        ("fail", "denied"),
        ("fail", "denied"),
        ("emit", None),
    ]


def test_of_an_answer_of_100_mb_nothing_is_read(exporter: Exporter) -> None:
    read: list[int] = []
    run = exporter.lane(Saying(httpx.Response(200, content=endless(read))))
    run.send(numbered(1))
    run.consume()
    assert ([record.action for record in run.records()], sum(read)) == (["emit"], 0)
