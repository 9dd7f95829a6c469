"""Whether a request is one at all: the types of what Penstock itself relies on, in words when they are wrong.

Unknown names, roles, blocks and tools pass: they are for the upstream to judge, and for guards to refuse.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from penstock.dialects.splicing import Path
from penstock.errors import RequestError

_NONE: Final = type(None)
_NUMBER: Final = (int, float, _NONE)
_TEXT: Final = (str, _NONE)

# JSON's types of top-level members, in Python's words; null is as good as absent for the API.
_TOP_LEVEL: Final[tuple[tuple[str, tuple[type, ...], str], ...]] = (
    ("metadata", (dict, _NONE), "an object"),
    ("tools", (list, _NONE), "a list of tools"),
    ("tool_choice", (dict, _NONE), "an object"),
    ("mcp_servers", (list, _NONE), "a list of servers"),
    ("stop_sequences", (list, _NONE), "a list of texts"),
    ("output_config", (dict, _NONE), "an object"),
    ("thinking", (dict, _NONE), "an object"),
    ("max_tokens", (int, _NONE), "a whole number"),
    ("temperature", _NUMBER, "a number"),
    ("top_p", _NUMBER, "a number"),
    ("stream", (bool, _NONE), "true or false"),
)

_MAX_OTHERS: Final = 8  # each may cost a read of the control table
_NAMES_MODELS: Final = frozenset({"model", "fallbacks"})


def check(tree: Any) -> dict[str, Any]:
    """`tree` when it has the shape of a request for a message.

    Raises RequestError (400, `invalid_request_body`).
    """
    if type(tree) is not dict:
        raise _wrong("The body", "a JSON object")
    if type(tree.get("model")) is not str or not tree["model"]:
        raise _wrong("model", "the name of a model")
    for name, types, words in _TOP_LEVEL:
        if name in tree and type(tree[name]) not in types:
            raise _wrong(name, words)
    _check_content(tree.get("system"), "system")
    _check_messages(tree.get("messages"))
    for name in ("tools", "mcp_servers"):
        _check_objects(tree.get(name) or (), name)
    _check_models(tree)
    return tree


def other_models(tree: dict[str, Any]) -> list[str]:
    """Every model besides `model` that the provider may turn to: fallbacks, and those of tools."""
    named = [*(tree.get("fallbacks") or ()), *(definition for _at, definition in definitions(tree))]
    return [holder["model"] for holder in named if type(holder.get("model")) is str]


def definitions(tree: Mapping[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every definition of a tool and where it is: in the list, brought by a message, kept by a summary."""
    for index, definition in enumerate(tree.get("tools") or ()):
        yield ("tools", index), definition
    for number, message in enumerate(tree["messages"]):
        for index, block in enumerate(blocks_of(message.get("content"))):
            at: Path = ("messages", number, "content", index)
            changes = block.get("tool_changes")
            yield from _changed(block, at)
            for position, change in enumerate(changes if type(changes) is list else ()):
                yield from _changed(change, (*at, "tool_changes", position))


def _changed(change: Any, at: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    tool = change.get("tool") if type(change) is dict else None
    definition = tool.get("definition") if type(tool) is dict else None
    if type(definition) is dict:
        yield (*at, "tool", "definition"), definition


def blocks_of(content: Any) -> list[dict[str, Any]]:
    """The blocks of a message's content, which may be a text."""
    return content if type(content) is list else []


def _check_models(tree: dict[str, Any]) -> None:
    """What names a model must be readable here: a server that ignores case would take `MODEL` for it."""
    for name in tree:
        if (meant := name.casefold()) in _NAMES_MODELS and meant != name:
            raise RequestError(f"A member is called {meant} in another spelling; write {meant}, once.")
    fallbacks = tree.get("fallbacks") or []
    if type(fallbacks) is not list:
        raise _wrong("fallbacks", "a list of models: what a provider chooses by itself, no grant can name")
    _check_objects(fallbacks, "fallbacks")
    for index, fallback in enumerate(fallbacks):
        if type(fallback.get("model")) is not str:
            raise _wrong(f"fallbacks[{index}].model", "the name of a model")
    if len(other_models(tree)) > _MAX_OTHERS:
        raise RequestError(f"The request names more than {_MAX_OTHERS} models besides its own; name fewer.")


def _check_messages(messages: Any) -> None:
    if type(messages) is not list:
        raise _wrong("messages", "a list of messages")
    for index, message in enumerate(messages):
        if type(message) is not dict:
            raise _wrong(f"messages[{index}]", "an object")
        if type(message.get("role")) is not str:
            raise _wrong(f"messages[{index}].role", "text")
        _check_content(message.get("content"), f"messages[{index}].content")


def _check_content(content: Any, where: str) -> None:
    """A text or blocks; those of a tool's result as well."""
    if type(content) in _TEXT:
        return
    if type(content) is not list:
        raise _wrong(where, "text or a list of blocks")
    for index, block in enumerate(content):
        if type(block) is not dict:
            raise _wrong(f"{where}[{index}]", "an object")
        if type(block.get("type")) is not str:
            raise _wrong(f"{where}[{index}].type", "text")
        if block["type"] == "text" and type(block.get("text")) is not str:
            raise _wrong(f"{where}[{index}].text", "text")
        if block["type"] == "tool_result":
            _check_content(block.get("content"), f"{where}[{index}].content")


def _check_objects(items: Any, where: str) -> None:
    for index, item in enumerate(items):
        if type(item) is not dict:
            raise _wrong(f"{where}[{index}]", "an object")


def _wrong(where: str, words: str) -> RequestError:
    return RequestError(f"{where} must be {words}.")
