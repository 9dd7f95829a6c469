"""The guides of deployment say what is: their first key is made, their files and commands exist."""

from __future__ import annotations

import re
from pathlib import Path

from penstock.cli import parse
from tests.cli.conftest import gateway
from tests.cli.gateways import Gateway, deployed, said

__all__ = ["gateway"]

ROOT = Path(__file__).parent.parent.parent
GUIDE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", GUIDE, re.DOTALL)


def test_the_guide_s_first_key_is_made_as_it_says(gateway: Gateway) -> None:
    """On a deployment in moto, with the guide's own commands."""
    deployed(gateway)
    (block,) = [text for kind, text in BLOCKS if not kind and "keys create" in text]
    text = block.replace("--stack team", "--stack test").replace("gateway.toml", str(gateway.file))
    lines = [line.split("#")[0].split() for line in text.splitlines()]
    answers = [said(gateway.capsys, *words[1:]) for words in lines]
    assert [answer.status for answer in answers] == [0, 0]
    assert "pk_" in answers[-1].out


def test_every_command_of_the_guide_is_one() -> None:
    lines = [line for kind, text in BLOCKS if not kind for line in text.splitlines()]
    ours = [line.split("#")[0].split() for line in lines if line.startswith("penstock ")]
    assert ours
    for words in ours:
        assert parse(words[1:]).command == words[1]


def test_the_files_that_the_page_of_proofs_names_are_there() -> None:
    text = (ROOT / "docs" / "proofs.md").read_text(encoding="utf-8")
    for name in re.findall(r"`((?:tests|infra|penstock)/[\w/.]+)`", text):
        assert (ROOT / name).exists(), name
