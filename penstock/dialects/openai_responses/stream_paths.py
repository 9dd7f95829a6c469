"""What every string of an event is: the table of the unary answer, where an event has it.

    response.…      response.created, .in_progress, .completed …: the answer so far
    item.…          response.output_item.*: one item of its output
    part.…          response.content_part.*, .reasoning_summary_part.*: one part of an item
    annotation.…    response.output_text.annotation.added
    delta, text …   what a text grows by, and what it has come to

Arguments come in fragments, which are no JSON: in an event each fragment is one text, and its leaves are
fields only when the call is whole (`openai_responses.stream_items`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from penstock.dialects.openai_responses import paths
from penstock.dialects.openai_responses.paths import Table
from penstock.dialects.paths import Matcher, Rule
from penstock.dialects.removing import How, Removals

EVENT: Final = "openai:responses.event"

_ITEM: Final = re.compile(r"output\[\*\](?P<kind>\{[^}]+\})?(?P<below>\..*)?")
_PART: Final = re.compile(r"\.(?P<list>content|summary)\[(?:\*|(?P<kind>type=[^\]]+))\](?P<below>\..*)")
_ANNOTATION: Final = ".annotations[*]."
_CALLS: Final = ("function_call_arguments", "mcp_call_arguments")
_INPUTS: Final = (
    ("custom_tool_call_input", "input"),
    ("code_interpreter_call_code", "code"),
    ("shell_call_command", "command"),
)
_SAYS: Final = {
    "response.text": (("output_text", "text"), ("refusal", "refusal"), ("audio.transcript", "text")),
    "response.reasoning": (("reasoning_summary_text", "text"), ("reasoning_text", "text")),
    "response.tool_calls": _INPUTS,
}
_TOKENS: Final = (
    *("type", "item_id", "obfuscation", "status", "code", "param", "name", "response_id"),
    *("output_format", "quality", "size", "background"),
)

_REMOVALS: Final[tuple[tuple[str, How], ...]] = (
    *((name, "never") for name in ("type", "item_id", "response.id", "response.object", "error.type")),
    *((f"item.{path}", how) for path, how in paths.OF_ITEMS),
    *((f"part.{name}", "empty") for name in ("text", "refusal", "annotations", "logprobs")),
    ("annotation", "null"),
    *((name, "blank") for name in ("delta", "text", "refusal", "arguments", "input", "code", "command")),
    *((name, "blank") for name in ("message", "error.message", "partial_image_b64")),
    *((f"response.{path}", how) for path, how in paths.RESPONSE_REMOVALS),
)


def event_table() -> Table:
    """Every path of an event that is known, with what is there."""
    yield from ((name, Rule("structural", "token")) for name in _TOKENS)
    yield from _growing()
    known = set(_TOKENS)
    for path, rule in paths.response_table():
        yield f"response.{path}", rule
        found = _ITEM.fullmatch(path)
        for place in _in_item(found) if found else (path,) if _is_of_error(path) else ():
            if place not in known:  # what may be said in several kinds of items is one path of a part
                known.add(place)
                yield place, rule


def _is_of_error(path: str) -> bool:
    return path.startswith("error.") or path == "message"


def _in_item(found: re.Match[str]) -> Iterator[str]:
    kind, below = found["kind"] or "", found["below"] or ""
    yield f"item{kind}{below}"
    part = _PART.fullmatch(below)
    if part is None:
        return
    yield f"part{{{part['kind']}}}{part['below']}" if part["kind"] else f"part{_of_thought(kind, part)}"
    if part["below"].startswith(_ANNOTATION):
        yield f"annotation.{part['below'].removeprefix(_ANNOTATION)}"


def _of_thought(kind: str, part: re.Match[str]) -> str:
    """Where a thought's part is: its table tells it from other parts by the item that it is in."""
    is_thought = "reasoning}" in kind and part["below"] == ".text"
    return f"{{type=reasoning_text|summary_text}}{part['below']}" if is_thought else str(part["below"])


def _growing() -> Table:
    for field, texts in _SAYS.items():
        for stem, name in texts:
            yield f"{{type=response.{stem}.delta}}.delta", Rule("field", field)
            yield f"{{type=response.{stem}.added|response.{stem}.done}}.{name}", Rule("field", field)
    for stem in _CALLS:
        yield f"{{type=response.{stem}.delta}}.delta", Rule("field", "response.tool_calls")
        yield f"{{type=response.{stem}.done}}.arguments!", Rule("field", "response.tool_calls")
    output = "{type=response.shell_call_output_content.delta|response.shell_call_output_content.done}"
    for name in ("delta", "output[*]"):
        yield from (
            (f"{output}.{name}.{said}", Rule("field", "response.text")) for said in ("stdout", "stderr")
        )
        yield f"{output}.{name}.outcome.type", Rule("structural", "token")
        yield f"{output}.{name}.created_by", Rule("structural", "token")
    tokens = "{type=response.output_text.delta|response.output_text.done}.logprobs[*]"
    for name in ("token", "top_logprobs[*].token"):
        yield f"{tokens}.{name}", Rule("repeats", "response.text")
    yield "{type=response.image_generation_call.partial_image}.partial_image_b64", Rule("media", "image")
    yield "{type=response.audio.delta}.delta", Rule("media", "audio")


@cache
def event_matcher() -> Matcher:
    return Matcher(event_table(), paths.PATTERNS)


@cache
def event_removals() -> Removals:
    return Removals(_REMOVALS)
