"""What the README lets a newcomer paste says what the README says, on a gateway as `make dev` starts it."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from typing import Any

import pytest

from penstock.dev.gateway import LocalGateway
from penstock.dev.options import Options
from tests import tree

README = (tree.ROOT / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(from (?:openai|anthropic) .*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalGateway]:
    """With the example's configuration."""
    example = tree.ROOT / "examples" / "gateway.toml"
    folder = tmp_path_factory.mktemp("readme") / ".penstock"
    options = Options(port=0, configuration=example, folder=folder, keep=False, warm=1, maximum=2)
    with LocalGateway(options, tell=lambda _: None) as running:
        yield running


def test_both_clients_are_shown() -> None:
    assert [snippet.split()[1] for snippet in SNIPPETS] == ["openai", "anthropic"]


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda snippet: snippet.split()[1])
def test_a_snippet_prints_what_its_comment_says(snippet: str, gateway: LocalGateway) -> None:
    program = snippet.replace("http://127.0.0.1:8080", gateway.address)
    program = program.replace("pk_...", gateway.prepared.api_key)
    printed, names = io.StringIO(), dict[str, Any]()
    with contextlib.redirect_stdout(printed):
        exec(compile(program, "README.md", "exec"), names)
    names["client"].close()
    assert printed.getvalue().strip() == snippet.rstrip().rpartition("# ")[2]
