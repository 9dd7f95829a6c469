"""A local gateway of its own for MCP, with the example server behind it."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from penstock.adapters.control import DynamoControlStore
from penstock.adapters.provision import store_secret
from penstock.cli import main
from penstock.dev.gateway import LocalGateway
from penstock.dev.options import Options
from penstock.governance.api_keys import ApiKeys, KeyOwner
from tests import tree
from tests.e2e.conftest import EvidenceReader
from tests.e2e.mcp.door import SECRET, Door
from tests.e2e.mcp.suite import KeyProxy, key_proxy

HERE = Path(__file__).parent
APPROVED = ("search", "book", "stocktake", "borrow", "summarise", "rewrite", "open_annex")


@dataclass(frozen=True)
class Library:
    """The example server in a process of its own."""

    url: str
    file: Path

    @property
    def log(self) -> Path:
        return self.file.with_suffix(".log")

    def seen(self) -> list[dict[str, Any]]:
        """All requests that came to it, in order."""
        return [json.loads(line) for line in self.file.read_text().splitlines()] if self.file.exists() else []


@contextlib.contextmanager
def running(folder: Path, *kinds: tuple[str, ...]) -> Iterator[list[Library]]:
    """A process for each of `kinds`, which are its arguments; they start side by side."""
    with contextlib.ExitStack() as stack:
        started = [stack.enter_context(_process(folder, kind)) for kind in kinds]
        for library, process in started:
            _wait(library, process)
        yield [library for library, _ in started]


@contextlib.contextmanager
def _process(folder: Path, more: tuple[str, ...]) -> Iterator[tuple[Library, subprocess.Popen[bytes]]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    library = Library(f"http://127.0.0.1:{port}/mcp", folder / f"seen-{port}")
    command = [sys.executable, "-m", "examples.mcp_server", "--port", str(port), "--seen", str(library.file)]
    with (
        library.log.open("wb") as out,
        subprocess.Popen([*command, *more], cwd=tree.ROOT, stdout=out, stderr=out) as process,
    ):
        try:
            yield library, process
        finally:
            process.terminate()


def _wait(library: Library, process: subprocess.Popen[bytes]) -> None:
    parts = urlsplit(library.url)
    ends = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < ends:
        with (
            contextlib.suppress(OSError),
            socket.create_connection((parts.hostname or "", parts.port or 0), timeout=1),
        ):
            return
        time.sleep(0.05)
    raise AssertionError(f"the example server does not run: {library.log.read_text()}")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mcp")


@pytest.fixture(scope="session")
def libraries(folder: Path) -> Iterator[list[Library]]:
    with running(folder, (), ("--json",), ()) as servers:
        yield servers


@pytest.fixture(scope="session")
def library(libraries: list[Library]) -> Library:
    return libraries[0]


@pytest.fixture(scope="session")
def plain(libraries: list[Library]) -> Library:
    """It answers with JSON."""
    return libraries[1]


@pytest.fixture(scope="session")
def changing(libraries: list[Library]) -> Library:
    """Tests may change its tools."""
    return libraries[2]


@pytest.fixture(scope="session")
def door() -> Iterator[Door]:
    server = Door()
    yield server
    server.close()


@pytest.fixture(scope="session")
def proxy() -> Iterator[KeyProxy]:
    """Before the gateway, for who sends no key."""
    with key_proxy() as running_proxy:
        yield running_proxy


@pytest.fixture(scope="session")
def gateway(
    folder: Path, library: Library, plain: Library, changing: Library, door: Door, proxy: KeyProxy
) -> Iterator[LocalGateway]:
    shutil.copytree(HERE / "plugins" / "masker", folder / "masker")
    filled = (HERE / "gateway.toml").read_text()
    for word, value in {
        "LIBRARY": library.url,
        "PLAIN": plain.url,
        "CHANGING": changing.url,
        "DOOR": door.address,
        "PROXY": proxy.origin,
    }.items():
        filled = filled.replace(word, value)
    path = folder / "gateway.toml"
    path.write_text(filled)
    for server in ("shelf", "changing"):
        assert main(["mcp", "approve", server, *APPROVED, "--config", str(path)]) == 0
    options = Options(
        port=0,
        configuration=path,
        folder=folder / ".penstock",
        keep=False,
        warm=2,
        maximum=6,
    )
    with LocalGateway(options, tell=lambda _: None) as started:
        store_secret(started.clients, "e2e/door", SECRET)
        proxy.target, proxy.key = started.address, started.prepared.api_key
        yield started


@pytest.fixture(scope="session")
def key(gateway: LocalGateway) -> str:
    return gateway.prepared.api_key


@pytest.fixture(scope="session")
def other_key(gateway: LocalGateway) -> str:
    """Of the same organisation, with the same grants."""
    store = DynamoControlStore(gateway.clients, gateway.prepared.resources.control_table)
    return ApiKeys(store).create("other", KeyOwner("acme"), int(time.time()))


@pytest.fixture(scope="session")
def evidence(gateway: LocalGateway) -> EvidenceReader:
    return EvidenceReader(gateway)


@pytest.fixture
def http(gateway: LocalGateway, key: str) -> Iterator[httpx.Client]:
    """A plain client with the key and what a client of MCP sends, for what the official one would not."""
    headers = {
        "authorization": f"Bearer {key}",
        "accept": "application/json, text/event-stream",
        "content-type": "application/json",
    }
    with httpx.Client(base_url=gateway.address, headers=headers, trust_env=False, timeout=60) as client:
        yield client
