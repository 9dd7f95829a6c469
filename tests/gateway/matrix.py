"""The coverage matrix: moments and effects, each with a plugin that does it.

`tests/gateway/test_passage_matrix.py` goes through every cell at every door, unary and streamed; the page
docs/coverage.md is made of the same lists (`tools/generate_docs.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

from penstock.sdk import (
    Allow,
    Block,
    Context,
    Decision,
    Evidence,
    Plugin,
    Request,
    Respond,
    Response,
    Texts,
    Transform,
)
from penstock.sdk.edits import Span
from penstock.sdk.fields import Moment
from tests.gates.fakes import TEXT, USER
from tests.gates.hosted import RECEIVER
from tests.gateway.doors import EMBEDDINGS, MODEL_DOORS, Door, Mode
from tests.gateway.mcp_doors import CALL
from tests.gateway.mcp_world import ARGUMENTS, RESULT

Effect = Literal["block", "transform", "respond", "record", "emit"]
ANSWER: Final = "from the plugin"
EVIDENCE: Final = "evidence"
WORKS: Final = "works"
NO_ANSWER: Final = "no answer"
NO_VECTOR: Final = "it may respond, and no text can stand for an answer of openai:embeddings."
TOO_FAR: Final = "a function of its own is too far away to be called for each piece of a stream."
NOTHING_TO_CHANGE: Final = "nothing to change"
DOORS: Final[Sequence[Door]] = (*MODEL_DOORS, CALL)
COLUMNS: Final[Sequence[tuple[Door, Mode]]] = tuple((door, mode) for door in DOORS for mode in door.modes)
_VIEWS: Final[Mapping[str, Callable[[Any], Texts]]] = MappingProxyType(
    {
        USER: lambda request: request.messages.user,
        ARGUMENTS: lambda request: request.mcp.arguments,
        TEXT: lambda response: response.text,
        RESULT: lambda response: response.mcp.result,
        EVIDENCE: lambda _: Texts(EVIDENCE, ()),
    }
)


_INTRODUCTION: Final = (
    "## Every effect at every door",
    "",
    "Every moment and effect, through every door, in a unary answer and in a stream. A cell that says",
    "*works* is the test `tests/gateway/test_passage_matrix.py::test_cell[<row>-<door>-<mode>]`; one that",
    "is refused says with which words. Counts are no words: what a plugin would say in their place is no",
    "answer, but no tokens, or the count that came. A block of a tool's call is the tool's own error, with",
    "status 200. Messages of MCP are whole, in a stream too: a window is as wide as a message. Who may",
    "`emit` runs in a function of its own; one that also steers, as here, is refused windows wherever its",
    "scope holds a model's answers. Independent plugins `record` and `emit` alone; of a model's stream they",
    "see the whole text, once, of a server's each message: `test_who_only_looks`. After the response a",
    "plugin reads the evidence record: here it goes in memory from the outbox's message to the plugin's",
    "host, and over queues in `tests/e2e/test_background.py`.",
    "",
)


class Doing(Plugin):
    """Does one effect in one field, whichever its moment is; after the upstream where `bob` is named.

    `wordless`: no words come back at this door, so that it does it anyway.
    """

    def __init__(self, effect: Effect, field: str, *, wordless: bool = False) -> None:
        self._effect = effect
        self._view = _VIEWS[field]
        self._wordless = wordless

    def after_response(self, evidence: Evidence, ctx: Context) -> None:
        if self._effect == "emit":
            _post(ctx, evidence.request_id)
        else:
            ctx.record("found", len(evidence["placements"]))

    def before_upstream(self, request: Request, ctx: Context) -> Decision:
        return self._done(Transform(self._view(request).sub("alice", "<name>")), ctx, Block("reason"))

    def after_upstream(self, response: Response, ctx: Context) -> Decision:
        texts = self._view(response)
        at = texts.search("bob")
        if at is None and not self._wordless:
            return Allow()  # a piece of a stream, or another message of it
        return self._done(Transform(texts.sub("bob", "<name>")), ctx, Block("reason", at=at or Span(0, 0)))

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
            case "emit":
                _post(ctx, ctx.request_id)
                return Allow()


def _post(ctx: Context, request_id: str) -> None:
    ctx.http.post(f"https://{RECEIVER}/", content=request_id).raise_for_status()


@dataclass(frozen=True, slots=True)
class Cell:
    """One moment, effect and way to meet a stream. `refused`: what configuration says instead."""

    moment: Moment
    effect: Effect
    way: Literal["buffer", "window"] | None = None
    refused: str | None = None

    @property
    def name(self) -> str:
        return "-".join(filter(None, (self.moment, self.effect, self.way)))

    def field(self, door: Door) -> str:
        """What its plugin reads at `door`."""
        match self.moment:
            case "before_upstream":
                return door.asks
            case "after_upstream":
                return door.answers
            case "after_response":
                return EVIDENCE


CELLS: Final[Sequence[Cell]] = (
    *(Cell("before_upstream", effect) for effect in ("block", "transform", "respond", "record", "emit")),
    *(
        Cell("after_upstream", effect, "buffer")
        for effect in ("block", "transform", "respond", "record", "emit")
    ),
    *(Cell("after_upstream", effect, "window") for effect in ("block", "transform", "record", "emit")),
    Cell("after_upstream", "respond", "window", refused='`respond` needs `stream = "buffer"`.'),
    *(Cell("after_response", effect) for effect in ("record", "emit")),
)


def becomes(cell: Cell, door: Door) -> str:
    """What the page says of a cell; the test of that cell holds it to that."""
    if cell.refused is not None:
        return f"refused: {cell.refused}"
    if (cell.effect, cell.way) == ("emit", "window") and door in MODEL_DOORS:
        return f"refused: {TOO_FAR}"
    if door.wordless is None:
        return WORKS
    if cell.effect == "respond":
        return f"refused: {NO_VECTOR}" if door.name == EMBEDDINGS else f"{NO_ANSWER}: {door.wordless}"
    if cell.effect == "transform" and cell.moment == "after_upstream":
        return f"{NOTHING_TO_CHANGE}: {door.wordless}"
    return WORKS


def page() -> str:
    """The matrix, as docs/coverage.md shows it."""
    columns = [f"{door.name}, {mode}" for door, mode in COLUMNS]
    rows = [f"| {cell.name} | {' | '.join(becomes(cell, door) for door, _ in COLUMNS)} |" for cell in CELLS]
    return (
        "\n".join([*_INTRODUCTION, f"| moment-effect-way | {' | '.join(columns)} |", _line(columns), *rows])
        + "\n"
    )


def _line(columns: Sequence[str]) -> str:
    return f"|---|{'---|' * len(columns)}"
