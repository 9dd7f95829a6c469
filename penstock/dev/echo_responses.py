"""The echo upstream at `/v1/responses` and `/v1/embeddings`: what it says in a chat, in their shapes.

A request for a response is read as the chat that it is, answered as one, and the answer said again as
output items; streamed, its events add up to the unary answer. A vector is made of its text's digest.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from penstock.dev.echo_answers import error, plain_completion
from penstock.dev.echo_directives import Asked
from penstock.dev.echo_events import Json, pieces_of

DIMENSIONS = 8
_TEXT: Json = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}


def as_chat(body: Mapping[str, Any]) -> Json:
    """The chat request that says the same, as far as the echo upstream reads one."""
    given = body.get("input")
    listed = given if isinstance(given, list) else [{"role": "user", "content": given}]
    items = [item for item in listed if isinstance(item, dict)]
    said = [{"role": item.get("role"), "content": item.get("content")} for item in items if item.get("role")]
    system = [{"role": "system", "content": body["instructions"]}] if body.get("instructions") else []
    tools = [{"function": {"name": tool["name"]}} for tool in body.get("tools") or () if tool.get("name")]
    choice = body.get("tool_choice")
    named = {"function": choice} if isinstance(choice, dict) else choice
    wanted = _format(body.get("text"))
    more = {"metadata": body.get("metadata"), "tools": tools, "tool_choice": named, "response_format": wanted}
    return {"model": body.get("model"), "messages": [*system, *said], **more}


def response(body: Mapping[str, Any], request: Asked, raw: bytes) -> Json:
    """The answer to `body`, whose bytes were `raw`."""
    completion = plain_completion(as_chat(body), request, raw)
    [choice] = completion["choices"]
    counted = completion["usage"]
    details = counted["completion_tokens_details"]
    repeated = {name: body.get(name) for name in ("instructions", "previous_response_id", "text", "user")}
    return {
        "id": completion["id"].replace("chatcmpl-", "resp_"),
        "object": "response",
        "created_at": completion["created"],
        "status": "completed",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": body.get("model"),
        "output": list(_items(choice["message"], completion["id"].removeprefix("chatcmpl-"))),
        "parallel_tool_calls": True,
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools") or [],
        "metadata": body.get("metadata") or {},
        **repeated,
        "usage": {
            "input_tokens": counted["prompt_tokens"],
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": counted["completion_tokens"],
            "output_tokens_details": {"reasoning_tokens": details["reasoning_tokens"]},
            "total_tokens": counted["total_tokens"],
        },
    }


def response_events(body: Mapping[str, Any], request: Asked, raw: bytes) -> Iterator[Json]:
    """The same as a stream."""
    whole = response(body, request, raw)
    made = ({"sequence_number": number, **event} for number, event in enumerate(_events(whole, request)))
    if "error" not in request:
        yield from made
        return
    yield from itertools.islice(made, int(request.number("error", 3)))
    told = error(500, "The echo upstream was told to fail in the middle.", "told_to")["error"]
    yield {"type": "error", "code": told["code"], "message": told["message"], "param": None}


def embeddings(body: Mapping[str, Any], request: Asked, raw: bytes) -> Json:
    """A vector for each input, the same for the same input. No directive changes one."""
    del request, raw
    given = body.get("input")
    is_one = not isinstance(given, list) or all(isinstance(each, int) for each in given)
    inputs: list[Any] = [given] if is_one else list(given or ())
    data = [
        {"object": "embedding", "index": index, "embedding": _vector(each)}
        for index, each in enumerate(inputs)
    ]
    words = sum(len(each.split()) if isinstance(each, str) else len(each) for each in inputs)
    usage = {"prompt_tokens": words, "total_tokens": words}
    return {"object": "list", "data": data, "model": body.get("model"), "usage": usage}


def _format(text: Any) -> Json | None:
    wanted = text.get("format") if isinstance(text, dict) else None
    return {**wanted, "json_schema": wanted} if isinstance(wanted, dict) else None


def _vector(given: Any) -> list[float]:
    digest = hashlib.sha256(repr(given).encode()).digest()
    return [byte / 256 for byte in digest[:DIMENSIONS]]


def _items(message: Mapping[str, Any], digest: str) -> Iterator[Json]:
    thought = message.get("reasoning_content")
    if thought:
        summary = [{"type": "summary_text", "text": thought}]
        yield {"id": f"rs_{digest}", "type": "reasoning", "summary": summary}
    said: Json | None = None
    if message.get("refusal"):
        said = {"type": "refusal", "refusal": message["refusal"]}
    elif message["content"] is not None:
        said = {**_TEXT, "text": message["content"]}
    if said:
        head = {"id": f"msg_{digest}", "type": "message", "role": "assistant", "status": "completed"}
        yield {**head, "content": [said]}
    for call in message.get("tool_calls") or ():
        about = {"id": call["id"].replace("call_", "fc_"), "type": "function_call", "status": "completed"}
        yield {**about, "call_id": call["id"], **call["function"]}


def _events(whole: Json, request: Asked) -> Iterator[Json]:
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for index, item in enumerate(whole["output"]):
        about = {"item_id": item["id"], "output_index": index}
        grows = {"content": [], "summary": [], "arguments": ""}
        empty = {name: value for name, value in grows.items() if name in item}
        yield {"type": "response.output_item.added", "output_index": index, "item": {**item, **empty}}
        for number, part in enumerate(item.get("content") or ()):
            yield from _part("content_part", part, {**about, "content_index": number}, request)
        for number, part in enumerate(item.get("summary") or ()):
            yield from _part("reasoning_summary_part", part, {**about, "summary_index": number}, request)
        if "arguments" in item:
            yield from _text("function_call_arguments", "arguments", item["arguments"], about, request)
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
    yield {"type": "response.completed", "response": whole}


_STEMS = {"output_text": "output_text", "refusal": "refusal", "summary_text": "reasoning_summary_text"}


def _part(stem: str, part: Json, about: Json, request: Asked) -> Iterator[Json]:
    name = "refusal" if part["type"] == "refusal" else "text"
    yield {"type": f"response.{stem}.added", **about, "part": {**part, name: ""}}
    yield from _text(_STEMS[part["type"]], name, part[name], about, request)
    yield {"type": f"response.{stem}.done", **about, "part": part}


def _text(stem: str, name: str, text: str, about: Json, request: Asked) -> Iterator[Json]:
    more: Json = {"logprobs": []} if stem == "output_text" else {}
    said = pieces_of(text, request)
    for piece in itertools.cycle(said) if "endless" in request else said:
        yield {"type": f"response.{stem}.delta", **about, "delta": piece, **more}
    yield {"type": f"response.{stem}.done", **about, name: text, **more}
