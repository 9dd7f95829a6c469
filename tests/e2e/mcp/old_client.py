"""One visit of PyPI's `mcp` 1.x, in a venv of its own: prints what it got to see, as JSON.

python old_client.py URL [KEY]
"""

import asyncio
import json
import sys
from typing import Any

from mcp import ClientSession, types  # type: ignore[attr-defined,unused-ignore]  # 1.x, not the one beside
from mcp.client.streamable_http import streamablehttp_client  # type: ignore[attr-defined,unused-ignore]  # same
from mcp.shared.exceptions import McpError  # type: ignore[attr-defined,unused-ignore]  # same

CALLS: list[tuple[str, dict[str, Any]]] = [
    ("search", {"words": "Kafka"}),
    ("book", {"number": "1"}),
    ("book", {"number": "99"}),
    ("stocktake", {"shelves": 3}),
    ("borrow", {"number": "2"}),
    ("summarise", {"number": "3"}),
    ("test_tool_with_logging", {}),
    ("test_multiple_content_types", {}),
    ("no_such_tool", {}),
]


async def visit(url: str, key: str | None) -> dict[str, Any]:
    heard: dict[str, list[Any]] = {"progress": [], "asked": [], "logs": []}

    async def elicited(context: Any, params: Any) -> Any:
        heard["asked"].append(params.message)
        return types.ElicitResult(action="accept", content={"name": "Ann"})

    async def sampled(context: Any, params: Any) -> Any:
        heard["asked"].append(params.messages[0].content.text)
        said = types.TextContent(type="text", text="It is about waiting.")
        return types.CreateMessageResult(role="assistant", content=said, model="m")

    async def logged(params: Any) -> None:
        heard["logs"].append(params.data)

    async def progressed(progress: float, total: float | None, message: str | None) -> None:
        heard["progress"].append((progress, total, message))

    headers = {"authorization": f"Bearer {key}"} if key else {}
    async with (
        streamablehttp_client(url, headers=headers) as (read, write, session_id),
        ClientSession(
            read, write, elicitation_callback=elicited, sampling_callback=sampled, logging_callback=logged
        ) as session,
    ):
        found: dict[str, Any] = {"initialize": plain(await session.initialize())}
        found["has a session"] = session_id() is not None
        found["tools"] = plain(await session.list_tools())
        found["prompts"] = plain(await session.list_prompts())
        for name, arguments in CALLS:
            found[f"{name} {arguments}"] = await outcome(session, name, arguments, progressed)
        rules = "library://rules"
        found["rules"] = plain(await session.read_resource(rules))  # type: ignore[arg-type,unused-ignore]  # 1.x
        found["prompt"] = plain(await session.get_prompt("recommend", {"mood": "tired"}))
    return found | heard


async def outcome(session: Any, name: str, arguments: dict[str, Any], progressed: Any) -> Any:
    try:
        return plain(await session.call_tool(name, arguments, progress_callback=progressed))
    except McpError as error:
        return error.error.code, error.error.message


def plain(value: Any) -> Any:
    return value.model_dump(mode="json", by_alias=True)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(visit(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None))))
