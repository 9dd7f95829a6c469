"""Whether a request is one at all: the types of what Penstock itself relies on, in words when they are wrong.

Unknown names, roles, items and tools pass: they are for the upstream to judge, and for guards to refuse.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from penstock.errors import RequestError

_NONE: Final = type(None)
_NUMBER: Final = (int, float, _NONE)
_TEXT: Final = (str, _NONE)
_BOOLEAN: Final = (bool, _NONE)

# JSON's types of top-level members, in Python's words; null is as good as absent for the API.
_TOP_LEVEL: Final[tuple[tuple[str, tuple[type, ...], str], ...]] = (
    ("instructions", _TEXT, "text"),
    ("input", (str, list, _NONE), "text or a list of items"),
    ("metadata", (dict, _NONE), "an object"),
    ("tools", (list, _NONE), "a list of tools"),
    ("tool_choice", (str, dict, _NONE), "a name or an object"),
    ("text", (dict, _NONE), "an object"),
    ("reasoning", (dict, _NONE), "an object"),
    ("prompt", (dict, _NONE), "an object"),
    ("previous_response_id", _TEXT, "text"),
    ("conversation", (str, dict, _NONE), "an id or an object"),
    ("user", _TEXT, "text"),
    ("max_output_tokens", (int, _NONE), "a whole number"),
    ("temperature", _NUMBER, "a number"),
    ("top_p", _NUMBER, "a number"),
    ("stream", _BOOLEAN, "true or false"),
    ("background", _BOOLEAN, "true or false"),
    ("store", _BOOLEAN, "true or false"),
)
OTHER_MODELS: Final = ("models", "fallbacks")
"""Where routers take models from that they turn to when `model` fails: OpenRouter, LiteLLM."""

_MAX_OTHERS: Final = 8  # each may cost a read of the control table
_NAMES_MODELS: Final = frozenset({"model", *OTHER_MODELS})
_WITH_TOOLS: Final = frozenset({"additional_tools", "tool_search_output"})


def check(tree: Any) -> dict[str, Any]:
    """`tree` when it has the shape of a request for a response.

    Raises RequestError (400, `invalid_request_body`).
    """
    if type(tree) is not dict:
        raise _wrong("The body", "a JSON object")
    if type(tree.get("model")) is not str or not tree["model"]:
        raise _wrong("model", "the name of a model")
    for name, types, words in _TOP_LEVEL:
        if name in tree and type(tree[name]) not in types:
            raise _wrong(name, words)
    if tree.get("background"):
        raise RequestError(
            "Answers in the background are not served: nothing could look at them when they are fetched. "
            "Send background = false, or stream the answer."
        )
    if type(tree.get("input")) is list:
        _check_items(tree["input"])
    _check_objects(tree.get("tools") or (), "tools")
    _check_models(tree)
    return tree


def items_of(tree: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The items of the input, which may be a text."""
    items = tree.get("input")
    return items if type(items) is list else []


def tool_lists(tree: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], list[dict[str, Any]]]]:
    """Every list of tools' definitions, and where it is: the request's own, and those that items bring."""
    if type(tree.get("tools")) is list:
        yield ("tools",), tree["tools"]
    for index, item in enumerate(items_of(tree)):
        if item.get("type") in _WITH_TOOLS and type(item.get("tools")) is list:
            yield ("input", index, "tools"), item["tools"]


def other_models(tree: Mapping[str, Any]) -> list[str]:
    """Every model besides `model` that the provider may turn to: fallbacks, and those of tools."""
    named = [other for name in OTHER_MODELS for other in tree.get(name) or ()]
    for tool in (tool for _at, tools in tool_lists(tree) for tool in tools):
        drawing = tool.get("svg")
        holders = (tool, drawing if type(drawing) is dict else {})
        named += [holder["model"] for holder in holders if type(holder.get("model")) is str]
    return named


def _check_models(tree: dict[str, Any]) -> None:
    """What names a model must be readable here: a server that ignores case would take `MODEL` for it."""
    for name in tree:
        if (meant := name.casefold()) in _NAMES_MODELS and meant != name:
            raise RequestError(f"A member is called {meant} in another spelling; write {meant}, once.")
    for name in OTHER_MODELS:
        others = tree.get(name) or []
        if type(others) is not list or not all(type(other) is str for other in others):
            raise _wrong(name, "a list of models' names")
    if len(other_models(tree)) > _MAX_OTHERS:
        raise RequestError(f"The request names more than {_MAX_OTHERS} models besides its own; name fewer.")


def _check_items(items: list[Any]) -> None:
    for index, item in enumerate(items):
        where = f"input[{index}]"
        if type(item) is not dict:
            raise _wrong(where, "an object")
        for name in ("type", "role"):
            if type(item.get(name)) not in _TEXT:
                raise _wrong(f"{where}.{name}", "text")
        if type(item.get("content")) not in _TEXT:
            _check_parts(item["content"], f"{where}.content")
        if item.get("type") == "function_call" and type(item.get("arguments")) not in _TEXT:
            raise _wrong(f"{where}.arguments", "text that holds JSON")
        if item.get("type") in _WITH_TOOLS and item.get("tools") is not None:
            _check_tools(item["tools"], f"{where}.tools")


def _check_tools(tools: Any, where: str) -> None:
    if type(tools) is not list:
        raise _wrong(where, "a list of tools")
    _check_objects(tools, where)


def _check_parts(parts: Any, where: str) -> None:
    if type(parts) is not list:
        raise _wrong(where, "text or a list of parts")
    for index, part in enumerate(parts):
        if type(part) is not dict:
            raise _wrong(f"{where}[{index}]", "an object")
        if type(part.get("type")) is not str:
            raise _wrong(f"{where}[{index}].type", "text")
        if part["type"] in {"input_text", "output_text"} and type(part.get("text")) is not str:
            raise _wrong(f"{where}[{index}].text", "text")


def _check_objects(items: Any, where: str) -> None:
    for index, item in enumerate(items):
        if type(item) is not dict:
            raise _wrong(f"{where}[{index}]", "an object")


def _wrong(where: str, words: str) -> RequestError:
    return RequestError(f"{where} must be {words}.")
