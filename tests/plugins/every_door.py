"""Every built-in plugin at every door, in every way to answer: the cells of docs/coverage.md's second table.

`test_every_door.py` goes through them; the page is made of the same lists (`tools/generate_docs.py`). A
plugin stands there under the grant that its README shows, in a deployment that serves MCP too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

from penstock.configuration.compile import compile_file
from penstock.configuration.reading import parse_gateway_file
from penstock.gates.placement import Placement
from penstock.sdk import Allow, Context, Decision, Plugin, Response
from penstock.sdk.fields import AFTER, Moment
from penstock.sdk.loading import LoadedPlugin, load_plugin
from tests import tree
from tests.gates.fakes import placement_of
from tests.gateway.doors import EMBEDDINGS, MODEL_DOORS, Door
from tests.gateway.matrix import NO_VECTOR, TOO_FAR
from tests.gateway.mcp_doors import MCP_DOORS

Way = Literal["unary", "pass", "window", "buffer"]
WAYS: Final[Mapping[Way, str]] = MappingProxyType(
    {
        "unary": "an answer in one piece",
        "pass": "a stream, no guard after the upstream",
        "window": "a stream, in windows",
        "buffer": "a stream, held whole",
    }
)
DOORS: Final[Sequence[Door]] = (*MODEL_DOORS, *MCP_DOORS)
PLUGINS: Final[Sequence[str]] = (
    *("pii-redactor", "secret-scanner", "json-schema-guard"),
    *("dlp-http", "tenant-eligibility", "approval-gate"),
    *("request-tags", "topic-signals", "audit-export", "siem-export", "webhook-notify"),
    *("email-notify", "warehouse-export"),
)
WORKS: Final = "works"
NOTHING: Final = "nothing to check"
JSON_GUARD: Final = "json-schema-guard"
DLP: Final = "dlp-http"
TOPICS: Final = "topic-signals"
ELIGIBILITY: Final = "tenant-eligibility"
APPROVALS: Final = "approval-gate"
ANSWERS_ALONE: Final = "acts on answers alone"
NO_WINDOW: Final = '`respond` needs `stream = "buffer"`.'
NOT_OF_MODELS: Final = "it cannot act on mcp:message: none of its fields is there."
DEPLOYMENT: Final = '[deployment]\nname = "every-door"\n[deployment.mcp]\n'
_SCOPE: Final = re.compile(r"^scope = .*\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Cell:
    """One plugin, door and way."""

    plugin: str
    door: Door
    way: Way

    @property
    def name(self) -> str:
        return f"{self.plugin}-{self.door.name}-{self.way}"

    @property
    def is_streamed(self) -> bool:
        return self.way != "unary"

    @property
    def answers_pass(self) -> bool:
        """Whether the plugin has no part in what comes back."""
        return self.way == "pass" or self.door.wordless is not None

    @property
    def becomes(self) -> str:
        """What the page says of it."""
        if self.plugin == DLP:
            is_cut = self.way == "window" and self.door in MODEL_DOORS
            return f"refused: {TOO_FAR}" if is_cut else WORKS
        if self.plugin == TOPICS:
            return ANSWERS_ALONE if self.way == "pass" else WORKS
        return self._of_the_json_guard() if self.plugin == JSON_GUARD else WORKS

    def _of_the_json_guard(self) -> str:
        if self.door in MCP_DOORS:
            return f"refused: {NOT_OF_MODELS}"
        if self.door.name == EMBEDDINGS:
            return f"refused: {NO_VECTOR}"
        if self.way == "pass":
            return ANSWERS_ALONE
        if self.way == "window":
            return f"refused: {NO_WINDOW}"
        return WORKS if self.door.wordless is None else f"{NOTHING}: {self.door.wordless}"


def _ways(door: Door) -> Sequence[Way]:
    unary: tuple[Way, ...] = ("unary",) if "unary" in door.modes else ()
    streamed: tuple[Way, ...] = ("pass", "window", "buffer") if "stream" in door.modes else ()
    return (*unary, *streamed)


CELLS: Final[Sequence[Cell]] = tuple(
    Cell(plugin, door, way) for plugin in PLUGINS for door in DOORS for way in _ways(door)
)


class Watching(Plugin):
    """Lets all pass, and makes the gate meet a stream as its placement says."""

    def after_upstream(self, response: Response, ctx: Context) -> Decision:
        return Allow()


def folder_of(plugin: str) -> Path:
    return tree.ROOT / "plugins" / plugin.replace("-", "_")


def stanza(plugin: str, *, scope: str | None = None) -> str:
    """What its README says for gateway.toml, with another line for its scope where one is given."""
    readme = (folder_of(plugin) / "README.md").read_text(encoding="utf-8")
    written = "\n".join(re.findall(r"```toml\n(.*?)```", readme, re.DOTALL))
    return written if scope is None else _SCOPE.sub(scope, written)


@cache
def placed(plugin: str) -> tuple[LoadedPlugin, Mapping[Moment, Placement]]:
    """The plugin under its README's stanza, and its placements."""
    source = parse_gateway_file((DEPLOYMENT + stanza(plugin)).encode(), tree.ROOT / "gateway.toml")
    snapshot = compile_file(source).snapshot
    found = {moment: each for moment, placements in snapshot.placements.items() for each in placements}
    (about,) = source.file.plugin
    return load_plugin(folder_of(plugin), about.config), found


def placements(cell: Cell) -> tuple[dict[str, Plugin | LoadedPlugin], list[Placement]]:
    """The plugins of a cell and where they are placed."""
    plugin, there = placed(cell.plugin)
    if cell.way == "pass":
        there = {moment: placement for moment, placement in there.items() if moment != AFTER}
    found = list(there.values())
    plugins: dict[str, Plugin | LoadedPlugin] = {cell.plugin: plugin}
    if cell.way in {"window", "buffer"}:
        more = {"stream": cell.way, "window_chars": 64 if cell.way == "window" else None}
        reads = (cell.door.answers,)
        found.append(
            placement_of(
                "beside", AFTER, reads=reads, effects=("block",), uninspected={"default": "allow"}, **more
            )
        )
        plugins["beside"] = Watching()
    return plugins, found


_INTRODUCTION: Final = (
    "## Every built-in plugin at every door",
    "",
    "The same plugin under the same grant, the one of its README, with the same words said in the same",
    "place at every door: what reaches the upstream, what the caller gets and what the record says are",
    "the same. *Works* is every test of `tests/plugins/test_every_door.py` whose name ends in",
    "`[<plugin>-<door>-<way>]`. Under `pass`, and where no words come back, it is the plugin's part before",
    "the upstream that works. Vectors and counts come in one piece, a server's own requests and logs in",
    "streams alone.",
    "",
)


def page() -> str:
    """The table, as docs/coverage.md shows it."""
    lines = [*_INTRODUCTION, f"| door | way | {' | '.join(PLUGINS)} |", f"|---|---|{'---|' * len(PLUGINS)}"]
    for door in DOORS:
        for way in _ways(door):
            said = (Cell(plugin, door, way).becomes for plugin in PLUGINS)
            lines.append(f"| {door.name} | `{way}`: {WAYS[way]} | {' | '.join(said)} |")
    return "\n".join(lines) + "\n"
