"""How commands print: JSON for programs, tables for people."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

from penstock.errors import ConfigurationError

# Wide enough for a pipe or a log, where nobody can widen the window.
_WIDTH = 160
# What a terminal takes for orders, what shows nothing, what turns around what stands beside it. Others' words
# are shown too: those of an MCP server, which somebody reads in order to approve them.
_UNSHOWN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def print_json(value: Any) -> None:
    """One JSON value, indented."""
    print(printable(json.dumps(value, indent=2, ensure_ascii=False)))


def printable(text: str) -> str:
    """`text`, with what a terminal would not show as it is in JSON's escapes: of JSON it is the same JSON."""
    return _UNSHOWN.sub(lambda found: json.dumps(found[0])[1:-1], text)


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table; without rows, the title and `none`."""
    if not rows:
        print(f"{title}: none")
        return
    rich = _rich()
    table = rich["Table"](title=title, title_justify="left", box=rich["SIMPLE_HEAD"], pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(rich["Text"](_shown(cell)) for cell in row))
    _console(rich).print(table)


def print_facts(facts: Mapping[str, object]) -> None:
    """Names and values, one to a line, the values below each other; `none` for a list without elements."""
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        print(f"{name:<{width}}  {'none' if value in ([], ()) else _shown(value)}")


def show(facts: Mapping[str, object], *, as_json: bool) -> None:
    """Facts, for programs or for people."""
    if as_json:
        print_json(facts)
    else:
        print_facts(facts)


def _shown(value: object) -> str:
    """A cell's text: nothing for None, a list's elements in a row."""
    if value is None:
        return ""
    if isinstance(value, list | tuple | set | frozenset):
        return printable(", ".join(map(str, value)))
    return printable(str(value))


def _console(rich: Mapping[str, Any]) -> Any:
    return rich["Console"](file=sys.stdout, width=None if sys.stdout.isatty() else _WIDTH, highlight=False)


def _rich() -> Mapping[str, Any]:
    try:
        from rich.box import SIMPLE_HEAD
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError as error:
        remedy = "Install `penstock[cli]`, or use --json."
        raise ConfigurationError("tables", "need the package rich.", remedy) from error
    return {"SIMPLE_HEAD": SIMPLE_HEAD, "Console": Console, "Table": Table, "Text": Text}
