"""Whether a request is one at all: the types of what Penstock itself relies on, in words when they are wrong.

Unknown names, roles, parts and tools pass: they are for the upstream to judge, and for guards to refuse.
"""

from __future__ import annotations

from typing import Any, Final

from penstock.errors import RequestError

_NONE: Final = type(None)
_NUMBER: Final = (int, float, _NONE)
_TEXT: Final = (str, _NONE)
_BOOLEAN: Final = (bool, _NONE)

# JSON's types of top-level members, in Python's words; null is as good as absent for the API.
_TOP_LEVEL: Final[tuple[tuple[str, tuple[type, ...], str], ...]] = (
    ("metadata", (dict, _NONE), "an object"),
    ("tools", (list, _NONE), "a list of tools"),
    ("functions", (list, _NONE), "a list of functions"),
    ("tool_choice", (str, dict, _NONE), "a name or an object"),
    ("prediction", (dict, _NONE), "an object"),
    ("stop", (str, list, _NONE), "text or a list of texts"),
    ("response_format", (dict, _NONE), "an object"),
    ("user", _TEXT, "text"),
    ("n", (int, _NONE), "a whole number"),
    ("max_tokens", (int, _NONE), "a whole number"),
    ("max_completion_tokens", (int, _NONE), "a whole number"),
    ("temperature", _NUMBER, "a number"),
    ("top_p", _NUMBER, "a number"),
    ("stream", _BOOLEAN, "true or false"),
    ("stream_options", (dict, _NONE), "an object"),
    ("logprobs", _BOOLEAN, "true or false"),
    ("parallel_tool_calls", _BOOLEAN, "true or false"),
    ("store", _BOOLEAN, "true or false"),
)


OTHER_MODELS: Final = ("models", "fallbacks")
"""Where routers take models from that they turn to when `model` fails: OpenRouter, LiteLLM."""

_MAX_OTHERS: Final = 8  # each may cost a read of the control table
_NAMES_MODELS: Final = frozenset({"model", *OTHER_MODELS})


def check(tree: Any) -> dict[str, Any]:
    """`tree` when it has the shape of a chat completion request.

    Raises RequestError (400, `invalid_request_body`).
    """
    if type(tree) is not dict:
        raise _wrong("The body", "a JSON object")
    if type(tree.get("model")) is not str or not tree["model"]:
        raise _wrong("model", "the name of a model")
    _check_models(tree)
    _check_members(tree)
    _check_messages(tree.get("messages"))
    for name in ("tools", "functions"):
        _check_objects(tree.get(name) or (), name)
    return tree


def _check_models(tree: dict[str, Any]) -> None:
    """What names a model must be readable here: a server that ignores case would take `MODEL` for it."""
    for name in tree:
        if (meant := name.casefold()) in _NAMES_MODELS and meant != name:
            raise RequestError(f"A member is called {meant} in another spelling; write {meant}, once.")
    for name in OTHER_MODELS:
        others = tree.get(name) or []
        if type(others) is not list or not all(type(other) is str for other in others):
            raise _wrong(name, "a list of models' names")
        if len(others) > _MAX_OTHERS:
            raise _wrong(name, f"a list of at most {_MAX_OTHERS} models' names")


def _check_members(tree: dict[str, Any]) -> None:
    for name, types, words in _TOP_LEVEL:
        if name in tree and type(tree[name]) not in types:
            raise _wrong(name, words)


def _check_messages(messages: Any) -> None:
    if type(messages) is not list:
        raise _wrong("messages", "a list of messages")
    for index, message in enumerate(messages):
        if type(message) is not dict:
            raise _wrong(f"messages[{index}]", "an object")
        if type(message.get("role")) is not str:
            raise _wrong(f"messages[{index}].role", "text")
        content = message.get("content")
        if content is not None and type(content) is not str:
            _check_parts(content, f"messages[{index}].content")
        if message.get("tool_calls") is not None:
            _check_calls(message["tool_calls"], f"messages[{index}].tool_calls")
        if type(message.get("name", "")) not in _TEXT:
            raise _wrong(f"messages[{index}].name", "text")


def _check_parts(parts: Any, where: str) -> None:
    if type(parts) is not list:
        raise _wrong(where, "text or a list of parts")
    for index, part in enumerate(parts):
        if type(part) is not dict:
            raise _wrong(f"{where}[{index}]", "an object")
        if type(part.get("type")) is not str:
            raise _wrong(f"{where}[{index}].type", "text")
        if part["type"] == "text" and type(part.get("text")) is not str:
            raise _wrong(f"{where}[{index}].text", "text")


def _check_calls(calls: Any, where: str) -> None:
    if type(calls) is not list:
        raise _wrong(where, "a list of tool calls")
    _check_objects(calls, where)
    for index, call in enumerate(calls):
        function = call.get("function")
        if type(function) is dict and type(function.get("arguments")) not in _TEXT:
            raise _wrong(f"{where}[{index}].function.arguments", "text that holds JSON")


def _check_objects(items: Any, where: str) -> None:
    for index, item in enumerate(items):
        if type(item) is not dict:
            raise _wrong(f"{where}[{index}]", "an object")


def _wrong(where: str, words: str) -> RequestError:
    return RequestError(f"{where} must be {words}.")
