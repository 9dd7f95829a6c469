"""The bodies that the echo upstream answers with: the OpenAI API's shapes, the same for the same request."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from penstock.dev.echo_directives import Asked, texts

CREATED_S = 1_700_000_000  # a constant: an answer must not depend on the clock
MODELS = ("echo", "echo-large")
# More than 64 bits, and more than a double holds: they must come through as they are.
BIG_INTEGER = 123456789012345678901234567890
_CALL = re.compile(r"^call:([A-Za-z0-9_-]{1,64})\s+(\{.*\})\s*$", re.MULTILINE)


def completion(body: Mapping[str, Any], request: Asked, raw: bytes) -> dict[str, Any]:
    """A chat completion for `body`, whose bytes were `raw`."""
    answer = plain_completion(body, request, raw)
    return vendored(answer) if "vendor" in request else answer


def plain_completion(body: Mapping[str, Any], request: Asked, raw: bytes) -> dict[str, Any]:
    """The same without a vendor's keys."""
    digest = hashlib.sha256(raw).hexdigest()
    count = body.get("n")
    choices = [
        _choice(body, request, index, digest) for index in range(count if isinstance(count, int) else 1)
    ]
    return {
        "id": f"chatcmpl-{digest[:24]}",
        "object": "chat.completion",
        "created": CREATED_S,
        "model": body.get("model"),
        "choices": choices,
        "usage": _usage(body, choices),
        "service_tier": "default",
        "system_fingerprint": "fp_echo",
    }


def models() -> dict[str, Any]:
    listed = [
        {"id": name, "object": "model", "created": CREATED_S, "owned_by": "penstock"} for name in MODELS
    ]
    return {"object": "list", "data": listed}


def error(status: int, message: str, code: str | None = None) -> dict[str, Any]:
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _choice(body: Mapping[str, Any], request: Asked, index: int, digest: str) -> dict[str, Any]:
    message = _message(body, request, index, digest)
    finish = "tool_calls" if message.get("tool_calls") else "stop"
    logprobs = _logprobs(message["content"]) if body.get("logprobs") is True else None
    return {
        "index": index,
        "message": message,
        "logprobs": logprobs,
        "finish_reason": request.value("finish", finish),
    }


def _message(body: Mapping[str, Any], request: Asked, index: int, digest: str) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None, "annotations": []}
    calls = _tool_calls(body, request, index, digest)
    if "refusal" in request:
        message["refusal"] = request.value("refusal", "I cannot help with that.")
    elif calls:
        message["tool_calls"] = calls
    else:
        message["content"] = _text(body, request, index)
    if "reasoning" in request:
        message["reasoning_content"] = request.value("reasoning", "First I read the message.")
    return message


def _text(body: Mapping[str, Any], request: Asked, index: int) -> str:
    said = request.value("text", f"You said: {request.user_text}") + (f" ({index + 1})" if index else "")
    wanted = body.get("response_format")
    match wanted.get("type") if isinstance(wanted, dict) else None:
        case "json_object":
            return json.dumps({"you_said": said}, ensure_ascii=False)
        case "json_schema":
            schema = (wanted or {}).get("json_schema")
            return json.dumps(_instance(schema.get("schema") if isinstance(schema, dict) else {}, said))
        case _:
            return said


def _instance(schema: Any, text: str) -> Any:
    """Some value that a plain schema admits: all properties, one item per array, `text` for every string."""
    if not isinstance(schema, dict):
        return text
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return schema["enum"][0]
    if schema.get("type") == "object":
        return {name: _instance(part, text) for name, part in schema.get("properties", {}).items()}
    if schema.get("type") == "array":
        return [_instance(schema.get("items"), text)]
    return {"integer": 1, "number": 1, "boolean": True, "null": None}.get(schema.get("type", ""), text)


def _tool_calls(body: Mapping[str, Any], request: Asked, index: int, digest: str) -> list[dict[str, Any]]:
    """The calls that lines of the message ask for (`call:<name> {json}`), or the one that is forced."""
    if not body.get("tools"):
        return []
    wanted = _CALL.findall(request.user_text)
    if not wanted and (forced := _forced_tool(body)):
        wanted = [(forced, json.dumps({"you_said": request.user_text}))]
    return [
        {
            "id": f"call_{digest[:16]}{index}{number}",
            "type": "function",
            "function": {"name": name, "arguments": arguments},
        }
        for number, (name, arguments) in enumerate(wanted)
    ]


def _forced_tool(body: Mapping[str, Any]) -> str | None:
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and isinstance(choice.get("function"), dict):
        return str(choice["function"].get("name"))
    if choice == "required":
        return str(body["tools"][0]["function"]["name"])
    return None


def _logprobs(text: str | None) -> dict[str, Any]:
    tokens = re.findall(r"\S+\s*", text or "")
    content = [
        {"token": token, "logprob": -0.25, "bytes": list(token.encode()), "top_logprobs": []}
        for token in tokens
    ]
    return {"content": content, "refusal": None}


def _usage(body: Mapping[str, Any], choices: list[dict[str, Any]]) -> dict[str, Any]:
    """Words for tokens."""
    messages = [message for message in body.get("messages") or [] if isinstance(message, dict)]
    read = sum(len(text.split()) for message in messages for text in texts(message.get("content")))
    written = sum(len((choice["message"]["content"] or "").split()) for choice in choices)
    thought = sum(len(choice["message"].get("reasoning_content", "").split()) for choice in choices)
    return {
        "prompt_tokens": read,
        "completion_tokens": written + thought,
        "total_tokens": read + written + thought,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": thought, "audio_tokens": 0},
    }


def vendored(value: Any) -> Any:
    """The value with members that no API documents, in each of its objects."""
    if isinstance(value, list):
        return [vendored(item) for item in value]
    if not isinstance(value, dict):
        return value
    inside = {name: vendored(item) for name, item in value.items()}
    return {**inside, "x_vendor": {"big": BIG_INTEGER, "exact": 1.10, "flags": [True, None]}}
