"""Where the fields are in OpenAI's responses and embeddings, in the language of `penstock.sdk.fields`.

Sources: OpenAI's API reference, and the types of its Python client (3.51). Items are told apart by their
`type`, messages by their `role`: an input message may say no type.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

RESPONSES: Final = "openai:responses"
EMBEDDINGS: Final = "openai:embeddings"


def _of(item: str, kinds: str, *names: str) -> Iterator[str]:
    """Members of an item of one of these kinds."""
    return (f"{item}{{type={kinds}}}.{name}" for name in names)


def _within(at: str, names: Iterable[str]) -> Iterator[str]:
    return (f"{at}.{name}" for name in names)


def _parts(parts: str) -> tuple[str, ...]:
    """What the parts at `parts` say, whoever says it, and what they cite."""
    cited = f"{parts}[type=output_text].annotations[*]"
    return (
        f"{parts}[type=input_text|output_text|text].text",
        f"{parts}[type=refusal].refusal",
        *_within(cited, ("title", "url", "filename")),
    )


def _role(roles: str) -> tuple[str, ...]:
    said = f"input[role={roles}].content"
    return (said, *_parts(said))


_OUTPUTS: Final = "function_call_output|custom_tool_call_output"
_SEARCHED: Final = ("text", "filename", "attributes.**")


def _results(item: str) -> Iterator[str]:
    """What tools give back, whoever runs them."""
    yield from _of(item, _OUTPUTS, "output", "output[type=input_text].text")
    yield from _of(item, "local_shell_call_output|apply_patch_call_output", "output")
    yield from _of(item, "shell_call_output", "output[*].stdout", "output[*].stderr")
    yield from _of(item, "mcp_call", "output", "error", "error.message", "error.content.**")
    yield from _of(item, "mcp_list_tools", "error", "error.message", "error.content.**")
    yield from _of(item, "file_search_call", *_within("results[*]", _SEARCHED))
    yield from _of(item, "web_search_call", *_within("action.sources[*]", ("url", "title", "name")))
    yield from _of(item, "code_interpreter_call", "outputs[*].logs")
    yield from _of(item, "program_output", "result")
    yield from _of(item, "computer_call", "pending_safety_checks[*].message")
    yield from _of(item, "computer_call_output", "acknowledged_safety_checks[*].message")
    yield from _of(item, "image_generation_call", "error.message")


_ACTION: Final = ("text", "keys[*]")
_LOCAL_SHELL: Final = ("command[*]", "env.*", "user", "working_directory")
_WEB_SEARCH: Final = ("query", "queries[*]", "url", "pattern")


def _calls(item: str) -> Iterator[str]:
    """What tools are asked for, whoever runs them."""
    yield from _of(item, "function_call|mcp_call|mcp_approval_request", "arguments!")
    yield from _of(item, "tool_search_call", "arguments.**")
    yield from _of(item, "custom_tool_call", "input")
    yield from _of(item, "file_search_call", "queries[*]")
    yield from _of(item, "web_search_call", *_within("action", _WEB_SEARCH))
    yield from _of(item, "code_interpreter_call|program", "code")
    yield from _of(item, "computer_call", *_within("action", _ACTION), *_within("actions[*]", _ACTION))
    yield from _of(item, "local_shell_call", *_within("action", _LOCAL_SHELL))
    yield from _of(item, "shell_call", "action.commands[*]")
    yield from _of(item, "apply_patch_call", "operation.path", "operation.diff")
    yield from _of(item, "image_generation_call", "revised_prompt")


def _tool(at: str) -> Iterator[str]:
    """A tool's definition, whoever runs it; a namespace's has further ones."""
    for tool in (at, f"{at}.tools[*]"):
        yield from _within(tool, ("name", "description", "parameters.**", "output_schema.**"))
        yield from _within(tool, ("format.definition", "server_description", "server_url"))
        yield from _within(tool, ("allowed_tools[*]", "allowed_tools.tool_names[*]"))
        yield from _within(tool, (f"require_approval.{when}.tool_names[*]" for when in ("always", "never")))
        yield from _within(tool, ("filters.**", "filters.allowed_domains[*]"))
        yield from _within(tool, (f"user_location.{of}" for of in ("city", "country", "region", "timezone")))
    for where in ("container", "environment"):
        yield f"{at}.{where}.network_policy.allowed_domains[*]"
        yield from _within(f"{at}.{where}.network_policy.domain_secrets[*]", ("domain", "name"))
    yield from _within(f"{at}.environment.skills[*]", ("name", "description", "path"))


def _listed_tools(item: str) -> Iterator[str]:
    """Definitions that an item brings."""
    for kind in ("additional_tools", "tool_search_output"):
        yield from _tool(f"{item}{{type={kind}}}.tools[*]")
    listed = ("name", "description", "input_schema.**", "annotations.**")
    yield from _of(item, "mcp_list_tools", *_within("tools[*]", listed))
    yield from _of(item, "shell_call", *_within("environment.skills[*]", ("name", "description", "path")))


_THOUGHT: Final = ("summary[*].text", "content[*].text")
_FORMAT: Final = ("name", "description", "schema.**")
_CHOICE: Final = ("name", "server_label", "tools[*].**")
_NAMING: Final = ("user", "safety_identifier", "prompt_cache_key")

# What an answer repeats of its request. An upstream may fill in more, as what a prompt template says.
_PUT_IN: Final = "instructions[*]"
ECHOED: Final = ("instructions", "tools", "tool_choice", "text", "prompt", "metadata", *_NAMING)
"""Members of an answer which repeat the request's."""
_ECHO: Final = (
    *("instructions", f"{_PUT_IN}.content", *_parts(f"{_PUT_IN}.content")),
    *(*_results(_PUT_IN), *_calls(_PUT_IN), *_listed_tools(_PUT_IN)),
    *_of(_PUT_IN, "reasoning", *_THOUGHT),
    *_of(_PUT_IN, "configuration_update", *_within("text.format", _FORMAT)),
    *_of(_PUT_IN, "mcp_approval_response", "reason"),
    *_tool("tools[*]"),
    *_within("tool_choice", _CHOICE),
    *_within("text.format", _FORMAT),
    *("prompt.variables.*", "prompt.variables.*{type=input_text}.text"),
    *("metadata.**", *_NAMING),
)

RESPONSES_PATHS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "request.metadata": ("metadata.**",),
        "request.parameters": (
            *_NAMING,
            *_within("text.format", _FORMAT),
            *_within("tool_choice", _CHOICE),
            *_of("input[*]", "configuration_update", *_within("text.format", _FORMAT)),
        ),
        "request.messages.system": ("instructions", *_role("system|developer")),
        "request.messages.user": (
            "input",
            *_role("user"),
            *("prompt.variables.*", "prompt.variables.*{type=input_text}.text"),
            *_of("input[*]", "mcp_approval_response", "reason"),
        ),
        "request.messages.assistant": (*_role("assistant"), *_of("input[*]", "reasoning", *_THOUGHT)),
        "request.messages.tool": tuple(_results("input[*]")),
        "request.tools": (*_tool("tools[*]"), *_listed_tools("input[*]")),
        "request.tool_calls": tuple(_calls("input[*]")),
        "response.text": (
            *_of("output[*]", "message", *_parts("content")),
            *_results("output[*]"),
            *_listed_tools("output[*]"),
            *_of("output[*]", "mcp_approval_response", "reason"),
            *("moderation.input.message", "moderation.output.message"),
            *_ECHO,
            # Why it failed; and what an upstream says when it refuses a request.
            *("error.message", "error.misalignment.detailed_explanation", "error.misalignment.steer.message"),
            *("message", "detail", "error"),
        ),
        "response.reasoning": tuple(_of("output[*]", "reasoning", *_THOUGHT)),
        "response.tool_calls": tuple(_calls("output[*]")),
    }
)

EMBEDDINGS_PATHS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "request.messages.user": ("input", "input[*]"),
        "request.parameters": ("user",),
        # Only a refusal has words. Vectors have no thoughts and call no tools: their guards miss nothing.
        "response.text": ("error.message", "message", "detail", "error"),
        "response.reasoning": (),
        "response.tool_calls": (),
    }
)
