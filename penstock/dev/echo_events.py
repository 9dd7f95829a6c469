"""The echo upstream's answers as the chunks of a stream: put together again, they are the unary answer.

Shapes: "The chat completion chunk object", OpenAI API reference; `reasoning_content` as DeepSeek has it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from penstock.dev.echo_answers import error, vendored
from penstock.dev.echo_directives import Asked

Json: TypeAlias = dict[str, Any]
ARGUMENT_CHARS = 8
# A text of a megabyte without a space comes in pieces too.
_WORD = re.compile(r"\s+|\S{1,1000}\s*")


def events(answer: Json, body: Mapping[str, Any], request: Asked) -> Iterator[Json]:
    """The chunks of `answer`, a completion without vendor keys, and what else a directive asks for."""
    options = body.get("stream_options")
    with_usage = isinstance(options, dict) and options.get("include_usage") is True
    made = (_chunk(answer, choice, with_usage=with_usage) for choice in _choices(answer, request))
    if "error" in request:
        yield from itertools.islice(made, int(request.number("error", 3)))
        yield error(500, "The echo upstream was told to fail in the middle.", "told_to")
        return
    usage = [_chunk(answer, None, with_usage=True)] if with_usage else []
    for chunk in itertools.chain(made, usage):
        yield vendored(chunk) if "vendor" in request else chunk


def _choices(answer: Json, request: Asked) -> Iterator[Json]:
    """What the choices say, in turn, as when they are made side by side."""
    for together in itertools.zip_longest(*(_choice(choice, request) for choice in answer["choices"])):
        yield from (said for said in together if said is not None)


def _choice(choice: Json, request: Asked) -> Iterator[Json]:
    message, index = choice["message"], choice["index"]
    first = {"role": "assistant", "content": message["content"] and "", "refusal": None}
    yield _said(index, first)
    for name in ("reasoning_content", "refusal"):
        for piece in pieces_of(message.get(name), request):
            yield _said(index, {name: piece})
    yield from _texts(choice, request)
    for number, call in enumerate(message.get("tool_calls") or ()):
        yield from (_said(index, {"tool_calls": [part]}) for part in _call(number, call, request))
    yield _said(index, {}, finish=choice["finish_reason"])


def _texts(choice: Json, request: Asked) -> Iterator[Json]:
    pieces: Iterable[str] = pieces_of(choice["message"]["content"], request)
    if "endless" in request:
        pieces = itertools.cycle(pieces)
    tokens = _Tokens(choice)
    for piece in pieces:
        yield _said(choice["index"], {"content": piece}, tokens.of(piece))


def _said(index: int, delta: Json, logprobs: Json | None = None, finish: str | None = None) -> Json:
    return {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}


def _call(number: int, call: Json, request: Asked) -> Iterator[Json]:
    """First its name, then its arguments."""
    yield {"index": number, **call, "function": {**call["function"], "arguments": ""}}
    for piece in _cut(call["function"]["arguments"], int(request.number("split", ARGUMENT_CHARS))):
        yield {"index": number, "function": {"arguments": piece}}


def pieces_of(text: str | None, request: Asked) -> list[str]:
    """Words, or as many characters as asked for."""
    if "split" in request:
        return _cut(text or "", int(request.number("split", 1)))
    return _WORD.findall(text or "")


def _cut(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), max(size, 1))]


class _Tokens:
    """A choice's logprobs: each token comes with the piece in which it begins."""

    def __init__(self, choice: Json) -> None:
        self._left: list[Json] = list((choice["logprobs"] or {}).get("content") or ())
        self._asked_for = choice["logprobs"] is not None
        text = choice["message"]["content"] or ""
        self._next_at = len(text) - len(text.lstrip())
        self._said = 0

    def of(self, piece: str) -> Json | None:
        self._said += len(piece)
        begun: list[Json] = []
        while self._left and self._next_at < self._said:
            begun.append(self._left.pop(0))
            self._next_at += len(begun[-1]["token"])
        return {"content": begun, "refusal": None} if self._asked_for else None


def _chunk(answer: Json, choice: Json | None, *, with_usage: bool) -> Json:
    shared = {name: answer[name] for name in ("id", "created", "model", "service_tier", "system_fingerprint")}
    usage = {"usage": None if choice else answer["usage"]} if with_usage else {}
    return {
        **shared,
        "object": "chat.completion.chunk",
        "choices": [choice] if choice else [],
        **usage,
    }
