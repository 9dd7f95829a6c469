"""One short answer in the stream of every dialect, in parts: for what they have in common."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from penstock.dialects import Dialect
from penstock.dialects.anthropic.dialect import Anthropic
from penstock.dialects.openai.dialect import OpenAI
from penstock.dialects.openai_responses.dialect import OpenAIResponses
from penstock.dialects.sse import encode
from penstock.dialects.stream_event import written


@dataclass(frozen=True, slots=True)
class Spoken:
    """`start` says nothing yet; `says(json_text)` is a delta; `ends` comes before the terminator, `end`."""

    name: str
    dialect: Dialect
    start: bytes
    says: Callable[[str], bytes]
    ends: Callable[[str], bytes]
    end: Callable[[str], bytes]

    def whole(self, *texts: str) -> bytes:
        """The stream of an answer in deltas, to its terminator. Texts are what stands between quotes."""
        return self.before(*texts) + self.end("".join(texts))

    def before(self, *texts: str) -> bytes:
        """All of it but the terminator."""
        return self.start + b"".join(map(self.says, texts)) + self.ends("".join(texts))


def _chunk(delta: str, reason: str = "null") -> bytes:
    choice = f'{{"index":0,"delta":{delta},"finish_reason":{reason}}}'
    return encode(f'{{"id":"c","object":"chat.completion.chunk","choices":[{choice}]}}')


def _event(kind: str, members: str) -> bytes:
    return encode(f'{{"type":"{kind}",{members}}}', kind)


def _messages() -> Spoken:
    start = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "usage": {}}
    end: dict[str, Any] = {"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}}
    block = {"index": 0, "content_block": {"type": "text", "text": ""}}
    return Spoken(
        "messages",
        Anthropic(),
        written({"type": "message_start", "message": start})
        + written({"type": "content_block_start", **block}),
        lambda text: _event(
            "content_block_delta", f'"index":0,"delta":{{"type":"text_delta","text":"{text}"}}'
        ),
        lambda _: (
            written({"type": "content_block_stop", "index": 0}) + written({"type": "message_delta", **end})
        ),
        lambda _: written({"type": "message_stop"}),
    )


_OF_ITEM = '"item_id":"msg_1","output_index":0,"content_index":0'
_USAGE = {"input_tokens": 1, "output_tokens": 3, "total_tokens": 4}


def _response(status: str, output: str = "[]") -> str:
    usage = json.dumps(_USAGE)
    head = f'"id":"resp_1","object":"response","status":"{status}","usage":{usage}'
    return f'"sequence_number":0,"response":{{{head},"output":{output}}}'


def _part(text: str) -> str:
    return f'{{"type":"output_text","text":"{text}","annotations":[],"logprobs":[]}}'


def _item(content: str) -> str:
    return f'{{"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[{content}]}}'


def _responses() -> Spoken:
    return Spoken(
        "responses",
        OpenAIResponses(),
        _event("response.created", _response("in_progress"))
        + _event("response.output_item.added", f'"sequence_number":1,"output_index":0,"item":{_item("")}')
        + _event("response.content_part.added", f'"sequence_number":2,{_OF_ITEM},"part":{_part("")}'),
        lambda text: _event(
            "response.output_text.delta", f'"sequence_number":3,{_OF_ITEM},"delta":"{text}","logprobs":[]'
        ),
        lambda text: (
            _event(
                "response.output_text.done", f'"sequence_number":4,{_OF_ITEM},"text":"{text}","logprobs":[]'
            )
            + _event("response.content_part.done", f'"sequence_number":5,{_OF_ITEM},"part":{_part(text)}')
            + _event(
                "response.output_item.done",
                f'"sequence_number":6,"output_index":0,"item":{_item(_part(text))}',
            )
        ),
        lambda text: _event("response.completed", _response("completed", f"[{_item(_part(text))}]")),
    )


SPOKEN = (
    Spoken(
        "chat",
        OpenAI(),
        _chunk('{"role":"assistant","content":""}'),
        lambda text: _chunk(f'{{"content":"{text}"}}'),
        lambda _: _chunk("{}", '"stop"') + encode(f'{{"id":"c","choices":[],"usage":{json.dumps(_USAGE)}}}'),
        lambda _: encode("[DONE]"),
    ),
    _messages(),
    _responses(),
)

EVERY_STREAM = pytest.mark.parametrize("spoken", SPOKEN, ids=lambda spoken: str(spoken.name))
