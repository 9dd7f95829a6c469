"""The tables of MCP: a path stands once, and what is taken out leaves a message."""

from __future__ import annotations

import pytest

from penstock.dialects.mcp import paths
from penstock.dialects.mcp.content import ServerMessage
from tests.dialects.mcp import bodies


@pytest.mark.parametrize("table", [paths.request_table, paths.response_table])
def test_no_path_stands_twice(table: object) -> None:
    listed = [path for path, _ in table()]  # type: ignore[operator]  # one of two functions
    assert len(listed) == len(set(listed))


def test_what_a_message_cannot_go_on_without_is_not_taken_out() -> None:
    message = ServerMessage.decode(bodies.result(resultType="input_required", requestState="c2VhbA=="))
    with pytest.raises(ValueError, match="cannot go on"):
        message.without(message.unseen)
