"""MCP's own conformance suite, run against one URL, and a proxy that shows a gateway the key for it.

The suite (`@modelcontextprotocol/conformance`, pinned in the folder `conformance` beside this file) sends no
credentials, so that the proxy adds the key; it changes nothing else.
"""

from __future__ import annotations

import contextlib
import json
import platform
import re
import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import httpx

from tests import tree

MODULES: Final = tree.ROOT / ".venv-tools" / "conformance" / "node_modules"
SUITE: Final = MODULES / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
PAGE: Final = tree.ROOT / "docs" / "mcp.md"
BEGIN: Final = "<!-- Written by `make conformance`. -->"
END: Final = "<!-- End. -->"
LEAST_NODE: Final = 22
_TIME: Final = re.compile(r"-\d{4}-\d\d-\d\dT[0-9-]+Z$")
_HOP: Final = frozenset({"connection", "content-length", "host", "keep-alive", "transfer-encoding"})

Results = Mapping[str, Counter[tuple[str, str]]]
"""Scenario → (check, status) → how often."""


def node() -> str:
    """A Node that the suite runs on: that of the registry for this platform, or this machine's own."""
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    packed = MODULES / f"node-{platform.system().lower()}-{machine}" / "bin" / "node"
    if packed.is_file():
        return str(packed)
    own = shutil.which("node")
    assert own, f"The conformance suite needs Node {LEAST_NODE} or newer."
    version = subprocess.run([own, "--version"], capture_output=True, text=True, check=True).stdout
    is_new = int(version.removeprefix("v").partition(".")[0]) >= LEAST_NODE
    assert is_new, f"The conformance suite needs Node {LEAST_NODE} or newer."
    return own


def run_suite(url: str, folder: Path) -> Results:
    """Every scenario for servers, against one URL. `folder` is where the suite writes what it finds."""
    assert SUITE.is_file(), "The conformance suite is not installed: run `make conformance`."
    command = [node(), str(SUITE), "server", "--suite", "all", "--url", url, "--output-dir", str(folder)]
    subprocess.run(command, check=False, capture_output=True, timeout=300)
    found: dict[str, Counter[tuple[str, str]]] = {}
    for path in sorted(folder.glob("server-*/checks.json")):
        scenario = _TIME.sub("", path.parent.name.removeprefix("server-"))
        found[scenario] = Counter((check["id"], check["status"]) for check in json.loads(path.read_text()))
    return found


def table(directly: Results, through: Results) -> str:
    """Markdown: a line for each scenario."""
    lines = ["| scenario | directly | through the gateway |", "|---|---|---|"]
    for scenario in sorted(directly.keys() | through.keys()):
        cells = (said(results.get(scenario)) for results in (directly, through))
        lines.append(f"| {scenario} | {' | '.join(cells)} |")
    return "\n".join(lines)


def said(checks: Counter[tuple[str, str]] | None) -> str:
    """What became of one scenario, in words."""
    if checks is None:
        return "not run"
    counted = Counter[str]()
    for (_, status), times in checks.items():
        counted[status] += times
    words = {"SUCCESS": "passed", "FAILURE": "failed", "WARNING": "warned"}
    return (
        ", ".join(f"{counted[status]} {word}" for status, word in words.items() if counted[status]) or "ran"
    )


def with_table(page: str, found: str) -> str:
    """The page with `found` between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{found}\n{END}{after}"


class KeyProxy:
    """HTTP on loopback that passes everything on to `target`, with a key. Streams pass as they come."""

    def __init__(self) -> None:
        self.target = ""
        self.key = ""
        self._client = httpx.Client(trust_env=False, timeout=60)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def origin(self) -> str:
        """As a browser would send it."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._client.close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def _pass(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                sent = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
                sent["authorization"] = f"Bearer {proxy.key}"
                url = proxy.target + self.path
                with (
                    contextlib.suppress(OSError, httpx.HTTPError),
                    proxy._client.stream(self.command, url, content=body, headers=sent) as answer,
                ):
                    self.send_response(answer.status_code)
                    for name, value in answer.headers.items():
                        if name.lower() not in _HOP:
                            self.send_header(name, value)
                    self.end_headers()
                    for piece in answer.iter_raw():
                        self.wfile.write(piece)

            do_POST = do_GET = do_DELETE = _pass  # noqa: N815 - the base class calls them so

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


@contextlib.contextmanager
def key_proxy() -> Iterator[KeyProxy]:
    """A proxy that listens; who it is for is told later."""
    proxy = KeyProxy()
    try:
        yield proxy
    finally:
        proxy.close()
