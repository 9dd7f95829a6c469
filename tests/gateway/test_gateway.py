"""The door and the books: who comes in, what is recorded, and what happens when nothing can be stored."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from penstock.errors import ConfigurationError, StorageError
from penstock.evidence.record import EvidenceRecord
from penstock.governance.api_keys import KeyOwner
from penstock.governance.overriding import Author, Overriding, Wish
from penstock.sdk import Block, Context, Decision, Plugin, Request
from tests.gates.fakes import placement_of
from tests.gateway.world import NOW_S, Broken, World, error


class Before(Plugin):
    def __init__(self, answer: Callable[[Request, Context], Decision]) -> None:
        self.answer = answer

    def before_upstream(self, request: Request, ctx: Context) -> Decision:
        return self.answer(request, ctx)


def test_the_record_says_who_what_and_how_much() -> None:
    world = World()
    response = world.post(
        {"model": "echo-1", "messages": [{"role": "user", "content": "hi"}]}, x_request_id="a.b-1"
    )
    record = world.record
    assert response.headers["x-client-request-id"] == "a.b-1"
    assert str(record.client_request_id).startswith("hmac:k1:")
    assert (record.principal.organisation, record.principal.team, record.principal.api_key) == (
        "acme",
        "red",
        "demo",
    )
    assert (record.resource.model, record.dialect, record.route) == (
        "echo-1",
        "openai",
        "/v1/chat/completions",
    )
    assert (record.usage.input_tokens, record.usage.output_tokens, record.cost_nanousd) == (7, 3, 29)
    assert [(u.attempt, u.provider, u.status, u.outcome) for u in record.upstream] == [
        (1, "echo", 200, "answered")
    ]
    assert (record.outcome, record.status, record.code) == ("answered", 200, None)
    assert world.counted == [record]


def test_intent_is_stored_before_the_upstream_and_outcome_before_the_answer() -> None:
    world = World()
    world.chat("hi")
    intents = list(world.ledger.open_before(NOW_S * 2_000))
    assert [intent.request_id for intent in intents] == [world.record.request_id]
    assert intents[0].facts["principal"]["api_key"] == "demo"


def test_without_a_stored_outcome_the_answer_is_withheld_and_must_not_be_retried() -> None:
    world = World()

    def full(_: EvidenceRecord, __: object) -> None:
        raise StorageError("send")

    world.outbox = full
    response = world.chat("hi")
    assert error(response) == (503, "evidence_unavailable")
    assert b"Hello" not in response.body
    assert response.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("key", ["", "pk_wrong", "pk_" + "A" * 43, "Bearer", "x" * 10_000])
def test_an_unknown_key_is_401_counted_and_not_recorded(key: str) -> None:
    world = World()
    assert error(world.post(b"{", key=key)) == (401, "unauthorized")
    assert world.stored == []
    assert [(r.outcome, r.status, r.code) for r in world.counted] == [("blocked", 401, "unauthorized")]


def test_a_revoked_and_an_expired_key_are_recognised_and_recorded() -> None:
    world = World()
    world.keys.revoke("demo", NOW_S)
    old = world.keys.create("old", KeyOwner("acme"), NOW_S, NOW_S + 5)
    world.now_s += 10
    assert error(world.chat("hi")) == (401, "api_key_revoked")
    assert error(world.post(b"{}", key=old)) == (401, "api_key_expired")
    assert [r.principal.api_key for r, _ in world.stored] == ["demo", "old"]


def test_an_unknown_path_is_refused_never_passed_on() -> None:
    world = World()
    assert error(world.send("POST", "/v1/images/generations", b"{}")) == (404, "unknown_route")
    assert error(world.send("GET", "/v1/chat/completions")) == (404, "unknown_route")
    assert {r.route for r, _ in world.stored} == {"/{unknown}"}


def test_every_refusal_leaves_one_record_for_every_placement() -> None:
    placements = [placement_of("guard"), placement_of("guard", "after_upstream")]
    placements.append(placement_of("export", "after_response", reads=("evidence",), effects=("emit",)))
    bodies = [b"{", b'{"model":"nope","messages":[{"role":"user","content":"x"}]}', b"x" * 200_000]
    for body in bodies:
        world = World({"guard": Before(lambda _, __: Block("reason"))}, *placements)
        world.post(body)
        assert [(p.moment, p.action, p.reason) for p in world.record.placements] == [
            ("before_upstream", "skipped", "no_context"),
            ("after_upstream", "skipped", "no_context"),
            ("after_response", "dispatched", None),
        ]
        assert world.stored[0][1] == ["export"]


def test_background_plugins_are_named_in_the_intent_and_in_the_outbox() -> None:
    world = World({}, placement_of("export", "after_response", reads=("evidence",), effects=("emit",)))
    world.chat("hi")
    assert world.stored[0][1] == ["export"]
    assert next(iter(world.ledger.open_before(NOW_S * 2_000))).facts["dispatch"] == ["export"]
    assert [(p.action, p.path) for p in world.record.placements] == [("dispatched", "background")]


@pytest.mark.parametrize("body", [b"{", b"x" * 100_001, b'{"model": "nobody", "messages": []}'])
def test_a_killed_background_plugin_gets_no_evidence_of_refused_requests_either(body: bytes) -> None:
    export = placement_of("export", "after_response", reads=("evidence",), effects=("emit",))
    world = World({}, export)
    Overriding(world.control).set([export], Wish(killed=True), Author("ops", 1))
    world.post(body)
    assert [list(plugins) for _, plugins in world.stored] == [[]]
    assert [(p.action, p.reason) for p in world.record.placements] == [("skipped", "killed")]
    assert world.record.overrides == "r1"


def test_a_fault_of_ours_is_a_recorded_500_that_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()

    def crash(*_: object) -> None:
        raise RuntimeError("alice@example.com")

    monkeypatch.setattr("penstock.gateway.passage.Passage._exchange", crash)
    response = world.chat("hi")
    assert error(response) == (500, "internal_error")
    assert b"alice" not in response.body
    assert (world.record.outcome, world.record.code) == ("failed", "internal_error")


def test_storage_down_at_the_door_is_a_503() -> None:
    world = World()
    world.control = Broken()  # type: ignore[assignment]  # a store that answers nothing
    assert error(world.chat("hi")) == (503, "evidence_unavailable")


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (StorageError("read a secret"), (503, "evidence_unavailable")),
        (ConfigurationError("the evidence key", "does not exist."), (503, "evidence_unavailable")),
        (KeyError("alice@example.com"), (500, "internal_error")),
    ],
)
def test_without_the_evidence_key_nobody_is_served_and_nothing_escapes(
    fault: Exception, expected: tuple[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise fault

    world = World()
    monkeypatch.setattr("penstock.gateway.gateway.Gateway._account", fail)
    response = world.chat("hi")
    assert error(response) == expected
    assert b"alice" not in response.body
    assert world.upstream.seen == []


class Closed(list[EvidenceRecord]):
    """Standard output that nobody can write to."""

    def append(self, record: EvidenceRecord, /) -> None:
        raise OSError("standard output is closed")


def test_a_line_of_metrics_that_cannot_be_written_changes_no_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World()
    world.counted = Closed()
    assert world.chat("hi").status == 200
    assert world.record.outcome == "answered"
    assert error(world.post(b"{", key="pk_wrong")) == (401, "unauthorized")
    assert [logged.message for logged in caplog.records] == ["a line of metrics is lost"] * 2
