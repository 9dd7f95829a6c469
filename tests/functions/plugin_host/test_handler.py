"""One function, two ways in: a call of the gateway, and a batch of the plugin's queue."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from functions.plugin_host import handler
from penstock.configuration.snapshot import DeployedPlugin, Snapshot, encode_snapshot
from penstock.gates.hosted_call import encode_call
from penstock.sdk.loading import tree_digest
from penstock.sdk.projection import Projection, TextValues
from tests.background.fakes import PLACEMENT as LATER
from tests.background.fakes import body
from tests.functions.aws import PLUGIN, Deployment, FakeContext, deployment, failed, sqs_event
from tests.functions.plugin_host.test_deliveries import MANIFEST, SETTINGS
from tests.gates.fakes import REQUEST_ID, USER, placement_of

CODE = """
from penstock.sdk import Allow, Block, Plugin

class Export(Plugin):
    def before_upstream(self, request, ctx):
        if "bad" in request.messages.user[0]:
            return Block("bad")
        ctx.record("exported", 1)
        return Allow()

    def after_response(self, evidence, ctx):
        ctx.record("exported", 1)
"""
INLINE = (
    MANIFEST
    + """
[before_upstream]
reads = ["request.messages.user"]
effects = ["block", "record"]
[reasons]
bad = "It is bad."
"""
)
HEAVY = ("aws_lambda_powertools", "botocore", "boto3", "httpx", "jmespath")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "plugins" / "audit_export"
    made.mkdir(parents=True)
    (made / "plugin.toml").write_text(INLINE)
    (made / "export.py").write_text(CODE)
    return made


@pytest.fixture
def snapshot(tmp_path: Path, folder: Path) -> Path:
    digest = tree_digest(folder)
    plugin = DeployedPlugin(
        name=PLUGIN,
        folder="audit_export",
        version="1.2.0",
        digest=digest,
        config={},
        hosts=(),
        secrets={},
        moments=("before_upstream", "after_response"),
        scope={},
        exceptions=(),
    )
    before = placement_of(PLUGIN, host="function", effects=("block", "record"), reasons={"bad": "It is bad."})
    before = replace(before, digest=digest, timeout_ms=2_000, records=LATER.records)
    path = tmp_path / "snapshot.json"
    path.write_bytes(encode_snapshot(SETTINGS, [plugin], [before, replace(LATER, timeout_ms=2_000)]))
    return path


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, snapshot: Path, folder: Path) -> Iterator[Deployment]:
    before = logging.getLogger().handlers[:]
    handler.function.cache_clear()
    monkeypatch.setenv("PENSTOCK_PLUGIN", PLUGIN)
    with deployment(monkeypatch, str(snapshot), [folder.parent]) as made:
        yield made
    handler.function.cache_clear()
    logging.getLogger().handlers[:] = before


def call(snapshot: Path, text: str) -> dict[str, Any]:
    deployed = Snapshot.load(snapshot)
    (placement,) = deployed.inline("function")
    projection = Projection({USER: TextValues((text,))})
    raw = encode_call(placement, deployed.terms(placement), projection, REQUEST_ID, 1.0)
    return dict(json.loads(raw))


def test_calls_and_batches_are_told_apart_by_their_shape(aws: Deployment, snapshot: Path) -> None:
    answer = handler.handler(call(snapshot, "bad words"), FakeContext())
    assert (answer["decision"]["reason"], answer["failure"]) == ("bad", None)
    assert failed(handler.handler(sqs_event(body()), FakeContext())) == []
    answer = handler.handler(call(snapshot, "good words"), FakeContext())
    assert (answer["decision"], answer["recorded"]) == ({"kind": "allow"}, {"exported": 1})
    assert len(aws.stored()) == 1


def test_a_call_leaves_nothing_in_stores_and_no_words_in_the_log(
    aws: Deployment, snapshot: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    handler.handler(call(snapshot, "bad words"), FakeContext())
    assert aws.stored() == []
    assert "bad" not in capsys.readouterr().out


def test_a_changed_plugin_is_not_imported_and_fails_its_calls(
    aws: Deployment, snapshot: Path, folder: Path
) -> None:
    event = call(snapshot, "bad")
    (folder / "export.py").write_text("raise SystemExit('never run')")
    assert handler.handler(event, FakeContext())["failure"] == "import"


START = """
import sys
from functions.plugin_host import handler
assert handler.function()._inline is not None
print([name for name in {heavy!r} if name in sys.modules])
"""


def test_a_cold_start_imports_nothing_that_only_deliveries_and_capabilities_need(
    aws: Deployment, snapshot: Path
) -> None:
    script = START.format(heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
