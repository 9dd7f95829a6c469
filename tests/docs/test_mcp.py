"""The page on MCP servers says what is: its stanzas are read, its commands exist."""

from __future__ import annotations

import re
from pathlib import Path

from penstock.cli import parse
from penstock.configuration.references import check_references
from tests.configuration import files

PAGE = (Path(__file__).parent.parent.parent / "docs" / "mcp.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", PAGE, re.DOTALL)


def test_the_stanzas_of_the_page_are_read() -> None:
    (text,) = [text for kind, text in BLOCKS if kind == "toml"]
    team = '[[organisation]]\nid = "acme"\n[[team]]\nid = "support"\norganisation = "acme"\n'
    source = files.source(text + team)
    check_references(source)
    assert source.file.mcp_server[0].pin == "required"


def test_every_command_of_the_page_is_one() -> None:
    (text,) = [text for kind, text in BLOCKS if kind == "sh"]
    for line in text.splitlines():
        words = line.split("#")[0].split()
        assert parse(words[1:]).command == words[1]
