"""A gateway to run commands on: AWS in this process, what `penstock dev` would have made in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from penstock.adapters.clients import Clients
from penstock.adapters.control import DynamoControlStore
from penstock.adapters.provision import provision
from penstock.adapters.queues import SqsQueues
from penstock.adapters.resources import Resources
from penstock.cli import main
from penstock.cli.target import Target
from penstock.configuration.compile import compile_file
from penstock.configuration.reading import read_gateway_file
from tests.aws_clients import shared_clients
from tests.configuration import files
from tests.stack_outputs import Stacks

APPLIED = """
[deployment]
name = "test"
[[organisation]]
id = "acme"
[[team]]
id = "red"
organisation = "acme"
[[provider]]
id = "echo"
base_url = "http://127.0.0.1:1/v1"
[[model]]
id = "gpt"
provider = "echo"
[[grant]]
teams = ["red"]
models = ["gpt"]
"""
BACKGROUND = """
name = "export"
version = "2.0.0"
summary = "Sends evidence to one host."
purpose = "Use this plugin to export evidence for tests."
owner = "tests@example.com"
contract = 1
entry_point = "export:Export"
hosts = ["audit.example.com:443"]
[after_response]
reads = ["evidence"]
effects = ["emit"]
"""
BACKGROUND_SOURCE = """
from penstock.sdk import Context, Evidence, Plugin


class Export(Plugin):
    def after_response(self, evidence: Evidence, ctx: Context) -> None:
        pass
"""
BACKGROUND_STANZA = """
[[plugin]]
name = "export"
path = "export"
[plugin.grant]
hosts = ["audit.example.com:443"]
[plugin.grant.after_response]
reads = ["evidence"]
effects = ["emit"]
"""


@dataclass(frozen=True)
class Said:
    """What a command printed, and how it ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Gateway:
    """A gateway, and commands on it."""

    folder: Path
    clients: Clients
    resources: Resources
    capsys: pytest.CaptureFixture[str]
    stacks: Stacks

    @property
    def file(self) -> Path:
        return self.folder / "gateway.toml"

    @property
    def control(self) -> DynamoControlStore:
        return DynamoControlStore(self.clients, self.resources.control_table)

    @property
    def queues(self) -> SqsQueues:
        return SqsQueues(self.clients)

    def run(self, *words: str) -> Said:
        """A command with `--folder`."""
        return said(self.capsys, *words, "--folder", str(self.folder))

    def json(self, *words: str) -> Any:
        """What a command answers with `--json`, having succeeded."""
        found = self.run(*words, "--json")
        assert (found.status, found.err) == (0, "")
        return found.json

    def deploy(self, text: str) -> None:
        """Compile `text`, make its snapshot the deployed one, and write the file that commands look for."""
        self.file.write_text(text, encoding="utf-8")
        snapshot = self.folder / "snapshot.json"
        snapshot.write_bytes(compile_file(read_gateway_file(self.file)).raw)
        tree = {
            "address": "http://127.0.0.1:1",
            "endpoint_url": None,
            "region": "eu-central-1",
            "access_key_id": "testing",
            "secret_access_key": "testing",
            "echo_url": "http://127.0.0.1:4711",
            "snapshot": str(snapshot),
            "resources": json.loads(self.resources.encoded()),
        }
        (self.folder / "local.json").write_text(json.dumps(tree), encoding="utf-8")


@contextmanager
def running(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Gateway]:
    """A gateway with one guard and one background plugin, nothing applied yet."""
    files.plugin(folder)
    files.plugin(folder, BACKGROUND, BACKGROUND_SOURCE, name="export", module="export")
    with mock_aws():
        clients = shared_clients()
        monkeypatch.setattr(Target, "clients", property(lambda _: shared_clients()))
        stacks = Stacks()
        monkeypatch.setattr(Clients, "cloudformation", property(lambda _: stacks))
        made = Gateway(folder, clients, provision(clients, "test", plugins=["export"]), capsys, stacks)
        made.deploy(files.STANZA + files.GRANT + BACKGROUND_STANZA + APPLIED)
        yield made


def said(capsys: pytest.CaptureFixture[str], *words: str) -> Said:
    """Run one command."""
    capsys.readouterr()
    try:
        status = main(list(words))
    except SystemExit as error:  # argparse ends so
        status = int(error.code or 0)
    out, err = capsys.readouterr()
    return Said(status, out, err)


def deployed(gateway: Gateway, **more: str) -> None:
    """The two stacks of a deployment `test`, with nothing in them but what they tell."""
    made = gateway.resources
    told = {
        "ControlTable": made.control_table,
        "LedgerTable": made.ledger_table,
        "StorageTable": made.storage_table,
        "EvidenceBucket": made.evidence_bucket,
        "EvidenceKeySecret": made.evidence_key_secret,
        "OutboxUrl": made.outbox.url,
        "PluginQueuePattern": made.plugin_queue_pattern,
    }
    gateway.clients.s3.create_bucket(
        Bucket="assets", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    raw = (gateway.folder / "snapshot.json").read_bytes()
    gateway.clients.s3.put_object(Bucket="assets", Key="0a1b.json", Body=raw)
    outputs = {"test-data": told, "test-gateway": {"Snapshot": "s3://assets/0a1b.json", **more}}
    gateway.stacks.outputs.update(outputs)


def on_stack(gateway: Gateway, *words: str) -> Said:
    """A command with `--stack`."""
    return said(gateway.capsys, *words, "--stack", "test")
