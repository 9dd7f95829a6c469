"""Checks what a plugin answered against what it was granted. Used by the engine and by `sdk.testing`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import assert_never

from penstock.errors import FailureClass, PluginError
from penstock.sdk.decisions import Allow, Block, Decision, Respond, Transform
from penstock.sdk.edits import REMOVED, AddText, Edit, MemberEdit, SpanEdit, TextEdit

# RFC 9110, section 5.5, narrowed to printable ASCII: no CR, LF, NUL or obs-text can split a header.
HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,1022}[\x21-\x7e])?")
NOTE_NAME = re.compile(r"[a-z][a-z0-9-]{0,38}")
# behaviour.md, section 10, the default body bound: no edit may exceed what may be sent.
MAX_EDIT_CHARS = 4_194_304
# Far over what metadata or parameters nest; keeps one edit from breaking the encoder.
MAX_MEMBER_DEPTH = 32


@dataclass(frozen=True, slots=True)
class Terms:
    """What one placement may do: its grant and the codes that its manifest declares."""

    writes: frozenset[str] = frozenset()
    effects: frozenset[str] = frozenset()
    reasons: frozenset[str] = frozenset()
    tags: Mapping[str, frozenset[str]] = field(default_factory=dict)


def checked(decision: object, terms: Terms) -> Decision:
    """`decision`, when it keeps to `terms`. Raises PluginError (`contract`) when it does not."""
    # Exact types throughout: a subclass could answer differently after it was checked.
    if type(decision) is Allow:
        return decision
    if type(decision) is Block:
        _require("block" in terms.effects, "block is not granted")
        _require(_is_text(decision.reason), "a reason is no code")
        _require(decision.reason in terms.reasons, "the reason is not declared")
        return decision
    if type(decision) is Transform:
        _check_edits(decision.edits, terms)
        return decision
    if type(decision) is Respond:
        _require("respond" in terms.effects, "respond is not granted")
        _require(_is_text(decision.content), "a response is no text, or holds half a character")
        _require(len(decision.content) <= MAX_EDIT_CHARS, "a response is too large")
        return decision
    raise _breach("the plugin returned something that is no decision")


def _check_edits(edits: object, terms: Terms) -> None:
    if type(edits) is not tuple:
        raise _breach("a transform holds no edits")
    total = 0
    for edit in edits:
        if type(edit) not in {SpanEdit, TextEdit, MemberEdit, AddText}:
            raise _breach("the plugin returned something that is no edit")
        name = edit.field
        _require(type(name) is str, "an edit names no field")
        _require(name in terms.writes, "an edit writes a field that is not granted")
        total += _checked_size(edit, terms)
    _require(total <= MAX_EDIT_CHARS, "the edits are too large")


def _checked_size(edit: Edit, terms: Terms) -> int:
    match edit:
        case SpanEdit() | TextEdit() | AddText():
            size = 0
            for text in _texts_of(edit):
                _require(_is_text(text), "an edit holds no text, or half a character")
                size += len(str(text))
            return size
        case MemberEdit():
            return _checked_member(edit, terms)
    assert_never(edit)


def _texts_of(edit: SpanEdit | TextEdit | AddText) -> Iterator[object]:
    """Every new text of an edit. Raises PluginError when the edit is not built as its type says."""
    try:
        if isinstance(edit, AddText):
            yield edit.text
        elif isinstance(edit, TextEdit):
            _require(type(edit.texts) is tuple, "an edit is not built by a view")
            for index, text in edit.texts:
                _require(type(index) is int, "an edit names no text")
                yield text
        else:
            _require(type(edit.spans) is tuple, "an edit is not built by a view")
            for index, spans in edit.spans:
                _require(type(index) is int and type(spans) is tuple, "an edit names no text")
                for start, end, text in spans:
                    _require(type(start) is int and type(end) is int, "a span is no pair of numbers")
                    yield text
    except (TypeError, ValueError) as error:
        raise _breach("an edit is not built by a view") from error


def _checked_member(edit: MemberEdit, terms: Terms) -> int:
    _require(_is_text(edit.name) and 0 < len(edit.name) <= 256, "a member has no fit name")
    if edit.value is REMOVED:
        return 0
    if ".headers." in edit.field:
        _require(edit.field.endswith(f".headers.{edit.name}"), "an edit writes another header")
        _require(_is_text(edit.value), "a header is no text")
        _require(HEADER_VALUE.fullmatch(str(edit.value)) is not None, "a header value is not printable ASCII")
    elif edit.field == "request.tags":
        _require(_is_text(edit.value), "a tag is no text")
        _require(
            edit.value in terms.tags.get(edit.name, frozenset()), "a tag is not one of its declared values"
        )
    elif edit.field == "response.metadata":
        _require(NOTE_NAME.fullmatch(edit.name) is not None, "a note has no fit name")
        _require(_is_text(edit.value), "a note is no text")
        _require(HEADER_VALUE.fullmatch(str(edit.value)) is not None, "a note is not printable ASCII")
    return _json_size(edit.value)


def _json_size(value: object) -> int:
    _require(_depth(value) <= MAX_MEMBER_DEPTH, "a member is nested too deep")
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise _breach("a member is no JSON") from error
    _require(_is_text(text), "a member holds half a character")
    return len(text)


def _depth(value: object, depth: int = 1) -> int:
    if depth > MAX_MEMBER_DEPTH:
        return depth
    inner = (
        list(value.values()) if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    )
    return max((_depth(item, depth + 1) for item in inner), default=depth)


def _is_text(value: object) -> bool:
    """Whether `value` is a plain str that UTF-8 can carry."""
    if type(value) is not str:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _require(holds: bool, detail: str) -> None:
    if not holds:
        raise _breach(detail)


def _breach(detail: str) -> PluginError:
    return PluginError(FailureClass.CONTRACT, detail)
