"""What is a message of MCP, and in which words it is refused when it is none."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.dialects.mcp import messages
from penstock.errors import RequestError


def call(**params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


def test_the_three_kinds_are_told_apart_by_their_members() -> None:
    assert messages.kind_of(call(name="read")) == "request"
    assert messages.kind_of({"jsonrpc": "2.0", "method": "notifications/initialized"}) == "notification"
    assert messages.kind_of({"jsonrpc": "2.0", "id": "a", "result": {}}) == "response"
    assert (
        messages.kind_of({"jsonrpc": "2.0", "id": None, "error": {"code": -1, "message": ""}}) == "response"
    )


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ([], "must be an object"),
        ({"id": 1, "method": "ping"}, "jsonrpc"),
        ({"jsonrpc": "2.0", "id": 1, "method": "ping", "Method": "tools/call"}, "no other members"),
        ({"jsonrpc": "2.0", "id": 1, "method": "ping", "result": {}}, "no other members"),
        ({"jsonrpc": "2.0", "id": None, "method": "ping"}, "id must be"),
        ({"jsonrpc": "2.0", "id": 1.5, "method": "ping"}, "id must be"),
        ({"jsonrpc": "2.0", "id": True, "method": "ping"}, "id must be"),
        ({"jsonrpc": "2.0", "id": 4111111111111111, "method": "ping"}, "id must be"),
        ({"jsonrpc": "2.0", "id": "my card is 4111", "method": "ping"}, "id must be"),
        ({"jsonrpc": "2.0", "id": 1, "method": "tools call"}, "method must be"),
        ({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []}, "params must be"),
        ({"jsonrpc": "2.0", "method": "a/b", "params": {"requestId": 4111111111111111}}, "requestId must be"),
        (call(name="read", progressToken=4111111111111111.0), "progressToken must be"),
        (call(name="read", _meta={"progressToken": -4111111111111111}), "progressToken must be"),
        ({"jsonrpc": "2.0", "id": 1, "error": {"code": 4111111111111111}}, "nine digits"),
        ({"jsonrpc": "2.0", "id": 1, "error": {"code": True}}, "nine digits"),
        (call(name="read", _meta="x"), "params._meta"),
        (call(name=""), "params.name"),
        (call(), "params.name"),
        (call(name="read", arguments=[]), "params.arguments"),
        ({"jsonrpc": "2.0", "id": 1}, "either a result or an error"),
        ({"jsonrpc": "2.0", "id": 1, "result": [], "error": {}}, "either a result or an error"),
        ({"jsonrpc": "2.0", "id": 1, "result": []}, "result must be"),
        ({"jsonrpc": "2.0", "id": None, "result": {}}, "has the id of its request"),
        ({"jsonrpc": "2.0", "id": 1, "error": {"code": "x"}}, "error must be"),
    ],
)
def test_what_is_no_message_is_refused_in_words(tree: Any, words: str) -> None:
    with pytest.raises(RequestError, match=words) as caught:
        messages.kind_of(tree)
    assert caught.value.status == 400
    assert "4111" not in str(caught.value)


def test_only_a_call_has_a_tool() -> None:
    assert messages.tool_of(call(name="read")) == "read"
    assert messages.tool_of({"jsonrpc": "2.0", "id": 1, "method": "prompts/get"}) is None
