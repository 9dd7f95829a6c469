from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

import pytest

from functions.plugin_host import handler
from penstock.adapters.objects import S3Objects
from penstock.configuration.snapshot import DeployedPlugin, Snapshot, encode_snapshot
from penstock.errors import StorageError
from penstock.evidence.delivery import DeliveryRecord
from penstock.evidence.schema import decode
from penstock.gates.waited_call import encode_waited
from penstock.sdk.loading import tree_digest
from tests.background.fakes import PLACEMENT, body
from tests.evidence import examples
from tests.functions.aws import PLUGIN, Deployment, FakeContext, deployment, failed, sqs_event

MANIFEST = """
name = "audit-export"
version = "1.2.0"
summary = "Exports evidence in tests."
purpose = "Use this plugin to export evidence for tests."
owner = "tests@example.com"
contract = 1
entry_point = "export:Export"
secrets = ["signing_key"]
[after_response]
effects = ["emit", "record"]
[records]
exported = { unit = "count", minimum = 0, maximum = 100 }
"""
CODE = """
from penstock.sdk import Plugin

class Export(Plugin):
    def after_response(self, evidence, ctx):
        assert ctx.secret("signing_key").get_secret_value() == "s3cret"
        ctx.record("exported", 1)
"""
SETTINGS = {
    "deployment": "local",
    "body_limit_bytes": 1024,
    "gate_budget_ms": {"before_upstream": 1, "after_upstream": 1},
    "durability": "stored",
    "addresses": [],
}


@pytest.fixture
def code() -> str:
    return CODE


@pytest.fixture
def folder(tmp_path: Path, code: str) -> Path:
    made = tmp_path / "plugins" / "audit_export"
    made.mkdir(parents=True)
    (made / "plugin.toml").write_text(MANIFEST)
    (made / "export.py").write_text(code)
    return made


@pytest.fixture
def delivery() -> Literal["at_least_once", "at_most_once"]:
    return "at_least_once"


@pytest.fixture
def aws(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    folder: Path,
    delivery: Literal["at_least_once", "at_most_once"],
) -> Iterator[Deployment]:
    before = logging.getLogger().handlers[:]
    handler.function.cache_clear()
    monkeypatch.setenv("PENSTOCK_PLUGIN", PLUGIN)
    snapshot = tmp_path / "snapshot.json"
    deployed = DeployedPlugin(
        name=PLUGIN,
        folder="audit_export",
        version="1.2.0",
        digest=tree_digest(folder),
        config={},
        hosts=(),
        secrets={"signing_key": "prod/key"},
        moments=("after_response",),
        scope={},
        exceptions=(),
    )
    placement = replace(PLACEMENT, timeout_ms=2000, delivery=delivery, wait=True, digest=deployed.digest)
    snapshot.write_bytes(encode_snapshot(SETTINGS, [deployed], [placement]))
    with deployment(monkeypatch, str(snapshot), [folder.parent]) as made:
        yield made
    handler.function.cache_clear()
    logging.getLogger().handlers[:] = before


def records(aws: Deployment) -> list[DeliveryRecord]:
    return [decode(DeliveryRecord, stored) for stored in aws.stored()]


def test_a_message_is_delivered_recorded_and_counted(
    aws: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    assert failed(handler.handler(sqs_event(body()), FakeContext())) == []
    (record,) = records(aws)
    assert (record.action, record.recorded, record.attempt) == ("record", {"exported": 1.0}, 1)
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (line["plugin"], line["BackgroundDelivered"]) == (PLUGIN, 1)


def test_a_plugin_that_fails_is_recorded_counted_and_its_words_are_not_logged(
    aws: Deployment, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.clients.secretsmanager.put_secret_value(SecretId="prod/key", SecretString="other")
    assert failed(handler.handler(sqs_event(body(), receive_count=3), FakeContext())) == [0]
    (record,) = records(aws)
    assert (record.action, record.failure, record.attempt) == ("fail", "exception", 3)
    out = capsys.readouterr().out
    assert '"BackgroundFailed":1' in out
    assert "builtins.AssertionError" in out
    assert "other" not in out


@pytest.mark.parametrize("delivery", ["at_most_once"])
def test_a_failure_that_is_not_tried_again_is_counted_too(
    aws: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.clients.secretsmanager.put_secret_value(SecretId="prod/key", SecretString="other")
    assert failed(handler.handler(sqs_event(body()), FakeContext())) == []
    assert [record.action for record in records(aws)] == ["fail"]
    out = capsys.readouterr().out
    assert '"BackgroundFailed":1' in out
    assert "BackgroundDelivered" not in out


def test_a_plugin_whose_files_were_changed_is_not_imported(aws: Deployment, folder: Path) -> None:
    (folder / "export.py").write_text("raise SystemExit('never run')")
    assert failed(handler.handler(sqs_event(body()), FakeContext())) == [0]
    assert [record.failure for record in records(aws)] == ["import"]


def test_a_bad_message_comes_back_and_the_good_one_is_delivered(aws: Deployment) -> None:
    assert failed(handler.handler(sqs_event("no json", body()), FakeContext())) == [0]
    assert len(records(aws)) == 1


def test_messages_that_there_is_no_time_for_come_back_untried(aws: Deployment) -> None:
    assert failed(handler.handler(sqs_event(body()), FakeContext(remaining_ms=1_000))) == [0]
    assert records(aws) == []


HOPELESS = """
from penstock.sdk import Plugin, UndeliverableError

class Export(Plugin):
    def after_response(self, evidence, ctx):
        raise UndeliverableError("never")
"""


@pytest.mark.parametrize("code", [HOPELESS])
def test_what_will_never_be_taken_is_among_the_dead_letters_at_once(
    aws: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    assert failed(handler.handler(sqs_event(body()), FakeContext())) == []
    (record,) = records(aws)
    assert (record.action, record.reason) == ("fail", "undeliverable")
    assert aws.waiting(aws.resources.plugin_queues[PLUGIN].dead_url) == [body()]
    out = capsys.readouterr().out
    assert '"BackgroundFailed":1' in out
    assert "BackgroundDelivered" not in out


def waited(**changes: Any) -> dict[str, Any]:
    """A call of the gateway, which waits for it."""
    deployed = Snapshot.load(Path(os.environ["PENSTOCK_SNAPSHOT"]))
    placement, message = replace(deployed.waited[PLUGIN], **changes), body().encode()
    terms = deployed.terms(deployed.waited[PLUGIN])
    return dict(json.loads(encode_waited(placement, terms, examples.REQUEST_ID, 1.0, message)))


@pytest.mark.parametrize("delivery", ["at_least_once", "at_most_once"])
def test_a_gateway_that_waits_is_told_when_the_plugin_has_taken_it_and_its_queue_brings_nothing_new(
    aws: Deployment,
) -> None:
    answer = handler.handler(waited(), FakeContext())
    assert (answer["request_id"], answer["failure"]) == (examples.REQUEST_ID, None)
    assert [(record.path, record.action) for record in records(aws)] == [("response", "record")]
    handler.function.cache_clear()
    assert failed(handler.handler(sqs_event(body()), FakeContext())) == []
    assert len(records(aws)) == 1


def test_a_gateway_that_waits_is_told_how_the_plugin_failed(aws: Deployment) -> None:
    aws.clients.secretsmanager.put_secret_value(SecretId="prod/key", SecretString="other")
    assert handler.handler(waited(), FakeContext())["failure"] == "exception"
    assert [(record.path, record.failure) for record in records(aws)] == [("response", "exception")]


def test_a_gateway_of_another_deployment_is_not_served(aws: Deployment) -> None:
    assert handler.handler(waited(digest="sha256:" + "9" * 64), FakeContext())["failure"] == "import"
    assert records(aws) == []


def test_a_record_that_cannot_be_stored_is_a_failure_for_who_waits(aws: Deployment) -> None:
    handler.function()
    with patch.object(S3Objects, "put_once", side_effect=StorageError("store")):
        assert handler.handler(waited(), FakeContext())["failure"] == "unavailable"
