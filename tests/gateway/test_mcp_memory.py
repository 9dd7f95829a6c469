"""What was seen of a server's tools is believed for a while."""

from __future__ import annotations

from penstock.gateway.mcp_memory import FRESH_S, ToolMemory


def test_pages_add_up_and_all_is_forgotten_in_time() -> None:
    now = [0.0]
    memory = ToolMemory(lambda: now[0])
    memory.remember("files", {"a": "1"})
    memory.remember("files", {"b": "2"})
    assert [memory.digest("files", tool) for tool in "abc"] == ["1", "2", None]
    assert memory.digest("other", "a") is None
    now[0] = FRESH_S
    assert memory.digest("files", "a") is None
    memory.remember("files", {"b": "3"})
    assert memory.digest("files", "a") is None
