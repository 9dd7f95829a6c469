"""One chunk of a streamed chat completion: its JSON as fields, and in parts for who reads the stream.

TextPart   a piece of a channel (a choice's content, its refusal, its reasoning, …), or a text that stands
           whole in one chunk (`is_whole`): a citation's title, an error's message
CallPart   a fragment of a tool call
LogprobsPart, FinishPart, UsagePart, ErrorPart
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from typing_extensions import override

from penstock.dialects.json_content import Change
from penstock.dialects.openai import stream_paths
from penstock.dialects.openai.chat import counted
from penstock.dialects.paths import Matcher, path_of
from penstock.dialects.removing import Removals
from penstock.dialects.splicing import Drop, Path, Put, Splice
from penstock.dialects.sse import Event, one_line
from penstock.dialects.stream_event import EventContent, as_object, parsed
from penstock.evidence.record import Usage
from penstock.streams import Channel

_TEXT_FIELDS: Final = ("response.text", "response.reasoning")
_OF_DELTA: Final = frozenset({"content", "refusal", "reasoning_content", "reasoning"})
_OF_DETAIL: Final = frozenset({"text", "summary"})

GROWING: Final = frozenset(
    {
        *_OF_DELTA,
        *(f"reasoning_details.{name}" for name in _OF_DETAIL),
        *("content.thinking", "audio.transcript", "text"),
    }
)
"""The names of channels that grow. Any other text stands whole in one chunk."""


@dataclass(frozen=True, slots=True)
class TextPart:
    """Text of `field` at `at`. Unless `is_whole` it goes on from the part before it in its channel."""

    channel: Channel
    field: str
    text: str
    at: Path
    is_whole: bool = False

    @property
    def choice(self) -> int | None:
        return self.channel.choice


@dataclass(frozen=True, slots=True)
class CallPart:
    """A fragment of a call. `index` is None where the upstream numbers none, and for the older one."""

    choice: int
    index: int | None
    fragment: Mapping[str, Any]
    is_legacy: bool = False
    """Of the older `function_call`, of which a choice has one."""


@dataclass(frozen=True, slots=True)
class LogprobsPart:
    """Log probabilities, which say a choice's text again: `content` and `refusal`, a list or null each."""

    choice: int
    logprobs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FinishPart:
    """A choice has ended."""

    choice: int
    reason: str


@dataclass(frozen=True, slots=True)
class UsagePart:
    """Tokens so far; the last one of a stream counts."""

    usage: Usage


@dataclass(frozen=True, slots=True)
class ErrorPart:
    """The upstream failed in mid-stream. What it says is in text parts of the same chunk."""


Part = TextPart | CallPart | LogprobsPart | FinishPart | UsagePart | ErrorPart


class Chunk(EventContent):
    """A chunk."""

    __slots__ = ("_numbered", "_parts")

    def __init__(self, text: str, tree: dict[str, Any], body: bytes | None = None) -> None:
        super().__init__(text, tree, body)
        self._parts: tuple[Part, ...] | None = None
        self._numbered: list[tuple[int, dict[str, Any]]] | None = None

    @classmethod
    def decode(cls, event: Event, text: str | None = None) -> Chunk:
        """`text`: the event's data, where it is not what came.

        Raises UpstreamError: `malformed`, or `cut` when the stream ended inside of the event.
        """
        text = text if text is not None else event.data or ""
        chunk = cls(text, parsed(event, text))
        chunk.event = event
        return chunk

    @property
    def choices(self) -> list[tuple[int, dict[str, Any]]]:
        """Where each choice stands, and the choice with its number as `index`."""
        if self._numbered is None:
            self._numbered = numbered(self.tree)
        return self._numbered

    @property
    def parts(self) -> tuple[Part, ...]:
        """Texts, then calls, log probabilities, ends, usage, an error: each in the order of the chunk."""
        if self._parts is None:
            texts = [part for field in _TEXT_FIELDS for part in self._text_parts(field)]
            rest = [part for _position, choice in self.choices for part in _choice_parts(choice)]
            ordered = [part for kind in _ORDER for part in rest if type(part) is kind]
            self._parts = (*texts, *ordered, *self._whole_parts())
        return self._parts

    @override
    def framed(self) -> bytes:
        """The bytes that came, when nothing was edited, though the last of them lack a blank line."""
        return self.event.raw if self.is_as_it_came else self.event.with_data(one_line(self.text))

    def muted(self, positions: Iterable[int]) -> list[Splice]:
        """What takes out all that repeats the text of the choices at `positions`: it is not what came."""
        splices: list[Splice] = []
        for position in dict.fromkeys(positions):
            choice, at = self.tree["choices"][position], ("choices", position)
            if choice.get("logprobs") is not None:
                splices.append(Put((*at, "logprobs"), None))
            delta = as_object(choice.get("delta"))
            if delta.get("parsed") is not None:
                splices.append(Drop((*at, "delta", "parsed")))
            if as_object(delta.get("audio")).get("data"):
                splices.append(Put((*at, "delta", "audio", "data"), ""))
        if splices and self.tree.get("prompt_logprobs") is not None:
            splices.append(Put(("prompt_logprobs",), None))
        return splices

    @property
    @override
    def surface(self) -> str:
        return stream_paths.CHUNK

    @override
    def matcher(self) -> Matcher:
        return stream_paths.chunk_matcher()

    @override
    def removals(self) -> Removals:
        return stream_paths.chunk_removals()

    @override
    def consequences(self, changes: Sequence[Change]) -> list[Splice]:
        return self.muted(_positions(change.at for change in changes))

    @override
    def field_removal(self, field: str, places: list[Path]) -> list[Splice]:
        planned = self.removals().plan(self.tree, places)
        known = {splice.path for splice in planned}
        return planned + [s for s in self.muted(_positions(places)) if s.path not in known]

    def _text_parts(self, field: str) -> Iterator[TextPart]:
        found = self._found(field)
        for text, here in zip(found.values, found.places, strict=True):
            at = path_of(here)
            channel, is_whole = _channel(self.tree, at)
            yield TextPart(channel, field, text, at, is_whole)

    def _whole_parts(self) -> Iterator[Part]:
        if as_object(self.tree.get("usage")):
            yield UsagePart(counted(self.tree["usage"]))
        if is_error(self.tree):
            yield ErrorPart()


_ORDER: Final = (CallPart, LogprobsPart, FinishPart)


def choices(tree: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The chunk's choices, each with its number as `index`; those without one count from where they stand."""
    return [choice for _position, choice in numbered(tree)]


def numbered(tree: Mapping[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """The same, each with where it stands."""
    listed = tree.get("choices")
    return [
        (position, {**choice, "index": choice_number(choice, position)})
        for position, choice in enumerate(listed if type(listed) is list else ())
        if type(choice) is dict
    ]


def choice_number(choice: Any, position: int) -> int:
    index = as_object(choice).get("index")
    return index if type(index) is int and index >= 0 else position


def is_error(tree: Mapping[str, Any]) -> bool:
    """Whether the upstream says that it failed: as OpenAI does, or as vLLM before 0.7."""
    return bool(tree.get("error")) or tree.get("object") == "error"


def call_parts(choice: Mapping[str, Any]) -> Iterator[CallPart]:
    """The fragments of calls in a numbered choice."""
    delta = as_object(choice.get("delta"))
    fragments = delta.get("tool_calls")
    for fragment in fragments if type(fragments) is list else ():
        if type(fragment) is dict:
            index = fragment.get("index")
            yield CallPart(choice["index"], index if type(index) is int else None, fragment)
    if type(delta.get("function_call")) is dict:
        yield CallPart(choice["index"], None, delta["function_call"], is_legacy=True)


def _choice_parts(choice: Mapping[str, Any]) -> Iterator[Part]:
    yield from call_parts(choice)
    if as_object(choice.get("logprobs")):
        yield LogprobsPart(choice["index"], choice["logprobs"])
    if type(reason := choice.get("finish_reason")) is str and reason:
        yield FinishPart(choice["index"], reason)


def _channel(tree: Mapping[str, Any], at: Path) -> tuple[Channel, bool]:
    """The channel of the text at `at`, and whether it is no growing text."""
    if at[0] != "choices" or not isinstance(at[1], int):
        return Channel(None, str(at[0])), True
    choice, below = tree["choices"][at[1]], at[2:]
    number = choice_number(choice, at[1])
    name = growing(below)
    if name is None:
        return Channel(number, str(below[1] if len(below) > 1 else below[0])), True
    return Channel(number, name, _entry(choice, below)), False


def growing(below: Path) -> str | None:
    """Which growing text of its choice is at `below`; None when it is none."""
    match below:
        case ("text",):
            return "text"
        case ("delta", str(name)) if name in _OF_DELTA:
            return name
        case ("delta", "audio", "transcript"):
            return "audio.transcript"
        case ("delta", "content", int(), "text"):
            return "content"
        case ("delta", "content", int(), "thinking", int(), "text"):
            return "content.thinking"
        case ("delta", "reasoning_details", int(), str(name)) if name in _OF_DETAIL:
            return f"reasoning_details.{name}"
    return None


def _entry(choice: Mapping[str, Any], below: Path) -> int:
    if below[1:2] != ("reasoning_details",) or not isinstance(below[2], int):
        return 0
    return detail_number(choice["delta"]["reasoning_details"][below[2]], below[2])


def detail_number(detail: Mapping[str, Any], position: int) -> int:
    """Which of a choice's reasoning details a fragment goes on with."""
    index = detail.get("index")
    return index if type(index) is int else position


def _positions(places: Iterable[Path]) -> Iterator[int]:
    return (at[1] for at in places if at[0] == "choices" and isinstance(at[1], int))
