"""Where the fields are in a request for a message, or for a count of its tokens, and in the answer.

Sources: Anthropic's API reference for messages, and the types of its Python client (2.8), betas included.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

MESSAGES: Final = "anthropic:messages"

_SAID = "messages[*].content"
_CALLS = "tool_use|server_tool_use|mcp_tool_use"
_CITED = ("cited_text", "document_title", "title", "url", "source")


def _text(at: str) -> tuple[str, ...]:
    """A block of text and what it cites."""
    return (f"{at}.text", *(f"{at}.citations[*].{name}" for name in _CITED))


def _document(at: str) -> tuple[str, ...]:
    """A document whose text stands in the body; one that is a file stands in no field."""
    inside = f"{at}.source{{type=content}}.content"
    words = (f"{at}.title", f"{at}.context", f"{at}.source{{type=text}}.data", inside)
    return (*words, *_text(f"{inside}[type=text]"))


def _words(blocks: str) -> tuple[str, ...]:
    """What can be said in the blocks at `blocks`, by whoever says it."""
    found = f"{blocks}[type=search_result]"
    return (
        *_text(f"{blocks}[type=text]"),
        *_document(f"{blocks}[type=document]"),
        *(f"{found}.title", f"{found}.source", *_text(f"{found}.content[type=text]")),
    )


def _role(role: str) -> tuple[str, ...]:
    said = f"messages[role={role}].content"
    return (said, *_words(said))


def _results(blocks: str) -> tuple[str, ...]:
    """What the provider's own tools, and MCP servers that it calls, give back."""
    searched, fetched = f"{blocks}[type=web_search_tool_result]", f"{blocks}[type=web_fetch_tool_result]"
    mcp, edited = f"{blocks}[type=mcp_tool_result]", f"{blocks}[type=text_editor_code_execution_tool_result]"
    ran = f"{blocks}[type=code_execution_tool_result|bash_code_execution_tool_result]"
    return (
        *(f"{searched}.content[*].{name}" for name in ("title", "url", "page_age")),
        *(f"{fetched}.content.url", *_document(f"{fetched}.content.content")),
        *(f"{ran}.content.{name}" for name in ("stdout", "stderr")),
        *(f"{edited}.content.{name}" for name in ("content", "lines[*]", "error_message")),
        f"{blocks}[type=tool_search_tool_result].content.error_message",
        f"{blocks}[type=advisor_tool_result].content.text",
        *(f"{mcp}.content", *_text(f"{mcp}.content[type=text]")),
    )


def _listed(at: str) -> tuple[str, ...]:
    """Tools of an MCP server, as it lists them."""
    return (f"{at}.mcp_server_name", *(f"{at}.tools[*].{name}" for name in _LISTED))


_LISTED = ("name", "description", "input_schema.**")


def _definition(at: str) -> tuple[str, ...]:
    """A tool's definition, whoever runs it."""
    own = ("input_examples.**", "allowed_domains[*]", "blocked_domains[*]", "url_sources.*.tools[*].name")
    where = (f"user_location.{name}" for name in ("city", "region", "country", "timezone"))
    return (*(f"{at}.{name}" for name in (*_LISTED, *own, *where)), *_listed(at))


def _changed_tools(blocks: str) -> tuple[str, ...]:
    """Definitions that a message brings, or that a summary of messages keeps."""
    kept = f"{blocks}[type=compaction].tool_changes[*].tool.definition"
    return (*_definition(kept), *_listed(f"{blocks}[type=mcp_tool_listing]"))


_TAB = "[type=browser_state]"
_GIVEN_BACK = f"{_SAID}[type=tool_result].content"

PATHS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "request.metadata": ("metadata.**",),
        "request.parameters": (
            "stop_sequences[*]",
            "output_config.format.schema.**",
            "context_management.edits[*].instructions",
            "compaction.instructions",
            "tool_choice.name",
        ),
        "request.messages.system": ("system", *_text("system[type=text]"), *_role("system")),
        "request.messages.user": _role("user"),
        "request.messages.assistant": (
            *_role("assistant"),
            f"{_SAID}[type=thinking].thinking",
            f"{_SAID}[type=compaction].content",
        ),
        "request.messages.tool": (
            *(_GIVEN_BACK, *_words(_GIVEN_BACK)),
            *(f"{_GIVEN_BACK}{_TAB}.tabs[*].{name}" for name in ("title", "url")),
            *(f"{_GIVEN_BACK}{_TAB}.state_changes[*].{name}" for name in ("url", "path", "error")),
            *_results(_SAID),
        ),
        "request.tools": (
            *_definition("tools[*]"),
            *_definition(f"{_SAID}[type=tool_addition].tool.definition"),
            *_changed_tools(_SAID),
            *(f"mcp_servers[*].{name}" for name in ("name", "url", "tool_configuration.allowed_tools[*]")),
        ),
        "request.tool_calls": (f"{_SAID}[type={_CALLS}].input.**",),
        "response.text": (
            *_words("content"),
            *_results("content"),
            "content[type=compaction].content",
            *_changed_tools("content"),
            "stop_sequence",
            "stop_details.explanation",
            # What an upstream says when it refuses a request: Anthropic; servers that speak as it does.
            "error.message",
            "message",
            "detail",
            "error",
        ),
        "response.reasoning": ("content[type=thinking].thinking",),
        "response.tool_calls": (f"content[type={_CALLS}].input.**",),
    }
)
