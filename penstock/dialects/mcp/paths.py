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
    # What somebody calls a request, a task, a tool: their own word, but no number as long as a card's.
    "token": re.compile(r"(?!(?:[0-9][_.:/|+;=*-]?){14,}\Z)[A-Za-z0-9_.:/|+;=*-]{0,128}"),
    # One of some words that the protocol knows: a kind, a role, a level, a version, a media type. None of
    # them has a number of nine digits, or twenty letters and digits in a row, as keys have.
    # The first line has the usual forms, and is quick.
    "word": re.compile(
        r"[A-Za-z_/]{0,19}|[0-9.]{1,5}|[0-9]{4}-[0-9]{2}-[0-9]{2}"
        r"|(?=.{0,96}\Z)(?!.*(?=[A-Za-z0-9]{20})[A-Za-z]{0,19}[0-9])(?!.*(?:[0-9][_.:/|+;=*-]?){9})"
        r"[A-Za-z0-9_.:/|+;= *-]*",
    ),
    # What a program calls itself, as `Claude Code (cli)`.
    "label": re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/()+-]{0,47}"),
    # W3C Trace Context, `traceparent`.
    "trace": re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}"),
}

_OURS = "io.modelcontextprotocol/"
_META = ("params._meta", "result._meta")
_META_TOKENS = tuple(
    f"{meta}.{name}"
    for meta in _META
    for name in ("progressToken", f"'{_OURS}subscriptionId'", f"'{_OURS}related-task'.taskId")
)
_META_WORDS = tuple(f"{meta}.'{_OURS}{name}'" for meta in _META for name in ("protocolVersion", "logLevel"))
# Official extensions (modelcontextprotocol.io, "Extensions"): their names are no identifiers.
_EXTENSIONS = ("ui", "tasks", "oauth-client-credentials", "enterprise-managed-authorization")


def _capabilities(at: str) -> tuple[str, ...]:
    return (f"{at}.**", *(f"{at}.extensions.'{_OURS}{name}'.**" for name in _EXTENSIONS))


# Of a client. A server's own name is a text of its answer, as all that it says.
_LABELS = tuple(
    f"{meta}.'{_OURS}{who}'.{name}"
    for meta in _META
    for who in ("clientInfo", "serverInfo")
    for name in ("name", "title", "version")
)

REQUEST_TOKENS: Final = (
    *("id", *_META_TOKENS),
    "params.name",
    "params.requestId",
    "params.progressToken",
    "params.taskId",
    "params.ref.name",
    "params.argument.name",
)
REQUEST_WORDS: Final = (
    *("jsonrpc", "method", *_META_WORDS),
    *_capabilities(f"params._meta.'{_OURS}clientCapabilities'"),
    *_capabilities("params.capabilities"),
    "params.protocolVersion",
    "params.level",
    "params.ref.type",
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
    ("params.inputResponses.*.content.data", "file"),
    ("params.inputResponses.*.content[type=image].data", "image"),
    ("params.inputResponses.*.content[type=audio].data", "audio"),
    ("result.content.data", "file"),
    ("result.content[type=image].data", "image"),
    ("result.content[type=audio].data", "audio"),
)

RESPONSE_TOKENS: Final = (
    *("id", *_META_TOKENS),
    "result.task.taskId",
    "params.requestId",
    "params.progressToken",
    "params.elicitationId",
    "params.taskId",
)
RESPONSE_WORDS: Final = (
    *("jsonrpc", "method", *_META_WORDS),
    *_capabilities("result.capabilities"),
    "result.protocolVersion",
    "result.supportedVersions[*]",
    "result.resultType",
    "result.cacheScope",
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
    "result.task.status",
    "params.level",
    "params.mode",
    "params.messages[*].role",
    "params.messages[*].content.type",
    "params.messages[*].content.mimeType",
    "params.includeContext",
    "params.requestedSchema.type",
    "result.inputRequests.*.method",
    "result.inputRequests.*.params.mode",
    "result.inputRequests.*.params.requestedSchema.type",
)


def _pictures(blocks: str) -> Iterator[tuple[str, str]]:
    """What content blocks carry beside words, whether one stands at `blocks` or a list of them."""
    yield f"{blocks}.data", "file"
    yield f"{blocks}.resource.blob", "file"
    for kind in ("image", "audio"):
        yield f"{blocks}[type={kind}].data", kind
    yield f"{blocks}[type=resource].resource.blob", "file"


RESPONSE_MEDIA: Final = (
    ("result.requestState", "opaque"),
    ("result.contents[*].blob", "file"),
    *_pictures("result.content"),
    *_pictures("result.messages[*].content"),
    *_pictures("params.messages[*].content"),
    *_pictures("params.messages[*].content[type=tool_result].content"),
    *_pictures("result.inputRequests.*.params.messages[*].content"),
    *_pictures("result.inputRequests.*.params.messages[*].content[type=tool_result].content"),
)

_ENVELOPE: Final = ("jsonrpc", "id", "method")
# A content block goes whole: a block without its data is none.
REQUEST_REMOVALS: Final[tuple[tuple[str, How], ...]] = (
    *(
        (name, "never")
        for name in (*_ENVELOPE, "params.name", "params.requestState", "params.inputResponses")
    ),
    ("result.content[*]", "drop"),
    ("result.content", "never"),
)
_WHOLE: Final = ("result.requestState", "result.contents", "result.messages", "result.inputRequests")
RESPONSE_REMOVALS: Final[tuple[tuple[str, How], ...]] = (
    *((name, "never") for name in (*_ENVELOPE, *_WHOLE)),
    ("result.content[*]", "drop"),
    ("result.content", "empty"),
    ("params.messages[*].content[*]", "drop"),
    ("params.messages", "never"),
)


def _fields(part: Literal["request.", "response."]) -> Iterator[tuple[str, Rule]]:
    for entry in FIELDS.values():
        if entry.content and entry.name.startswith(part):
            yield from ((path, Rule("field", entry.name)) for path in entry.paths.get(MCP, ()))


def request_table() -> Iterator[tuple[str, Rule]]:
    """Every path of what a client sends that is known, with what is there."""
    yield from _structure(REQUEST_TOKENS, REQUEST_WORDS, REQUEST_MEDIA)
    yield from ((path, Rule("structural", "label")) for path in _LABELS)
    yield from _fields("request.")


def response_table() -> Iterator[tuple[str, Rule]]:
    """Every path of what a server sends that is known, with what is there."""
    yield from _structure(RESPONSE_TOKENS, RESPONSE_WORDS, RESPONSE_MEDIA)
    yield from _fields("response.")


def _structure(
    tokens: tuple[str, ...], words: tuple[str, ...], media: tuple[tuple[str, str], ...]
) -> Iterator[tuple[str, Rule]]:
    yield from ((path, Rule("structural", "token")) for path in tokens)
    yield from ((path, Rule("structural", "word")) for path in words)
    yield from ((f"{meta}.traceparent", Rule("structural", "trace")) for meta in _META)
    yield from ((path, Rule("media", kind)) for path, kind in media)


@cache
def request_matcher() -> Matcher:
    return Matcher(request_table(), PATTERNS, guards_numbers=True)


@cache
def response_matcher() -> Matcher:
    return Matcher(response_table(), PATTERNS, guards_numbers=True)


@cache
def request_removals() -> Removals:
    return Removals(REQUEST_REMOVALS)


@cache
def response_removals() -> Removals:
    return Removals(RESPONSE_REMOVALS)
