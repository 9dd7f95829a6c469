"""What every string of a response and its request is, beyond the fields of `penstock.sdk.openai_paths`.

Sources: OpenAI's API reference for responses, and the types of its Python client (3.51). A string at a path
that stands nowhere here is unlisted, and a guard stops it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final, Literal

from penstock.dialects.openai.paths import PATTERNS
from penstock.dialects.paths import Matcher, Rule
from penstock.dialects.removing import How, Removals
from penstock.sdk.fields import FIELDS
from penstock.sdk.openai_paths import RESPONSES

__all__ = ["PATTERNS", "Table", "request_table", "response_table"]

Table = Iterator[tuple[str, Rule]]

_TYPES: Final = (
    *("message", "reasoning", "compaction", "compaction_trigger", "configuration_update"),
    *("function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output"),
    *("file_search_call", "web_search_call", "code_interpreter_call", "image_generation_call"),
    *("computer_call", "computer_call_output", "local_shell_call", "local_shell_call_output"),
    *("shell_call", "shell_call_output", "apply_patch_call", "apply_patch_call_output"),
    *("mcp_call", "mcp_list_tools", "mcp_approval_request", "mcp_approval_response"),
    *("tool_search_call", "tool_search_output", "additional_tools", "program", "program_output"),
)
# An item that is only named by its id stands at the provider's, and may never have passed a gate. Its `type`
# may be left out, so an id is a token of known items alone.
_KNOWN: Final = "|".join(_TYPES)


def _within(at: str, names: Iterable[str]) -> Iterator[str]:
    return (f"{at}.{name}" for name in names)


_PART: Final = (
    *("type", "detail", "prompt_cache_breakpoint.mode", "prompt_cache_breakpoint.ttl"),
    *_within("annotations[*]", ("type", "file_id", "container_id")),
    "input_audio.format",
)
_ACTION: Final = ("type", "button")
_CALLER: Final = ("caller.type", "caller.caller_id")
_NETWORK: Final = ("type", "memory_limit", "network_policy.type")
_SKILL: Final = ("type", "version", "source.type", "source.media_type")


def _item_tokens(item: str) -> Iterator[str]:
    yield f"{item}{{type={_KNOWN}}}.id"
    yield from _within(item, ("type", "status", "role", "phase", "call_id", "name", "namespace", *_CALLER))
    yield from _within(item, ("execution", "approval_request_id", "server_label", "container_id"))
    yield from _within(item, ("action", "fingerprint", "created_by"))
    for parts in ("content[*]", "summary[*]", "output[*]"):
        yield from _within(f"{item}.{parts}", _PART)
    for action in ("action", "actions[*]"):
        yield from _within(f"{item}.{action}", _ACTION)
    yield from _within(f"{item}.action.sources[*]", ("type",))
    yield from _within(item, ("operation.type", "output.type", "error.type", "error.code", "error.param"))
    yield from _within(f"{item}.error.moderation_details", ("categories[*]", "moderation_stage"))
    yield from _within(item, ("background", "output_format", "quality", "size", "svg_usage.model"))
    for checks in ("pending_safety_checks", "acknowledged_safety_checks"):
        yield from _within(f"{item}.{checks}[*]", ("id", "code"))
    yield from _within(item, ("results[*].file_id", "outputs[*].type", "output[*].outcome.type"))
    yield from _within(item, ("environment.type", "output[*].created_by"))
    yield f"{item}{{type=shell_call}}.environment.container_id"
    yield from _within(item, ("reasoning.effort", "text.format.type", "text.verbosity"))
    yield from _tool_tokens(f"{item}.tools[*]")


def _tool_tokens(at: str) -> Iterator[str]:
    for tool in (at, f"{at}.tools[*]"):
        yield from _within(tool, ("type", "server_label", "connector_id", "tunnel_id", "require_approval"))
        yield from _within(tool, ("allowed_callers[*]", "format.type", "format.syntax", "execution"))
        yield from _within(tool, ("ranking_options.ranker", "filters.type", "environment"))
        yield from _within(tool, ("search_context_size", "search_content_types[*]", "user_location.type"))
        yield from _within(tool, ("action", "background", "complexity", "input_fidelity", "moderation"))
        yield from _within(tool, ("output_format", "quality", "size", "svg.reasoning.effort"))
    for where in ("container", "environment"):
        yield from _within(f"{at}.{where}", _NETWORK)
        yield from _within(f"{at}.{where}.skills[*]", _SKILL)


_TOOL_MODELS: Final = ("model", "svg.model")

_SETTINGS: Final = (
    *("include[*]", "service_tier", "truncation", "prompt_cache_retention", "prompt_cache_options.mode"),
    *("prompt_cache_options.ttl", "prompt_cache_options.comparison_response_id", "access_programs.cyber"),
    *("image.context_compression", "context_management[*].type", "tool_choice", "tool_choice.type"),
    *("tool_choice.mode", "text.format.type", "text.verbosity", "prompt.version"),
    *_within("prompt.variables.*", _PART),
    *_within("reasoning", ("context", "effort", "generate_summary", "mode", "summary")),
)

REQUEST_TOKENS: Final = (
    *_item_tokens("input[*]"),
    "input[role=user|assistant|system|developer].id",
    *_tool_tokens("tools[*]"),
    *_SETTINGS,
    *("moderation.policy.input.mode", "moderation.policy.output.mode"),
    # OpenRouter
    *("provider.order[*]", "provider.only[*]", "provider.ignore[*]", "provider.sort"),
)
REQUEST_MODELS: Final = (
    *("model", "models[*]", "fallbacks[*]", "moderation.model"),
    *(f"{tools}[*].{name}" for tools in ("tools", "input[*].tools") for name in _TOOL_MODELS),
)


def _part_media(parts: str) -> Iterator[tuple[str, str]]:
    yield from ((f"{parts}{{type=input_image}}.{name}", "image") for name in ("image_url", "file_id"))
    files = ("file_data", "file_id", "file_url", "filename")
    yield from ((f"{parts}{{type=input_file}}.{name}", "file") for name in files)
    yield f"{parts}.input_audio.data", "audio"


def _item_media(item: str) -> Iterator[tuple[str, str]]:
    for parts in ("content[*]", "output[*]"):
        yield from _part_media(f"{item}.{parts}")
    yield f"{item}.encrypted_content", "opaque"
    screenshot = f"{item}{{type=computer_call_output}}.output"
    yield from ((f"{screenshot}.{name}", "image") for name in ("image_url", "file_id"))
    yield f"{item}{{type=image_generation_call}}.result", "image"
    yield f"{item}{{type=code_interpreter_call}}.outputs[*].url", "image"
    yield from _tool_media(f"{item}.tools[*]")


def _tool_media(tool: str) -> Iterator[tuple[str, str]]:
    """Documents that a tool reads to the model, programs that it runs, credentials that it is given."""
    yield f"{tool}.vector_store_ids[*]", "file"
    yield from ((f"{tool}.input_image_mask.{name}", "image") for name in ("image_url", "file_id"))
    yield from ((f"{tool}.{name}", "opaque") for name in ("authorization", "headers.**"))
    yield f"{tool}.container", "file"
    for where in ("container", "environment"):
        yield f"{tool}.{where}.file_ids[*]", "file"
        yield f"{tool}.{where}.container_id", "file"
        yield f"{tool}.{where}.skills[*].skill_id", "file"
        yield f"{tool}.{where}.skills[*].source.data", "file"
        yield f"{tool}.{where}.network_policy.domain_secrets[*].value", "opaque"


REQUEST_MEDIA: Final = (
    *_item_media("input[*]"),
    *_tool_media("tools[*]"),
    *_part_media("prompt.variables.*"),
    # What is kept at the provider's, and which may never have passed a gate (docs/adr/0009-responses.md).
    *((at, "opaque") for at in ("previous_response_id", "conversation", "conversation.id", "prompt.id")),
    ("input[*].id", "opaque"),
)

_CATEGORIES: Final = ("type", "code", "category_applied_input_types.*[*]", "results[*].type")
RESPONSE_TOKENS: Final = (
    *("id", "object", "status", "incomplete_details.reason", "error.code", "error.type", "error.param"),
    *("error.misalignment.error_type", "error.misalignment.review_target"),
    *_item_tokens("output[*]"),
    "output[*].id",
    *_tool_tokens("tools[*]"),
    *_SETTINGS,
    *_item_tokens("instructions[*]"),
    "instructions[*].id",
    *("previous_response_id", "conversation", "conversation.id", "prompt.id"),
    *_within("input_transformations[*]", ("type", "id", "action", "reason")),
    *(f"moderation.{side}.{name}" for side in ("input", "output") for name in _CATEGORIES),
    *_within("prompt_cache_diagnostics", ("type", "reason")),
    *_within("usage", ("service_tier",)),
    "billing.payer",
)
_RESPONSE_TOOLS: Final = ("tools", "output[*].tools", "instructions[*].tools")
RESPONSE_MODELS: Final = (
    *("model", "moderation.input.model", "moderation.output.model"),
    *(f"{tools}[*].{name}" for tools in _RESPONSE_TOOLS for name in _TOOL_MODELS),
)
RESPONSE_MEDIA: Final = (
    *_item_media("output[*]"),
    *_tool_media("tools[*]"),
    *_part_media("prompt.variables.*"),
    *_item_media("instructions[*]"),
)

# They say a text again, token by token, and go when it is edited (`openai_responses.repeats`).
_LOGPROBS: Final = ("content[*].logprobs[*].token", "content[*].logprobs[*].top_logprobs[*].token")
REQUEST_REPEATS: Final = tuple(_within("input[*]", _LOGPROBS))
RESPONSE_REPEATS: Final = (
    *_within("output[*]", _LOGPROBS),
    *_within("instructions[*]", _LOGPROBS),
    "output_text",
)

OF_ITEMS: Final[tuple[tuple[str, How], ...]] = (
    *((name, "never") for name in ("type", "role", "output.image_url", "output.file_id")),
    ("content[*].annotations[*]", "drop"),
    ("content[*].annotations", "empty"),
    ("content[*].logprobs", "empty"),
    ("content[*]", "drop"),
    ("content", "empty"),
    ("summary[*]", "drop"),
    ("summary", "empty"),
    ("output[*]", "drop"),
    ("output", "empty"),
    ("arguments", "no_arguments"),
    ("input", "blank"),
    ("code", "blank"),
    ("tools[*]", "drop"),
    ("tools", "empty"),
)


def _of_items(items: str) -> tuple[tuple[str, How], ...]:
    return tuple((f"{items}[*].{path}", how) for path, how in OF_ITEMS)


REQUEST_REMOVALS: Final[tuple[tuple[str, How], ...]] = (
    ("model", "never"),
    *_of_items("input"),
    *((name, "drop") for name in ("tools[*]", "tools", "tool_choice", "conversation", "prompt")),
    ("text.format", "drop"),
)
RESPONSE_REMOVALS: Final[tuple[tuple[str, How], ...]] = (
    *((name, "never") for name in ("id", "object", "status", "model", "error.type", "error.code")),
    *_of_items("output"),
    ("tools[*]", "drop"),
    ("tools", "empty"),
    ("error.message", "blank"),
)


def _fields(part: Literal["request.", "response."]) -> Table:
    for entry in FIELDS.values():
        if entry.name.startswith(part):
            yield from ((path, Rule("field", entry.name)) for path in entry.paths.get(RESPONSES, ()))


def request_table() -> Table:
    """Every path of a request that is known, with what is there."""
    yield from ((path, Rule("structural", "token")) for path in REQUEST_TOKENS)
    yield from ((path, Rule("structural", "model")) for path in REQUEST_MODELS)
    yield from ((path, Rule("media", kind)) for path, kind in REQUEST_MEDIA)
    yield from ((path, Rule("repeats", "request.messages.assistant")) for path in REQUEST_REPEATS)
    yield from _fields("request.")


def response_table() -> Table:
    """Every path of an answer that is known, with what is there."""
    yield from ((path, Rule("structural", "token")) for path in RESPONSE_TOKENS)
    yield from ((path, Rule("structural", "model")) for path in RESPONSE_MODELS)
    yield from ((path, Rule("media", kind)) for path, kind in RESPONSE_MEDIA)
    yield from ((path, Rule("repeats", "response.text")) for path in RESPONSE_REPEATS)
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
