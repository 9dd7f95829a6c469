"""The guide's code runs, and what it shows of the example is the example."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

GUIDE = Path("docs/write-a-plugin.md")
EXAMPLE = Path("examples/card_guard")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)


def bare(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def test_the_guide_shows_the_example_s_manifest_and_code() -> None:
    assert tomllib.loads(blocks("toml")[0]) == tomllib.loads(
        (EXAMPLE / "plugin.toml").read_text(encoding="utf-8")
    )
    assert bare(blocks("python")[0]) == bare((EXAMPLE / "card_guard.py").read_text(encoding="utf-8"))


def test_the_guide_grants_no_more_than_the_manifest_asks_for() -> None:
    asked, (stanza,) = tomllib.loads(blocks("toml")[0]), tomllib.loads(blocks("toml")[-1])["plugin"]
    for moment, grant in stanza["grant"].items():
        assert all(set(values) <= set(asked[moment][key]) for key, values in grant.items())


@pytest.mark.parametrize("code", [block for block in blocks("python") if "from .detect" not in block])
def test_every_other_block_of_the_guide_runs(code: str) -> None:
    exec(compile(code, str(GUIDE), "exec"), {"__name__": "guide"})
