"""Requests, responses and evidence built in one line, and what a decision makes of them.

A sample is a mapping from every field's name (`penstock.sdk.fields`) to its value, in memory and in no
dialect. `penstock.sdk.testing` projects it as the gateway projects a body.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypedDict

from penstock.errors import FailureClass, PluginError
from penstock.sdk.decisions import Decision, Respond, Transform
from penstock.sdk.edits import (
    REMOVED,
    AddText,
    Edit,
    MemberEdit,
    Replace,
    SpanEdit,
    TextEdit,
    apply_spans,
    new_texts,
)
from penstock.sdk.fields import FIELDS
from penstock.sdk.views import TextValues, Tool

Text = str | Sequence[str]
"""One text, or several in order."""

REQUEST_ID = "01890a5d-ac96-774b-bcce-b302099a8057"  # RFC 9562, section 5.7: a UUIDv7
SOME_REFERENCE = "mfrggzdfmztwq2lknnwg23tpob"
IDENTITY: Mapping[str, str | None] = MappingProxyType(
    {"organisation": "acme", "team": "payments", "user": None, "api_key": "key-1", "tenant": None}
)
EVIDENCE: Mapping[str, Any] = MappingProxyType(
    {
        "schema": "penstock.evidence/1",
        "request_id": REQUEST_ID,
        "received_at": "2026-11-22T12:00:00.000Z",
        "dialect": "openai",
        "route": "/v1/chat/completions",
        "stream": False,
        "principal": dict(IDENTITY),
        "resource": {"model": "test-model"},
        "placements": [],
        "usage": {"input_tokens": 12, "output_tokens": 34},
        "cost_nanousd": 5600,
        "status": 200,
        "outcome": "answered",
    }
)


class RequestValues(TypedDict, total=False):
    """What a request may be built of; what is left out is empty."""

    user: Text
    system: Text
    assistant: Text
    tool: Text
    tools: Sequence[Mapping[str, Any]]
    tool_calls: Text
    mcp_arguments: Text
    mcp_server: str
    mcp_method: str
    mcp_tool: str
    metadata: Mapping[str, Any]
    parameters: Mapping[str, Any]
    tags: Mapping[str, str]
    headers: Mapping[str, str]
    identity: Mapping[str, str | None]
    decisions: Sequence[Mapping[str, Any]]
    model: str
    route: str
    reference: str


class ResponseValues(TypedDict, total=False):
    """What a response may be built of; `request` is the request that it answers."""

    text: Text
    reasoning: Text
    tool_calls: Text
    mcp_result: Text
    status: int
    usage: Mapping[str, int]
    headers: Mapping[str, str]
    metadata: Mapping[str, str]
    request: RequestValues


def request_values(given: RequestValues) -> dict[str, Any]:
    """Every field of a request, by name. `tools` are definitions as an OpenAI request carries them."""
    values = {name: _empty(name) for name in FIELDS if name.startswith("request.") and "<" not in name}
    values |= {f"request.headers.{name}": value for name, value in given.get("headers", {}).items()}
    return values | {
        "identity": {**IDENTITY, **given.get("identity", {})},
        "decisions": tuple(given.get("decisions", ())),
        "request.messages.system": _texts(given.get("system", ())),
        "request.messages.user": _texts(given.get("user", ())),
        "request.messages.assistant": _texts(given.get("assistant", ())),
        "request.messages.tool": _texts(given.get("tool", ())),
        "request.metadata": dict(given.get("metadata", {})),
        "request.parameters": dict(given.get("parameters", {})),
        "request.tags": dict(given.get("tags", {})),
        "request.tools": _tools(given.get("tools", ())),
        "request.tool_calls": _texts(given.get("tool_calls", ())),
        "request.mcp.arguments": _texts(given.get("mcp_arguments", ())),
        "request.mcp.server": given.get("mcp_server"),
        "request.mcp.method": given.get("mcp_method"),
        "request.mcp.tool": given.get("mcp_tool"),
        "request.model": given.get("model", "test-model"),
        "request.route": given.get("route", "/v1/chat/completions"),
        "request.reference": given.get("reference", SOME_REFERENCE),
    }


def response_values(given: ResponseValues) -> dict[str, Any]:
    """Every field of a response, and of the request that it answers, by name."""
    values = request_values(given.get("request", {}))
    values |= {name: _empty(name) for name in FIELDS if name.startswith("response.") and "<" not in name}
    values |= {f"response.headers.{name}": value for name, value in given.get("headers", {}).items()}
    return values | {
        "response.text": _texts(given.get("text", ())),
        "response.reasoning": _texts(given.get("reasoning", ())),
        "response.tool_calls": _texts(given.get("tool_calls", ())),
        "response.mcp.result": _texts(given.get("mcp_result", ())),
        "response.status": given.get("status", 200),
        "response.usage": dict(given.get("usage", {})),
        "response.metadata": dict(given.get("metadata", {})),
    }


def decided(values: Mapping[str, Any], decision: Decision) -> dict[str, Any]:
    """The values after `decision`. Raises PluginError (`contract`) when one of its edits does not fit."""
    after = dict(values)
    if isinstance(decision, Respond):
        after["response.text"] = TextValues((decision.content,))
    if isinstance(decision, Transform):
        for name in dict.fromkeys(edit.field for edit in decision.edits):
            edits = [edit for edit in decision.edits if edit.field == name]
            after[name] = _edited(after.get(name), edits)
    return after


def _edited(value: Any, edits: Sequence[Edit]) -> Any:
    """One field after its edits: first what changes its texts as they were, then what adds or removes."""
    rewrites = [edit for edit in edits if isinstance(edit, SpanEdit | TextEdit)]
    if rewrites:
        value = _rewritten(value, rewrites)
    for edit in edits:
        if isinstance(edit, MemberEdit):
            value = _with_member(value, edit)
        elif isinstance(edit, AddText):
            value = _with_text(value, edit)
    return value


def _rewritten(value: Any, edits: Sequence[SpanEdit | TextEdit]) -> TextValues:
    """Every edit means the texts as they were before the first of them, as in the gateway."""
    if not isinstance(value, TextValues):
        raise _unfit()
    spans: dict[int, list[Replace]] = {}
    texts = list(value.texts)
    try:
        for edit in edits:
            new_texts(edit, texts)  # raises for what is not there
            for index, found in _spans(edit, texts):
                spans.setdefault(index, []).extend(found)
        for index, found in spans.items():
            texts[index] = apply_spans(texts[index], sorted(found))
    except ValueError:
        raise _unfit() from None
    return value._replace(texts=tuple(texts))


def _spans(edit: SpanEdit | TextEdit, texts: Sequence[str]) -> Iterator[tuple[int, Sequence[Replace]]]:
    if isinstance(edit, SpanEdit):
        yield from edit.spans
    else:
        yield from ((index, [Replace(0, len(texts[index]), new)]) for index, new in edit.texts)


def _with_text(value: Any, edit: AddText) -> TextValues:
    if not isinstance(value, TextValues):
        raise _unfit()
    first = edit.field == "request.messages.system"
    return value._replace(texts=(edit.text, *value.texts) if first else (*value.texts, edit.text))


def _with_member(value: Any, edit: MemberEdit) -> Any:
    if ".headers." in edit.field:
        return None if edit.value is REMOVED else edit.value
    if isinstance(value, TextValues):
        return _tools([tool.definition for tool in value.tools if tool.name != edit.name])
    if not isinstance(value, dict):
        raise _unfit()
    rest = {name: member for name, member in value.items() if name != edit.name}
    return rest if edit.value is REMOVED else {**value, edit.name: edit.value}


def _unfit() -> PluginError:
    return PluginError(FailureClass.CONTRACT, "an edit does not fit what it edits")


def _empty(name: str) -> Any:
    shape = FIELDS[name].shape
    return TextValues(()) if shape == "texts" else {} if shape == "members" else None


def _texts(given: Text) -> TextValues:
    return TextValues((given,) if isinstance(given, str) else tuple(given))


def _tools(definitions: Sequence[Mapping[str, Any]]) -> TextValues:
    tools = tuple(Tool(_tool_name(definition), definition) for definition in definitions)
    return TextValues(tuple(text for tool in tools for text in _strings(tool.definition)), tools)


def _tool_name(definition: Mapping[str, Any]) -> str:
    inner = definition.get("function") or definition
    return str(inner.get("name", ""))


def _strings(value: Any) -> Iterator[str]:
    """Every string below `value` but the type of the tool, in order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for key, item in value.items() if key != "type" for text in _strings(item))
    elif isinstance(value, list | tuple):
        yield from (text for item in value for text in _strings(item))
