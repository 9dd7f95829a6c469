"""The official Node clients in one process of theirs, asked line by line.

`make test` installs them beside the conformance suite, whose Node they run on.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests import tree
from tests.e2e.mcp.suite import node

FOLDER: Final = tree.ROOT / ".venv-tools" / "node-clients"
MAIN: Final = Path(__file__).with_name("main.mjs")


class NodeClients:
    """What `asking.mjs` and `visiting.mjs` describe, as JSON there and back."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, client: str, url: str, key: str | None, **more: Any) -> dict[str, Any]:
        """One thing asked and its answer. AssertionError when the process has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = json.dumps({"client": client, "url": url, "key": key, **more})
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        said = self._process.stdout.readline()
        assert said, "The Node clients have ended: see what they wrote to stderr."
        answer = json.loads(said)
        assert isinstance(answer, dict)
        return answer


@contextlib.contextmanager
def node_clients() -> Iterator[NodeClients]:
    """The process, until the context ends."""
    assert (FOLDER / "node_modules").is_dir(), "The Node clients are not installed: run `make test`."
    command = [node(), str(MAIN), str(FOLDER)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield NodeClients(process)
        finally:
            process.terminate()
