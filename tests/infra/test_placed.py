from __future__ import annotations

from dataclasses import replace

from infra import placed
from infra.chosen import chosen_configuration
from penstock.configuration.snapshot import Snapshot
from tests.infra.conftest import CONFIGURATIONS

VENDORS = str(CONFIGURATIONS["vendors"])


def trusted(snapshot: Snapshot, plugin: str) -> Snapshot:
    """The same with the plugin's placements at gates in the gateway's process."""
    placements = {
        moment: tuple(replace(p, host="in_process") if p.plugin == plugin else p for p in found)
        for moment, found in snapshot.placements.items()
    }
    return replace(snapshot, placements=placements)


def test_a_plugin_of_the_function_host_is_not_in_the_gateway_s_layer_and_is_called_by_it() -> None:
    snapshot = chosen_configuration(VENDORS).snapshot
    assert placed.in_process(snapshot) == ["request-tags"]
    assert placed.called(snapshot) == ["approval-gate", "card-guard"]
    others = {"approval-gate", "card-guard", "audit-export", "warehouse-export"}
    assert {plugin.name for plugin in placed.in_function(snapshot)} == others


def test_a_trusted_plugin_has_no_function_and_a_background_plugin_one_that_the_gateway_does_not_call() -> (
    None
):
    snapshot = trusted(chosen_configuration(VENDORS).snapshot, "card-guard")
    assert placed.called(snapshot) == ["approval-gate"]
    later = {plugin.name for plugin in placed.in_function(snapshot)} - {"approval-gate"}
    assert later == {"audit-export", "warehouse-export"}


def test_a_function_that_is_called_may_run_a_little_longer_than_its_longest_deadline() -> None:
    snapshot = chosen_configuration(VENDORS).snapshot
    plugins = snapshot.plugins
    assert placed.function_timeout_s(snapshot, plugins["card-guard"]) == 2 + placed.ENDING_S
    assert placed.function_timeout_s(snapshot, plugins["audit-export"]) == placed.BACKGROUND_S


def test_a_background_plugin_that_is_waited_for_is_called_by_the_gateway() -> None:
    snapshot = trusted(chosen_configuration(VENDORS).snapshot, "card-guard")
    (later,) = (p for p in snapshot.at("after_response") if p.plugin == "audit-export")
    waits = replace(
        snapshot, placements={**snapshot.placements, "after_response": (replace(later, wait=True),)}
    )
    assert placed.called(waits) == ["approval-gate", "audit-export"]
