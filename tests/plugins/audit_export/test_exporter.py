from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from penstock.errors import ConfigurationError
from penstock.sdk import Evidence, UndeliverableError
from penstock.sdk.delivery import compact_json
from penstock.sdk.manifest import hosts_by_key, read_manifest
from penstock.sdk.sample import EVIDENCE, REQUEST_ID
from penstock.sdk.signing import message_id
from penstock.sdk.testing import Harness, harness
from plugins.audit_export.exporter import AuditExport, ExportConfig
from tests.plugins.audit_export.receiver import Receiver

FOLDER = Path("plugins/audit_export")
SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD_SECRET = "whsec_" + "C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
URL = "https://audit.example.com/penstock?source=eu"
MESSAGE_ID = message_id(REQUEST_ID, "audit-export", compact_json(Evidence(EVIDENCE)))
NOW_S = 1_700_000_000.9


class ClockedExport(AuditExport):
    clock = staticmethod(lambda: NOW_S)
    sleep = staticmethod(lambda _: None)


def exporter(receiver: httpx.BaseTransport, *, url: str = URL, secret: str = SECRET) -> Harness:
    manifest = (FOLDER / "plugin.toml").read_text(encoding="utf-8")
    secrets = {"signing_key": secret}
    return harness(ClockedExport, {"url": url}, manifest=manifest, secrets=secrets, transport=receiver)


def test_a_record_arrives_whole_and_rightly_signed() -> None:
    receiver = Receiver(SECRET)
    result = exporter(receiver).background()
    assert (result.action, result.failure) == ("emit", None)
    assert receiver.problem is None
    assert receiver.taken == {MESSAGE_ID: json.loads(json.dumps(dict(EVIDENCE)))}
    assert result.deliveries == (("audit.example.com", 200),)
    assert result.recorded == {"body_bytes": len(receiver.calls[0].content)}
    assert str(receiver.calls[0].url) == URL
    assert receiver.calls[0].headers["content-type"] == "application/json"


def test_a_redelivery_has_the_same_id_so_that_it_is_taken_once() -> None:
    receiver = Receiver(SECRET, 500)
    run = exporter(receiver)
    assert run.background().action == "fail"
    assert run.background().action == "emit"
    assert run.background().action == "emit"
    assert [call.headers["webhook-id"] for call in receiver.calls] == [MESSAGE_ID] * 3
    assert len(receiver.taken) == 1


@pytest.mark.parametrize("status", [301, 307, 400, 404, 408, 410, 422, 429, 500, 503])
def test_any_answer_but_2xx_is_a_failure_and_what_will_not_heal_is_told_apart(status: int) -> None:
    receiver = Receiver(SECRET, status)
    receiver.headers = {"location": "https://elsewhere.example.net/", "retry-after": "60"}
    result = exporter(receiver).background()
    heals = status in {307, 408, 429, 500, 503}
    assert isinstance(result.error, httpx.HTTPStatusError if heals else UndeliverableError)
    assert str(status) in str(result.error)
    assert len(receiver.calls) == 1, "no redirect is followed, and nobody waits for a minute"


def test_a_receiver_that_is_busy_for_a_moment_gets_the_record_after_it() -> None:
    receiver = Receiver(SECRET, 429)
    receiver.headers = {"retry-after": "3"}
    assert exporter(receiver).background().action == "emit"
    assert len(receiver.taken) == 1


def test_a_record_that_amends_another_has_an_id_of_its_own() -> None:
    receiver = Receiver(SECRET)
    run = exporter(receiver)
    run.background()
    run.background({**EVIDENCE, "outcome": "disconnected"})
    assert len(receiver.taken) == 2


def test_a_slow_receiver_is_a_failure_within_the_deadline() -> None:
    receiver = Receiver(SECRET)
    receiver.error = httpx.ReadTimeout("slow")
    assert exporter(receiver).background().action == "fail"
    timeout = receiver.calls[0].extensions["timeout"]
    assert all(0 < seconds <= 15 for seconds in timeout.values()), "the manifest gives 15 s"


def test_a_huge_answer_is_not_read() -> None:
    read = 0

    def body() -> Iterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b"x" * 65_536

    receiver = Receiver(SECRET)
    receiver.body = body()
    assert exporter(receiver).background().action == "emit"
    assert read == 0


def test_while_a_key_is_rotated_receivers_with_either_take_the_record() -> None:
    for held in (SECRET, OLD_SECRET):
        receiver = Receiver(held)
        assert exporter(receiver, secret=f"{SECRET} {OLD_SECRET}").background().action == "emit"
        assert receiver.problem is None


def test_another_key_or_a_changed_body_does_not_pass_the_receiver() -> None:
    receiver = Receiver(OLD_SECRET)
    assert exporter(receiver).background().action == "fail"
    assert receiver.problem == "no signature fits"


@pytest.mark.parametrize("secret", ["", "whsec_short", "not base64"])
def test_without_a_fit_key_nothing_is_sent(secret: str) -> None:
    receiver = Receiver(SECRET)
    result = exporter(receiver, secret=secret).background()
    assert (result.action, receiver.calls) == ("fail", [])


def test_its_only_host_is_the_one_that_its_setting_leads_to() -> None:
    manifest = read_manifest(FOLDER)
    assert manifest.hosts == ()
    assert hosts_by_key(manifest, {"url": URL}) == {"url": ("audit.example.com:443",)}


def test_a_receiver_on_this_machine_can_be_tried() -> None:
    assert exporter(Receiver(SECRET), url="http://127.0.0.1:9009/hook").background().action == "emit"


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x.example.com",
        "https://user:pw@x.example.com",
        "https://x.example.com/a b",
        "https://x\r\ny/",
        "",
        "x",
    ],
)
def test_what_is_no_plain_url_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="url"):
        harness(FOLDER, {"url": url})


def test_the_body_is_compact_json_of_the_whole_record() -> None:
    record: dict[str, Any] = {
        "request_id": "r",
        "placements": [{"plugin": "x", "saw": {"fields": ["a"]}}],
        "ä": "ü",
    }
    body = compact_json(Evidence(record))
    assert body == json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()


def test_its_settings_are_one_url() -> None:
    assert list(ExportConfig.model_fields) == ["url"]
