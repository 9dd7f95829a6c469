"""The door as it is deployed: the tables, the secrets and the bucket of one deployment."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest

from penstock.adapters.plugin_storage import DynamoStorage
from penstock.adapters.provision import store_secret
from penstock.adapters.secrets import SecretsManager
from penstock.approvals.deployed import deployed_door
from penstock.approvals.door import Asking
from penstock.approvals.links import Link, form_mark, signature
from penstock.approvals.store import Waiting
from penstock.configuration.settings import Settings
from penstock.evidence.delivery import DeliveryRecord
from penstock.evidence.schema import decode
from tests.approvals.fakes import FORM, REQUEST_ID
from tests.configuration.test_snapshot import PLUGIN
from tests.functions.aws import deployment

ASKS: dict[str, Any] = {"step": [{"name": "decide", "approval": True, "timeout_s": 60, "on_timeout": "late"}]}
GATE = replace(PLUGIN, name="gate", workflow=ASKS)
DOES = replace(PLUGIN, name="doer", workflow={"step": [{"name": "tell", "do": True}]})


class Deployed:
    """The part of a snapshot that is looked at."""

    def __init__(self, *plugins: Any) -> None:
        self.plugins = {plugin.name: plugin for plugin in plugins}
        self.digest = "sha256:" + "b" * 64


def test_only_plugins_that_ask_humans_have_a_door() -> None:
    assert (GATE.asks_humans, DOES.asks_humans, PLUGIN.asks_humans) == (True, False, False)


def test_an_answer_goes_into_the_table_and_the_bucket_of_the_deployment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with deployment(monkeypatch, "unused") as made:
        store_secret(made.clients, "local/approvals/gate", "k" * 48)
        settings: Settings = made.resources.settings("unused", ())
        snapshot: Any = Deployed(GATE, DOES, PLUGIN)
        secrets = SecretsManager(made.clients)
        door = deployed_door(snapshot, settings, made.clients, secrets)
        assert set(door.plugins) == {"gate"}
        until_s = int(time.time()) + 600
        # moto's Step Functions has no such task: one that has ended hears nothing.
        waiting = Waiting("AQB4AAAAKgAAAAMAAAAAAAAAAX", until_s, REQUEST_ID, "acme")
        monkeypatch.setattr(type(door.plugins["gate"]._tasks), "succeed", lambda *_: True)
        door.plugins["gate"].wait("run-1", "decide", waiting)
        link = Link("gate", "run-1", "decide", "anna", until_s)
        query = {"step": ["decide"], "to": ["anna"], "until": [str(link.until_s)]}
        body = f"decision=deny&mark={form_mark(b'k' * 48, link)}".encode()
        signed = {**query, "sig": [signature(b"k" * 48, link)]}
        asking = Asking("POST", "gate", "run-1", signed, {"content-type": FORM}, body)
        assert door.answer(asking).status == 200
        assert door.answer(asking._replace(query={**signed, "to": ["bob"]})).status == 403
        (stored,) = made.stored()
        assert decode(DeliveryRecord, stored).outcome == "denied"
        own = DynamoStorage(made.clients, settings.storage_table, "approval#gate")
        assert own.get("run-1/decide") is not None
        assert DynamoStorage(made.clients, settings.storage_table, "gate").get("run-1/decide") is None
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["outcome"] for line in lines if "Approvals" in line] == ["asked", "denied"]
    (refused,) = [line for line in lines if "ApprovalsRefused" in line]
    assert (refused["plugin"], refused["reason"]) == ("gate", "signature")
