"""One synthesis for all tests of the stacks, as `cdk deploy` would make it; kept until the sources change."""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests import tree
from tests.infra.template import Assembly, Template

OLDEST_NODE = 20
KEPT = 3  # of earlier syntheses
CONFIGURATIONS = {
    "test": tree.ROOT / "tests" / "infra" / "gateway.toml",
    "default": tree.ROOT / "examples" / "gateway.toml",
    "small-team": tree.ROOT / "examples" / "deployments" / "small-team.toml",
    "vendors": tree.ROOT / "examples" / "deployments" / "vendors.toml",
    "opened": tree.ROOT / "tests" / "infra" / "opened.toml",
    "enforced": tree.ROOT / "tests" / "infra" / "enforced.toml",
    "private": tree.ROOT / "examples" / "deployments" / "private.toml",
}
SOURCES = ("infra", "penstock", "functions", "plugins", "examples")


@pytest.fixture(scope="session")
def assemblies() -> dict[str, Assembly]:
    """By the configuration's name."""
    require_node()
    folder = tree.ROOT / ".packages" / "synthesised" / digest_of_sources()
    if not folder.is_dir():
        synthesise(folder)
    return {name: Assembly(folder / name) for name in CONFIGURATIONS}


@pytest.fixture(scope="session")
def template(assemblies: dict[str, Assembly]) -> Template:
    """The data stack of the tests' own configuration."""
    return assemblies["test"].stack("stacktest-data")


@pytest.fixture(scope="session")
def compute(assemblies: dict[str, Assembly]) -> Template:
    """Its compute stack."""
    return assemblies["test"].stack("stacktest-gateway")


def synthesise(folder: Path) -> None:
    """One at a time: another run of the tests may be at it, or read what it has made."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.parent.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            forget(folder.parent)
            synthesise_alone(folder)


def forget(home: Path) -> None:
    for old in sorted(home.iterdir(), key=lambda path: path.stat().st_mtime)[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def synthesise_alone(folder: Path) -> None:
    making = tempfile.mkdtemp(dir=folder.parent)
    chosen = [f"{name}={path}" for name, path in CONFIGURATIONS.items()]
    asked = [sys.executable, "-m", "tests.aws.synthesis", making, *chosen]
    synthesis = subprocess.run(asked, cwd=tree.ROOT, capture_output=True, check=False, text=True)
    assert synthesis.returncode == 0, synthesis.stdout[-5000:] + synthesis.stderr[-5000:]
    Path(making).rename(folder)


def digest_of_sources() -> str:
    """Over all that a synthesis reads."""
    total = hashlib.sha256(sys.version.encode())
    files = [path for source in SOURCES for path in (tree.ROOT / source).rglob("*") if path.is_file()]
    tests = tree.ROOT / "tests" / "infra"
    files += [tree.ROOT / "app.py", tree.ROOT / "uv.lock", *tests.glob("*.toml")]
    files += [path for path in (tests / "plugins").rglob("*") if path.is_file()]
    for path in sorted(path for path in files if "__pycache__" not in path.parts):
        total.update(str(path).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:32]


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
