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


def test_each_tool_is_forgotten_in_its_own_time_however_often_others_are_seen() -> None:
    now = [0.0]
    memory = ToolMemory(lambda: now[0])
    memory.remember("files", {"gone": "1", "stays": "1"})
    now[0] = FRESH_S - 1
    memory.remember("files", {"stays": "1"})
    now[0] = FRESH_S + 1
    assert (memory.digest("files", "gone"), memory.digest("files", "stays")) == (None, "1")


def test_two_spellings_of_a_name_are_ambiguous_on_whatever_pages_until_one_is_forgotten() -> None:
    now = [0.0]
    memory = ToolMemory(lambda: now[0])
    memory.remember("files", {"delete_file": "1"})
    memory.remember("files", {"Delete_File": "2", "read": "3"})
    asked = ("delete_file", "Delete_File", "DELETE_FILE", "read")
    assert [memory.is_ambiguous("files", name) for name in asked] == [True, True, True, False]
    assert not memory.is_ambiguous("other", "delete_file")
    now[0] = FRESH_S - 1
    memory.remember("files", {"Delete_File": "2"})
    now[0] = FRESH_S + 1
    assert not memory.is_ambiguous("files", "Delete_File")
