"""The guide's code runs, and what it shows of the example is the example."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from penstock.configuration.model import PluginStanza

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
    asked = tomllib.loads(blocks("toml")[0])
    (stanza,) = next(tomllib.loads(block)["plugin"] for block in blocks("toml") if "[plugin.grant" in block)
    for moment, grant in stanza["grant"].items():
        assert all(set(values) <= set(asked[moment][key]) for key, values in grant.items())


def test_the_guide_s_settings_of_who_is_waited_for_are_settings() -> None:
    (stanza,) = tomllib.loads(blocks("toml")[-1])["plugin"]
    assert PluginStanza.model_validate(stanza).wait


@pytest.mark.parametrize("code", [block for block in blocks("python") if "from .detect" not in block])
def test_every_other_block_of_the_guide_runs(code: str) -> None:
    exec(compile(code, str(GUIDE), "exec"), {"__name__": "guide"})
