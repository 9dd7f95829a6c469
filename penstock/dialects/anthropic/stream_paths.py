"""What every string of an event is: the table of the unary answer, where an event has it.

    message.…          message_start: the answer, before anything is said
    content_block.…    content_block_start: a block, whole or about to grow
    delta.…            content_block_delta: what it grows by; message_delta: what the answer has come to
    …                  message_delta, error: members of the answer

Input of tools comes in fragments, which are no JSON: in an event each fragment is one text, and its leaves
are fields only when the block is whole (`anthropic.stream_block`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from penstock.dialects.anthropic import paths
from penstock.dialects.paths import Matcher, Rule
from penstock.dialects.removing import How, Removals

EVENT: Final = "anthropic:messages.event"

_IN_BLOCK: Final = re.compile(r"content\[(?:\*|(?P<kind>type=[^\]]+))\](?P<below>.*)")
_CITATION: Final = ".citations[*]."

_DELTAS: Final = (
    ("delta{type=text_delta}.text", Rule("field", "response.text")),
    ("delta{type=thinking_delta}.thinking", Rule("field", "response.reasoning")),
    ("delta{type=input_json_delta}.partial_json", Rule("field", "response.tool_calls")),
    ("delta{type=compaction_delta}.content", Rule("field", "response.text")),
    ("delta{type=compaction_delta}.encrypted_content", Rule("media", "opaque")),
    ("delta{type=compaction_delta}.signature", Rule("media", "opaque")),
    ("delta{type=signature_delta}.signature", Rule("media", "opaque")),
)

_REMOVALS: Final[tuple[tuple[str, How], ...]] = (
    *((name, "never") for name in ("type", "content_block.type", "delta.type", "error.type")),
    ("content_block.citations[*]", "drop"),
    ("content_block.citations", "drop"),
    ("content_block.text", "blank"),
    ("delta.citation", "null"),
    *((f"delta.{name}", "blank") for name in ("text", "thinking", "partial_json")),
    *((f"delta.{name}", "null") for name in ("stop_sequence", "stop_details", "container")),
    ("error.message", "blank"),
    *((f"message.{path}", how) for path, how in paths.RESPONSE_REMOVALS),
)


def event_table() -> Iterator[tuple[str, Rule]]:
    """Every path of an event that is known, with what is there."""
    yield from _DELTAS
    for path, rule in paths.response_table():
        yield f"message.{path}", rule
        found = _IN_BLOCK.fullmatch(path)
        if found is None:
            yield path, rule
            yield f"delta.{path}", rule
            continue
        kind, below = found["kind"], found["below"]
        yield f"content_block{{{kind}}}{below}" if kind else f"content_block{below}", rule
        if below.startswith(_CITATION) and kind in {None, "type=text"}:
            yield f"delta.citation.{below.removeprefix(_CITATION)}", rule


@cache
def event_matcher() -> Matcher:
    return Matcher(event_table(), paths.PATTERNS)


@cache
def event_removals() -> Removals:
    return Removals(_REMOVALS)
