"""Headers that repeat the body, and the version: what a client says twice must agree.

2026-07-28, "Streamable HTTP", "Request Metadata" and "Server Validation". The gateway never forwards what a
client repeated: it makes these headers anew from the body that it sends, which plugins may have changed.

    MCP-Protocol-Version    `_meta`'s io.modelcontextprotocol/protocolVersion
    Mcp-Method, Mcp-Name    method; params.name or params.uri
    Mcp-Param-<Name>        one argument, which the tool's schema marks with `x-mcp-header`
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from penstock.dialects.mcp import protocol
from penstock.dialects.mcp.content import ClientMessage
from penstock.dialects.splicing import Path
from penstock.errors import RequestError

_SENTINEL: Final = re.compile(r"=\?base64\?(.*)\?=")
_PLAIN: Final = re.compile(r"[\x20-\x7e]*")
_PARAMETER: Final = re.compile(r"mcp-param-[!#$%&'*+.^_`|~0-9a-z-]{1,64}")
_MAX_PARAMETERS: Final = 16  # API Gateway carries 10 KB of headers in all
_DECIMAL: Final = re.compile(r"(-?[0-9]{1,17})(?:\.0+)?")


def encode(value: str) -> str:
    """A header's value that says `value`."""
    if _PLAIN.fullmatch(value) and value == value.strip() and not _SENTINEL.fullmatch(value):
        return value
    return f"=?base64?{base64.b64encode(value.encode()).decode()}?="


def decode(value: str) -> str | None:
    """What a header says; None when it says nothing that `encode` makes."""
    found = _SENTINEL.fullmatch(value)
    if found is None:
        return value if _PLAIN.fullmatch(value) else None
    try:
        return base64.b64decode(found[1], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def version_of(headers: Mapping[str, str], message: ClientMessage | None) -> str:
    """The version that a request speaks. `message` is None without a body.

    Raises RequestError: `mcp_version_not_supported`, `mcp_header_mismatch`.
    """
    said = headers.get(protocol.VERSION_HEADER)
    inside = message.meta.get(protocol.META_VERSION) if message is not None else None
    if inside is not None and inside != said:
        raise _mismatch(f"the header MCP-Protocol-Version and {protocol.META_VERSION} in `_meta` differ")
    if said is None:
        return protocol.UNSAID_VERSION
    if said not in protocol.VERSIONS:
        message_ = f"This gateway speaks the versions {', '.join(protocol.VERSIONS)} of MCP, not that one."
        raise RequestError(message_, code="mcp_version_not_supported")
    return said


def check_stateless(headers: Mapping[str, str], message: ClientMessage) -> None:
    """What 2026-07-28 demands of a request's headers and `_meta`. Raises RequestError."""
    if message.kind == "response":
        raise RequestError("In this version of MCP a client sends no responses.")
    if message.kind == "notification":
        return  # "header requirements for notification POSTs are not defined by this revision"
    for name in (protocol.META_VERSION, protocol.META_CAPABILITIES):
        if name not in message.meta:
            raise RequestError(f"In this version of MCP `_meta` must have {name}.", code="mcp_meta_missing")
    if headers.get(protocol.METHOD_HEADER) != message.method:
        raise _mismatch("the header Mcp-Method is not the body's method")
    source = protocol.NAMED.get(message.method or "")
    said = decode(headers.get(protocol.NAME_HEADER, ""))
    if source is not None and message.params.get(source) is not None and said != message.params[source]:
        raise _mismatch(f"the header Mcp-Name is not the body's params.{source}")


def repeated(version: str, message: ClientMessage) -> dict[str, str]:
    """The headers that repeat `message`, but for its arguments."""
    made = {protocol.VERSION_HEADER: version}
    if version in protocol.STATELESS_VERSIONS and message.method is not None:
        made[protocol.METHOD_HEADER] = message.method
        name = message.params.get(protocol.NAMED.get(message.method, ""))
        if isinstance(name, str):
            made[protocol.NAME_HEADER] = encode(name)
    return made


def parameters(headers: Mapping[str, str], message: ClientMessage) -> dict[str, tuple[Path, ...]]:
    """Each `Mcp-Param-` header and the arguments that it may repeat. Raises RequestError for any other.

    Which argument it is the tool's schema says, which the gateway need not know: what equals no argument is
    refused, so that nothing passes in a header that no guard could see.
    """
    sent = [name for name in headers if name.startswith(protocol.PARAMETER_PREFIX)]
    if not sent or message.tool is None:
        return {}
    if len(sent) > _MAX_PARAMETERS:
        raise _mismatch(f"there are more than {_MAX_PARAMETERS} headers Mcp-Param-…")
    leaves = list(_scalars(message.params.get("arguments", {}), ("params", "arguments")))
    found: dict[str, tuple[Path, ...]] = {}
    for name in sent:
        value = decode(headers[name]) if _PARAMETER.fullmatch(name) else None
        found[name] = tuple(at for at, leaf in leaves if value is not None and _says(value, leaf))
        if not found[name]:
            raise _mismatch("a header Mcp-Param-… repeats no argument of the body")
    return found


def parameter_headers(places: Mapping[str, tuple[Path, ...]], message: ClientMessage) -> dict[str, str]:
    """The headers anew from the body to be sent. One that could now repeat two things is left out."""
    made: dict[str, str] = {}
    for name, paths in places.items():
        values = {rendered for at in paths if (rendered := _rendered(_at(message.tree, at))) is not None}
        if len(values) == 1:
            made[name] = encode(values.pop())
    return made


def _scalars(value: Any, at: Path) -> Iterator[tuple[Path, Any]]:
    """What a schema can reach by properties alone: no element of an array."""
    for name, inner in value.items():
        if isinstance(inner, dict):
            yield from _scalars(inner, (*at, name))
        elif isinstance(inner, str | int):
            yield (*at, name), inner


def _says(value: str, leaf: str | int) -> bool:
    if isinstance(leaf, int) and not isinstance(leaf, bool):
        found = _DECIMAL.fullmatch(value)
        return found is not None and int(found[1]) == leaf
    return value == _rendered(leaf)


def _rendered(leaf: Any) -> str | None:
    if isinstance(leaf, bool):
        return "true" if leaf else "false"
    return str(leaf) if isinstance(leaf, str | int) else None


def _at(tree: Any, path: Path) -> Any:
    for step in path:
        tree = tree.get(step) if isinstance(tree, dict) else None
    return tree


def _mismatch(problem: str) -> RequestError:
    return RequestError(f"Headers and body disagree: {problem}.", code="mcp_header_mismatch")
