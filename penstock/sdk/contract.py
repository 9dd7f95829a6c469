"""Checks what a plugin answered against what it was granted. Used by the engine and by `sdk.testing`."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, assert_never

from penstock.errors import FailureClass, PluginError
from penstock.sdk import fields
from penstock.sdk.decisions import Allow, Block, Decision, Respond, Transform
from penstock.sdk.edits import REMOVED, AddText, Edit, MemberEdit, Replace, Span, SpanEdit, TextEdit

# RFC 9110, section 5.5, narrowed to printable ASCII: no CR, LF, NUL or obs-text can split a header.
HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,1022}[\x21-\x7e])?")
NOTE_NAME = re.compile(r"[a-z][a-z0-9-]{0,38}")
# behaviour.md, section 10, the default body bound: no edit may exceed what may be sent.
MAX_EDIT_CHARS = 4_194_304
# Each edit may cost a walk over the body, after the plugin's own time is over.
MAX_EDITS = 10_000
# Far over what metadata or parameters nest; keeps one edit from breaking the encoder.
MAX_MEMBER_DEPTH = 32


@dataclass(frozen=True, slots=True)
class Terms:
    """What one placement may do: its grant and the codes that its manifest declares."""

    writes: frozenset[str] = frozenset()
    effects: frozenset[str] = frozenset()
    reasons: frozenset[str] = frozenset()
    tags: Mapping[str, frozenset[str]] = field(default_factory=dict)
    refers: bool = False
    """Whether it reads `request.reference`, which alone a block can refer to."""


def checked(decision: object, terms: Terms) -> Decision:
    """`decision`, when it keeps to `terms`. Raises PluginError (`contract`) when it does not."""
    # Exact types throughout: a subclass could answer differently after it was checked.
    if type(decision) is Allow:
        return decision
    if type(decision) is Block:
        _require("block" in terms.effects, "block is not granted")
        _require(_is_text(decision.reason), "a reason is no code")
        _require(decision.reason in terms.reasons, "the reason is not declared")
        _require(decision.at is None or _is_span(decision.at), "a block's place is no span")
        _require(type(decision.refer) is bool, "whether a block refers is yes or no")
        _require(terms.refers or not decision.refer, "a block refers to a reference that is not granted")
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
    _require(len(edits) <= MAX_EDITS, "there are too many edits")
    _require("transform" in terms.effects or not edits, "transform is not granted")
    total = 0
    for edit in edits:
        if not _is_exactly(edit, SpanEdit, TextEdit, MemberEdit, AddText):
            raise _breach("the plugin returned something that is no edit")
        name = edit.field
        _require(type(name) is str, "an edit names no field")
        _require(name in terms.writes, "an edit writes a field that is not granted")
        _require(_fits(edit), "an edit is of a kind that its field does not take")
        total += _checked_size(edit, terms)
    _require(total <= MAX_EDIT_CHARS, "the edits are too large")


def _fits(edit: Edit) -> bool:
    """Whether the field takes this kind of edit; tools are texts, and have members too."""
    entry = fields.lookup(edit.field)
    shape = entry.shape if entry else None
    if type(edit) is MemberEdit:
        return shape in {"members", "header"} or edit.field == "request.tools"
    if type(edit) is AddText:
        return edit.field.startswith("request.messages.")
    return shape == "texts" or edit.field in fields.CONTENT_FIELDS


def _checked_size(edit: Edit, terms: Terms) -> int:
    match edit:
        case SpanEdit() | TextEdit() | AddText():
            size = 0
            for text in _texts_of(edit):
                _require(_is_text(text), "an edit holds no text, or half a character")
                size += 1 + len(str(text))  # an empty replacement costs something too
            return size
        case MemberEdit():
            return _checked_member(edit, terms)
    assert_never(edit)


def _texts_of(edit: SpanEdit | TextEdit | AddText) -> Iterator[object]:
    """Every new text of an edit. Raises PluginError when the edit is not built as its type says.

    Only tuples are unpacked: any other iterable is the plugin's code, which would run again, and could say
    something else, when the edit is applied and no timer runs.
    """
    if type(edit) is AddText:
        yield edit.text
    elif type(edit) is TextEdit:
        for index, text in _tuples(edit.texts, 2):
            _require(type(index) is int, "an edit names no text")
            yield text
    elif type(edit) is SpanEdit:
        for index, spans in _tuples(edit.spans, 2):
            _require(type(index) is int, "an edit names no text")
            for start, end, text in _tuples(spans, 3):
                _require(type(start) is int and type(end) is int, "a span is no pair of numbers")
                yield text


def _tuples(items: object, size: int) -> Iterator[tuple[Any, ...]]:
    """The items of a tuple of tuples, each of them `size` long."""
    if type(items) is not tuple:
        raise _breach("an edit is not built by a view")
    for item in items:
        if not _is_exactly(item, tuple, Replace) or len(item) != size:
            raise _breach("an edit is not built by a view")
        yield item


def _checked_member(edit: MemberEdit, terms: Terms) -> int:
    _require(_is_text(edit.name) and 0 < len(edit.name) <= 256, "a member has no fit name")
    removed = edit.value is REMOVED
    if ".headers." in edit.field:
        _require(edit.field.endswith(f".headers.{edit.name}"), "an edit writes another header")
        _require(removed or _is_header_value(edit.value), "a header's value is no printable ASCII")
    elif edit.field == "request.tags":
        _require(edit.name in terms.tags, "a tag is not declared")
        _require(
            removed or (_is_text(edit.value) and edit.value in terms.tags[edit.name]),
            "a tag is not one of its declared values",
        )
    elif edit.field == "response.metadata":
        _require(NOTE_NAME.fullmatch(edit.name) is not None, "a note has no fit name")
        _require(removed or _is_header_value(edit.value), "a note is no printable ASCII")
    return 1 if removed else _json_size(edit.value)


def _is_header_value(value: object) -> bool:
    return _is_text(value) and HEADER_VALUE.fullmatch(str(value)) is not None


def _json_size(value: object) -> int:
    _require(_depth(value) <= MAX_MEMBER_DEPTH, "a member is nested too deep")
    _require(_is_json(value), "a member is no JSON")
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise _breach("a member is no JSON") from error
    _require(_is_text(text), "a member holds half a character")
    return len(text)


def _depth(value: object, depth: int = 1) -> int:
    if depth > MAX_MEMBER_DEPTH:
        return depth
    return max((_depth(item, depth + 1) for item in _inner(value)), default=depth)


def _is_json(value: object) -> bool:
    """Whether `value` is built of exact types: a subclass could encode otherwise once it was checked."""
    if type(value) is dict and not all(type(key) is str for key in value):
        return False  # a number as a key would be encoded as a second key of the same name
    scalar = value is None or _is_exactly(value, str, bool, int, float)
    return scalar or (_is_exactly(value, dict, list, tuple) and all(map(_is_json, _inner(value))))


def _is_exactly(value: object, *kinds: type) -> bool:
    """Whether `value` is of one of `kinds`, no subclass. `is`, not `in`: a class can equal another."""
    return any(type(value) is kind for kind in kinds)


def _inner(value: object) -> Collection[object]:
    if type(value) is dict:
        return value.values()
    return value if type(value) is list or type(value) is tuple else ()


def _is_span(value: object) -> bool:
    return type(value) is Span and all(type(end) is int for end in value)


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
