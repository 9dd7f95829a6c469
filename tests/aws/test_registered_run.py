"""A registered plugin: from its folder through its layer and penstock.lock to a request that it stops."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock.adapters.layers import MemoryLayers
from penstock.configuration.layer import unpack
from penstock.configuration.lock import NAME, Registered, write_lock
from penstock.configuration.registering import build
from penstock.configuration.requirements import fetch
from tests import tree
from tests.aws.account import Account
from tests.aws.running import Run, eventually, placements, running
from tests.configuration.test_requirements import FakePip, plugin
from tests.infra.conftest import require_node
from tests.infra.template import Assembly

SOURCE = """
import wares
from penstock.sdk import Allow, Block, Context, Decision, Plugin, Request


class Guard(Plugin):
    def before_upstream(self, request: Request, ctx: Context) -> Decision:
        ctx.record("words", 1)
        is_bad = any(f"bad on {wares.PLATFORM}" in text for text in request.messages.user)
        return Block("bad_word") if is_bad else Allow()
"""
GATEWAY = """
[deployment]
name = "bylock"

[[plugin]]
name = "guard"
host = "in_process"

[plugin.grant.before_upstream]
reads = ["request.messages.user"]
effects = ["block", "record"]

[[organisation]]
id = "acme"

[[provider]]
id = "echo"
base_url = "http://127.0.0.1:8788/v1"
auth = "none"

[[model]]
id = "echo"
provider = "echo"

[[grant]]
organisations = ["acme"]
models = ["echo"]
"""


def registered(base: Path) -> Registered:
    """As `penstock plugin register` does it, with a registry of packages and an AWS of the test's own."""
    folder = plugin(base / "author")
    (folder / "guard.py").write_text(SOURCE)
    fetch(folder, base, FakePip())
    built = build(folder, base)
    arn = MemoryLayers().publish(built.layer_name, built.zip.body, "").arn
    entry = built.entry(arn)
    write_lock(base / NAME, {"guard": entry})
    unpack(built.zip.body, entry.laid_out(base))
    return entry


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Run, Registered]]:
    base = tmp_path_factory.mktemp("base")
    entry = registered(base)
    (base / "gateway.toml").write_text(GATEWAY)
    require_node()
    asked = [sys.executable, "-m", "tests.aws.synthesis", str(base / "out"), f"x={base / 'gateway.toml'}"]
    done = subprocess.run(asked, cwd=tree.ROOT, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assembly = Assembly(base / "out" / "x")
    stacks = assembly.stacks().values()
    resources: dict[str, Any] = dict(item for stack in stacks for item in stack.resources.items())
    with running(assembly.folder, base / "gateway.toml", base / "run", Account(resources)) as made:
        yield made, entry


def test_the_layer_s_plugin_stops_a_request_and_leaves_its_digest_in_the_evidence(
    run: tuple[Run, Registered],
) -> None:
    gateway, entry = run
    passed, stopped = gateway.ask("good"), gateway.ask("this is bad on lambda")
    assert passed.status_code == 200, passed.text
    assert stopped.status_code == 403, stopped.text
    assert stopped.json()["error"]["code"] == "guard.bad_word"
    request_id = stopped.headers["x-request-id"]
    assert eventually(lambda: gateway.terminal(request_id) is not None), gateway.said
    record = gateway.terminal(request_id) or {}
    assert placements(record) == {("guard", "before_upstream"): "block"}
    assert record["placements"][0]["digest"] == entry.digest
