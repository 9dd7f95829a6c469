"""Plugins' workflows in the local AWS: the machines that a template would hold, run by moto's interpreter.

What it starts ends with it: a run does not outlive `penstock dev`, whatever else is kept.
"""

from __future__ import annotations

from collections.abc import Mapping

from penstock.adapters.clients import Clients
from penstock.adapters.workflows import create_machine
from penstock.configuration.snapshot import Snapshot
from penstock.configuration.workflow import Machine, definition


def create_workflows(clients: Clients, snapshot: Snapshot) -> dict[str, str]:
    """Make the machine of each plugin with a workflow: plugin → its ARN."""
    return {
        plugin.name: create_machine(
            clients, machine_name(snapshot, plugin.name), _definition(snapshot, plugin.name)
        )
        for plugin in snapshot.plugins.values()
        if plugin.workflow is not None
    }


def create_machines(clients: Clients, definitions: Mapping[str, str]) -> None:
    """Make the machines of a synthesised stack: name → definition."""
    for name, text in definitions.items():
        create_machine(clients, name, text)


def machine_name(snapshot: Snapshot, plugin: str) -> str:
    """As infra/whereabouts.py names it."""
    return f"{snapshot.deployment}-plugin-{plugin}"


def _definition(snapshot: Snapshot, name: str) -> str:
    plugin = snapshot.plugins[name]
    machine = Machine(
        plugin=name,
        digest=plugin.digest,
        function=f"{snapshot.deployment}-plugin-{name}",
        approvals=f"{snapshot.deployment}-approvals",
    )
    return definition(plugin.steps, machine)
