"""What a plugin sees: read-only views of exactly the fields that it was granted.

A view never changes anything; its methods make edits. Asking for a field that was not granted raises
`FieldNotGrantedError`, and the gateway records the attempt even when the plugin swallows the error.

    request.messages.user            Texts: a sequence of str, with .sub .map .set .replace .add
    request.metadata                 Members: a mapping, with .set .remove
    request.headers.get("x-team")    Headers: by name, each granted on its own
    request.model                    a plain value
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from penstock.sdk.projection import (
    WRITE_ONLY,
    Headers,
    Members,
    Projection,
    Texts,
    TextValues,
    Tool,
    Tools,
    UnreadableMembers,
    frozen,
    frozen_mapping,
)

__all__ = [
    "WRITE_ONLY",
    "Evidence",
    "Headers",
    "Members",
    "Messages",
    "Projection",
    "Request",
    "Response",
    "TextValues",
    "Texts",
    "Tool",
    "Tools",
    "frozen",
    "frozen_mapping",
]


class Messages:
    """Texts of a conversation, by role."""

    __slots__ = ("_projection",)

    def __init__(self, projection: Projection) -> None:
        self._projection = projection

    @property
    def system(self) -> Texts:
        return _texts(self._projection, "request.messages.system")

    @property
    def user(self) -> Texts:
        return _texts(self._projection, "request.messages.user")

    @property
    def assistant(self) -> Texts:
        return _texts(self._projection, "request.messages.assistant")

    @property
    def tool(self) -> Texts:
        return _texts(self._projection, "request.messages.tool")


class RequestMcp:
    """What an MCP request asks for."""

    __slots__ = ("_projection",)

    def __init__(self, projection: Projection) -> None:
        self._projection = projection

    @property
    def server(self) -> str | None:
        return _optional_text(self._projection.get("request.mcp.server"))

    @property
    def method(self) -> str | None:
        return _optional_text(self._projection.get("request.mcp.method"))

    @property
    def tool(self) -> str | None:
        return _optional_text(self._projection.get("request.mcp.tool"))

    @property
    def arguments(self) -> Texts:
        return _texts(self._projection, "request.mcp.arguments")


class ResponseMcp:
    """What an MCP server answered."""

    __slots__ = ("_projection",)

    def __init__(self, projection: Projection) -> None:
        self._projection = projection

    @property
    def result(self) -> Texts:
        return _texts(self._projection, "response.mcp.result")


class Request:
    """The request, as far as it was granted."""

    __slots__ = ("_projection",)

    def __init__(self, projection: Projection) -> None:
        self._projection = projection

    def grants(self, field: str) -> bool:
        """Whether `field` was granted. To ask is no refused read: a plugin may do what its grant allows."""
        return field in self._projection.values

    @property
    def identity(self) -> Mapping[str, Any]:
        """`organisation, team, user, api_key, tenant`: ids; None where the key has none."""
        return frozen_mapping(self._projection.get("identity"))

    @property
    def decisions(self) -> tuple[Mapping[str, Any], ...]:
        """Earlier decisions, oldest first: `{plugin | control, action, reason}`."""
        return tuple(frozen_mapping(item) for item in self._projection.get("decisions"))

    @property
    def model(self) -> str | None:
        return _optional_text(self._projection.get("request.model"))

    @property
    def route(self) -> str:
        return str(self._projection.get("request.route"))

    @property
    def reference(self) -> str:
        """26 characters of base32, minted by the gateway: which request this is, whoever repeats it when.

        Another API key, route or body has another one, and so has the same request for another plugin.
        """
        return str(self._projection.get("request.reference"))

    @property
    def mcp(self) -> RequestMcp:
        return RequestMcp(self._projection)

    @property
    def messages(self) -> Messages:
        return Messages(self._projection)

    @property
    def tools(self) -> Tools:
        value = _values(self._projection, "request.tools")
        return Tools("request.tools", value.texts, value.tools)

    @property
    def tool_calls(self) -> Texts:
        return _texts(self._projection, "request.tool_calls")

    @property
    def metadata(self) -> Members:
        return _members(self._projection, "request.metadata")

    @property
    def parameters(self) -> Members:
        return _members(self._projection, "request.parameters")

    @property
    def tags(self) -> Members:
        return _members(self._projection, "request.tags")

    @property
    def headers(self) -> Headers:
        return Headers("request.headers.", self._projection)


class Response:
    """The upstream's response, as far as it was granted, and the request that it answers."""

    __slots__ = ("_projection",)

    def __init__(self, projection: Projection) -> None:
        self._projection = projection

    def grants(self, field: str) -> bool:
        """Whether `field` was granted. To ask is no refused read: a plugin may do what its grant allows."""
        return field in self._projection.values

    @property
    def request(self) -> Request:
        return Request(self._projection)

    @property
    def status(self) -> int:
        return int(self._projection.get("response.status"))

    @property
    def usage(self) -> Mapping[str, int]:
        """Tokens: `input_tokens, output_tokens, cached, reasoning`; empty when the upstream said nothing."""
        return frozen_mapping(self._projection.get("response.usage"))

    @property
    def text(self) -> Texts:
        return _texts(self._projection, "response.text")

    @property
    def reasoning(self) -> Texts:
        return _texts(self._projection, "response.reasoning")

    @property
    def tool_calls(self) -> Texts:
        return _texts(self._projection, "response.tool_calls")

    @property
    def mcp(self) -> ResponseMcp:
        return ResponseMcp(self._projection)

    @property
    def metadata(self) -> Members:
        return _members(self._projection, "response.metadata")

    @property
    def headers(self) -> Headers:
        return Headers("response.headers.", self._projection)


class Evidence(Mapping[str, Any]):
    """The evidence record of one request (schema `penstock.evidence/1`), read-only."""

    __slots__ = ("_record",)

    def __init__(self, record: Mapping[str, Any]) -> None:
        self._record = record

    def __getitem__(self, name: str) -> Any:
        return frozen(self._record[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._record)

    def __len__(self) -> int:
        return len(self._record)

    @property
    def request_id(self) -> str:
        return str(self._record["request_id"])


def _texts(projection: Projection, name: str) -> Texts:
    value = _values(projection, name)
    return Texts(name, value.texts, value.piece)


def _values(projection: Projection, name: str) -> TextValues:
    """The texts of a field, which a grant for writing only does not show: every edit of a text reads it."""
    value = projection.get(name)
    if not isinstance(value, TextValues):
        raise projection.refuse(name)
    return value


def _members(projection: Projection, name: str) -> Members:
    value = projection.get(name)
    return Members(name, UnreadableMembers(name, projection) if value is WRITE_ONLY else value)


def _optional_text(value: Any) -> str | None:
    return None if value is None else str(value)
