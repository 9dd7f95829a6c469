"""The bytes of a stream: events as they came, edited ones, and those that the gateway makes itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from penstock.denial import Denial
from penstock.dialects import rawjson, sse
from penstock.dialects.openai import errors
from penstock.dialects.openai.chat import ChatResponse
from penstock.dialects.openai.stream_assembly import ENVELOPE, Template
from penstock.dialects.openai.stream_calls import deltas
from penstock.dialects.openai.stream_chunk import GROWING, Chunk, TextPart, choices, numbered
from penstock.dialects.retexting import with_texts
from penstock.dialects.splicing import Drop, Put, Splice, splice
from penstock.dialects.stream_event import as_object
from penstock.errors import PenstockError
from penstock.streams import Channel

OBJECT: Final = "chat.completion.chunk"
_BLANK: Final[Mapping[str, Any]] = {"id": "", "object": "", "created": 0, "model": ""}
# A chunk that holds nothing else says nothing: it need not be sent.
_IDLE: Final = frozenset({*ENVELOPE, "choices", "provider", "obfuscation"})
_CALLS: Final = ("tool_calls", "function_call")


class ChunkWriter:
    """Writes the chunks of one stream. It is given every chunk of it, to know what to say in its own.

    What it makes itself says of the whole what the last chunk of the same choice said.
    """

    __slots__ = ("_begun", "_envelopes", "_foretold", "_is_open", "_last")

    def __init__(self) -> None:
        self._envelopes: dict[int, dict[str, Any]] = {}
        self._last: dict[str, Any] = {"object": OBJECT}
        self._begun: set[int] = set()  # choices of which something was sent
        self._foretold: set[int] = set()  # those whose role the writer said before the upstream's did
        self._is_open = False  # whether the last event lacks the blank line that ends it

    def note(self, chunk: Chunk) -> None:
        """Learn what to say of the whole, when text of the chunk is to leave before the chunk does."""
        envelope = {name: chunk.tree[name] for name in ENVELOPE if name in chunk.tree}
        if chunk.choices or envelope.get("id"):
            self._last = envelope
        for _position, choice in chunk.choices:
            self._envelopes[choice["index"]] = envelope

    def passed(self, chunk: Chunk) -> bytes:
        """The chunk as it is: the bytes that came, unless it was edited as a whole."""
        self.note(chunk)
        return self._passed(chunk)

    def again(self, chunk: Chunk, event: bytes) -> bytes:
        """`event`, which says of the whole what `chunk` does, and something of the same choice."""
        self.note(chunk)
        self._begun.update(choice["index"] for _position, choice in chunk.choices)
        return self._sent(event)

    def raw(self, event: sse.Event) -> bytes:
        """An event that is no chunk, as it came: a comment, `[DONE]`."""
        return self._sent(event.raw, is_open=not event.is_complete)

    def edited(self, chunk: Chunk, texts: Mapping[TextPart, str], without: Sequence[Splice] = ()) -> bytes:
        """The chunk with other texts at `texts`; `b""` when it says nothing any more.

        `without`: what takes out all that is held. Raises ValueError for a text that JSON cannot say.
        """
        self.note(chunk)
        splices = [*without, *(Put(part.at, new) for part, new in texts.items() if new != part.text)]
        splices += self._roles_said(chunk.tree)
        if not splices:
            return self._passed(chunk)
        if self._is_left_empty(chunk, texts, len(splices)):
            return b""
        text = splice(chunk.text, splices)
        tree = rawjson.parse(text)
        if self._is_idle(tree):
            return b""
        self._begun |= {choice["index"] for choice in choices(tree)}
        return self._sent(chunk.event.with_data(sse.one_line(text)))

    def is_idle(self, chunk: Chunk, part: TextPart) -> bool:
        """Whether nothing would be left of `chunk` without the text of `part`."""
        tree = with_texts(chunk.tree, {part.at: ""})
        return tree is not None and self._is_idle(tree)

    def _is_left_empty(self, chunk: Chunk, texts: Mapping[TextPart, str], changes: int) -> bool:
        """Whether nothing is left of the chunk, seen without writing it: of most, all of the text waits.

        `changes`: how many there are in all; others than of texts are seen once they are written.
        """
        changed = {part.at: new for part, new in texts.items() if new != part.text}
        if len(changed) < changes or any(changed.values()):
            return False
        tree = with_texts(chunk.tree, changed)
        return tree is not None and self._is_idle(tree)

    def text(self, channel: Channel, text: str) -> bytes:
        """A chunk of the gateway's own: text of a growing channel that leaves later than it came."""
        if channel.choice is None or channel.name not in GROWING:
            raise ValueError("a text that stands whole in its chunk is edited there")
        members = {"text": text} if channel.name == "text" else {}
        return self._own(channel.choice, {} if members else _delta(channel, text), members)

    def calls(self, response: ChatResponse) -> bytes:
        """Every call of every choice of `response` (`Calls.take`), each whole in one delta."""
        return b"".join(
            self._own(choice["index"], delta)
            for choice in choices(response.tree)
            for delta in deltas(as_object(choice.get("message")))
        )

    def held(self, choice: int, members: Mapping[str, Any]) -> bytes:
        """Members of a choice that left later than they came (`stream_repeats`)."""
        beside = {name: value for name, value in members.items() if name != "delta"}
        return self._own(choice, as_object(members.get("delta")), beside)

    def error(self, refusal: Denial | PenstockError, request_id: str) -> bytes:
        """The end of a stream that failed or was stopped. No `[DONE]` follows."""
        return self._sent(error_event(refusal, request_id))

    def done(self) -> bytes:
        """The end of a stream that is whole."""
        return self._sent(sse.encode("[DONE]"))

    def _passed(self, chunk: Chunk) -> bytes:
        self._begun.update(choice["index"] for _position, choice in chunk.choices)
        return self._sent(chunk.framed(), is_open=chunk.is_as_it_came and not chunk.event.is_complete)

    def _sent(self, event: bytes, *, is_open: bool = False) -> bytes:
        before = b"\n\n" if self._is_open and event else b""
        self._is_open = is_open if event else self._is_open
        return before + event

    def _own(self, choice: int, delta: Mapping[str, Any], members: Mapping[str, Any] | None = None) -> bytes:
        role = {} if choice in self._begun else {"role": "assistant"}
        if role:
            self._begun.add(choice)
            self._foretold.add(choice)
        own = {"index": choice, "delta": {**role, **delta}, "finish_reason": None, **(members or {})}
        return self._sent(_framed({**self._envelopes.get(choice, self._last), "choices": [own]}))

    def _roles_said(self, tree: Mapping[str, Any]) -> list[Splice]:
        """What takes out a role that the writer has said already: clients string the two together."""
        splices: list[Splice] = []
        for position, choice in numbered(tree) if self._foretold else ():
            if as_object(choice.get("delta")).get("role") and choice["index"] in self._foretold:
                self._foretold.discard(choice["index"])
                splices.append(Drop(("choices", position, "delta", "role")))
        return splices

    def _is_idle(self, tree: Mapping[str, Any]) -> bool:
        if any(value for name, value in tree.items() if name not in _IDLE):
            return False
        listed = choices(tree)
        return bool(listed) and all(self._is_idle_choice(choice) for choice in listed)

    def _is_idle_choice(self, choice: Mapping[str, Any]) -> bool:
        said = {name for name, value in as_object(choice.get("delta")).items() if value}
        said |= {name for name, value in choice.items() if value and name not in {"index", "delta"}}
        return said <= ({"role"} if choice["index"] in self._begun else set())


def error_event(refusal: Denial | PenstockError, request_id: str) -> bytes:
    """What the OpenAI clients raise in the middle of a stream."""
    return sse.encode(sse.one_line(errors.render(refusal, request_id).body.decode()))


def as_stream(response: ChatResponse, template: Template) -> list[bytes]:
    """`response` as the events of a stream: for each choice its message, its calls, its end; then usage.

    Choices come in the order of their numbers, which the OpenAI client needs.
    """
    tree = response.tree
    rest = {name: value for name, value in tree.items() if name not in {"choices", "usage", *template.lead}}
    envelope: dict[str, Any] = {name: value for name, value in rest.items() if name in ENVELOPE}
    envelope["object"] = OBJECT
    own = {**envelope, **{name: value for name, value in rest.items() if name not in ENVELOPE}}
    events = list(_lead(tree, template, envelope))
    for choice in sorted(choices(tree), key=lambda each: int(each["index"])):
        for piece in _pieces(choice):
            events.append({**own, "choices": [piece]})
            own = envelope
    usage = {"usage": tree["usage"]} if tree.get("usage") else {}
    if template.usage == "apart" and usage:
        events.append({**envelope, "choices": [], **usage})
    elif template.usage == "last" and usage and events:
        events[-1] |= usage
    return [_framed(event) for event in events] + ([sse.encode("[DONE]")] if template.is_done else [])


def _lead(
    tree: Mapping[str, Any], template: Template, envelope: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    if members := {name: tree[name] for name in template.lead if name in tree}:
        yield {**(_BLANK if template.is_lead_blank else envelope), "choices": [], **members}


def _pieces(choice: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The choices of the chunks that say `choice`."""
    message = as_object(choice.get("message"))
    delta = {name: value for name, value in message.items() if name not in _CALLS}
    with_text = {name: choice[name] for name in ("text", "logprobs") if name in choice}
    own = {"index", "message", "finish_reason", *with_text}
    yield {"index": choice["index"], "delta": delta, **with_text, "finish_reason": None}
    for call in deltas(message):
        yield {"index": choice["index"], "delta": call, "finish_reason": None}
    rest = {name: value for name, value in choice.items() if name not in own}
    if choice.get("finish_reason") is not None or any(rest.values()):
        end = {"index": choice["index"], "delta": {}, "finish_reason": choice.get("finish_reason")}
        yield {**end, **rest}


def _delta(channel: Channel, text: str) -> dict[str, Any]:
    match channel.name:
        case "audio.transcript":
            return {"audio": {"transcript": text}}
        case "content.thinking":
            return {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}]}
        case "reasoning_details.text" | "reasoning_details.summary":
            name = channel.name.rpartition(".")[2]
            return {"reasoning_details": [{"type": f"reasoning.{name}", "index": channel.entry, name: text}]}
        case _:
            return {channel.name: text}


def without_calls(tree: Mapping[str, Any]) -> list[Splice]:
    """What takes the fragments of calls out of a chunk."""
    return [
        Drop(("choices", position, "delta", name))
        for position, choice in numbered(tree)
        for name in _CALLS
        if as_object(choice.get("delta")).get(name) is not None
    ]


def _framed(tree: Mapping[str, Any]) -> bytes:
    return sse.encode(sse.one_line(rawjson.dumps(tree)))
