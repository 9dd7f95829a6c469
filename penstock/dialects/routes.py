"""Every dialect and every route that the gateway serves: one more is a line here and a package beside it."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from penstock.dialects.dialect import Dialect, Match, Route
from penstock.dialects.mcp.dialect import Mcp
from penstock.dialects.openai.dialect import OpenAI
from penstock.errors import RequestError
from penstock.sdk.fields import CHAT
from penstock.sdk.mcp_paths import MCP

_OPENAI: Final = OpenAI()
_MCP: Final = Mcp()

DIALECTS: Final[tuple[Dialect, ...]] = (_OPENAI, _MCP)
DEFAULT: Final[Dialect] = _OPENAI
"""Whose words a refusal takes when the path belongs to no dialect."""

ROUTES: Final = (
    Route(_OPENAI, "POST", "/v1/chat/completions", "generate", CHAT, "/chat/completions"),
    Route(_OPENAI, "GET", "/v1/models", "list_models"),
    Route(_OPENAI, "GET", "/v1/models/{model}", "show_model"),
    Route(_MCP, "POST", "/mcp/{server}", "mcp", MCP),
    Route(_MCP, "GET", "/mcp/{server}", "mcp", MCP),
    Route(_MCP, "DELETE", "/mcp/{server}", "mcp", MCP),
)


def dialect_for(method: str, path: str) -> Match:
    """The route of a request. A model's name may hold slashes, escaped or not.

    Raises RequestError (404, `unknown_route`) for a path that no dialect understands: nothing passes unread.
    """
    for route in ROUTES:
        if route.method == method and (found := _pattern(route.template).fullmatch(path)):
            return Match(route, {name: unquote(value) for name, value in found.groupdict().items()})
    served = ", ".join(f"{route.method} {route.template}" for route in ROUTES)
    raise RequestError(
        f"No such route. This gateway serves {served}; check the client's base URL, which ends in /v1.",
        code="unknown_route",
        status=404,
    )


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>.+)", template))  # `re` keeps what it compiled
