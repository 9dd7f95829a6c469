"""Every dialect and every route that the gateway serves: one more is a line here and a package beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote

from penstock.dialects.anthropic.counting import AnthropicCount
from penstock.dialects.anthropic.dialect import Anthropic
from penstock.dialects.dialect import Dialect, Match, Route
from penstock.dialects.mcp.dialect import Mcp
from penstock.dialects.openai.dialect import OpenAI
from penstock.dialects.openai.embeddings import OpenAIEmbeddings
from penstock.dialects.openai_responses.dialect import OpenAIResponses
from penstock.dialects.opened.dialect import OpenedDialect
from penstock.dialects.opened.route import OPENED, VERSION, OpenedRoute
from penstock.dialects.opened.route import match as opened_match
from penstock.errors import RequestError
from penstock.sdk.anthropic_paths import MESSAGES
from penstock.sdk.fields import CHAT
from penstock.sdk.mcp_paths import MCP
from penstock.sdk.openai_paths import EMBEDDINGS, RESPONSES

_OPENAI: Final = OpenAI()
_ANTHROPIC: Final = Anthropic()
_MCP: Final = Mcp()

DIALECTS: Final[tuple[Dialect, ...]] = (_OPENAI, _ANTHROPIC, _MCP)
DEFAULT: Final[Dialect] = _OPENAI
"""Whose words a refusal takes when the path belongs to no dialect, and no header says which is spoken."""

ROUTES: Final = (
    Route(_OPENAI, "POST", "/v1/chat/completions", "generate", CHAT, "/chat/completions"),
    Route(OpenAIResponses(), "POST", "/v1/responses", "generate", RESPONSES, "/responses"),
    Route(OpenAIEmbeddings(), "POST", "/v1/embeddings", "generate", EMBEDDINGS, "/embeddings"),
    Route(_OPENAI, "GET", "/v1/models", "list_models"),
    Route(_OPENAI, "GET", "/v1/models/{model}", "show_model"),
    Route(_ANTHROPIC, "POST", "/v1/messages", "generate", MESSAGES, "/messages"),
    Route(
        AnthropicCount(), "POST", "/v1/messages/count_tokens", "generate", MESSAGES, "/messages/count_tokens"
    ),
    Route(_ANTHROPIC, "GET", "/v1/models", "list_models"),
    Route(_ANTHROPIC, "GET", "/v1/models/{model}", "show_model"),
    Route(_MCP, "POST", "/mcp/{server}", "mcp", MCP),
    Route(_MCP, "GET", "/mcp/{server}", "mcp", MCP),
    Route(_MCP, "DELETE", "/mcp/{server}", "mcp", MCP),
)


_STREAMED: Final = (
    *(
        f"penstock.dialects.{package}.stream_{part}"
        for package in ("anthropic", "openai", "openai_responses")
        for part in ("assembly", "collecting", "guarded", "passing")
    ),
    "penstock.dialects.openai.stream_writer",
)
_RESPONSES: Final = "/v1/responses/"
_STORED: Final = (
    " Responses that are stored at a provider are not read, cancelled or deleted through it: nothing would "
    "look at them. Keep what `POST /v1/responses` answers."
)
_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


def import_streams() -> None:
    """Import what reads and writes streams; else a dialect's first one does. 30 ms of CPU for all."""
    for module in _STREAMED:
        import_module(module)


def spoken(headers: Mapping[str, str]) -> Dialect:
    """The dialect of a caller that sends these headers (lower-case names), whatever the path is."""
    return _ANTHROPIC if "anthropic-version" in headers else DEFAULT


def opened_route(
    identity: str, method: str, path: str, provider: str, dialect: str, body_limit_bytes: int
) -> OpenedRoute:
    """A path that the operator has opened; errors on it are in the words of `dialect`."""
    spoken_there = next(known for known in DIALECTS if known.name == dialect)
    return OpenedRoute(
        OpenedDialect(spoken_there),
        method,
        path,
        OPENED,
        upstream_path=path.removeprefix(VERSION),
        id=identity,
        provider=provider,
        body_limit_bytes=body_limit_bytes,
    )


def dialect_for(
    method: str,
    path: str,
    headers: Mapping[str, str] = _NO_HEADERS,
    opened: Sequence[OpenedRoute] = (),
) -> Match:
    """The route of a request. A model's name may hold slashes, escaped or not.

    `headers` choose where a path is of several dialects. Raises RequestError (404, `unknown_route`) for a
    path that no dialect understands and that is not among `opened`: nothing passes unread.
    """
    found = [match for route in ROUTES if (match := _match(route, method, path)) is not None]
    if found:
        return next((match for match in found if match.route.dialect is spoken(headers)), found[0])
    if (match := opened_match(opened, method, path)) is not None:
        return match
    served = ", ".join(dict.fromkeys(f"{route.method} {route.template}" for route in ROUTES))
    raise RequestError(
        f"No such route. This gateway serves {served}; check the client's base URL, which ends in /v1 for "
        f"OpenAI's clients, and before it for Anthropic's.{_STORED if path.startswith(_RESPONSES) else ''}",
        code="unknown_route",
        status=404,
    )


def _match(route: Route, method: str, path: str) -> Match | None:
    found = _pattern(route.template).fullmatch(path) if route.method == method else None
    if found is None:
        return None
    return Match(route, {name: unquote(value) for name, value in found.groupdict().items()})


@cache  # one for each route
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>.+)", template))
