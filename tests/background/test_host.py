from __future__ import annotations

import contextlib
import time
from dataclasses import replace

import httpx
import pytest

from penstock.adapters.resources import MAX_RECEIVES
from penstock.background.host import MARGIN_S, Attempt, DeliveryFailedError
from penstock.errors import ConfigurationError, FailureClass, FieldNotGrantedError, PluginError, StorageError
from penstock.evidence.digests import Digester, DigestKey
from penstock.evidence.record import Delivery
from penstock.evidence.schema import UnreadableEvidenceError
from penstock.sdk import Context, Evidence
from penstock.sdk.contract import Terms
from penstock.sdk.storage import ABSENT
from tests.background.fakes import HOST, MESSAGE_ID, PLACEMENT, Stage, accepting
from tests.evidence import examples
from tests.evidence.ports import CrashError, Trap, storage_failure

OVER_MS = round((60.0 + MARGIN_S) * 1000)  # after this the invocation that `deliver` stands for has ended
CONTENT = "My card is 4111 1111 1111 1111"


def export(evidence: Evidence, ctx: Context) -> None:
    ctx.http.post(f"https://{HOST}/", content=evidence.request_id).raise_for_status()
    ctx.record("exported", 1)


def nothing(evidence: Evidence, ctx: Context) -> None:
    return None


def test_a_delivery_is_a_record_joined_to_its_request() -> None:
    stage = Stage(export)
    record = stage.deliver()
    assert record is not None
    assert stage.records() == [record]
    assert (record.request_id, record.plugin, record.version) == (
        examples.REQUEST_ID,
        "audit-export",
        "1.2.0",
    )
    assert (record.action, record.also, record.failure) == ("emit", ["record"], None)
    assert [(d.host, d.status) for d in record.deliveries] == [(HOST, 200)]
    assert record.deliveries[0].delivery_id is not None
    assert record.recorded == {"exported": 1.0}
    assert record.idempotency_key == f"{examples.REQUEST_ID}:audit-export"
    (key,) = stage.objects.list("")
    assert key.endswith(f"{examples.REQUEST_ID}.delivery.audit-export.{MESSAGE_ID}.1.json.gz")


def test_the_plugin_sees_the_whole_record_and_cannot_change_it() -> None:
    seen: list[object] = []

    def look(evidence: Evidence, ctx: Context) -> None:
        seen.append(evidence["principal"]["organisation"])
        seen.append(len(evidence["placements"]))
        evidence["principal"]["organisation"] = "other"

    with pytest.raises(DeliveryFailedError):
        Stage(look).deliver()
    assert seen == ["acme", 2]


def test_a_plugin_that_does_nothing_outside_leaves_an_allow() -> None:
    record = Stage(nothing).deliver()
    assert record is not None
    assert (record.action, record.deliveries) == ("allow", [])


def raises(error: BaseException) -> Stage:
    def behaviour(evidence: Evidence, ctx: Context) -> None:
        raise error

    return Stage(behaviour)


REQUEST = httpx.Request("POST", f"https://{HOST}/")


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (ValueError(CONTENT), "exception"),
        (SystemExit(3), "exception"),
        (KeyboardInterrupt(), "exception"),
        (FieldNotGrantedError("x"), "contract"),
        (PluginError(FailureClass.CONTRACT, CONTENT), "contract"),
        (PluginError(FailureClass.DENIED, CONTENT), "denied"),
        (PluginError(CONTENT, CONTENT), "exception"),  # type: ignore[arg-type]  # hostile on purpose
        (httpx.ConnectError(CONTENT), "unavailable"),
        (StorageError(CONTENT), "unavailable"),
        (httpx.HTTPStatusError(CONTENT, request=REQUEST, response=httpx.Response(429)), "throttled"),
        (httpx.HTTPStatusError(CONTENT, request=REQUEST, response=httpx.Response(403)), "denied"),
        (httpx.HTTPStatusError(CONTENT, request=REQUEST, response=httpx.Response(500)), "unavailable"),
    ],
)
def test_whatever_a_plugin_raises_is_recorded_by_class_and_comes_back(
    error: BaseException, failure: str
) -> None:
    stage = raises(error)
    with pytest.raises(DeliveryFailedError):
        stage.deliver()
    (record,) = stage.records()
    assert (record.action, record.failure) == ("fail", failure)


def test_a_plugin_that_takes_too_long_is_ended_and_comes_back() -> None:
    def sleep(evidence: Evidence, ctx: Context) -> None:
        time.sleep(30)

    stage = Stage(sleep, replace(PLACEMENT, timeout_ms=20))
    with pytest.raises(DeliveryFailedError):
        stage.deliver()
    assert stage.records()[0].failure == "timeout"


def test_a_receiver_that_refuses_leaves_its_status_and_the_message_comes_back() -> None:
    stage = Stage(export, receiver=lambda request: httpx.Response(500, request=request))
    with pytest.raises(DeliveryFailedError):
        stage.deliver()
    (record,) = stage.records()
    assert (record.action, record.failure, record.also) == ("fail", "unavailable", ["emit"])
    assert record.deliveries[0].status == 500


def test_each_attempt_has_its_own_record() -> None:
    answers = iter([503, 503, 200])
    stage = Stage(export, receiver=lambda request: httpx.Response(next(answers), request=request))
    for number in (1, 2):
        with pytest.raises(DeliveryFailedError):
            stage.deliver(number)
    stage.deliver(3)
    assert [(r.attempt, r.action) for r in stage.records()] == [(1, "fail"), (2, "fail"), (3, "emit")]


def test_something_refused_is_a_failure_even_when_it_was_swallowed() -> None:
    def sneak(evidence: Evidence, ctx: Context) -> None:
        with contextlib.suppress(FieldNotGrantedError):
            ctx.http.get("https://evil.example.com/")
        with contextlib.suppress(FieldNotGrantedError):
            ctx.secret(CONTENT)
        with contextlib.suppress(PluginError):
            ctx.record(CONTENT, 1)

    stage = Stage(sneak)
    with pytest.raises(DeliveryFailedError):
        stage.deliver()
    (record,) = stage.records()
    assert record.failure == "contract"
    assert sorted(record.refused) == ["hosts", "records", "secrets"]


@pytest.mark.parametrize("effects", [frozenset[str](), frozenset({"record"})])
def test_without_the_effect_emit_nothing_leaves(effects: frozenset[str]) -> None:
    stage = Stage(export, replace(PLACEMENT, terms=Terms(effects=effects)))
    with pytest.raises(DeliveryFailedError):
        stage.deliver()
    assert stage.records()[0].refused == ["hosts"]


def test_without_the_effect_record_nothing_is_recorded() -> None:
    stage = Stage(export, replace(PLACEMENT, terms=Terms(effects=frozenset({"emit"}))))
    with pytest.raises(DeliveryFailedError):
        stage.deliver()
    assert stage.records()[0].recorded == {}


def test_a_granted_secret_reaches_the_plugin_and_not_the_record() -> None:
    got: list[str] = []
    stage = Stage(lambda evidence, ctx: got.append(ctx.secret("signing-key").get_secret_value()))
    stage.deliver()
    assert got == ["s3cret"]
    assert "s3cret" not in str(stage.records())


@pytest.mark.parametrize("error", [ImportError("no module"), SystemExit(1), ConfigurationError("x", "y")])
def test_a_plugin_that_cannot_be_loaded_fails_every_message_as_import(error: BaseException) -> None:
    stage = Stage(nothing, broken=error)
    for number in (1, 2):
        with pytest.raises(DeliveryFailedError):
            stage.deliver(number)
    assert [record.failure for record in stage.records()] == ["import", "import"]
    assert stage.plugin.calls == 0


def test_without_time_left_the_plugin_is_not_called() -> None:
    stage = Stage(nothing)
    with pytest.raises(DeliveryFailedError):
        stage.deliver(remaining_s=1.0)
    assert (stage.plugin.calls, stage.records()) == (0, [])


def test_a_record_that_cannot_be_stored_brings_the_message_back() -> None:
    stage = Stage(export)
    stage.objects.trap = Trap(0, error=storage_failure)
    with pytest.raises(StorageError):
        stage.deliver()
    stage.objects.trap = Trap()
    assert stage.deliver(2) is not None
    assert stage.plugin.calls == 2


def test_a_message_for_another_plugin_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        Stage(nothing).deliver(plugin="other")


def test_what_is_no_message_is_refused_without_its_words() -> None:
    stage = Stage(nothing)
    with pytest.raises(UnreadableEvidenceError) as refusal:
        stage.host.deliver(f'{{"prompt": "{CONTENT}"}}', Attempt(MESSAGE_ID, 1, 60.0))
    assert CONTENT not in str(refusal.value)


def test_at_most_once_calls_once_and_later_copies_are_done_already() -> None:
    stage = Stage(export).at_most_once()
    assert stage.deliver() is not None
    assert stage.deliver(2) is None
    assert stage.plugin.calls == 1


def test_at_most_once_does_not_try_again_after_a_failure() -> None:
    stage = raises(ValueError("x")).at_most_once()
    record = stage.deliver()
    assert record is not None
    assert (record.action, record.failure) == ("fail", "exception")
    assert stage.deliver(2) is None
    assert stage.plugin.calls == 1


def test_at_most_once_records_what_it_cannot_know_after_a_crash() -> None:
    crashed = Stage(export).at_most_once()

    def crash(request: httpx.Request) -> httpx.Response:
        raise AssertionError("never called")

    crashed.objects.trap = Trap(0)  # the environment ends between the call and its record
    with pytest.raises(CrashError):
        crashed.deliver()
    crashed.objects.trap, crashed.receiver = Trap(), crash
    crashed.restart()
    with pytest.raises(DeliveryFailedError):  # for all it knows, the first copy is still under way
        crashed.deliver(2)
    assert crashed.records() == []
    crashed.now_ms += OVER_MS
    record = crashed.deliver(3)
    assert record is not None
    assert (record.action, record.reason) == ("fail", "delivery_unknown")
    assert crashed.plugin.calls == 1
    assert crashed.deliver(4) is None


def test_at_most_once_the_copy_that_comes_during_the_call_leaves_it_alone() -> None:
    stage = Stage(nothing).at_most_once()
    refused: list[Exception] = []

    def deliver_a_copy(evidence: Evidence, ctx: Context) -> None:
        stage.now_ms += OVER_MS - 1
        try:
            stage.deliver()
        except DeliveryFailedError as error:
            refused.append(error)

    stage.plugin.behaviour = deliver_a_copy
    record = stage.deliver()
    assert record is not None
    assert (record.action, record.reason, len(refused)) == ("allow", None, 1)
    assert stage.records() == [record]
    assert stage.plugin.calls == 1


def test_at_most_once_the_last_attempt_leaves_a_record_whatever_the_time() -> None:
    stage = Stage(export).at_most_once()
    stage.objects.trap = Trap(0)
    with pytest.raises(CrashError):
        stage.deliver()
    stage.objects.trap = Trap()
    record = stage.deliver(MAX_RECEIVES)
    assert record is not None
    assert record.reason == "delivery_unknown"


def test_at_most_once_a_key_that_cannot_be_read_costs_a_redelivery_and_no_delivery() -> None:
    stage = Stage(export).at_most_once()
    readable = stage.digest_key

    def unreadable() -> DigestKey:
        raise StorageError("read a secret")

    stage.digest_key = unreadable
    stage.restart()
    with pytest.raises(StorageError):
        stage.deliver()
    stage.digest_key = readable
    stage.restart()
    record = stage.deliver(2)
    assert record is not None
    assert (record.action, stage.plugin.calls) == ("emit", 1)


def test_at_most_once_believes_a_record_that_a_crash_left_behind() -> None:
    stage = Stage(export).at_most_once()
    stage.objects.trap = Trap(0, after=True)  # the environment ends after its record is stored
    with pytest.raises(CrashError):
        stage.deliver()
    stage.objects.trap = Trap()
    assert stage.deliver(2) is None
    assert [record.action for record in stage.records()] == ["emit"]
    assert stage.plugin.calls == 1


def test_at_least_once_calls_again_after_a_crash_with_the_same_idempotency_key() -> None:
    stage = Stage(export)
    stage.objects.trap = Trap(0)
    with pytest.raises(CrashError):
        stage.deliver()
    stage.objects.trap = Trap()
    record = stage.deliver(2)
    assert record is not None
    assert record.idempotency_key == f"{examples.REQUEST_ID}:audit-export"
    assert stage.plugin.calls == 2


def test_the_receiver_gets_what_the_plugin_sent() -> None:
    sent: list[bytes] = []

    def receiver(request: httpx.Request) -> httpx.Response:
        sent.append(request.content)
        return accepting(request)

    Stage(export, receiver=receiver).deliver()
    assert sent == [examples.REQUEST_ID.encode()]


def test_storage_lasts_from_one_delivery_to_the_next() -> None:
    def count(_: Evidence, ctx: Context) -> None:
        found = ctx.storage.get("times")
        ctx.storage.put("times", found.value + 1 if found else 1, expected=found.version if found else ABSENT)

    stage = Stage(count)
    stage.deliver()
    stage.deliver(2)
    found = stage.kept.get("times")
    assert found is not None
    assert found.value == 2


def test_an_e_mail_is_a_delivery_with_the_digest_of_its_id() -> None:
    stage = Stage(lambda _, ctx: ctx.email.send(["soc@acme.example"], "Three blocks", "See the dashboard."))
    record = stage.deliver()
    assert record is not None
    digest = Digester(DigestKey("k1", b"k" * 32), examples.REQUEST_ID).text(
        "deliveries.delivery_id", "theirs-1"
    )
    assert (record.action, record.deliveries) == ("emit", [Delivery("email", 200, digest)])
    assert stage.records() == [record]
    assert [message.to for message in stage.mail.sent] == [("soc@acme.example",)]


def test_an_e_mail_to_somebody_else_is_refused_and_recorded_even_when_the_plugin_swallows_it() -> None:
    def swallow(_: Evidence, ctx: Context) -> None:
        with contextlib.suppress(FieldNotGrantedError):
            ctx.email.send(["eve@evil.example"], "s", "t")

    stage = Stage(swallow)
    with pytest.raises(DeliveryFailedError):
        stage.deliver()
    (record,) = stage.records()
    assert (record.failure, record.refused, record.deliveries) == ("contract", ["email"], [])


def test_an_e_mail_that_nobody_answered_for_may_have_left_and_is_recorded() -> None:
    stage = Stage(lambda _, ctx: ctx.email.send(["soc@acme.example"], "s", "t"))
    stage.mail.failure = StorageError("send an e-mail")
    with pytest.raises(DeliveryFailedError):
        stage.deliver()
    (record,) = stage.records()
    assert (record.failure, record.deliveries) == ("unavailable", [Delivery("email", None)])


def test_who_may_not_emit_sends_no_e_mail() -> None:
    stage = Stage(lambda _, ctx: ctx.email.send(["soc@acme.example"], "s", "t"))
    stage.placement = replace(PLACEMENT, terms=Terms(effects=frozenset({"record"})))
    stage.restart()
    with pytest.raises(DeliveryFailedError):
        stage.deliver()
    assert (stage.records()[0].refused, stage.mail.sent) == (["email"], [])
