"""A server's tools, as one key may know them: lists without what is hidden, calls of nothing else.

A list is told by its shape, not by the request that it answers: whatever brings a result with `tools` in it,
a stream that is resumed, a batch, an id used twice, is held to the same rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from penstock.dialects.mcp.content import ClientMessage, ServerMessage
from penstock.dialects.splicing import Drop
from penstock.evidence.record import ControlRecord
from penstock.gateway.mcp_exchange import is_name
from penstock.gateway.mcp_memory import ToolMemory
from penstock.governance.denied import Denied, deny
from penstock.governance.mcp_access import McpServer
from penstock.mcp.names import ambiguous
from penstock.mcp.pinning import tool_digest
from penstock.mcp.rules import Reason
from penstock.mcp.scanning import scan

STAGE: Final = "mcp_tools"
NOT_ALLOWED: Final = "mcp_tool_not_allowed"
CHANGED: Final = "mcp_tool_changed"
ARGUMENTS: Final = "mcp_arguments_not_allowed"
MAX_NAMED: Final = 16  # changed tools that a record names; the others are only counted


@dataclass(slots=True)
class Listing:
    """What became of one list: the message as it may leave, and what the evidence says of it."""

    message: ServerMessage
    controls: list[ControlRecord] = field(default_factory=list)


def shown(message: ServerMessage, server: McpServer, memory: ToolMemory) -> Listing:
    """A list of tools without those that this key may not know; any other message as it is."""
    tools = (message.result or {}).get("tools")
    if not isinstance(tools, list):
        return Listing(message)
    named = {index: tool for index, tool in enumerate(tools) if _is_tool(tool)}
    digests = {index: tool_digest(tool) for index, tool in named.items()}
    memory.remember(server.name, {named[index]["name"]: digest for index, digest in digests.items()})
    names = [tool["name"] for tool in named.values()]
    twice = ambiguous(names) | {name for name in names if memory.is_ambiguous(server.name, name)}
    reasons: dict[int, Reason] = {}
    warned = 0
    for index in range(len(tools)):
        tool = named.get(index)
        if tool is None or tool["name"] in twice:
            reasons[index] = "ambiguous"
            continue
        reason, is_suspicious = _judged(tool, digests[index], server)
        warned += is_suspicious and reason is None
        if reason is not None:
            reasons[index] = reason
    drops = [Drop(("result", "tools", index)) for index in reasons]
    return Listing(message.spliced(drops), _controls(reasons, named, warned, server.tools.rules.pins))


def digests_of(tools: Any) -> dict[str, str]:
    """Tool → digest of its definition, of a list."""
    return (
        {tool["name"]: tool_digest(tool) for tool in tools if _is_tool(tool)}
        if isinstance(tools, list)
        else {}
    )


def check_call(message: ClientMessage, server: McpServer, memory: ToolMemory) -> Denied | None:
    """A refusal unless this key may call this tool with these arguments; None for what calls no tool."""
    if (name := message.tool) is None:
        return None
    tools = server.tools
    seen = memory.digest(server.name, name)
    reason = tools.refusal(name)
    if reason is None and memory.is_ambiguous(server.name, name):
        reason = "ambiguous"
    if reason is None and seen is not None:
        reason = tools.definition_refusal(name, seen)
    if reason == "changed":
        return deny(STAGE, CHANGED, 403, "This tool is not what was approved. Ask who runs the gateway.")
    if reason is not None:
        return not_there()
    return check_arguments(message, server)


def not_there() -> Denied:
    """A tool that is hidden, and one that does not exist, are answered alike."""
    words = "There is no such tool for this API key."
    return deny(STAGE, NOT_ALLOWED, 403, words, kind="invalid_request")


def check_arguments(message: ClientMessage, server: McpServer) -> Denied | None:
    """A refusal unless the arguments fit the rules for them; asked again when plugins have changed them."""
    if (name := message.tool) is None:
        return None
    where = server.tools.violation(name, message.params.get("arguments", {}))
    if where is None:
        return None
    words = f"The rules for this tool do not allow these arguments: see {where}."
    return deny(STAGE, ARGUMENTS, 403, words, kind="invalid_request")


def needs_a_look(message: ClientMessage, server: McpServer, memory: ToolMemory) -> bool:
    """Whether a call is of an approved tool that this environment has not seen in a list for some time."""
    name = message.tool
    rules = server.tools.rules
    return (
        name is not None
        and rules.pin != "off"
        and name in rules.pins
        and memory.digest(server.name, name) is None
    )


def _is_tool(tool: Any) -> bool:
    return isinstance(tool, dict) and isinstance(tool.get("name"), str)


def _judged(tool: Mapping[str, Any], digest: str, server: McpServer) -> tuple[Reason | None, bool]:
    """Why a tool is hidden, and whether its words are suspicious: those of approved tools were reviewed."""
    name = tool["name"]
    reason = server.tools.refusal(name) or server.tools.definition_refusal(name, digest)
    if reason is not None or server.descriptions == "off" or server.tools.rules.pins.get(name) == digest:
        return reason, False
    is_suspicious = bool(scan(tool))
    return ("suspicious" if is_suspicious and server.descriptions == "hide" else None), is_suspicious


def _controls(
    reasons: Mapping[int, Reason],
    named: Mapping[int, Mapping[str, Any]],
    warned: int,
    pins: Mapping[str, str],
) -> list[ControlRecord]:
    """How many tools were hidden for what; names only of those that are in configuration."""
    changed = [named[i]["name"] for i, reason in reasons.items() if reason == "changed" and i in named]
    known: Sequence[str] = [name for name in dict.fromkeys(changed) if name in pins and is_name(name)][
        :MAX_NAMED
    ]
    return [
        *(
            ControlRecord(STAGE, "deny", f"tools_{reason}", limit=n)
            for reason, n in Counter(reasons.values()).items()
        ),
        *(ControlRecord(STAGE, "deny", CHANGED, scope=name) for name in known),
        *([ControlRecord(STAGE, "allow", "tools_suspicious", limit=warned)] if warned else []),
    ]
