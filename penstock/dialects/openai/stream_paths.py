"""What every string of a chat completion chunk is: the table of the unary response, where a chunk has it.

A chunk says in `choices[*].delta` what a response says in `choices[*].message`, so nothing is listed twice.
Arguments of calls come in fragments, which are no JSON: in a chunk each fragment is one text, and its leaves
are fields only when the call is whole (`openai.stream_calls`).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Final

from penstock.dialects.openai import paths
from penstock.dialects.paths import Matcher, Rule
from penstock.dialects.removing import How, Removals

CHUNK: Final = "openai:chat.completions.chunk"

_MESSAGE: Final = "choices[*].message."
_DELTA: Final = "choices[*].delta."

# Padding of random characters (API reference, `stream_options.include_obfuscation`).
_CHUNK_TOKENS: Final = ("obfuscation",)


def chunk_table() -> Iterator[tuple[str, Rule]]:
    """Every path of a chunk that is known, with what is there."""
    yield from ((path, Rule("structural", "token")) for path in _CHUNK_TOKENS)
    yield from ((_in_chunk(path).removesuffix("!"), rule) for path, rule in paths.response_table())


def _removals() -> Iterator[tuple[str, How]]:
    for path, how in paths.RESPONSE_REMOVALS:
        yield _in_chunk(path), "blank" if how == "no_arguments" else how


def _in_chunk(path: str) -> str:
    return _DELTA + path.removeprefix(_MESSAGE) if path.startswith(_MESSAGE) else path


@cache
def chunk_matcher() -> Matcher:
    return Matcher(chunk_table(), paths.PATTERNS)


@cache
def chunk_removals() -> Removals:
    return Removals(tuple(_removals()))
