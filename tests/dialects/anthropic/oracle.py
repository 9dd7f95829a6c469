"""What editing a field of a message must give: the slow way, by hand, without tables or paths.

Numbers are kept as they are spelled, so that equal trees have equal numbers, digit by digit.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Change = Callable[[str], str]

SHORT_DIGITS = 7
ASSISTANTS = ("thinking", "compaction")
RESULTS = (
    *("web_search_tool_result", "web_fetch_tool_result", "code_execution_tool_result", "mcp_tool_result"),
    *("bash_code_execution_tool_result", "text_editor_code_execution_tool_result"),
    *("tool_search_tool_result", "advisor_tool_result"),
)


@dataclass(frozen=True)
class Number:
    """A number as it is spelled."""

    spelling: str


def parse(body: bytes) -> Any:
    return json.loads(body, parse_int=Number, parse_float=Number)


def edit(tree: Any, field: str, change: Change) -> None:
    """Change every string of `field` in `tree`, sealed or not."""
    part, _, name = field.partition(".")
    if part == "request":
        _request(tree, name, change)
        return
    blocks = tree.get("content", [])
    if name == "text":
        for block in blocks:
            _words(block, change)
            _result(block, change)
            _compaction(block, change)
            _listing(block, change)
        _at(tree, "stop_sequence", change)
        _at(tree.get("stop_details"), "explanation", change)
        _at(tree.get("error"), "message", change)
    for block in blocks:
        {"text": _nothing, "reasoning": _thinking, "tool_calls": _input}[name](block, change)


def drop_forged(before: Any, after: Any) -> None:
    """In `after`, drop by hand each sealed block that changed, and a message that has no other."""
    if "content" in before:
        after["content"] = _unforged(before["content"], after["content"])
    for old, new in zip(before.get("messages", ()), list(after.get("messages", ())), strict=True):
        if isinstance(old.get("content"), list):
            new["content"] = _unforged(old["content"], new["content"])
            if old["content"] and not new["content"]:
                after["messages"].remove(new)


def _unforged(before: list[Any], after: list[Any]) -> list[Any]:
    pairs = zip(before, after, strict=True)
    return [
        new for old, new in pairs if old == new or not (old.get("signature") or old.get("encrypted_content"))
    ]


def _request(tree: Any, name: str, change: Change) -> None:
    if name.startswith("messages."):
        _messages(tree, name.removeprefix("messages."), change)
    elif name == "metadata":
        _below(tree, "metadata", change)
    elif name == "parameters":
        _parameters(tree, change)
    else:
        for tool in tree.get("tools", ()) if name == "tools" else ():
            _definition(tool, change)
        for server in tree.get("mcp_servers", ()) if name == "tools" else ():
            _at(server, "name", change)
            _at(server, "url", change)
        for message in tree["messages"]:
            for block in _blocks(message):
                {"tools": _brought, "tool_calls": _input}[name](block, change)


def _messages(tree: Any, role: str, change: Change) -> None:
    if role == "system":
        _said(tree, "system", change)
    for message in tree["messages"]:
        if message["role"] == role:
            _said(message, "content", change)
        for block in _blocks(message):
            if role == "assistant":
                _thinking(block, change)
                _compaction(block, change)
            if role == "tool":
                _result(block, change)
                if block["type"] == "tool_result":
                    _said(block, "content", change)
                    _tabs(block, change)


def _blocks(owner: Any, name: str = "content") -> list[Any]:
    return owner[name] if isinstance(owner.get(name), list) else []


def _said(owner: Any, name: str, change: Change) -> None:
    _at(owner, name, change)
    for block in _blocks(owner, name):
        _words(block, change)


def _words(block: Any, change: Change) -> None:
    match block["type"]:
        case "text":
            _text(block, change)
        case "document":
            _document(block, change)
        case "search_result":
            _at(block, "title", change)
            _at(block, "source", change)
            _said(block, "content", change)


def _text(block: Any, change: Change) -> None:
    _at(block, "text", change)
    for cited in block.get("citations") or ():
        for name in ("cited_text", "document_title", "title", "url", "source"):
            _at(cited, name, change)


def _document(block: Any, change: Change) -> None:
    _at(block, "title", change)
    _at(block, "context", change)
    source = block["source"]
    if source["type"] == "text":
        _at(source, "data", change)
    if source["type"] == "content":
        _said(source, "content", change)


def _tabs(block: Any, change: Change) -> None:
    for state in _blocks(block):
        for tab in state.get("tabs", ()):
            _at(tab, "title", change)
            _at(tab, "url", change)
        for changed in state.get("state_changes", ()):
            for name in ("url", "path", "error"):
                _at(changed, name, change)


def _result(block: Any, change: Change) -> None:
    if block["type"] not in RESULTS:
        return
    content = block["content"]
    if block["type"] == "mcp_tool_result":
        _said(block, "content", change)
    elif isinstance(content, list):
        for found in content:
            for name in ("title", "url", "page_age"):
                _at(found, name, change)
    else:
        for name in ("stdout", "stderr", "error_message", "text", "url"):
            _at(content, name, change)
        if block["type"] == "text_editor_code_execution_tool_result":
            _at(content, "content", change)
        if block["type"] == "web_fetch_tool_result" and "content" in content:
            _document(content["content"], change)
        _below(content, "lines", change)


def _thinking(block: Any, change: Change) -> None:
    if block["type"] == "thinking":
        _at(block, "thinking", change)


def _compaction(block: Any, change: Change) -> None:
    if block["type"] == "compaction":
        _at(block, "content", change)


def _input(block: Any, change: Change) -> None:
    if block["type"].endswith("tool_use"):
        _below(block, "input", change)


def _listing(block: Any, change: Change) -> None:
    if block["type"] == "mcp_tool_listing":
        _definition(block, change)
    for changed in block.get("tool_changes", ()):
        _definition(changed["tool"].get("definition", {}), change)


def _brought(block: Any, change: Change) -> None:
    _listing(block, change)
    if block["type"] == "tool_addition":
        _definition(block["tool"].get("definition", {}), change)


def _definition(tool: Any, change: Change) -> None:
    for name in ("name", "description", "mcp_server_name"):
        _at(tool, name, change)
    for name in ("input_schema", "input_examples", "allowed_domains", "blocked_domains"):
        _below(tool, name, change)
    for name in ("city", "region", "country", "timezone"):
        _at(tool.get("user_location"), name, change)
    for source in tool.get("url_sources", {}).values():
        for named in source.get("tools", ()):
            _at(named, "name", change)
    for listed in tool.get("tools", ()):
        _definition(listed, change)


def _parameters(tree: Any, change: Change) -> None:
    _below(tree, "stop_sequences", change)
    _below(tree.get("output_config", {}).get("format", {}), "schema", change)
    for edited in tree.get("context_management", {}).get("edits", ()):
        _at(edited, "instructions", change)
    _at(tree.get("compaction"), "instructions", change)
    _at(tree.get("tool_choice"), "name", change)


def _nothing(block: Any, change: Change) -> None:
    """Done already."""


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
