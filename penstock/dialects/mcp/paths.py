"""What every string of an MCP message is, beyond the fields of `penstock.sdk.fields`.

Almost all that either side says is in a field: arguments, results, lists of tools, prompts, resources, what a
server asks for, what it logs. Structure is what stands in the schemas of 2025-03-26 to 2026-07-28
(modelcontextprotocol.io, "Schema reference") and steers the protocol: an edit of it would break the exchange.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final, Literal

from penstock.dialects.paths import Matcher, Rule
from penstock.dialects.removing import How, Removals
from penstock.sdk.fields import FIELDS
from penstock.sdk.mcp_paths import MCP

PATTERNS: Final = {
    "token": re.compile(r"[A-Za-z0-9_.:/|+;=*-]{0,128}"),
    # What a program calls itself, as `Claude Code (cli)`.
    "label": re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/()+@-]{0,47}"),
    # W3C Trace Context, `traceparent`.
    "trace": re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}"),
}

_OURS = "io.modelcontextprotocol/"
_META = ("params._meta", "result._meta")
_PROTOCOL_META = (
    "progressToken",
    f"'{_OURS}protocolVersion'",
    f"'{_OURS}logLevel'",
    f"'{_OURS}subscriptionId'",
    f"'{_OURS}related-task'.taskId",
)
# Official extensions (modelcontextprotocol.io, "Extensions"): their names are no identifiers.
_EXTENSIONS = ("ui", "tasks", "oauth-client-credentials", "enterprise-managed-authorization")
_ENVELOPE: Final = ("jsonrpc", "id", "method")
_META_TOKENS = tuple(f"{meta}.{name}" for meta in _META for name in _PROTOCOL_META)
_META_LABELS = tuple(
    f"{meta}.'{_OURS}{who}'.{name}"
    for meta in _META
    for who in ("clientInfo", "serverInfo")
    for name in ("name", "title", "version")
)

REQUEST_TOKENS: Final = (
    *_ENVELOPE,
    *_META_TOKENS,
    f"params._meta.'{_OURS}clientCapabilities'.**",
    *(f"params._meta.'{_OURS}clientCapabilities'.extensions.'{_OURS}{name}'.**" for name in _EXTENSIONS),
    *(f"params.capabilities.extensions.'{_OURS}{name}'.**" for name in _EXTENSIONS),
    "params.name",
    "params.protocolVersion",
    "params.capabilities.**",
    "params.level",
    "params.requestId",
    "params.progressToken",
    "params.taskId",
    "params.ref.type",
    "params.ref.name",
    "params.argument.name",
    "result.role",
    "result.action",
    "result.stopReason",
    "result.content.type",
    "result.content.mimeType",
    "result.content[*].type",
    "result.content[*].mimeType",
)
REQUEST_MEDIA: Final = (
    ("params.requestState", "opaque"),
    ("result.content.data", "file"),
    ("result.content[type=image].data", "image"),
    ("result.content[type=audio].data", "audio"),
)

RESPONSE_TOKENS: Final = (
    *_ENVELOPE,
    *_META_TOKENS,
    "result.protocolVersion",
    "result.supportedVersions[*]",
    "result.resultType",
    "result.cacheScope",
    "result.capabilities.**",
    *(f"result.capabilities.extensions.'{_OURS}{name}'.**" for name in _EXTENSIONS),
    "result.content[*].type",
    "result.content[*].mimeType",
    "result.content[*].resource.mimeType",
    "result.contents[*].mimeType",
    "result.messages[*].role",
    "result.messages[*].content.type",
    "result.messages[*].content.mimeType",
    "result.tools[*].inputSchema.type",
    "result.tools[*].outputSchema.type",
    "result.resources[*].mimeType",
    "result.task.taskId",
    "result.task.status",
    "params.requestId",
    "params.progressToken",
    "params.level",
    "params.mode",
    "params.elicitationId",
    "params.taskId",
    "params.messages[*].role",
    "params.messages[*].content.type",
    "params.messages[*].content.mimeType",
    "params.includeContext",
    "params.requestedSchema.type",
    "result.inputRequests.*.method",
    "result.inputRequests.*.params.mode",
    "result.inputRequests.*.params.requestedSchema.type",
)
RESPONSE_MEDIA: Final = (
    ("result.requestState", "opaque"),
    ("result.content[type=image].data", "image"),
    ("result.content[type=audio].data", "audio"),
    ("result.content[*].resource.blob", "file"),
    ("result.contents[*].blob", "file"),
    ("result.messages[*].content.data", "file"),
    ("result.messages[*].content.resource.blob", "file"),
    ("params.messages[*].content.data", "file"),
    ("params.messages[*].content[type=image].data", "image"),
    ("params.messages[*].content[type=audio].data", "audio"),
    ("result.inputRequests.*.params.messages[*].content.data", "file"),
)

# A content block goes whole: a block without its data is none.
REQUEST_REMOVALS: Final[tuple[tuple[str, How], ...]] = (
    *((name, "never") for name in (*_ENVELOPE, "params.name", "params.requestState")),
    ("result.content[*]", "drop"),
    ("result.content", "never"),
)
RESPONSE_REMOVALS: Final[tuple[tuple[str, How], ...]] = (
    *((name, "never") for name in (*_ENVELOPE, "result.requestState", "result.contents", "result.messages")),
    ("result.content[*]", "drop"),
    ("result.content", "never"),
)


def _fields(part: Literal["request.", "response."]) -> Iterator[tuple[str, Rule]]:
    for entry in FIELDS.values():
        if entry.content and entry.name.startswith(part):
            yield from ((path, Rule("field", entry.name)) for path in entry.paths.get(MCP, ()))


def request_table() -> Iterator[tuple[str, Rule]]:
    """Every path of what a client sends that is known, with what is there."""
    yield from _structure(REQUEST_TOKENS, REQUEST_MEDIA)
    yield from _fields("request.")


def response_table() -> Iterator[tuple[str, Rule]]:
    """Every path of what a server sends that is known, with what is there."""
    yield from _structure(RESPONSE_TOKENS, RESPONSE_MEDIA)
    yield from _fields("response.")


def _structure(tokens: tuple[str, ...], media: tuple[tuple[str, str], ...]) -> Iterator[tuple[str, Rule]]:
    yield from ((path, Rule("structural", "token")) for path in tokens)
    yield from ((path, Rule("structural", "label")) for path in _META_LABELS)
    yield from ((f"{meta}.traceparent", Rule("structural", "trace")) for meta in _META)
    yield from ((path, Rule("media", kind)) for path, kind in media)


@cache
def request_matcher() -> Matcher:
    return Matcher(request_table(), PATTERNS, guards_numbers=True)


@cache
def response_matcher() -> Matcher:
    return Matcher(response_table(), PATTERNS)


@cache
def request_removals() -> Removals:
    return Removals(REQUEST_REMOVALS)


@cache
def response_removals() -> Removals:
    return Removals(RESPONSE_REMOVALS)
