"""What every string of a message is, beyond the fields of `penstock.sdk.anthropic_paths`.

Sources: Anthropic's API reference for messages, and the types of its Python client (2.8), betas included. A
string at a path that stands nowhere here is unlisted, and a guard stops it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final, Literal

from penstock.dialects.paths import Matcher, Rule
from penstock.dialects.removing import How, Removals
from penstock.sdk.anthropic_paths import MESSAGES
from penstock.sdk.fields import FIELDS

# Structural strings say nothing: one that does not look like its pattern counts as unlisted.
PATTERNS: Final = {
    "token": re.compile(r"[A-Za-z0-9_.:/|-]{0,128}"),
    # A model's name; on Bedrock an ARN or `us.anthropic.claude-opus-4-6-v1:0`.
    "model": re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/+-]{0,127}"),
    "time": re.compile(r"[0-9TZ:.+-]{0,40}"),
    # A place in the request, as `messages[1].content[0]`.
    "place": re.compile(r"[A-Za-z0-9_.\[\]/$-]{0,128}"),
}

_CACHE = ("cache_control.type", "cache_control.ttl")
_OF_ANY_BLOCK: Final = (
    *("type", *_CACHE, "citations[*].type", "citations[*].file_id"),
    *("source.type", "source.media_type", "transformations.oversized_image"),
)


def _within(at: str, names: Iterable[str]) -> Iterator[str]:
    return (f"{at}.{name}" for name in names)


def _documents(blocks: str) -> tuple[str, ...]:
    """Where a document can be."""
    given_back = f"{blocks}[type=tool_result].content[type=document]"
    return (f"{blocks}[type=document]", given_back, f"{blocks}[type=web_fetch_tool_result].content.content")


def _lists(blocks: str) -> tuple[str, ...]:
    """Lists of blocks: the one at `blocks`, and those inside of its blocks."""
    given_back = f"{blocks}[type=tool_result].content"
    found = (f"{each}[type=search_result].content" for each in (blocks, given_back))
    inside = (f"{document}.source.content" for document in _documents(blocks))
    return (blocks, given_back, f"{blocks}[type=mcp_tool_result].content", *found, *inside)


def _said_tokens(blocks: str) -> Iterator[str]:
    """Of the blocks of a message, whoever sends it."""
    for each in _lists(blocks):
        yield from _within(f"{each}[*]", _OF_ANY_BLOCK)
    for document in _documents(blocks):
        yield from _within(document, _OF_ANY_BLOCK)
    of_block = ("id", "name", "tool_use_id", "server_name", "toolset_name", "tool_changes[*].type")
    yield from _within(f"{blocks}[*]", (*of_block, *_within("tool_changes[*]", _CACHE)))
    yield from _within(f"{blocks}[*]", ("caller.type", "caller.tool_id", "trigger.type", "trigger.category"))
    of_result = ("type", "error_code", "file_type", "stop_reason", "content[*].type")
    yield from _within(f"{blocks}[*].content", (*of_result, *_within("tool_references[*]", _OF_REFERENCE)))
    yield from _within(f"{blocks}[*].content[*]", ("type", "tool_name", "tabs[*].tab_id"))
    yield from _within(f"{blocks}[*].content[*].state_changes[*]", ("type", "tab_id", "download_id"))
    for tool in (f"{blocks}[*].tool", f"{blocks}[*].tool_changes[*].tool"):
        yield from _within(tool, ("type", "name", "server_name"))
        yield from _tool_tokens(f"{tool}.definition")


_OF_REFERENCE: Final = ("type", "tool_name", *_CACHE)


def _tool_tokens(tool: str) -> Iterator[str]:
    yield from _within(tool, ("type", *_CACHE, "caching.type", "caching.ttl", "allowed_callers[*]"))
    yield from _within(tool, ("user_location.type", "response_inclusion"))
    yield from _within(f"{tool}.url_sources", ("*.type", "*.tools[*].type"))


def _thinking_tokens(at: str) -> Iterator[str]:
    return _within(f"{at}thinking", ("type", "display", "block_binding.prefix_mismatch_behavior"))


_SAID = "messages[*].content[*]"
_OF_OUTPUT = ("effort", "format.type", "task_budget.type")
_EDIT = "context_management.edits[*]"

REQUEST_TOKENS: Final = (
    *("messages[*].role", "messages[*].clear_at", "messages[*].output_config.effort"),
    *_said_tokens("messages[*].content"),
    *_within("system[*]", _OF_ANY_BLOCK),
    *_tool_tokens("tools[*]"),
    *_CACHE,
    *("tool_choice.type", "mcp_servers[*].type"),
    *_thinking_tokens(""),
    *_within("output_config", _OF_OUTPUT),
    *("service_tier", "speed", "inference_geo", "billing_policy.type", "billing_policy.bill_to"),
    *("user_profile_id", "workspace_id", "anthropic_version", "anthropic_beta[*]", "betas[*]"),
    *("thread.type", "diagnostics.previous_message_id", "compaction.type"),
    *_within("container.skills[*]", ("type", "version")),
    "container.skills[type=anthropic].skill_id",
    *_within(_EDIT, ("type", "keep", "keep.type", "trigger.type", "clear_at_least.type")),
    *_within(_EDIT, ("exclude_tools[*]", "clear_tool_inputs[*]")),
    *_thinking_tokens("fallbacks[*]."),
    *_within("fallbacks[*]", ("speed", *_within("output_config", _OF_OUTPUT))),
    "fallback_credit_token.mode",
)
_MODELS = ("model", "fallbacks[*].model", "tools[*].model")
REQUEST_MODELS: Final = (
    *_MODELS,
    *_within(_SAID, ("from.model", "to.model", "tool.definition.model")),
    f"{_SAID}.tool_changes[*].tool.definition.model",
)


def _said_media(blocks: str) -> Iterator[tuple[str, str]]:
    """Images, files and sealed data in the blocks at `blocks`; some hold further blocks."""
    for each in _lists(blocks):
        yield from ((f"{each}[type=image].source.{name}", "image") for name in ("data", "url", "file_id"))
        yield f"{each}[type=text].citations[*].encrypted_index", "opaque"
    for document in _documents(blocks):
        yield from _document_media(document)
    yield f"{blocks}[type=container_upload].file_id", "file"
    for ran in ("code_execution_tool_result", "bash_code_execution_tool_result"):
        yield f"{blocks}[type={ran}].content.content[*].file_id", "file"
        yield f"{blocks}[type={ran}].content.encrypted_stdout", "opaque"
    yield f"{blocks}[type=web_search_tool_result].content[*].encrypted_content", "opaque"
    yield f"{blocks}[type=advisor_tool_result].content.encrypted_content", "opaque"
    yield f"{blocks}[type=redacted_thinking].data", "opaque"
    for sealed in ("signature", "encrypted_content"):
        yield f"{blocks}[type=thinking|compaction].{sealed}", "opaque"


def _document_media(document: str) -> Iterator[tuple[str, str]]:
    yield f"{document}.source{{type=base64}}.data", "file"
    yield from ((f"{document}.source.{name}", "file") for name in ("url", "file_id"))


REQUEST_MEDIA: Final = (
    *_said_media("messages[*].content"),
    ("system[type=text].citations[*].encrypted_index", "opaque"),
    # What is kept at the provider's, and which may never have passed a gate.
    ("thread.previous_message_id", "opaque"),
    *((path, "file") for path in ("container", "container.id", "container.skills[type=custom].skill_id")),
    # Credentials, which are in no field.
    *((path, "opaque") for path in ("fallback_credit_token", "fallback_credit_token.token")),
    ("mcp_servers[*].authorization_token", "opaque"),
)

_BLOCK = "content[*]"
RESPONSE_TOKENS: Final = (
    *("id", "type", "role", "stop_reason", "request_id", "error.type", "error.code"),
    *_said_tokens("content"),
    *_within("error.details", ("error_code", "error_visibility", "type")),
    *_within("stop_details", ("type", "category")),
    *("container.id", "container.skills[*].type", "container.skills[*].skill_id"),
    "container.skills[*].version",
    *("diagnostics.cache_miss_reason.type", "context_management.applied_edits[*].type"),
    *("input_transformations[*].type", "input_transformations[*].reason"),
    *_within("usage", ("service_tier", "inference_geo", "speed", "iterations[*].type")),
    *_within("usage.fallback_credit.status", ("type", "reason")),
)
RESPONSE_MODELS: Final = (
    *("model", "usage.iterations[*].model", "stop_details.recommended_model"),
    *_within(_BLOCK, ("from.model", "to.model", "tool_changes[*].tool.definition.model")),
)
RESPONSE_TIMES: Final = ("container.expires_at", "content[*].content.retrieved_at")
RESPONSE_PLACES: Final = (
    "input_transformations[*].path",
    "usage.fallback_credit.status.remove_to_redeem[*]",
)
RESPONSE_MEDIA: Final = (*_said_media("content"), ("stop_details.fallback_credit_token", "opaque"))

REQUEST_REMOVALS: Final[tuple[tuple[str, How], ...]] = (
    ("model", "never"),
    ("messages[*].role", "never"),
    ("messages[*].content[*].citations[*]", "drop"),
    ("messages[*].content[*].citations", "drop"),
    ("messages[*].content[*].content[*]", "drop"),
    ("messages[*].content[*].content.content[*]", "drop"),
    ("messages[*].content[*].content.content", "empty"),
    ("messages[*].content[*].content", "empty"),
    ("messages[*].content[*].input", "empty"),
    ("messages[*].content[*]", "drop"),
    ("messages[*].content", "empty"),
    ("system[*].citations[*]", "drop"),
    ("system[*].citations", "drop"),
    ("system[*]", "drop"),
    ("tool_choice", "drop"),
    ("thread", "drop"),
    ("compaction", "drop"),
    ("context_management.edits[*]", "drop"),
    ("container.skills[*]", "drop"),
    ("fallbacks[*]", "drop"),
    ("fallback_credit_token", "drop"),
    ("output_config.format", "drop"),
)
RESPONSE_REMOVALS: Final[tuple[tuple[str, How], ...]] = (
    *((name, "never") for name in ("type", "role", "model", "error.type")),
    ("content[*].citations[*]", "drop"),
    ("content[*].citations", "drop"),
    ("content[*].content[*]", "drop"),
    ("content[*].content.content[*]", "drop"),
    ("content[*].content.content", "empty"),
    ("content[*].content", "empty"),
    ("content[*].input", "empty"),
    ("content[*]", "drop"),
    ("content", "empty"),
    ("stop_sequence", "null"),
    ("stop_details", "null"),
    ("container", "null"),
    ("error.message", "blank"),
)


def _fields(part: Literal["request.", "response."]) -> Iterator[tuple[str, Rule]]:
    for entry in FIELDS.values():
        if entry.name.startswith(part):
            yield from ((path, Rule("field", entry.name)) for path in entry.paths.get(MESSAGES, ()))


def request_table() -> Iterator[tuple[str, Rule]]:
    """Every path of a request that is known, with what is there."""
    yield from ((path, Rule("structural", "token")) for path in REQUEST_TOKENS)
    yield from ((path, Rule("structural", "model")) for path in REQUEST_MODELS)
    yield from ((path, Rule("media", kind)) for path, kind in REQUEST_MEDIA)
    yield f"{_SAID}.content.retrieved_at", Rule("structural", "time")
    yield from _fields("request.")


def response_table() -> Iterator[tuple[str, Rule]]:
    """Every path of an answer that is known, with what is there."""
    yield from ((path, Rule("structural", "token")) for path in RESPONSE_TOKENS)
    yield from ((path, Rule("structural", "model")) for path in RESPONSE_MODELS)
    yield from ((path, Rule("structural", "time")) for path in RESPONSE_TIMES)
    yield from ((path, Rule("structural", "place")) for path in RESPONSE_PLACES)
    yield from ((path, Rule("media", kind)) for path, kind in RESPONSE_MEDIA)
    yield from _fields("response.")


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
