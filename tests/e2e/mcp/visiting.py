"""What a client of MCP gets to see of a server, in one visit: to be compared with another visit's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from mcp import types
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

MODES = ("legacy", "2026-07-28")


@dataclass
class Heard:
    """What came besides answers."""

    progress: list[tuple[float, float | None, str | None]] = field(default_factory=list)
    logs: list[Any] = field(default_factory=list)
    notified: list[str] = field(default_factory=list)
    asked: list[Any] = field(default_factory=list)

    async def on_progress(self, progress: float, total: float | None, message: str | None) -> None:
        self.progress.append((progress, total, message))

    async def on_log(self, params: types.LoggingMessageNotificationParams) -> None:
        self.logs.append((params.level, params.data))

    async def on_message(self, message: Any) -> None:
        self.notified.append(type(message).__name__)

    async def on_elicitation(self, context: Any, params: Any) -> types.ElicitResult:
        self.asked.append(plain(params))
        return types.ElicitResult(action="accept", content={"name": "Ann"})

    async def on_sampling(self, context: Any, params: Any) -> types.CreateMessageResult:
        self.asked.append(plain(params))
        said = types.TextContent(type="text", text="It is about waiting.")
        return types.CreateMessageResult(role="assistant", content=said, model="m", stop_reason="endTurn")


def plain(value: Any) -> Any:
    """As JSON, without what names this one exchange."""
    tree = value.model_dump(mode="json", by_alias=True)
    (tree.get("_meta") or {}).pop("progressToken", None)
    return tree


@asynccontextmanager
async def visited(url: str, key: str | None, mode: str, heard: Heard) -> AsyncIterator[Client]:
    headers = {} if key is None else {"authorization": f"Bearer {key}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as http,
        Client(
            streamable_http_client(url, http_client=http),
            mode=mode,
            cache=None,
            elicitation_callback=heard.on_elicitation,
            sampling_callback=heard.on_sampling,
            logging_callback=heard.on_log,
            message_handler=heard.on_message,
        ) as client,
    ):
        yield client


async def refused(call: Any) -> tuple[int, str, Any]:
    """The error that a call ends with."""
    try:
        await call
    except MCPError as error:
        return error.error.code, error.error.message, error.error.data
    raise AssertionError("it was not refused")


async def whole_visit(url: str, key: str | None, mode: str, *, asks: bool = True) -> dict[str, Any]:
    """Everything that a server can be asked. `asks`: it can ask back, which takes a stream."""
    heard = Heard()
    async with visited(url, key, mode, heard) as client:
        found: dict[str, Any] = {
            "server": plain(client.server_info) if client.server_info else None,
            "capabilities": plain(client.server_capabilities),
            "instructions": client.instructions,
            "version": client.protocol_version,
            "tools": plain(await client.list_tools()),
            "resources": plain(await client.list_resources()),
            "templates": plain(await client.list_resource_templates()),
            "prompts": plain(await client.list_prompts()),
        }
        calls: list[tuple[str, dict[str, Any]]] = [
            ("search", {"words": "Kafka"}),
            ("book", {"number": "1"}),
            ("book", {"number": "99"}),
            ("book", {}),
            ("stocktake", {"shelves": 3}),
            ("test_tool_with_logging", {}),
            ("test_image_content", {}),
            ("test_audio_content", {}),
            ("test_multiple_content_types", {}),
            ("no_such_tool", {}),
            *([("borrow", {"number": "2"}), ("summarise", {"number": "3"})] if asks else []),
        ]
        for name, arguments in calls:
            found[f"{name} {arguments}"] = await outcome(client, name, arguments, heard)
        found["rules"] = plain(await client.read_resource("library://rules"))
        found["binary"] = plain(await client.read_resource("test://static-binary"))
        found["template"] = plain(await client.read_resource("library://books/2"))
        found["no resource"] = await refused(client.read_resource("library://nothing"))
        found["prompt"] = plain(await client.get_prompt("recommend", {"mood": "tired"}))
        found["image prompt"] = plain(await client.get_prompt("test_prompt_with_image"))
        reference = types.PromptReference(type="ref/prompt", name="recommend")
        found["completion"] = plain(await client.complete(reference, {"name": "mood", "value": "Mid"}))
    return found | {"progress": heard.progress, "asked": heard.asked, "logs": heard.logs}


async def outcome(client: Client, name: str, arguments: dict[str, Any], heard: Heard) -> Any:
    """A call's result, or its error."""
    try:
        return plain(await client.call_tool(name, arguments, progress_callback=heard.on_progress))
    except MCPError as error:
        return error.error.code, error.error.message


def visit(url: str, key: str | None, mode: str, **how: bool) -> dict[str, Any]:
    return asyncio.run(whole_visit(url, key, mode, **how))
