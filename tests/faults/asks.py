"""What callers ask in the fault runs, and what their upstream answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from tests.faults.caller import TERMINATOR, Ask, Door
from tests.faults.provider import Script
from tests.faults.seam import PAUSE

# In a run without pauses ten seconds never pass; with them, this is what the gateway takes for ten.
SILENCE_S: Final = 0.3
_HEAD: Final = {"id": "chatcmpl-1", "created": 1, "model": "model"}
_USAGE: Final = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
# As long as what the guards' windows gather: each delta is looked at when it has come, whatever the time.
_WORDS: Final = "word " * 20


def _event(choices: list[dict[str, Any]], **more: Any) -> bytes:
    value = {**_HEAD, "object": "chat.completion.chunk", "choices": choices, **more}
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _delta(delta: dict[str, Any], reason: str | None = None) -> bytes:
    return _event([{"index": 0, "delta": delta, "finish_reason": reason}])


def events(*, is_forbidden: bool = False) -> tuple[bytes, ...]:
    """An answer in events: two deltas long, of which a guard edits the first and may stop at the second."""
    last = f"FORBIDDEN {_WORDS}" if is_forbidden else _WORDS
    return (
        _delta({"role": "assistant", "content": ""}),
        _delta({"content": f"{_WORDS}SECRET {_WORDS}"}),
        _delta({"content": last}),
        _delta({}, "stop"),
        _event([], usage=_USAGE),
        TERMINATOR,
    )


_MESSAGE: Final = {"role": "assistant", "content": "fine"}
_ANSWER: Final = {
    **_HEAD,
    "object": "chat.completion",
    "choices": [{"index": 0, "message": _MESSAGE, "finish_reason": "stop"}],
    "usage": _USAGE,
}
UNARY: Final = Ask(Script(json.dumps(_ANSWER).encode()))
# No answer of these leaves before its sink has the evidence.
WAITED: Final = replace(UNARY, model="waited")
WAITED_ONCE: Final = replace(UNARY, model="waited-once")


def stream(model: str = "model", *, is_forbidden: bool = False, pauses: bool = False) -> Ask:
    """`pauses`: nothing comes for longer than the gateway is silent, after the first delta."""
    told = events(is_forbidden=is_forbidden)
    if pauses:
        told = (*told[:2], PAUSE, *told[2:])
    return Ask(Script(events=told), model, is_stream=True, silence_s=SILENCE_S if pauses else None)


STREAM: Final = stream()


@dataclass(frozen=True, slots=True)
class Case:
    """One way in which a stream may go that needs no seam."""

    name: str
    ask: Ask


_PROMPT: Final = [{"role": "user", "content": "well?"}]
MESSAGES: Final = Door(
    "/v1/messages",
    {"messages": _PROMPT, "max_tokens": 9},
    b"event: message_stop\n",
    ("error", "details", "error_code"),
)
RESPONSES: Final = Door(
    "/v1/responses", {"input": "well?"}, b"event: response.completed\n", ("error", "code")
)


def _told(*trees: dict[str, Any]) -> tuple[bytes, ...]:
    named = ((tree["type"].encode(), json.dumps(tree).encode()) for tree in trees)
    return tuple(b"event: %b\ndata: %b\n\n" % pair for pair in named)


def _message() -> tuple[bytes, ...]:
    counts = {"input_tokens": 1, "output_tokens": 1}
    begun = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "usage": counts}
    deltas = ({"type": "text_delta", "text": text} for text in (f"{_WORDS}SECRET {_WORDS}", _WORDS))
    return _told(
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": counts},
        {"type": "message_stop"},
    )


def _response() -> tuple[bytes, ...]:
    """As a server words it that leaves out what ends a part."""
    texts = (f"{_WORDS}SECRET {_WORDS}", _WORDS)
    item: dict[str, Any] = {"id": "msg_1", "type": "message", "role": "assistant", "content": []}
    part = {"type": "output_text", "text": "", "annotations": []}
    whole = {**item, "content": [{**part, "text": "".join(texts)}]}
    response = {"id": "resp_1", "object": "response", "status": "in_progress", "output": []}
    counts = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    of_item, of_part = {"output_index": 0}, {"output_index": 0, "item_id": "msg_1", "content_index": 0}
    trees: tuple[dict[str, Any], ...] = (
        {"type": "response.created", "response": response},
        {"type": "response.output_item.added", **of_item, "item": item},
        {"type": "response.content_part.added", **of_part, "part": part},
        *({"type": "response.output_text.delta", **of_part, "delta": text} for text in texts),
        {"type": "response.output_item.done", **of_item, "item": whole},
        {
            "type": "response.completed",
            "response": {**response, "status": "completed", "output": [whole], "usage": counts},
        },
    )
    return _told(*({**tree, "sequence_number": number} for number, tree in enumerate(trees)))


_ANSWERS: Final = {MESSAGES: _message(), RESPONSES: _response()}


def streamed_at(door: Door, model: str) -> Ask:
    """The same through another dialect's door."""
    return Ask(Script(events=_ANSWERS[door]), model, is_stream=True, door=door)


_MODELS: Final = {"model": "nobody guards it", "guarded": "a guard's windows", "held": "held whole"}
_PATIENT: Final = {
    "patient": "nobody guards it",
    "patient-guarded": "a guard's windows",
    "patient-held": "held whole",
}


def _cuts() -> Iterator[Case]:
    """The upstream's connection breaks after each of its events; or it does not end after the last."""
    told = events()
    for model, words in _MODELS.items():
        for count in range(len(told) + 1):
            script = Script(events=told[:count], end="cut")
            name = f"{words}, broken off after {count} of {len(told)} events"
            yield Case(name, Ask(script, model, is_stream=True))
        yield Case(
            f"{words}, silent after its terminator",
            Ask(Script(events=told, end="hang"), model, is_stream=True),
        )


def _ends() -> Iterator[Case]:
    """Around the terminator of the other dialects: what the connection does after it makes no difference."""
    for words, door in (("a message", MESSAGES), ("a response", RESPONSES)):
        told = _ANSWERS[door]
        for model, how in _MODELS.items():
            scripts = {
                "broken off before its terminator": Script(events=told[:-1], end="cut"),
                "broken off after its terminator": Script(events=told, end="cut"),
                "silent after its terminator": Script(events=told, end="hang"),
            }
            for what, script in scripts.items():
                yield Case(f"{words}, {how}, {what}", Ask(script, model, is_stream=True, door=door))


def _gone() -> Iterator[Case]:
    """The caller goes when it has seen all that came so far: before anything, and after each event."""
    told = events()
    for model, words in _PATIENT.items():
        for count in range(3 if model == "patient-held" else 4):
            # What it gets are keep-alives when all is held, or only the role has come.
            is_held = model == "patient-held" or (model == "patient-guarded" and count == 1)
            script = Script(events=told[: 2 if model == "patient-held" else count], end="hang")
            what = "keep-alive" if is_held else "event"
            name = f"{words}, gone {f'after {what} {count}' if count else 'before anything came'}"
            # Else the gateway is told that it has gone, or waits for longer than the upstream has patience.
            silence_s = SILENCE_S if is_held or not count else None
            yield Case(name, Ask(script, model, is_stream=True, leaves_after=count, silence_s=silence_s))


def _held() -> Iterator[Case]:
    yield Case("stopped before anything was sent", stream("held", is_forbidden=True))
    yield Case("stopped after a keep-alive", stream("held", is_forbidden=True, pauses=True))
    yield Case("let go before anything was sent", stream("held"))
    yield Case("answered without a stream", Ask(UNARY.script, "held", is_stream=True))


CUTS: Final = tuple(_cuts())
ENDS: Final = tuple(_ends())
GONE: Final = tuple(_gone())
HELD_CASES: Final = tuple(_held())
