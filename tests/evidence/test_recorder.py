from __future__ import annotations

import json
from dataclasses import replace

import pytest

from penstock.errors import StorageError
from penstock.evidence import layout
from penstock.evidence.intent import Intention
from penstock.evidence.messages import DeliveryMessage
from penstock.evidence.record import WAITED_FAILED, EvidenceRecord
from penstock.evidence.recorder import WAITED_DELAY_S
from penstock.evidence.schema import UnreadableEvidenceError, decode, read_record
from penstock.evidence.whereabouts import as_amendment, as_terminal
from tests.evidence import examples
from tests.evidence.ports import AGE_MS, Backstage, CrashError, outbox_body, queue_url, storage_failure

PLUGINS = ("audit-export", "warehouse")


def intention(record: EvidenceRecord, *plugins: str) -> Intention:
    return Intention(
        received_at=record.received_at,
        dialect=record.dialect,
        route=record.route,
        stream=record.stream,
        principal=record.principal,
        resource=record.resource,
        snapshot=record.snapshot,
        overrides=record.overrides,
        dispatch=list(plugins),
    )


def begun() -> Backstage:
    backstage = Backstage()
    backstage.open(examples.answered(), intention(examples.answered()).facts())
    return backstage


def deliveries(backstage: Backstage, plugin: str) -> list[DeliveryMessage]:
    return [decode(DeliveryMessage, body) for body in backstage.queues.bodies(queue_url(plugin))]


def test_an_outcome_is_stored_settled_and_handed_to_each_plugin() -> None:
    backstage = begun()
    record = backstage.recorder.record(outbox_body(examples.answered(), *PLUGINS))
    assert record == as_terminal(examples.answered())
    assert backstage.stored_keys() == [layout.terminal_key("acme", examples.REQUEST_ID)]
    assert backstage.open_ids() == []
    for plugin in PLUGINS:
        (message,) = deliveries(backstage, plugin)
        assert message.record == as_terminal(examples.answered())
        assert message.key == backstage.stored_keys()[0]
        assert message.plugin == plugin
        assert message.idempotency_key == f"{examples.REQUEST_ID}:{plugin}"


def test_a_message_that_comes_twice_is_stored_once_and_counted_once() -> None:
    backstage = begun()
    body = outbox_body(examples.answered())
    assert backstage.recorder.record(body) is not None
    assert backstage.recorder.record(body) is None
    assert len(backstage.stored_keys()) == 1


def test_a_request_without_intent_is_recorded_too() -> None:
    backstage = Backstage()
    assert backstage.recorder.record(outbox_body(examples.denied())) == as_terminal(examples.denied())


def test_an_outcome_after_the_sweeper_is_an_amendment_and_says_so_to_the_plugins() -> None:
    backstage = begun()
    backstage.now_ms += AGE_MS + 1
    backstage.sweeper.sweep(10)
    backstage.recorder.record(outbox_body(examples.answered(), "audit-export"))
    terminal, amendment = sorted(
        backstage.stored_keys(), key=lambda key: layout.named(key).kind, reverse=True
    )
    assert read_record(layout.unpack(backstage.objects.get(terminal) or b"")).outcome == "outcome_unknown"
    late = read_record(layout.unpack(backstage.objects.get(amendment) or b""))
    assert late == as_amendment(examples.answered())
    assert late.inspect is not None
    assert late.inspect.s3 == amendment
    (message,) = deliveries(backstage, "audit-export")
    assert message.key == amendment
    assert message.amends == "terminal"
    assert message.idempotency_key == f"{examples.REQUEST_ID}:audit-export:amendment"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no json",
        "[]",
        "{}",
        '{"record":{}}',
        json.dumps(
            {"record": json.loads(outbox_body(examples.answered()))["record"] | {"prompt": "My card"}}
        ),
        outbox_body(examples.answered(), "audit-export").replace("penstock.outbox/1", "penstock.outbox/2"),
    ],
)
def test_what_is_no_evidence_changes_nothing_and_comes_back(body: str) -> None:
    backstage = begun()
    with pytest.raises(UnreadableEvidenceError) as refusal:
        backstage.recorder.record(body)
    assert "My card" not in str(refusal.value)
    assert backstage.stored_keys() == []
    assert backstage.open_ids() == [examples.REQUEST_ID]


def steps(backstage: Backstage) -> int:
    trap = backstage.trap(-1, after=False)
    backstage.recorder.record(outbox_body(examples.answered(), *PLUGINS))
    return trap.steps


STEPS = steps(begun())


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(STEPS))
@pytest.mark.parametrize("swept", [False, True], ids=["not swept", "swept"])
def test_a_crash_at_any_step_loses_nothing_and_duplicates_nothing(at: int, after: bool, swept: bool) -> None:
    backstage = begun()
    backstage.trap(at, after=after)
    body = outbox_body(examples.answered(), *PLUGINS)
    with pytest.raises(CrashError):
        backstage.recorder.record(body)
    backstage.trap(-1, after=False)
    if swept:  # the sweeper comes by before the message does
        backstage.now_ms += AGE_MS + 1
        backstage.sweeper.sweep(10)
    backstage.recorder.record(body)
    backstage.recorder.record(body)

    records = [
        read_record(layout.unpack(backstage.objects.get(key) or b"")) for key in backstage.stored_keys()
    ]
    kept = as_amendment(examples.answered()) if len(records) > 1 else as_terminal(examples.answered())
    assert records.count(kept) == 1
    assert [r.outcome for r in records if r != kept] in ([], ["outcome_unknown"])
    assert backstage.open_ids() == []
    for plugin in PLUGINS:
        assert len({message.idempotency_key for message in deliveries(backstage, plugin)}) == 1


@pytest.mark.parametrize("at", range(STEPS))
def test_a_store_that_fails_at_any_step_makes_the_message_come_back(at: int) -> None:
    backstage = begun()
    backstage.trap(at, after=False, error=storage_failure)
    with pytest.raises(StorageError):
        backstage.recorder.record(outbox_body(examples.answered(), *PLUGINS))


def test_no_message_to_a_plugin_goes_out_before_the_record_is_stored() -> None:
    backstage = begun()
    backstage.trap(0, after=False, error=storage_failure)
    with pytest.raises(StorageError):
        backstage.recorder.record(outbox_body(examples.answered(), *PLUGINS))
    assert all(not deliveries(backstage, plugin) for plugin in PLUGINS)


def test_a_record_of_nobody_has_a_place_too() -> None:
    backstage = Backstage()
    nobody = replace(examples.denied(), principal=replace(examples.denied().principal, organisation=None))
    backstage.recorder.record(outbox_body(nobody))
    assert backstage.stored_keys()[0].startswith("org=-/")


def waited() -> EvidenceRecord:
    """An outcome that the gateway gives one plugin itself, and the other from its queue."""
    path = {"moment": "after_response", "style": "background", "action": "dispatched"}
    first, second = (examples.placement(plugin, **path) for plugin in PLUGINS)
    first.path, second.path = "response", "background"
    return replace(examples.answered(), placements=[first, second])


def test_who_the_gateway_calls_itself_gets_its_message_when_that_is_over() -> None:
    backstage = begun()
    backstage.recorder.record(outbox_body(waited(), *PLUGINS))
    assert [len(deliveries(backstage, plugin)) for plugin in PLUGINS] == [1, 1]
    assert backstage.queues.delays_s == [WAITED_DELAY_S, 0]


@pytest.mark.parametrize("amendment_first", [False, True])
def test_what_failed_after_the_outcome_is_an_amendment_whatever_comes_first(amendment_first: bool) -> None:
    backstage = begun()
    failed = replace(waited(), outcome="failed", status=503, cause=WAITED_FAILED)
    outcome, amendment = outbox_body(waited(), *PLUGINS), outbox_body(failed, "warehouse")
    for body in (amendment, outcome) if amendment_first else (outcome, amendment):
        backstage.recorder.record(body)
    kept = read_record(
        layout.unpack(backstage.objects.get(layout.terminal_key("acme", examples.REQUEST_ID)) or b"")
    )
    assert (kept.outcome, len(backstage.stored_keys())) == ("answered", 2)
    told = [message.amends for message in deliveries(backstage, "warehouse")]
    assert sorted(told, key=str) == [None, "terminal"]
    assert [message.amends for message in deliveries(backstage, "audit-export")] == [None]


def test_who_kept_an_answer_back_gets_the_amendment_no_sooner_than_its_record() -> None:
    backstage = begun()
    failed = replace(waited(), outcome="failed", status=503, cause=WAITED_FAILED)
    backstage.recorder.record(outbox_body(failed, *PLUGINS))
    assert backstage.queues.delays_s == [WAITED_DELAY_S, 0]


def test_an_amendment_alone_settles_nothing_so_that_a_lost_outcome_is_found() -> None:
    backstage = begun()
    assert backstage.recorder.record(outbox_body(replace(waited(), cause=WAITED_FAILED))) is None
    assert backstage.open_ids() == [examples.REQUEST_ID]
