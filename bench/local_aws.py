"""Starts `bench.aws_server`, and makes the gateway's real adapters for it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench import bodies, world
from penstock.adapters.clients import Clients, Endpoint
from penstock.adapters.control import DynamoControlStore
from penstock.adapters.ledger import DynamoLedger
from penstock.adapters.queues import SqsQueues
from penstock.configuration.settings import Settings
from penstock.gateway.environment import outbox
from penstock.upstream.client import HttpUpstream

ROOT: Final = Path(__file__).resolve().parent.parent
REGION: Final = "eu-west-1"
STREAMED_CHARS: Final = 400
# Lambda sets both names of the region.
CREDENTIALS: Final = {
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
}


@dataclass(frozen=True, slots=True)
class LocalAws:
    """The server that runs: where it is, the API key that it knows, the compiled snapshot."""

    url: str
    secret: str
    folder: Path
    plugin_roots: tuple[str, ...]

    def ports(self, *, with_upstream: bool) -> dict[str, Any]:
        """What `World` takes: stores by boto3, and the upstream by httpx when asked for."""
        endpoint = Endpoint(REGION, self.url, "bench", "bench")
        clients = Clients(endpoint)
        found: dict[str, Any] = {
            "store": DynamoControlStore(clients, "control"),
            "secret": self.secret,
            "ledger": DynamoLedger(clients, "ledger"),
            "outbox": outbox(SqsQueues(clients), f"{self.url}/000000000000/outbox"),
        }
        return found | ({"upstream": HttpUpstream()} if with_upstream else {})

    def environment(self) -> dict[str, str]:
        """What the gateway's function is told."""
        settings = Settings(
            control_table="control",
            ledger_table="ledger",
            storage_table="storage",
            evidence_bucket="evidence",
            outbox_url=f"{self.url}/000000000000/outbox",
            plugin_queue_pattern=f"{self.url}/000000000000/{{plugin}}",
            evidence_key_secret="evidence-key",  # noqa: S106 - the name of one
            snapshot_path=str(self.folder / "snapshot.json"),
            region=REGION,
            deployment="bench",
            plugin_roots=self.plugin_roots,
            local=True,
        )
        return {**settings.environment(), **CREDENTIALS, "AWS_ENDPOINT_URL": self.url}


@contextmanager
def running(size_bytes: int) -> Iterator[LocalAws]:
    """The server in a process of its own, so that its CPU time is not ours."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = world.control_store()
        secret = world.new_key(store)
        compiled = world.compiled_configuration()
        documents = {key: entry.document for key, entry in store.list("")}
        (folder / "documents.json").write_text(json.dumps(documents), encoding="utf-8")
        (folder / "completion.json").write_bytes(bodies.completion(size_bytes))
        (folder / "events").write_bytes(b"".join(bodies.events(STREAMED_CHARS)))
        (folder / "snapshot.json").write_bytes(compiled.raw)
        command = [sys.executable, "-m", "bench.aws_server", str(folder)]
        with subprocess.Popen(command, cwd=ROOT, stdin=-1, stdout=-1, text=True) as process:  # noqa: S603 - our own
            assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - pipes were asked for
            port = int(process.stdout.readline())
            try:
                yield LocalAws(f"http://127.0.0.1:{port}", secret, folder, compiled.plugin_roots)
            finally:
                process.stdin.close()
