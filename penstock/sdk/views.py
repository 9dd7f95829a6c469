"""What a plugin sees: read-only views of exactly the fields that it was granted.

A view never changes anything; its methods make edits. Asking for a field that was not granted raises
`FieldNotGrantedError`, and the gateway records the attempt even when the plugin swallows the error.

    request.messages.user            Texts: a sequence of str, with .sub .map .set .replace .add
    request.metadata                 Members: a mapping, with .set .remove
    request.headers.get("x-team")    Headers: by name, each granted on its own
    request.model                    a plain value
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple, overload

from penstock.errors import FieldNotGrantedError
from penstock.sdk.edits import (
    REMOVED,
    AddText,
    MemberEdit,
    Replace,
    SpanEdit,
    Substitute,
    TextEdit,
    find_spans,
)


class _WriteOnly:
    """The type of `WRITE_ONLY`: what stands for a field that may be written and not read."""


WRITE_ONLY: Final = _WriteOnly()


class Tool(NamedTuple):
    """One tool definition: its name and the whole definition, read-only."""

    name: str
    definition: Mapping[str, Any]


class TextValues(NamedTuple):
    """What a projection holds for a field of texts; `tools` only for `request.tools`."""

    texts: tuple[str, ...]
    tools: tuple[Tool, ...] = ()


class Projection:
    """The granted fields of one moment: name → value, and what was asked for beyond them."""

    __slots__ = ("refused", "values")

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values
        self.refused: list[str] = []

    def get(self, name: str) -> Any:
        """The value of a granted field. Raises FieldNotGrantedError for any other, and remembers it."""
        try:
            return self.values[name]
        except KeyError:
            raise self.refuse(name) from None

    def refuse(self, name: str) -> FieldNotGrantedError:
        """Remember that `name` was asked for without a grant."""
        self.refused.append(name)
        return FieldNotGrantedError(name)


class Texts(Sequence[str]):
    """The texts of one field, in order. Each is one string of the body; edits name them by index."""

    __slots__ = ("_texts", "field")

    def __init__(self, field: str, texts: tuple[str, ...]) -> None:
        self.field = field
        self._texts = texts

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...
    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        return self._texts[index]

    def __len__(self) -> int:
        return len(self._texts)

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __repr__(self) -> str:
        return f"<{self.field}: {len(self._texts)} texts>"

    def sub(self, pattern: str | re.Pattern[str], replacement: Substitute) -> SpanEdit:
        """Every match of `pattern`, in every text, replaced; `replacement` as for `re.sub`."""
        compiled = re.compile(pattern) if isinstance(pattern, str) else pattern
        return self.replace(lambda text: find_spans(compiled, replacement, text))

    def replace(self, finder: Callable[[str], Iterable[Replace]]) -> SpanEdit:
        """Whatever `finder` finds in each text, replaced: for detectors that are more than one pattern."""
        found = ((index, tuple(finder(text))) for index, text in enumerate(self._texts))
        return SpanEdit(self.field, tuple((index, spans) for index, spans in found if spans))

    def map(self, change: Callable[[str], str]) -> TextEdit:
        """Every text as `change` returns it. On a stream this needs the whole text (`stream = "buffer"`)."""
        return TextEdit(self.field, tuple((index, change(text)) for index, text in enumerate(self._texts)))

    def set(self, index: int, text: str) -> TextEdit:
        """The text at `index` (0 ≤ index < len) becomes `text`."""
        return TextEdit(self.field, ((index, text),))

    def add(self, text: str) -> AddText:
        """A new message of this role: a system message first, a message of any other role last."""
        return AddText(self.field, text)


class Tools(Texts):
    """Definitions of tools: their strings as texts, and each definition by name."""

    __slots__ = ("_tools",)

    def __init__(self, field: str, texts: tuple[str, ...], tools: tuple[Tool, ...]) -> None:
        super().__init__(field, texts)
        self._tools = tools

    @property
    def definitions(self) -> tuple[Tool, ...]:
        """Every definition, in order, in the caller's dialect."""
        return tuple(Tool(tool.name, frozen(tool.definition)) for tool in self._tools)

    def remove(self, name: str) -> MemberEdit:
        """The request without the tool `name`."""
        return MemberEdit(self.field, name, REMOVED)


class Members(Mapping[str, Any]):
    """Named members: metadata, parameters, tags. Values are JSON, read-only."""

    __slots__ = ("_members", "field")

    def __init__(self, field: str, members: Mapping[str, Any]) -> None:
        self.field = field
        self._members = members

    def __getitem__(self, name: str) -> Any:
        return frozen(self._members[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __repr__(self) -> str:
        return f"<{self.field}>"

    def set(self, name: str, value: object) -> MemberEdit:
        """The member `name` becomes `value` (JSON)."""
        return MemberEdit(self.field, name, value)

    def remove(self, name: str) -> MemberEdit:
        """The object without the member `name`."""
        return MemberEdit(self.field, name, REMOVED)


class _Unreadable(Mapping[str, Any]):
    """Members that were granted for writing only: to look at them is a refused read."""

    def __init__(self, field: str, projection: Projection) -> None:
        self._field = field
        self._projection = projection

    def __getitem__(self, name: str) -> Any:
        raise self._projection.refuse(self._field)

    def __iter__(self) -> Iterator[str]:
        raise self._projection.refuse(self._field)

    def __len__(self) -> int:
        raise self._projection.refuse(self._field)


class Headers:
    """Named headers, each granted on its own: `request.headers.<name>`."""

    __slots__ = ("_prefix", "_projection")

    def __init__(self, prefix: str, projection: Projection) -> None:
        self._prefix = prefix
        self._projection = projection

    def get(self, name: str) -> str | None:
        """The header's value; None when it is absent. `name` in lower case."""
        value = self._projection.get(self._prefix + name)
        if value is WRITE_ONLY:
            raise self._projection.refuse(self._prefix + name)
        return value if value is None else str(value)

    def set(self, name: str, value: str) -> MemberEdit:
        """The header `name` becomes `value`: visible ASCII and spaces, no line breaks."""
        return MemberEdit(self._prefix + name, name, value)

    def remove(self, name: str) -> MemberEdit:
        """The message without the header `name`."""
        return MemberEdit(self._prefix + name, name, REMOVED)


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
    def mcp(self) -> RequestMcp:
        return RequestMcp(self._projection)

    @property
    def messages(self) -> Messages:
        return Messages(self._projection)

    @property
    def tools(self) -> Tools:
        value = self._projection.get("request.tools")
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


def frozen(value: Any) -> Any:
    """`value` (JSON) such that nobody can change the original through it."""
    if isinstance(value, dict):
        return frozen_mapping(value)
    if isinstance(value, list | tuple):
        return tuple(frozen(item) for item in value)
    return value


def frozen_mapping(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """A JSON object, read-only all the way down."""
    return MappingProxyType({key: frozen(item) for key, item in value.items()})


def _texts(projection: Projection, name: str) -> Texts:
    return Texts(name, projection.get(name).texts)


def _members(projection: Projection, name: str) -> Members:
    value = projection.get(name)
    return Members(name, _Unreadable(name, projection) if value is WRITE_ONLY else value)


def _optional_text(value: Any) -> str | None:
    return None if value is None else str(value)
