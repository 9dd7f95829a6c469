"""What a plugin's README says of its role is what its role gets, neither more nor less."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from infra.plugins import role_statements
from infra.whereabouts import Whereabouts
from penstock.adapters.resources import dead_queue
from penstock.configuration.compile import compile_file
from penstock.configuration.reading import parse_gateway_file
from penstock.configuration.snapshot import DeployedPlugin
from tests import tree

HERE = Whereabouts("try-out")
SECTION = "## What its role may do"
README = {folder: tree.ROOT / folder / "README.md" for folder in tree.plugin_folders()}
TOLD = [folder for folder, path in README.items() if SECTION in path.read_text(encoding="utf-8")]
# Given beside a role's own statements: by whoever makes the function, and where the deployment says so.
BESIDE = {
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "lambda:InvokeFunction",
    "kms:Decrypt",
    "kms:GenerateDataKey",
}


def told(text: str) -> Iterator[str]:
    """The actions in the first column; a name without a service is of the one before it."""
    table = text.partition(SECTION)[2].partition("\n## ")[0]
    for row in re.findall(r"^\| (`.*)$", table, re.MULTILINE):
        service = ""
        for part in re.findall(r"`(?:([a-z0-9-]+):)?([A-Z][A-Za-z]+)`", row):
            service = part[0] or service
            yield f"{service}:{part[1]}"


def given(text: str) -> tuple[DeployedPlugin, Sequence[Any]]:
    """The plugin of a README's stanza, and what its role gets."""
    blocks = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    stanza = "\n".join(['[deployment]\nname = "try-out"', *blocks])
    snapshot = compile_file(parse_gateway_file(stanza.encode(), tree.ROOT / "gateway.toml")).snapshot
    (plugin,) = snapshot.plugins.values()
    return plugin, role_statements(plugin, snapshot, HERE)


each = pytest.mark.parametrize("folder", TOLD, ids=lambda folder: folder.name)


@each
def test_its_readme_names_every_action_of_its_role(folder: Path) -> None:
    text = README[folder].read_text(encoding="utf-8")
    _, statements = given(text)
    assert set(told(text)) - BESIDE == {action for one in statements for action in one.actions}
    assert set(told(text)) >= {"logs:CreateLogStream", "logs:PutLogEvents"}


@each
def test_it_may_send_to_its_own_dead_letter_queue_and_to_no_other_queue(folder: Path) -> None:
    plugin, statements = given(README[folder].read_text(encoding="utf-8"))
    sends = [queue for one in statements if "sqs:SendMessage" in one.actions for queue in one.resources]
    own = HERE.queue(dead_queue(HERE.plugin_queue(plugin.name)))
    assert sends == ([own] if plugin.in_background else [])


def test_every_exporter_says_so() -> None:
    exporters = {"audit_export", "siem_export", "webhook_notify", "email_notify", "warehouse_export"}
    assert exporters <= {folder.name for folder in TOLD}
