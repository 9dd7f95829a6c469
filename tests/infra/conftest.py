"""One synthesis for all tests of the stacks, as `cdk deploy` would make it: it takes about 15 CPU seconds."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import tree
from tests.infra.template import Template

CONFIGURATION = Path(__file__).parent / "gateway.toml"
STACK = "stacktest-data"
OLDEST_NODE = 20


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    require_node()
    folder = tmp_path_factory.mktemp("cdk.out")
    context = json.dumps({"config": str(CONFIGURATION)})
    synthesis = subprocess.run(
        [sys.executable, "app.py"],
        cwd=tree.ROOT,
        env=os.environ | {"CDK_OUTDIR": str(folder), "CDK_CONTEXT_JSON": context},
        capture_output=True,
        check=False,
        text=True,
    )
    assert synthesis.returncode == 0, synthesis.stderr
    manifest = json.loads((folder / "manifest.json").read_text())
    content = json.loads((folder / f"{STACK}.template.json").read_text())
    return Template(content, manifest["artifacts"][STACK])


def require_node() -> None:
    """CDK runs on Node: say so, rather than let jsii look for it."""
    found = shutil.which("node")
    said = (
        subprocess.run([found, "--version"], capture_output=True, check=False, text=True) if found else None
    )
    version = re.match(r"v(\d+)\.", said.stdout) if said else None
    if version is None or int(version[1]) < OLDEST_NODE:
        there = f"node is {version[0]}x" if version else "there is no node on the PATH"
        pytest.fail(
            f"The stacks' tests need Node {OLDEST_NODE} or later, and {there}: install it from "
            "https://nodejs.org or your package manager, then run the tests again.",
            pytrace=False,
        )
