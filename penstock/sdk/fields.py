"""The vocabulary of least privilege: one table of every field that a plugin can be granted.

The same names stand in manifests, grants, views, evidence (`saw`, `changed`) and the generated docs.
`paths` says where the field lives in the raw JSON of each surface. A *surface* is a dialect and a
route, as `openai:chat.completions`. Paths are written in a small language (`penstock.dialects.paths`):

    messages[role=user].content          a member of each list element whose `role` is `user`
    tools[*].function.parameters.**      every string below
    tool_calls[*].function.arguments!    a string that holds JSON: every string in that JSON

Credentials (`Authorization`, `x-api-key`, cookies, provider keys) are in no field.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

from penstock.sdk import anthropic_paths, mcp_paths, openai_paths

Moment = Literal["before_upstream", "after_upstream", "after_response"]
Shape = Literal["texts", "members", "scalar", "header", "record"]

BEFORE: Moment = "before_upstream"
AFTER: Moment = "after_upstream"
LATER: Moment = "after_response"
MOMENTS: tuple[Moment, ...] = (BEFORE, AFTER, LATER)

CHAT = "openai:chat.completions"
REFERENCE = "request.reference"
_INLINE = frozenset({BEFORE, AFTER})


@dataclass(frozen=True, slots=True)
class Field:
    """One grantable part of a request, a response or an evidence record."""

    name: str
    summary: str
    readable: frozenset[Moment]
    shape: Shape
    writable: Moment | None = None
    content: bool = False
    """Words of the conversation: what `uninspected` watches over under a guard that reads content."""
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    everywhere: bool = False
    """True when the gateway itself supplies the field, so that every surface has it."""

    def on(self, surface: str) -> bool:
        """Whether traffic of `surface` can carry this field."""
        return self.everywhere or surface in self.paths


def _chat(*paths: str) -> Mapping[str, tuple[str, ...]]:
    return MappingProxyType({CHAT: paths})


def _role(*roles: str) -> Mapping[str, tuple[str, ...]]:
    where = f"messages[role={'|'.join(roles)}]"
    return _chat(f"{where}.content", f"{where}.content[type=text].text", f"{where}.name")


_TABLE = (
    Field(
        "identity",
        "Ids and names of organisation, team, user, key and tenant.",
        _INLINE,
        "scalar",
        everywhere=True,
    ),
    Field(
        "decisions",
        "What earlier placements and the controls decided.",
        _INLINE,
        "scalar",
        everywhere=True,
    ),
    Field(
        "request.metadata",
        "The body's own `metadata` object; of MCP, `_meta`.",
        _INLINE,
        "members",
        BEFORE,
        content=True,
        paths=_chat("metadata.**"),
    ),
    Field(
        "request.tags",
        "Penstock's own labels, from the manifest's enumerations; in evidence, not sent upstream.",
        _INLINE,
        "members",
        BEFORE,
        everywhere=True,
    ),
    Field(
        "request.headers.<name>",
        "One named header of the request to the upstream.",
        _INLINE,
        "header",
        BEFORE,
        everywhere=True,
    ),
    Field("request.model", "The selected model's name.", _INLINE, "scalar", everywhere=True),
    Field(
        "request.route",
        "The path template, as `/v1/chat/completions`.",
        _INLINE,
        "scalar",
        everywhere=True,
    ),
    Field(
        REFERENCE,
        "The gateway's id of what is asked: the same request of the same API key has the same one.",
        frozenset({BEFORE}),
        "scalar",
        everywhere=True,
    ),
    Field("request.mcp.server", "The name of the MCP server, if any.", _INLINE, "scalar", everywhere=True),
    Field("request.mcp.method", "The JSON-RPC method.", _INLINE, "scalar"),
    Field("request.mcp.tool", "The tool that is called.", _INLINE, "scalar"),
    Field(
        "request.parameters",
        "Temperature, token limits, response format, stop sequences and the like.",
        _INLINE,
        "members",
        BEFORE,
        content=True,
        paths=_chat(
            "stop",
            "stop[*]",
            "user",
            "safety_identifier",
            "prompt_cache_key",
            "response_format.json_schema.**",
            "web_search_options.user_location.approximate.*",
            "tool_choice.function.name",
        ),
    ),
    Field(
        "request.messages.system",
        "Text of system and developer messages, every part, in order.",
        _INLINE,
        "texts",
        BEFORE,
        content=True,
        paths=_role("system", "developer"),
    ),
    Field(
        "request.messages.user",
        "Text of user messages, every part, in order.",
        _INLINE,
        "texts",
        BEFORE,
        content=True,
        paths=_role("user"),
    ),
    Field(
        "request.messages.assistant",
        "Text of assistant messages in the history, refusals and the predicted output.",
        _INLINE,
        "texts",
        BEFORE,
        content=True,
        paths=_chat(
            "messages[role=assistant].content",
            "messages[role=assistant].content[type=text].text",
            "messages[role=assistant].content[type=refusal].refusal",
            "messages[role=assistant].refusal",
            "messages[role=assistant].reasoning_content",
            "messages[role=assistant].reasoning",
            "messages[role=assistant].reasoning_details[*].text",
            "messages[role=assistant].reasoning_details[*].summary",
            "messages[role=assistant].content[type=thinking].thinking[*].text",
            "messages[role=assistant].name",
            "prediction.content",
            "prediction.content[type=text].text",
        ),
    ),
    Field(
        "request.messages.tool",
        "Text of tool and function results in the history.",
        _INLINE,
        "texts",
        BEFORE,
        content=True,
        paths=_role("tool", "function"),
    ),
    Field(
        "request.tools",
        "Definitions of tools: descriptions and the strings of their schemas.",
        _INLINE,
        "texts",
        BEFORE,
        content=True,
        paths=_chat(
            "tools[*].function.name",
            "tools[*].function.description",
            "tools[*].function.parameters.**",
            "tools[*].custom.name",
            "tools[*].custom.description",
            "tools[*].custom.format.**",
            "functions[*].name",
            "functions[*].description",
            "functions[*].parameters.**",
        ),
    ),
    Field(
        "request.tool_calls",
        "Arguments of tool calls in the history; each string in them is one text.",
        _INLINE,
        "texts",
        BEFORE,
        content=True,
        paths=_chat(
            "messages[role=assistant].tool_calls[*].function.arguments!",
            "messages[role=assistant].tool_calls[*].custom.input",
            "messages[role=assistant].function_call.arguments!",
        ),
    ),
    Field(
        "request.mcp.arguments",
        "Arguments of an MCP call, and what else a client says to a server; each string is one text.",
        _INLINE,
        "texts",
        BEFORE,
        content=True,
    ),
    Field("response.status", "The upstream's HTTP status.", frozenset({AFTER}), "scalar", everywhere=True),
    Field(
        "response.usage",
        "Tokens: input, output, cached, reasoning.",
        frozenset({AFTER}),
        "scalar",
        everywhere=True,
    ),
    Field(
        "response.headers.<name>",
        "One named header of the response to the caller.",
        frozenset({AFTER}),
        "header",
        AFTER,
        everywhere=True,
    ),
    Field(
        "response.metadata",
        "Penstock's own notes to the caller, sent as `x-penstock-meta-<name>` headers.",
        frozenset({AFTER}),
        "members",
        AFTER,
        everywhere=True,
    ),
    Field(
        "response.text",
        "The answer's text: content, refusals, transcripts and citations of every choice, in order.",
        frozenset({AFTER}),
        "texts",
        AFTER,
        content=True,
        paths=_chat(
            "choices[*].message.content",
            "choices[*].message.content[type=text].text",
            "choices[*].message.refusal",
            "choices[*].message.audio.transcript",
            "choices[*].message.annotations[*].url_citation.title",
            "choices[*].message.annotations[*].url_citation.url",
            "choices[*].text",
            "choices[*].message.context.**",
            "citations[*]",
            "metadata.*",
            # What an upstream says when it refuses a request: OpenAI; vLLM before 0.7; FastAPI; Ollama.
            "error.message",
            "message",
            "detail",
            "error",
        ),
    ),
    Field(
        "response.reasoning",
        "Reasoning text, where the upstream shows it.",
        frozenset({AFTER}),
        "texts",
        AFTER,
        content=True,
        paths=_chat(
            "choices[*].message.reasoning_content",
            "choices[*].message.reasoning",
            "choices[*].message.reasoning_details[*].text",
            "choices[*].message.reasoning_details[*].summary",
            "choices[*].message.content[type=thinking].thinking[*].text",
        ),
    ),
    Field(
        "response.tool_calls",
        "Arguments of the tool calls in the answer; each string in them is one text.",
        frozenset({AFTER}),
        "texts",
        AFTER,
        content=True,
        paths=_chat(
            "choices[*].message.tool_calls[*].function.arguments!",
            "choices[*].message.tool_calls[*].custom.input",
            "choices[*].message.function_call.arguments!",
        ),
    ),
    Field(
        "response.mcp.result",
        "All that an MCP server says: results, lists, requests of its own, logs; each string is one text.",
        frozenset({AFTER}),
        "texts",
        AFTER,
        content=True,
    ),
    Field(
        "evidence",
        "The whole evidence record; the only field after the response.",
        frozenset({LATER}),
        "record",
        everywhere=True,
    ),
)

# The paths of these surfaces are too many to stand in the table.
_ELSEWHERE = {
    mcp_paths.MCP: mcp_paths.PATHS,
    anthropic_paths.MESSAGES: anthropic_paths.PATHS,
    openai_paths.RESPONSES: openai_paths.RESPONSES_PATHS,
    openai_paths.EMBEDDINGS: openai_paths.EMBEDDINGS_PATHS,
}


def _with_all_paths(entry: Field) -> Field:
    found = {name: paths[entry.name] for name, paths in _ELSEWHERE.items() if entry.name in paths}
    return replace(entry, paths=MappingProxyType({**entry.paths, **found}))


FIELDS: Mapping[str, Field] = MappingProxyType({entry.name: _with_all_paths(entry) for entry in _TABLE})
CONTENT_FIELDS = frozenset(entry.name for entry in _TABLE if entry.content)

# Lower case only, so that no spelling of a forbidden name passes; no `_`, which CGI and WSGI read as `-`.
HEADER_NAME = re.compile(r"[a-z][a-z0-9-]{0,63}")
# Families of which nothing is a field: AWS's own headers, the gateway's own, those of proxies and browsers.
FORBIDDEN_PREFIXES = ("proxy-", "sec-", "x-amz", "x-penstock-")
# Never a field, whatever a manifest says: credentials and hop-by-hop headers (RFC 9110, section 7.6.1).
FORBIDDEN_HEADERS = frozenset(
    {
        "accept",
        "accept-encoding",
        "api-key",
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "cookie2",
        "expect",
        "forwarded",
        "host",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "set-cookie",
        "set-cookie2",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "www-authenticate",
        "x-amz-security-token",
        "x-api-key",
        "x-client-request-id",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-proto",
        "x-goog-api-key",
        "x-request-id",
        "x-should-retry",
    }
)


def lookup(name: str) -> Field | None:
    """The table's entry for `name`; a header field is found by its prefix. None for an unknown field."""
    for prefix in ("request.headers.", "response.headers."):
        if name.startswith(prefix):
            return FIELDS[prefix + "<name>"] if _may_be_granted(name[len(prefix) :]) else None
    return FIELDS.get(name)


def _may_be_granted(header: str) -> bool:
    return (
        HEADER_NAME.fullmatch(header) is not None
        and header not in FORBIDDEN_HEADERS
        and not header.startswith(FORBIDDEN_PREFIXES)
    )
