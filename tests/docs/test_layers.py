"""The page about layers says what is: its commands exist, and it names every kind of file that is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from penstock.cli import parse
from penstock.cli.plugin_list import RECORDS
from penstock.configuration.layer import CORE_BYTES, MB, REFUSED, UNPACKED_LIMIT_BYTES, ZIP_LIMIT_BYTES

PAGE = (Path(__file__).parent.parent.parent / "docs" / "plugins" / "layers.md").read_text(encoding="utf-8")


def test_every_command_of_the_page_is_one() -> None:
    lines = [line for block in re.findall(r"```\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
    assert len(lines) == 3
    for line in lines:
        words = line.split("#")[0].split()
        assert parse(words[1:]).action == words[2]


@pytest.mark.parametrize("suffix", sorted(REFUSED))
def test_every_kind_of_file_that_is_refused_is_named(suffix: str) -> None:
    assert f"`{suffix}`" in PAGE or suffix == ".pyo"


def test_the_bounds_of_the_page_are_those_of_the_code() -> None:
    assert f"a zip over {ZIP_LIMIT_BYTES // MB} MB" in PAGE
    room = (UNPACKED_LIMIT_BYTES - CORE_BYTES) // MB
    assert f"more than {room} MB unpacked, beside the gateway's own {CORE_BYTES // MB}" in PAGE
    assert f"newest {RECORDS} evidence records" in PAGE
