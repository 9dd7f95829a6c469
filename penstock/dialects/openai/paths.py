"""What every string of a chat completion is, beyond the fields of `penstock.sdk.fields`.

Sources: OpenAI's API reference for chat completions, and what Azure, vLLM, Ollama, Mistral, OpenRouter, Groq,
Gemini and Bedrock add to it. A string at a path that stands nowhere here is unlisted, and a guard stops it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final, Literal

from penstock.dialects.paths import Matcher, Rule
from penstock.dialects.removing import How, Removals
from penstock.sdk.fields import CHAT, FIELDS

# Structural strings say nothing: one that does not look like its pattern counts as unlisted.
PATTERNS: Final = {
    "token": re.compile(r"[A-Za-z0-9_.:/|-]{0,128}"),
    # A provider's name, as OpenRouter's `Google AI Studio`.
    "label": re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/-]{0,47}"),
    # A model's name, as Cloudflare's `@cf/meta/llama-3.1-8b` or a fine-tuned `ft:gpt-4o:acme::id`.
    "model": re.compile(r"@?[A-Za-z0-9][A-Za-z0-9_.:/+-]{0,127}"),
}

_CALLS = (
    "tool_calls[*].id",
    "tool_calls[*].type",
    "tool_calls[*].function.name",
    "tool_calls[*].custom.name",
)
_CACHE = ("cache_control.type", "cache_control.ttl")
_PART = "messages[*].content[*]"
_PARTS = (_PART, "prediction.content[*]")

REQUEST_TOKENS: Final = (
    "messages[*].role",
    "messages[*].tool_call_id",
    "messages[*].function_call.name",
    "messages[*].audio.id",
    "messages[*].id",
    *(f"messages[*].{path}" for path in (*_CALLS, *_CACHE)),
    "messages[*].reasoning_details[*].type",
    "messages[*].reasoning_details[*].format",
    "messages[*].reasoning_details[*].id",
    f"{_PART}.type",
    f"{_PART}.thinking[*].type",
    f"{_PART}.image_url.detail",
    f"{_PART}.image_url.format",
    f"{_PART}.input_audio.format",
    *(f"{part}.prompt_cache_breakpoint.{name}" for part in _PARTS for name in ("mode", "ttl")),
    f"{_PART}.uuid",
    *(f"{_PART}.{path}" for path in _CACHE),
    "tools[*].type",
    *(f"tools[*].{path}" for path in _CACHE),
    *(f"tools[*].function.{path}" for path in _CACHE),
    "tool_choice",
    "tool_choice.type",
    "tool_choice.allowed_tools.mode",
    "tool_choice.allowed_tools.tools[*].type",
    "tool_choice.allowed_tools.tools[*].function.name",
    "tool_choice.allowed_tools.tools[*].custom.name",
    "tool_choice.custom.name",
    "function_call",
    "function_call.name",
    "prediction.type",
    "prediction.content[*].type",
    "response_format.type",
    "modalities[*]",
    "audio.format",
    "audio.voice",
    "audio.voice.id",
    "reasoning_effort",
    "reasoning.effort",
    "reasoning.summary",
    "verbosity",
    "service_tier",
    "seed",  # the one number that may be of any length
    "random_seed",
    "prompt_cache_retention",
    "prompt_cache_options.mode",
    "prompt_cache_options.ttl",
    "moderation.model",
    "moderation.policy.input.mode",
    "moderation.policy.output.mode",
    "web_search_options.search_context_size",
    "web_search_options.user_location.type",
    # vLLM, Mistral, OpenRouter
    "prompt_mode",
    "request_id",
    "cache_salt",
    "guided_decoding_backend",
    "truncation",
    "provider.order[*]",
    "provider.only[*]",
    "provider.ignore[*]",
    "provider.sort",
    "provider.data_collection",
    "provider.quantizations[*]",
    "transforms[*]",
    "route",
)
REQUEST_MODELS: Final = ("model", "models[*]", "fallbacks[*]")

REQUEST_MEDIA: Final = (
    (f"{_PART}.image_url", "image"),
    (f"{_PART}.image_url.url", "image"),
    (f"{_PART}.input_audio.data", "audio"),
    (f"{_PART}.audio_url", "audio"),
    (f"{_PART}.audio_url.url", "audio"),
    (f"{_PART}.video_url", "video"),
    (f"{_PART}.video_url.url", "video"),
    (f"{_PART}.input_video.data", "video"),
    (f"{_PART}.file.**", "file"),
    (f"{_PART}.file_id", "file"),
    (f"{_PART}.document_url", "file"),
    (f"{_PART}.document_name", "file"),
    (f"{_PART}.image_embeds.**", "opaque"),
    ("messages[*].reasoning_details[*].data", "opaque"),
    ("messages[*].reasoning_details[*].signature", "opaque"),
    ("messages[*].tool_calls[*].extra_content.google.thought_signature", "opaque"),
    ("messages[*].extra_content.google.thought_signature", "opaque"),
)

_MESSAGE = "choices[*].message"
_FILTERS = (
    "{0}.hate.severity",
    "{0}.self_harm.severity",
    "{0}.sexual.severity",
    "{0}.violence.severity",
    "{0}.custom_blocklists.details[*].id",
    "{0}.error.code",
)

# OpenAI's API reference, moderations: members with these names, slashes and all.
_CATEGORIES = (
    *("harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent"),
    *("self-harm", "self-harm/instructions", "self-harm/intent", "sexual", "sexual/minors"),
    *("violence", "violence/graphic"),
)
_SIDES = ("moderation.input", "moderation.output")

RESPONSE_TOKENS: Final = (
    *(f"{side}.{name}" for side in _SIDES for name in ("type", "code", "results[*].type")),
    *(f"{side}.results[*].categories.{name}" for side in _SIDES for name in _CATEGORIES),
    *(f"{side}.results[*].category_scores.{name}" for side in _SIDES for name in _CATEGORIES),
    *(f"{side}.results[*].category_applied_input_types.{name}[*]" for side in _SIDES for name in _CATEGORIES),
    "id",
    "object",
    "system_fingerprint",
    "service_tier",
    "choices[*].finish_reason",
    "choices[*].stop_reason",
    "choices[*].native_finish_reason",
    f"{_MESSAGE}.role",
    f"{_MESSAGE}.id",
    f"{_MESSAGE}.audio.id",
    f"{_MESSAGE}.content[*].type",
    f"{_MESSAGE}.content[*].thinking[*].type",
    f"{_MESSAGE}.annotations[*].type",
    f"{_MESSAGE}.function_call.name",
    *(f"{_MESSAGE}.{path}" for path in _CALLS),
    f"{_MESSAGE}.reasoning_details[*].type",
    f"{_MESSAGE}.reasoning_details[*].format",
    f"{_MESSAGE}.reasoning_details[*].id",
    f"{_MESSAGE}.images[*].type",
    # Azure's content filters
    *(path.format("prompt_filter_results[*].content_filter_results") for path in _FILTERS),
    *(path.format("choices[*].content_filter_results") for path in _FILTERS),
    *(path.format("choices[*].content_filter_result") for path in _FILTERS),
    # vLLM, Groq, an error in an answer
    "kv_transfer_params.remote_engine_id",
    "kv_transfer_params.remote_host",
    "x_groq.id",
    "error.type",
    "error.code",
    "error.param",
)
RESPONSE_MODELS: Final = (
    "model",
    *(f"{side}{name}" for side in _SIDES for name in (".model", ".results[*].model")),
)
RESPONSE_LABELS: Final = ("provider",)

RESPONSE_MEDIA: Final = (
    (f"{_MESSAGE}.audio.data", "audio"),
    (f"{_MESSAGE}.images[*].image_url.url", "image"),
    (f"{_MESSAGE}.reasoning_details[*].data", "opaque"),
    (f"{_MESSAGE}.reasoning_details[*].signature", "opaque"),
    (f"{_MESSAGE}.tool_calls[*].extra_content.google.thought_signature", "opaque"),
    (f"{_MESSAGE}.extra_content.google.thought_signature", "opaque"),
)

# They say the answer's text again, token by token, and go when it is edited (`openai.repeats`).
RESPONSE_REPEATS: Final = (
    "choices[*].logprobs.content[*].token",
    "choices[*].logprobs.content[*].top_logprobs[*].token",
    "choices[*].logprobs.refusal[*].token",
    "choices[*].logprobs.refusal[*].top_logprobs[*].token",
    "prompt_logprobs[*].*.decoded_token",  # vLLM
)

REQUEST_REMOVALS: Final[tuple[tuple[str, How], ...]] = (
    ("model", "never"),
    ("messages[*].role", "never"),
    ("messages[*].content[*]", "drop"),
    ("messages[*].content", "blank"),
    ("messages[*].reasoning_details[*]", "drop"),
    ("messages[*].tool_calls[*].function.arguments", "no_arguments"),
    ("messages[*].tool_calls[*].custom.input", "blank"),
    ("messages[*].function_call.arguments", "no_arguments"),
    ("prediction", "drop"),
    ("response_format", "drop"),
    ("tool_choice", "drop"),
    ("web_search_options.user_location", "drop"),
)
RESPONSE_REMOVALS: Final[tuple[tuple[str, How], ...]] = (
    ("choices[*].message.role", "never"),
    ("choices[*].message.content[*]", "drop"),
    ("choices[*].message.content", "blank"),
    ("choices[*].message.refusal", "null"),
    ("choices[*].message.audio.data", "blank"),
    ("choices[*].message.audio.transcript", "blank"),
    ("choices[*].message.annotations[*]", "drop"),
    ("choices[*].message.images[*]", "drop"),
    ("choices[*].message.reasoning_details[*]", "drop"),
    ("choices[*].message.tool_calls[*].function.arguments", "no_arguments"),
    ("choices[*].message.tool_calls[*].custom.input", "blank"),
    ("choices[*].message.function_call.arguments", "no_arguments"),
    ("choices[*].text", "blank"),
)


def _fields(part: Literal["request.", "response."]) -> Iterator[tuple[str, Rule]]:
    for entry in FIELDS.values():
        if entry.name.startswith(part):
            yield from ((path, Rule("field", entry.name)) for path in entry.paths.get(CHAT, ()))


def request_table() -> Iterator[tuple[str, Rule]]:
    """Every path of a request that is known, with what is there."""
    yield from ((path, Rule("structural", "token")) for path in REQUEST_TOKENS)
    yield from ((path, Rule("structural", "model")) for path in REQUEST_MODELS)
    yield from ((path, Rule("media", kind)) for path, kind in REQUEST_MEDIA)
    yield from _fields("request.")


def response_table() -> Iterator[tuple[str, Rule]]:
    """Every path of a response that is known, with what is there."""
    yield from ((path, Rule("structural", "token")) for path in RESPONSE_TOKENS)
    yield from ((path, Rule("structural", "model")) for path in RESPONSE_MODELS)
    yield from ((path, Rule("structural", "label")) for path in RESPONSE_LABELS)
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
