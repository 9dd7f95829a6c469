"""The security guide names what there is: each file, each test, each page."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
GUIDE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
WORDS = re.findall(r"`((?:tests|penstock|infra)/[\w/.]+|test_\w+)`", GUIDE)
LINKS = re.findall(r"\]\(([\w.-]+\.md)\)", GUIDE)


def named() -> list[tuple[str, str]]:
    """Each test with the file that was named last before it."""
    found, file = [], ""
    for word in WORDS:
        if word.endswith(".py"):
            file = word
        elif word.startswith("test_"):
            found.append((file, word))
    return found


@pytest.mark.parametrize(("file", "test"), named())
def test_each_test_that_the_guide_names_is_there(file: str, test: str) -> None:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_each_file_and_page_that_it_names_is_there() -> None:
    files = [word for word in WORDS if "/" in word]
    assert [name for name in files if not (ROOT / name).exists()] == []
    assert [name for name in LINKS if not (ROOT / "docs" / name).is_file()] == []
    assert (len(files), len(named())) > (20, 20)
