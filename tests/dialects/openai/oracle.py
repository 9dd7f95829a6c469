"""What editing a field of a chat completion must give: the slow way, by hand, without tables or paths.

Numbers are kept as they are spelled, so that equal trees have equal numbers, digit by digit; the JSON in
`arguments` is parsed, so that its spacing does not count.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Change = Callable[[str], str]

SHORT_DIGITS = 7

ROLES = {
    "system": ("system", "developer"),
    "user": ("user",),
    "assistant": ("assistant",),
    "tool": ("tool", "function"),
}


@dataclass(frozen=True)
class Number:
    """A number as it is spelled."""

    spelling: str


@dataclass
class Held:
    """The JSON that a string holds."""

    tree: Any


def parse(body: bytes | str) -> Any:
    return _with_held(json.loads(body, parse_int=Number, parse_float=Number))


def _with_held(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {
            name: _held(value) if name == "arguments" else _with_held(value) for name, value in tree.items()
        }
    return [_with_held(item) for item in tree] if isinstance(tree, list) else tree


def _held(value: Any) -> Any:
    try:
        tree = json.loads(value, parse_int=Number, parse_float=Number)
    except (TypeError, ValueError):
        return value
    return Held(tree) if isinstance(tree, dict | list | str) else value


def edit(tree: Any, field: str, change: Change) -> None:
    """Change every string of `field` in `tree`."""
    part, _, name = field.partition(".")
    if name.startswith("messages."):
        _messages(tree, name.removeprefix("messages."), change)
    elif name in {"metadata", "parameters", "tools"}:
        {"metadata": _metadata, "parameters": _parameters, "tools": _tools}[name](tree, change)
    else:
        messages = tree["messages"] if part == "request" else [c["message"] for c in tree["choices"]]
        for message in messages:
            {"tool_calls": _calls, "text": _answer, "reasoning": _reasoning}[name](message, change)
        if field == "response.text":
            _below(tree, "citations", change)


def _metadata(tree: Any, change: Change) -> None:
    _below(tree, "metadata", change)


def _at(owner: Any, name: str, change: Change) -> None:
    if isinstance(owner, dict) and isinstance(owner.get(name), str):
        owner[name] = change(owner[name])


def _below(owner: Any, step: Any, change: Change) -> None:
    value = owner.get(step) if isinstance(owner, dict) else owner[step]
    if isinstance(value, str):
        owner[step] = change(value)
    elif isinstance(value, Number) and value.spelling.isdigit() and len(value.spelling) > SHORT_DIGITS:
        owner[step] = change(value.spelling)
    elif isinstance(value, dict | list):
        for inner in value if isinstance(value, dict) else range(len(value)):
            _below(value, inner, change)


def _parts(owner: Any, kind: str, change: Change) -> None:
    for part in owner["content"] if isinstance(owner.get("content"), list) else ():
        if part["type"] == kind:
            _at(part, kind, change)


def _content(owner: Any, change: Change) -> None:
    _at(owner, "content", change)
    _parts(owner, "text", change)


def _messages(tree: Any, role: str, change: Change) -> None:
    for message in tree["messages"]:
        if message["role"] in ROLES[role]:
            _content(message, change)
            _at(message, "name", change)
        if message["role"] == role == "assistant":
            _parts(message, "refusal", change)
            for name in ("refusal", "reasoning_content", "reasoning"):
                _at(message, name, change)
    if role == "assistant" and "prediction" in tree:
        _content(tree["prediction"], change)


def _parameters(tree: Any, change: Change) -> None:
    for name in ("stop", "user", "safety_identifier", "prompt_cache_key"):
        _below(tree, name, change)
    _below(tree.get("response_format", {}), "json_schema", change)
    _below(tree.get("web_search_options", {}).get("user_location", {}), "approximate", change)
    choice = tree.get("tool_choice")
    _at(choice.get("function") if isinstance(choice, dict) else None, "name", change)


def _tools(tree: Any, change: Change) -> None:
    definitions = [
        inner for tool in tree.get("tools", ()) for inner in (tool.get("function"), tool.get("custom"))
    ]
    for definition in [*definitions, *tree.get("functions", ())]:
        if definition is not None:
            _at(definition, "name", change)
            _at(definition, "description", change)
            _below(definition, "parameters", change)
            _below(definition, "format", change)


def _calls(message: Any, change: Change) -> None:
    for call in [*message.get("tool_calls", ()), {"function": message.get("function_call", {})}]:
        _at(call.get("custom"), "input", change)
        function = call.get("function", {})
        if isinstance(function.get("arguments"), Held):
            box = [function["arguments"].tree]
            _below(box, 0, change)
            function["arguments"] = Held(box[0])
        else:
            _at(function, "arguments", change)


def _answer(message: Any, change: Change) -> None:
    _content(message, change)
    _at(message, "refusal", change)
    _at(message.get("audio"), "transcript", change)
    for annotation in message.get("annotations") or ():
        _at(annotation["url_citation"], "title", change)
        _at(annotation["url_citation"], "url", change)


def _reasoning(message: Any, change: Change) -> None:
    _at(message, "reasoning", change)
    _at(message, "reasoning_content", change)
    for detail in message.get("reasoning_details", ()):
        _at(detail, "text", change)
        _at(detail, "summary", change)


def forget_repeats(before: Any, after: Any) -> None:
    """In `after`, an edited response, drop by hand what repeats the text of a choice that changed."""
    for old, new in zip(before["choices"], after["choices"], strict=True):
        if old == new:
            continue
        if new.get("logprobs"):
            new["logprobs"] = None
        if (new["message"].get("audio") or {}).get("data"):
            new["message"]["audio"]["data"] = ""
    if before["choices"] != after["choices"] and after.get("prompt_logprobs"):
        after["prompt_logprobs"] = None
