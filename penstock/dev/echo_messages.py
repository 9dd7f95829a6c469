"""The echo upstream at `/v1/messages` and its `count_tokens`: what it says in a chat, in Anthropic's shapes.

A request is read as the chat that it is, answered as one, and the answer said again as content blocks;
streamed, its events add up to the unary answer.

Shapes: "Create a Message" and "Streaming Messages", Claude API reference.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from penstock.dev.echo_answers import plain_completion
from penstock.dev.echo_directives import Asked, texts
from penstock.dev.echo_events import ARGUMENT_CHARS, Json, pieces_of

_STOPS = {"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens"}
_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def as_chat(body: Mapping[str, Any]) -> Json:
    """The chat request that says the same, as far as the echo upstream reads one."""
    given = body.get("messages") or ()
    said = [{"role": each.get("role"), "content": _content(each.get("content"))} for each in given]
    system = [{"role": "system", "content": body["system"]}] if body.get("system") else []
    tools = [{"function": {"name": tool["name"]}} for tool in body.get("tools") or () if tool.get("name")]
    more = {"metadata": body.get("metadata"), "tools": tools, "tool_choice": _choice(body.get("tool_choice"))}
    return {"model": body.get("model"), "messages": [*system, *said], **more}


def message(body: Mapping[str, Any], request: Asked, raw: bytes) -> Json:
    """The answer to `body`, whose bytes were `raw`."""
    blocks = [_whole(block) for block in _blocks(body, request, raw)]
    return {**_head(body, request, raw), "content": blocks}


def message_events(body: Mapping[str, Any], request: Asked, raw: bytes) -> Iterator[Json]:
    """The same as a stream."""
    made = _events(_head(body, request, raw), _blocks(body, request, raw), request)
    if "error" not in request:
        yield from made
        return
    yield from itertools.islice(made, int(request.number("error", 3)))
    yield error(500, "The echo upstream was told to fail in the middle.")


def count(body: Mapping[str, Any], request: Asked, raw: bytes) -> Json:
    """Words for tokens, as `usage` of the answer would have them."""
    completion = plain_completion(as_chat(body), request, raw)
    return {"input_tokens": completion["usage"]["prompt_tokens"]}


def error(status: int, text: str, code: str | None = None) -> Json:
    """An error as Anthropic's API has it, which knows no codes."""
    del code
    return {"type": "error", "error": {"type": _ERRORS.get(status, "api_error"), "message": text}}


def _content(given: Any) -> Any:
    """A message's content with what tools have said as texts of its own."""
    if not isinstance(given, list):
        return given
    results = [part for part in given if isinstance(part, dict) and part.get("type") == "tool_result"]
    said = [{"text": text} for part in results for text in texts(part.get("content"))]
    return [*said, *given]


def _choice(given: Any) -> Any:
    match given:
        case {"type": "tool", "name": str(name)}:
            return {"function": {"name": name}}
        case {"type": "any"}:
            return "required"
        case _:
            return None


def _head(body: Mapping[str, Any], request: Asked, raw: bytes) -> Json:
    """The message without its content."""
    completion = plain_completion(as_chat(body), request, raw)
    [choice] = completion["choices"]
    stop = "refusal" if choice["message"]["refusal"] else choice["finish_reason"]
    counted = completion["usage"]
    return {
        "id": completion["id"].replace("chatcmpl-", "msg_"),
        "type": "message",
        "role": "assistant",
        "model": body.get("model"),
        "content": [],
        "stop_reason": _STOPS.get(stop, stop),
        "stop_sequence": None,
        "usage": {
            "input_tokens": counted["prompt_tokens"],
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": counted["completion_tokens"],
        },
    }


def _blocks(body: Mapping[str, Any], request: Asked, raw: bytes) -> Iterator[Json]:
    """The content; a tool's input as the text that it is streamed as."""
    completion = plain_completion(as_chat(body), request, raw)
    said = completion["choices"][0]["message"]
    if thought := said.get("reasoning_content"):
        yield {"type": "thinking", "thinking": thought, "signature": f"sealed-{completion['id'][-16:]}"}
    if text := said["refusal"] or said["content"]:
        yield {"type": "text", "text": text}
    for call in said.get("tool_calls") or ():
        about = {"type": "tool_use", "id": call["id"].replace("call_", "toolu_")}
        yield {**about, "name": call["function"]["name"], "input": call["function"]["arguments"]}


def _whole(block: Json) -> Json:
    return {**block, "input": json.loads(block["input"])} if block["type"] == "tool_use" else block


def _events(head: Json, blocks: Iterable[Json], request: Asked) -> Iterator[Json]:
    begun = {**head, "stop_reason": None, "usage": {**head["usage"], "output_tokens": 1}}
    yield {"type": "message_start", "message": begun}
    for index, block in enumerate(blocks):
        empty, deltas = _grown(block, request)
        yield {"type": "content_block_start", "index": index, "content_block": empty}
        if index == 0:
            yield {"type": "ping"}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    stopped = {name: head[name] for name in ("stop_reason", "stop_sequence")}
    yield {"type": "message_delta", "delta": stopped, "usage": head["usage"]}
    yield {"type": "message_stop"}


def _grown(block: Json, request: Asked) -> tuple[Json, Iterator[Json]]:
    """A block as it begins, and what it grows by."""
    if block["type"] == "tool_use":
        return {**block, "input": {}}, _input(block["input"], request)
    # Both kinds of block are named as what grows in them is.
    name = block["type"]
    pieces: Iterable[str] = pieces_of(block[name], request)
    if "endless" in request and name == "text":
        pieces = itertools.cycle(pieces)
    grows = ({"type": f"{name}_delta", name: piece} for piece in pieces)
    if "signature" not in block:
        return {**block, name: ""}, grows
    sealed = {"type": "signature_delta", "signature": block["signature"]}
    return {**block, name: "", "signature": ""}, itertools.chain(grows, [sealed])


def _input(text: str, request: Asked) -> Iterator[Json]:
    size = max(int(request.number("split", ARGUMENT_CHARS)), 1)
    for start in range(0, len(text), size):
        yield {"type": "input_json_delta", "partial_json": text[start : start + size]}
