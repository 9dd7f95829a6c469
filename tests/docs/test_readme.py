"""The README says what is: its plugin is the one in examples/, its files exist, its commands are commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from penstock.cli import parse
from penstock.sdk.testing import harness

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)
PAGES = sorted([ROOT / "README.md", *(ROOT / ".github").glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def test_the_plugin_that_opens_the_readme_is_the_example_and_has_fifteen_lines() -> None:
    example = (ROOT / "examples" / "card_guard" / "card_guard.py").read_text(encoding="utf-8")
    assert BLOCKS[0] == ("python", example)
    assert len([line for line in example.splitlines() if line.strip()]) <= 15


def test_the_plugin_that_opens_the_readme_does_what_it_says() -> None:
    plugin = harness(ROOT / "examples" / "card_guard")
    assert plugin.before(user="pay with 4111 1111 1111 1111").reason == "card_number"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    local = [link for link in links if not link.startswith(("http://", "https://"))]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_every_command_of_the_readme_is_one() -> None:
    lines = [line for kind, text in BLOCKS if kind == "console" for line in text.splitlines()]
    commands = [re.split(r"\s{2,}#", line.removeprefix("$ "))[0].split() for line in lines]
    for words in commands:
        if words[0] == "make":
            assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), words
        else:
            assert parse(words[1:]).command == words[1]


def test_every_folder_of_the_tree_is_there() -> None:
    tree = next(text for kind, text in BLOCKS if kind == "" and "functions/ " in text)
    for line in tree.splitlines():
        base = ROOT / "penstock" if line.startswith(" ") else ROOT
        for name in re.findall(r"([a-z]+)/", line[:17]):
            assert (base / name).is_dir(), f"{base.name}/{name}"
