"""The coverage matrix: moments and effects, each with a plugin that does it.

`tests/gateway/test_passage_matrix.py` goes through every cell at every door, unary and streamed; the page
docs/coverage.md is made of the same lists (`tools/generate_docs.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal

from penstock.sdk import Allow, Block, Context, Decision, Plugin, Request, Respond, Response, Transform
from penstock.sdk.edits import Span

Effect = Literal["block", "transform", "respond", "record"]
ANSWER: Final = "from the plugin"


class Doing(Plugin):
    """Does one effect, whichever its moment is."""

    def __init__(self, effect: Effect) -> None:
        self._effect = effect

    def before_upstream(self, request: Request, ctx: Context) -> Decision:
        return self._done(Transform(request.messages.user.sub("alice", "<name>")), ctx, Block("reason"))

    def after_upstream(self, response: Response, ctx: Context) -> Decision:
        text = "".join(response.text)
        at = text.find("bob")
        if self._effect == "block" and at < 0:
            return Allow()
        return self._done(
            Transform(response.text.sub("bob", "<name>")), ctx, Block("reason", at=Span(at, at + 3))
        )

    def _done(self, edit: Transform, ctx: Context, block: Block) -> Decision:
        match self._effect:
            case "block":
                return block
            case "transform":
                return edit
            case "respond":
                return Respond.text(ANSWER)
            case "record":
                ctx.record("found", 1)
                return Allow()


@dataclass(frozen=True, slots=True)
class Cell:
    """One moment, effect and way to meet a stream. `refused`: what configuration says instead."""

    moment: Literal["before_upstream", "after_upstream"]
    effect: Effect
    way: Literal["buffer", "window"] | None = None
    refused: str | None = None
    more: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def name(self) -> str:
        return "-".join(filter(None, (self.moment, self.effect, self.way)))


CELLS: Final[Sequence[Cell]] = (
    *(Cell("before_upstream", effect) for effect in ("block", "transform", "respond", "record")),
    *(Cell("after_upstream", effect, "buffer") for effect in ("block", "transform", "respond", "record")),
    *(Cell("after_upstream", effect, "window") for effect in ("block", "transform", "record")),
    Cell("after_upstream", "respond", "window", refused='`respond` needs `stream = "buffer"`.'),
)


def page(doors: Sequence[str]) -> str:
    """docs/coverage.md, without its note."""
    columns = [f"{door}, {mode}" for door in doors for mode in ("unary", "stream")]
    lines = [
        "# Coverage",
        "",
        "Every moment and effect, through every door that models have, in a unary answer and in a stream.",
        "A cell that says *works* is the test",
        "`tests/gateway/test_passage_matrix.py::test_cell[<row>-<mode>-<door>]`; one that is refused says",
        "with which words. Independent plugins `record` alone, and on a stream they see the final text.",
        "`after_response` is the same for all: its plugins read evidence only, from their queues",
        "(`tests/e2e/test_background.py`). MCP has its own page of what passes which gate",
        "([MCP](mcp.md)).",
        "",
        f"| moment-effect-way | {' | '.join(columns)} |",
        f"|---|{'---|' * len(columns)}",
    ]
    for cell in CELLS:
        said = "works" if cell.refused is None else f"refused: {cell.refused}"
        lines.append(f"| {cell.name} | {' | '.join([said] * len(columns))} |")
    return "\n".join(lines) + "\n"
