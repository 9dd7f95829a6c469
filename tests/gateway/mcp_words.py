"""Every place of MCP in which a client or a server can say something, for the tests of guards."""

from __future__ import annotations

import json
from typing import Any, Final

from tests.dialects.mcp import bodies
from tests.gateway.mcp_world import answered, batch, event, streamed
from tests.upstream.streams import FakeStream

OURS: Final = "io.modelcontextprotocol/"
# What the gateway makes anew, guarded or not: no word of the server's gets into it.
MADE_ANEW: Final = {"an event's comment", "an event's name", "an event's id", "a member that stands twice"}


def initialize(**more: Any) -> bytes:
    client = {"name": "a client", "version": "1"}
    params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client, **more}
    return bodies.request("initialize", **params)


def calling(**params: Any) -> bytes:
    """A call of a tool, with more than its arguments."""
    return bodies.raw(
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": "search", "arguments": {}, **params},
        }
    )


def answer(**members: Any) -> bytes:
    """What a client answers to a server's request."""
    return bodies.result("e1", **members)


def sent(value: str) -> dict[str, bytes]:
    """What a client can say, with `value` in it, by where it stands."""
    return {
        "an argument": bodies.call(a={"b": [{"c": f"it is {value}"}]}),
        "a prompt's argument": bodies.request("prompts/get", name="p", arguments={"a": value}),
        "a URI": bodies.request("resources/read", uri=f"notes://{value}"),
        "a subscription": bodies.request("resources/subscribe", uri=f"notes://{value}"),
        "what is completed": bodies.request(
            "completion/complete",
            ref={"type": "ref/prompt", "name": "p"},
            argument={"name": "a", "value": value},
        ),
        "a cursor": bodies.request("tools/list", cursor=value),
        "metadata": calling(_meta={"note": value}),
        "metadata with a prefix": calling(_meta={"acme/note": [value]}),
        "the client's name in metadata": calling(
            _meta={f"{OURS}clientInfo": {"name": value, "version": "1"}}
        ),
        "a progress token": calling(_meta={"progressToken": value}),
        "a parameter that no version has": calling(extra=value),
        "a capability": initialize(capabilities={"experimental": {"x": {"y": value}}}),
        "the client's name": initialize(clientInfo={"name": value, "version": "1"}),
        "the version": initialize(protocolVersion=value),
        "a level": bodies.request("logging/setLevel", level=value),
        "a reason": bodies.notification("notifications/cancelled", requestId=1, reason=value),
        "a progress message": bodies.notification(
            "notifications/progress", progressToken=1, progress=1, message=value
        ),
        "a form that is filled in": answer(action="accept", content={"a": value}),
        "an action": answer(action=value, content={}),
        "a completion": answer(role="assistant", model="m", content={"type": "text", "text": value}),
        "a role": answer(role=value, model="m", content={"type": "text", "text": "hi"}),
        "a reason to stop": answer(role="user", stopReason=value, content={"type": "text", "text": "hi"}),
        "a root": answer(roots=[{"uri": f"file:///{value}", "name": value}]),
        "an error": bodies.raw(
            {"jsonrpc": "2.0", "id": "e1", "error": {"code": 1, "message": value, "data": {"a": [value]}}}
        ),
        "an element of a batch": batch(
            bodies.notification("notifications/initialized"), bodies.call(q=value)
        ),
    }


def result(**members: Any) -> FakeStream:
    return answered(bodies.result(**members))


def events(*messages: bytes) -> FakeStream:
    return streamed(*map(event, messages), event(bodies.text_result("done")))


def failed(**error: Any) -> FakeStream:
    return answered(bodies.raw({"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "no", **error}}))


def asking(method: str, **params: Any) -> FakeStream:
    return events(bodies.request(method, "e1", **params))


def said(value: str) -> dict[str, FakeStream]:
    """What a server can say, with `value` in it, by where it stands."""
    return _results(value) | _messages(value) | _framed(value)


def _results(value: str) -> dict[str, FakeStream]:
    """In what answers a request."""
    text = {"type": "text", "text": value}
    tool = {"name": "search", "description": value, "inputSchema": {"type": "object", "title": value}}
    return {
        "a text": result(content=[text]),
        "structured content and its twin": result(
            content=[{"type": "text", "text": json.dumps({"a": value})}], structuredContent={"a": [value]}
        ),
        "a link": result(
            content=[{"type": "resource_link", "uri": f"x://{value}", "name": value, "description": value}]
        ),
        "a media type": result(
            content=[{"type": "resource_link", "uri": "x://a", "name": "a", "mimeType": value}]
        ),
        "a kind": result(content=[{"type": value, "text": "hi"}]),
        "a resource": result(
            content=[
                {"type": "resource", "resource": {"uri": "x://a", "text": value, "mimeType": "text/plain"}}
            ]
        ),
        "annotations": result(content=[{"type": "text", "text": "hi", "annotations": {"audience": [value]}}]),
        "a kind of result": result(content=[], resultType=value),
        "metadata": result(content=[], _meta={"note": value}),
        "metadata with a prefix": result(content=[], _meta={"acme/note": {"a": value}}),
        "the server's name in metadata": result(content=[], _meta={f"{OURS}serverInfo": {"name": value}}),
        "a capability": result(capabilities={"x": value}, serverInfo={"name": "s", "version": "1"}),
        "the server's name": result(capabilities={}, serverInfo={"name": value, "version": value}),
        "instructions": result(capabilities={}, instructions=value),
        "a tool": result(tools=[tool]),
        "a tool's name": result(tools=[{"name": value, "inputSchema": {"type": "object"}}]),
        "a tool's schema": result(tools=[{"name": "search", "inputSchema": {"type": value}}]),
        "an icon": result(
            tools=[{**tool, "description": "", "icons": [{"src": f"data:text/plain,{value}"}]}]
        ),
        "a prompt": result(messages=[{"role": "user", "content": text}]),
        "a role": result(messages=[{"role": value, "content": {"type": "text", "text": "hi"}}]),
        "a cursor": result(tools=[], nextCursor=value),
    }


def _messages(value: str) -> dict[str, FakeStream]:
    """In errors, and in what a server sends before its answer."""
    text = {"type": "text", "text": value}
    field = {"type": "string", "title": value, "enum": [value], "default": value}
    return {
        "an error's message": failed(message=value),
        "an error's data": failed(data={"a": [value]}),
        "a member of an error that no version has": failed(other=value),
        "a progress message": events(
            bodies.notification("notifications/progress", progressToken=1, progress=1, message=value)
        ),
        "a log": events(
            bodies.notification("notifications/message", level="info", logger=value, data={"a": value})
        ),
        "a log's level": events(bodies.notification("notifications/message", level=value, data="hi")),
        "a method": events(bodies.notification(f"x/{value.replace('@', '/')}", a=value)),
        "a form": asking(
            "elicitation/create",
            message="hi",
            requestedSchema={"type": "object", "properties": {"a": field}},
        ),
        "a URL to visit": asking("elicitation/create", mode="url", message="hi", url=f"https://a/{value}"),
        "a request for a completion": asking(
            "sampling/createMessage", messages=[{"role": "user", "content": text}], systemPrompt=value
        ),
        "a tool's result in such a request": asking(
            "sampling/createMessage",
            messages=[
                {
                    "role": "user",
                    "content": [{"type": "tool_result", "toolUseId": "t", "content": [text]}],
                }
            ],
        ),
        "a task": result(task={"taskId": "t", "status": value, "statusMessage": value}),
    }


def _framed(value: str) -> dict[str, FakeStream]:
    """Beside messages, or in what they are put into."""
    whole = bodies.text_result(value)
    at = whole.index(b'"content"')
    return {
        "an event's comment": streamed(f": {value}\n\n".encode(), event(bodies.text_result("done"))),
        "an event's name": streamed(
            f"event: {value}\ndata: {{}}\n\n".encode(), event(bodies.text_result("a"))
        ),
        "an event's id": streamed(
            event(bodies.notification("notifications/progress", progressToken=1, progress=1), value),
            event(bodies.text_result("done")),
        ),
        "an event of two lines": streamed(b"data: " + whole[:at] + b"\ndata: " + whole[at:] + b"\n\n"),
        "a list of messages": answered(
            batch(bodies.notification("notifications/message", level="info", data=value), whole)
        ),
        "a member that stands twice": answered(
            whole.replace(b'"result"', b'"result": {"content": []}, "result"')
        ),
    }
