from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from penstock.adapters.clients import Clients, Endpoint
from penstock.background.deployed import background_plugin, plugin_transport, ways_out
from penstock.background.inline import inline_plugin
from penstock.configuration.settings import Settings
from penstock.configuration.snapshot import DeployedPlugin, Snapshot, encode_snapshot
from penstock.egress.client import AliasTransport
from penstock.egress.network import PublicTransport, RefusedAddressError
from penstock.errors import ConfigurationError
from penstock.gates.placement import Placement
from tests.background.fakes import PLACEMENT as LATER
from tests.gates.fakes import placement_of

SETTINGS = Settings("c", "l", "s", "b", "o", "q", "k", "snapshot.json", "eu-central-1", "d")
BEFORE = placement_of("audit-export", host="function")
LIMITS = {
    "deployment": "local",
    "body_limit_bytes": 1024,
    "gate_budget_ms": {"before_upstream": 1, "after_upstream": 1},
    "durability": "stored",
    "addresses": [],
}


def snapshot(*placements: Placement) -> Snapshot:
    plugin = DeployedPlugin(
        name="audit-export",
        folder="audit_export",
        version="1.2.0",
        digest="sha256:" + "0" * 64,
        config={},
        hosts=("siem.example.com:443",),
        secrets={"token": "prod/token"},
        moments=("before_upstream",),
        scope={},
        exceptions=(),
    )
    return Snapshot.decode(encode_snapshot(LIMITS, [plugin], placements))


def test_a_plugin_is_called_at_the_gates_where_its_host_is_a_function() -> None:
    deployed = snapshot(BEFORE, replace(BEFORE, moment="after_upstream", host="in_process"), LATER)
    found = inline_plugin(deployed, SETTINGS, "audit-export")
    assert found is not None
    assert list(found.placements) == ["before_upstream"]
    assert found.terms == {"before_upstream": deployed.terms(found.placements["before_upstream"])}
    assert (found.hosts, found.secrets) == (frozenset({"siem.example.com:443"}), {"token": "prod/token"})


def test_a_background_plugin_is_not_called_and_one_that_is_called_has_no_queue() -> None:
    assert inline_plugin(snapshot(LATER), SETTINGS, "audit-export") is None
    assert background_plugin(snapshot(LATER), SETTINGS, "audit-export").placement.moment == "after_response"
    with pytest.raises(ConfigurationError, match="is not deployed at after_response"):
        background_plugin(snapshot(BEFORE), SETTINGS, "audit-export")


def test_nothing_is_imported_before_it_is_loaded() -> None:
    found = inline_plugin(snapshot(BEFORE), SETTINGS, "audit-export")
    assert found is not None
    with pytest.raises(ConfigurationError, match="is not in"):
        found.load()


@pytest.mark.loopback
@pytest.mark.parametrize(("local", "error"), [(False, RefusedAddressError), (True, httpx.ConnectError)])
def test_this_machine_is_reached_by_local_deployments_alone_and_where_it_is_granted(
    local: bool, error: type[Exception]
) -> None:
    deployed = snapshot(BEFORE)
    plugin = replace(deployed.plugins["audit-export"], hosts=("127.0.0.1:9",))
    granted = replace(deployed, plugins={"audit-export": plugin})
    transport = plugin_transport(granted, replace(SETTINGS, local=local), "audit-export")
    with httpx.Client(transport=transport) as client, pytest.raises(error):
        client.get("http://127.0.0.1:9/")
    with httpx.Client(transport=transport) as client, pytest.raises(RefusedAddressError):
        client.get("http://10.0.0.1:9/")


def test_only_what_is_granted_has_a_way_out() -> None:
    deployed = snapshot(BEFORE)
    ways = ways_out(deployed, SETTINGS, Clients(), "audit-export")
    assert (ways.storage, ways.mailer, ways.exports) == (None, None, None)
    wider = replace(deployed.plugins["audit-export"], storage=True, email_from="a@b.example", exports=True)
    ways = ways_out(replace(deployed, plugins={"audit-export": wider}), SETTINGS, Clients(), "audit-export")
    assert ways.storage is not None
    assert ways.mailer is not None
    assert ways.exports is not None


def test_who_has_no_route_out_sends_by_its_alias_and_who_has_one_itself() -> None:
    walled = replace(SETTINGS, egress_alias="d-egress:audit-export")
    clients = Clients(Endpoint(region="eu-central-1"))
    assert isinstance(ways_out(snapshot(BEFORE), walled, clients, "audit-export").transport, AliasTransport)
    assert isinstance(
        ways_out(snapshot(BEFORE), SETTINGS, clients, "audit-export").transport, PublicTransport
    )
