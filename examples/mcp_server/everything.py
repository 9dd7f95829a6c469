"""What MCP's conformance suite (`@modelcontextprotocol/conformance`) asks of a server, under its names."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Annotated, Any

from mcp.server import MCPServer, ServerRequestContext
from mcp.server.mcpserver import Context, Message, Resolve, Sample, UserMessage
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.types import (
    AudioContent,
    CallToolResult,
    CreateMessageResult,
    EmbeddedResource,
    EmptyResult,
    ImageContent,
    SamplingMessage,
    SetLevelRequestParams,
    SubscribeRequestParams,
    TextContent,
    TextResourceContents,
    UnsubscribeRequestParams,
)

Said = Context[None, None]

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
# Half a millisecond of silence.
WAV = "UklGRigAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQQAAACAgICA"
SCHEMA_2020_12: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {"name": {"type": "string"}, "address": {"$ref": "#/$defs/address"}},
    "additionalProperties": False,
}
WITH_DEFAULTS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": True},
    },
    "required": [],
}
_NAMES = ("First", "Second", "Third")
_TITLED = [{"const": f"value{n}", "title": f"{name} Option"} for n, name in enumerate(_NAMES, 1)]
_CHOICES = [{"const": f"value{n}", "title": f"{name} Choice"} for n, name in enumerate(_NAMES, 1)]
WITH_ENUMS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "untitledSingle": {"type": "string", "enum": ["option1", "option2", "option3"]},
        "titledSingle": {"type": "string", "oneOf": _TITLED},
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": {
            "type": "array",
            "items": {"type": "string", "enum": ["option1", "option2", "option3"]},
        },
        "titledMulti": {"type": "array", "items": {"anyOf": _CHOICES}},
    },
    "required": [],
}
WITH_CONTACT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "username": {"type": "string", "description": "User's response"},
        "email": {"type": "string", "description": "User's email address"},
    },
    "required": ["username", "email"],
}


def add_to(server: MCPServer[None]) -> None:
    """All that the suite asks for."""
    for tool in TOOLS:
        server.tool()(tool)
    for resource, uri, mime_type in RESOURCES:
        server.resource(uri, mime_type=mime_type)(resource)
    for prompt in PROMPTS:
        server.prompt()(prompt)
    _add_schema_tool(server)
    _add_handlers(server)


# Tools


def test_simple_text() -> str:
    """Answers with a text."""
    return "This is a simple text response for testing."


def test_image_content() -> CallToolResult:
    """Answers with an image."""
    return CallToolResult(content=[_image()])


def test_audio_content() -> CallToolResult:
    """Answers with a sound."""
    return CallToolResult(content=[AudioContent(type="audio", data=WAV, mime_type="audio/wav")])


def test_embedded_resource() -> CallToolResult:
    """Answers with a resource."""
    return CallToolResult(
        content=[_resource("test://embedded-resource", "text/plain", "This is an embedded resource content.")]
    )


def test_multiple_content_types() -> CallToolResult:
    """Answers with a text, an image and a resource."""
    data = json.dumps({"test": "data", "value": 123})
    text = TextContent(type="text", text="Multiple content types test:")
    return CallToolResult(
        content=[text, _image(), _resource("test://mixed-content-resource", "application/json", data)]
    )


async def test_tool_with_logging(ctx: Said) -> str:
    """Logs while it works."""
    for said in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await ctx.session.send_log_message("info", said, related_request_id=ctx.request_id)
        await asyncio.sleep(0.05)
    return "Logged three times."


async def test_tool_with_progress(ctx: Said) -> str:
    """Says how far it is."""
    for done in (0, 50, 100):
        await ctx.report_progress(done, 100)
        await asyncio.sleep(0.05)
    return "Done."


def test_error_handling() -> str:
    """Fails."""
    raise ToolError("This tool intentionally returns an error for testing")


async def _prompted(prompt: str) -> Sample:
    message = SamplingMessage(role="user", content=TextContent(type="text", text=prompt))
    return Sample([message], max_tokens=100)


def test_sampling(prompt: str, said: Annotated[CreateMessageResult, Resolve(_prompted)]) -> str:
    """Asks the client's model."""
    del prompt
    return f"LLM response: {said.content.text if isinstance(said.content, TextContent) else 'nothing'}"


async def test_elicitation(message: str, ctx: Said) -> str:
    """Asks the user."""
    return f"User response: {await _asked(ctx, message, WITH_CONTACT)}"


async def test_elicitation_sep1034_defaults(ctx: Said) -> str:
    """Asks the user, with defaults."""
    said = await _asked(ctx, "Please review and update the form fields with defaults", WITH_DEFAULTS)
    return f"Elicitation completed: {said}"


async def test_elicitation_sep1330_enums(ctx: Said) -> str:
    """Asks the user to choose."""
    return f"Elicitation completed: {await _asked(ctx, 'Please choose', WITH_ENUMS)}"


async def test_reconnection(ctx: Said) -> str:
    """Ends its stream before it answers; the answer comes to who asks for the rest."""
    await ctx.close_sse_stream()
    await asyncio.sleep(0.2)
    return "Reconnection test completed successfully"


def json_schema_2020_12_tool() -> str:
    """Has a schema with references."""
    return "ok"


# Resources


def static_text() -> str:
    """A text."""
    return "This is the content of the static text resource."


def static_binary() -> bytes:
    """An image."""
    return base64.b64decode(PNG)


def watched() -> str:
    """What can be subscribed to."""
    return "Watched resource content."


def template(id: str) -> str:  # noqa: A002 - the suite's template calls it so
    """What its address says."""
    return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


# Prompts


def test_simple_prompt() -> str:
    """No arguments."""
    return "This is a simple prompt for testing."


def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
    """Two arguments."""
    return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"


def test_prompt_with_embedded_resource(resourceUri: str) -> list[Message]:  # noqa: N803 - the suite's name
    """A resource, and a text about it."""
    resource = _resource(resourceUri, "text/plain", "Embedded resource content for testing.")
    return [UserMessage(resource), UserMessage("Please process the embedded resource above.")]


def test_prompt_with_image() -> list[Message]:
    """An image, and a text about it."""
    return [UserMessage(_image()), UserMessage("Please analyze the image above.")]


TOOLS: tuple[Any, ...] = (
    *(test_simple_text, test_image_content, test_audio_content, test_embedded_resource),
    *(test_multiple_content_types, test_tool_with_logging, test_tool_with_progress, test_error_handling),
    *(test_sampling, test_elicitation, test_elicitation_sep1034_defaults, test_elicitation_sep1330_enums),
    test_reconnection,
)
RESOURCES: tuple[tuple[Any, str, str], ...] = (
    (static_text, "test://static-text", "text/plain"),
    (static_binary, "test://static-binary", "image/png"),
    (watched, "test://watched-resource", "text/plain"),
    (template, "test://template/{id}/data", "application/json"),
)
PROMPTS: tuple[Any, ...] = (
    *(test_simple_prompt, test_prompt_with_arguments),
    *(test_prompt_with_embedded_resource, test_prompt_with_image),
)


def _image() -> ImageContent:
    return ImageContent(type="image", data=PNG, mime_type="image/png")


def _resource(uri: str, mime_type: str, text: str) -> EmbeddedResource:
    contents = TextResourceContents(uri=uri, mime_type=mime_type, text=text)
    return EmbeddedResource(type="resource", resource=contents)


async def _asked(ctx: Said, message: str, schema: dict[str, Any]) -> str:
    answer = await ctx.session.elicit_form(message, schema, related_request_id=ctx.request_id)
    return f"action={answer.action}, content={json.dumps(answer.content)}"


def _add_schema_tool(server: MCPServer[None]) -> None:
    tool = Tool.from_function(json_schema_2020_12_tool, description="Tool with JSON Schema 2020-12 features")
    made = tool.model_copy(update={"parameters": SCHEMA_2020_12})
    server._tool_manager._tools[made.name] = made


def _add_handlers(server: MCPServer[None]) -> None:
    """Levels and subscriptions, of which the high-level server knows nothing."""

    async def taken(_: ServerRequestContext[Any, Any], __: Any) -> EmptyResult:
        return EmptyResult()

    low = server._lowlevel_server
    low.add_request_handler("logging/setLevel", SetLevelRequestParams, taken)
    low.add_request_handler("resources/subscribe", SubscribeRequestParams, taken)
    low.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, taken)
