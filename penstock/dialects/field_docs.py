"""The field tables as Markdown, for the generated page of the docs: made from the code, so never stale."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from penstock.dialects.anthropic import paths as anthropic_paths
from penstock.dialects.mcp import paths as mcp_paths
from penstock.dialects.openai import embeddings
from penstock.dialects.openai import paths as openai_paths
from penstock.dialects.openai_responses import paths as responses_paths
from penstock.dialects.paths import Rule
from penstock.sdk.anthropic_paths import MESSAGES
from penstock.sdk.fields import CHAT, FIELDS, MOMENTS, Field
from penstock.sdk.mcp_paths import MCP
from penstock.sdk.openai_paths import EMBEDDINGS, RESPONSES

Table = Callable[[], Iterable[tuple[str, Rule]]]
Tables = tuple[Table, Table]

_SURFACES: Mapping[str, Tables] = {
    CHAT: (openai_paths.request_table, openai_paths.response_table),
    RESPONSES: (responses_paths.request_table, responses_paths.response_table),
    EMBEDDINGS: (embeddings.request_table, embeddings.response_table),
    MESSAGES: (anthropic_paths.request_table, anthropic_paths.response_table),
    MCP: (mcp_paths.request_table, mcp_paths.response_table),
}
_OUTSIDE = {
    "media": "{0}: in no field; `uninspected` decides under a guard",
    "structural": "{0}: says nothing while it matches its pattern, else it counts as `unlisted`",
    "repeats": "says `{0}` again; goes when that is edited",
}


def field_tables() -> str:
    """Every field, where each is, and what stands outside of all: Markdown, with headings of level 2."""
    return "\n".join(
        (
            "## Fields\n",
            *_table(("field", "what", "readable", "writable", "content"), map(_row, FIELDS.values())),
            *(line for surface, tables in _SURFACES.items() for line in _surface(surface, tables)),
            "",
        )
    )


def _surface(surface: str, tables: Tables) -> Iterator[str]:
    yield f"\n## Where they are: `{surface}`\n"
    yield from _table(("field", "paths"), _places(surface))
    yield f"\n## Outside of every field: `{surface}`\n"
    yield from _table(("what", "paths"), _outside(tables))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield _line(head)
    yield _line(["---"] * len(head))
    yield from map(_line, rows)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _row(entry: Field) -> tuple[str, ...]:
    moments = ", ".join(f"`{moment}`" for moment in MOMENTS if moment in entry.readable)
    writable = f"`{entry.writable}`" if entry.writable else "no"
    return f"`{entry.name}`", entry.summary, moments, writable, "yes" if entry.content else ""


def _places(surface: str) -> Iterator[tuple[str, str]]:
    for entry in FIELDS.values():
        if surface in entry.paths:
            yield f"`{entry.name}`", _joined(entry.paths[surface])


def _outside(tables: Tables) -> Iterator[tuple[str, str]]:
    for part, table in zip(("Request", "Response"), tables, strict=True):
        grouped: dict[Rule, list[str]] = {}
        for path, rule in table():
            if rule.kind != "field":
                grouped.setdefault(rule, []).append(path)
        for rule, where in grouped.items():
            yield f"{part}, {_OUTSIDE[rule.kind].format(rule.name)}", _joined(where)


def _joined(where: Iterable[str]) -> str:
    return "<br>".join(f"`{path}`" for path in where)
