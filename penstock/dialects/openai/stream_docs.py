"""How streamed chat completions are treated, as Markdown: a page of the docs that is made from the tables."""

from __future__ import annotations

import re
from typing import Final

from penstock.dialects.openai.stream_chunk import growing
from penstock.dialects.openai.stream_paths import chunk_table
from penstock.dialects.openai.stream_repeats import HELD
from penstock.dialects.paths import Rule
from penstock.dialects.splicing import Path
from penstock.dialects.sse import MAX_EVENT_BYTES
from penstock.dialects.stream_collecting import MAX_EVENTS_BYTES

_CONDITION: Final = re.compile(r"\[\w+=[^\]]+\]|\[\*\]")

_GROWS: Final = "grows from chunk to chunk: goes by the guard, and what it lets go leaves at once"
_WHOLE: Final = "stands whole in its chunk: edited there"
_CALLS: Final = "a fragment of a call: held until its choice has ended, then parsed, edited and sent whole"
_HELD: Final = "says the text again or points into it: held until its choice has ended, gone if it was edited"

_PAGE: Final = """# Streamed chat completions

A stream whose `after_upstream` plugins may change or stop nothing passes byte for byte: comments, odd
spacing, chunks of vendors, ends of lines. One under a windowed plugin is read strictly and written event by
event. One under a buffered plugin is taken in whole, and leaves as the events that came unless it changed, or
its events said anything that is not in the answer put together of them: then it is written anew.

| | nobody guards it | under a windowed plugin | under a buffered plugin |
|---|---|---|---|
| comments, `id`, unknown names of lines | pass | are dropped | are dropped |
| JSON that is not strict, or none | passes | the upstream's failure | the upstream's failure |
| a character cut in two, as `\\ud83d` and `\\ude00` | passes | is joined | is joined |
| a number where a text or a choice's number belongs | passes | the upstream's failure | is written anew |
| a chunk with usage alone that the caller did not ask for | is dropped | is dropped | is dropped |
| held | one event; the ending | what windows hold; calls; what repeats a text; the ending | the answer |
| bound of each | {event_bytes:,} bytes | {event_bytes:,} bytes | {event_bytes:,} characters |
| bound of the answer | none | {event_bytes:,} characters | {event_bytes:,} characters |

Beyond {events_bytes:,} bytes of events a stream under a buffered plugin is written anew.

## The ending

What could make a caller take a stream for complete is sent when its OUTCOME is stored, and not before: the
event with which every choice so far has ended, all that follows it, and `[DONE]`. When somebody says more
after that, what was kept leaves first. A choice has ended when its `finish_reason` has come, in words, and
nothing that it says after it.

* A stream is whole with `[DONE]`, and over: what comes after it is dropped unread, and it does not matter
  whether the connection ends, breaks off or stays open. The end is waited for 20 ms, so that the connection
  can be used again.
* A stream without `[DONE]` is whole when every choice has ended and the connection ends cleanly. Nothing is
  added to it.
* One that ends otherwise was cut: the caller gets an error event and no `[DONE]`.
* One in which the upstream says itself that it failed (`error`, or `"object": "error"`) passes as it is.
  Under a buffered plugin, which sees no more than the answer so far, it is told in the gateway's words.
* Where nobody guards it, an event that is no JSON object ends no choice and opens none: no client reads an
  end in it.

## Under a windowed plugin

Nothing leaves before something of the answer may: a role alone waits for the first word, so that a block
before it is a clean 403. Then all that a choice says leaves before its end. A thought ends when the words
after it begin (Mistral's parts), any other text with its choice. What a choice says after it has ended, while
others go on, is the upstream's failure: it could no longer be looked at as a whole. Where an edit moves
citations is not known in a stream: `annotations` with positions do not leave when anything of their choice
was edited.

{paths}

All else of a chunk is what it is in a response, with `delta` for `message`: see [fields](fields.md). Media,
sealed data and strings at paths that no table lists follow `uninspected`, chunk by chunk.
"""


def stream_page() -> str:
    """How streams are treated, and every path of a chunk."""
    rows = "\n".join(f"| {what} | {'<br>'.join(paths)} |" for what, paths in _by_treatment().items())
    return _PAGE.format(
        event_bytes=MAX_EVENT_BYTES,
        events_bytes=MAX_EVENTS_BYTES,
        paths=f"| under a guard | paths of a chunk |\n|---|---|\n{rows}",
    )


def _by_treatment() -> dict[str, list[str]]:
    rows: dict[str, list[str]] = {what: [] for what in (_GROWS, _WHOLE, _CALLS, _HELD)}
    for path, rule in chunk_table():
        if rule.kind == "field" and not path.startswith(HELD):
            rows[_treatment(path, rule)].append(f"`{path}`")
    rows[_HELD] += [f"`{path}`" for path in HELD]
    return rows


def _treatment(path: str, rule: Rule) -> str:
    if rule.name == "response.tool_calls":
        return _CALLS
    place = _place(path)
    return _GROWS if place[:1] == ("choices",) and growing(place[2:]) else _WHOLE


def _place(path: str) -> Path:
    """Where a path of the table leads, in the first element of every array."""
    return tuple(0 if step == "0" else step for step in _CONDITION.sub(".0", path).split("."))
