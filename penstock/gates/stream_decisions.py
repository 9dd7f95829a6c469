"""What a decision means on a stream: on a piece only spans of it, on what is whole all that changes texts."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import assert_never

from penstock.content import Content
from penstock.errors import FailureClass, PluginError
from penstock.gates.window import Found
from penstock.sdk.decisions import Allow, Block, Decision, Respond, Transform
from penstock.sdk.edits import Edit, Replace, SpanEdit


def found_in(decision: Decision, field: str) -> Found:
    """What `decision` says of a piece of `field`. Raises PluginError (`contract`) if no piece can take it."""
    match decision:
        case Allow():
            return Found()
        case Block():
            if decision.at is None:
                raise _breach("a block on a stream says where it is")
            return Found(block=decision.at, reason=decision.reason)
        case Transform():
            return Found(_spans(decision.edits, field))
        case Respond():
            raise _breach("a stream that is under way cannot be replaced")
    assert_never(decision)


def edited(content: Content, edits: Sequence[Edit], fields: Sequence[str]) -> Content:
    """`content` with `edits`, which may change texts of `fields` alone. Raises PluginError (`contract`).

    Headers have left before the first text, so no edit of a stream may touch them.
    """
    if any(edit.field not in fields for edit in edits):
        raise _breach("on a stream only texts that are read can be changed")
    try:
        return content.edited(edits)
    except ValueError:
        raise _breach("an edit does not fit what it edits") from None


def _spans(edits: Sequence[Edit], field: str) -> list[Replace]:
    found: list[Replace] = []
    for edit in edits:
        if not edit:  # a pattern that found nothing edits nothing
            continue
        if not isinstance(edit, SpanEdit) or edit.field != field or any(index for index, _ in edit.spans):
            raise _breach("on a stream only spans of the piece can be changed")
        found += (Replace(*span) for _, spans in edit.spans for span in spans)
    # In the order in which a unary answer takes them; the window refuses any that overlap.
    return sorted(found, key=attrgetter("start"))


def _breach(detail: str) -> PluginError:
    return PluginError(FailureClass.CONTRACT, detail)
