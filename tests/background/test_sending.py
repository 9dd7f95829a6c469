from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from penstock.adapters.clients import Clients
from penstock.background import sending
from penstock.background.host import DeliveryFailedError
from penstock.background.sending import alias_transport
from penstock.egress.client import AliasTransport
from penstock.egress.messages import encode_response
from penstock.errors import FailureClass, PluginError
from penstock.evidence.record import Delivery
from penstock.sdk import Context, Evidence
from tests.background.fakes import HOST, Stage
from tests.background.fakes import PLACEMENT as LATER
from tests.background.test_deployed import BEFORE, snapshot

EMITS = replace(LATER, terms=replace(LATER.terms, effects=frozenset({"emit"})))
SILENT = replace(LATER, terms=replace(LATER.terms, effects=frozenset({"record"})))


def test_who_may_emit_at_any_moment_may_send_to_what_it_is_granted() -> None:
    hosts = {"audit-export": frozenset({"siem.example.com:443"})}
    assert snapshot(EMITS).sending == hosts
    assert snapshot(BEFORE, EMITS).sending == hosts


def test_who_may_emit_nowhere_sends_nothing() -> None:
    assert snapshot(SILENT).sending == {}


class FakeFunctions:
    """What is asked of Lambda, once."""

    def __init__(self, _clients: Clients, pattern: str, _plugins: int, _longest_s: float) -> None:
        self.pattern = pattern
        self.payloads: list[dict[str, Any]] = []

    def invoke(self, plugin: str, payload: bytes) -> FakeFunctions:
        del plugin
        self.payloads.append(json.loads(payload))
        return self

    def result(self, _seconds: float) -> bytes:
        assert self.pattern == "team-egress:audit-export"
        return json.dumps(encode_response(204, [], b"")).encode()


def test_what_is_sent_is_given_to_the_alias_as_it_is_named(monkeypatch: Any) -> None:
    monkeypatch.setattr(sending, "LambdaFunctions", FakeFunctions)
    with httpx.Client(transport=alias_transport(Clients(), "team-egress:audit-export")) as client:
        assert client.get("https://siem.example.com/").status_code == 204


def test_a_role_that_may_not_invoke_its_alias_is_denied() -> None:
    """As under `egress = "enforced"`, where an alias sends for the plugin."""

    def refused(_: bytes) -> bytes:
        raise PluginError(FailureClass.DENIED, "Lambda did not take the call")

    def export(_: Evidence, ctx: Context) -> None:
        ctx.http.post(f"https://{HOST}/")

    stage = Stage(export, receiver=AliasTransport(refused).handle_request)
    with pytest.raises(DeliveryFailedError):
        stage.deliver()
    (record,) = stage.records()
    assert (record.action, record.failure) == ("fail", "denied")
    assert record.deliveries == [Delivery(HOST, None)]
