"""A message while it grows under a guard: each of its texts goes by the guard, and leaves as it gives it.

content_part.added             with what it says at once in a delta of its own
output_text.delta, refusal.*   piece by piece; logprobs stay with a delta that leaves as it came
annotation.added               whole, held until its part has ended: where an edit moved it is not known in
                               a stream, so that one with positions does not leave when the text was edited
*.done, output_item.done       regenerated from what has left
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from penstock.dialects.openai_responses.stream_event import StreamEvent, as_list, index_of
from penstock.dialects.openai_responses.stream_items import TEXTS
from penstock.dialects.stream_event import as_object
from penstock.errors import UpstreamError
from penstock.streams import Channel, Guard

FIELD: Final = "response.text"
STEMS: Final[Mapping[str, str]] = {
    TEXTS[stem].kind: stem for stem in ("response.output_text", "response.refusal")
}
_POSITIONS: Final = frozenset({"start_index", "end_index"})


@dataclass(slots=True)
class Part:
    """One text of the message. `number`: its place in `content`."""

    stem: str
    number: int
    channel: Channel
    came: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    annotations: list[StreamEvent] = field(default_factory=list)
    kept: list[Any] = field(default_factory=list)
    """The annotations that have left."""
    has_ended: bool = False

    @property
    def name(self) -> str:
        """What the text is called in its part."""
        return TEXTS[self.stem].name

    @property
    def text(self) -> str:
        return "".join(self.left)

    @property
    def is_edited(self) -> bool:
        """Once it has ended: whether anything of it left otherwise than it came."""
        return self.text != "".join(self.came)


class GuardedMessage:
    """Takes a message's events one by one; gives those that leave, neither numbered nor indexed."""

    def __init__(self, guard: Guard, sent_index: int) -> None:
        self._guard = guard
        self._sent_index = sent_index
        self._identity: Any = None
        self._parts: dict[int, Part] = {}
        self._others: dict[int, Any] = {}
        self.left: dict[str, Any] = {}
        """The item as it left; empty until it has ended."""

    @property
    def channels(self) -> dict[Channel, Part]:
        """The texts that grow."""
        return {part.channel: part for part in self._parts.values()}

    def take(self, came: StreamEvent) -> Iterator[StreamEvent]:
        """What leaves now that `came` has come. Raises UpstreamError `malformed`."""
        stem, _, what = came.kind.rpartition(".")
        if came.kind == "response.output_item.added":
            self._identity = as_object(came.tree.get("item")).get("id")
            yield from self._seen(came)
        elif came.kind == "response.output_item.done":
            yield from self._end(came)
        elif stem == "response.content_part":
            yield from self._begin_part(came) if what == "added" else self._end_part(came)
        elif stem in STEMS.values():
            part = self._part(came, stem)
            yield from self._say(part, came) if what == "delta" else self._end_text(part, came)
        elif came.kind == "response.output_text.annotation.added":
            part = self._part(came, "response.output_text")
            part.annotations += [each for each in self._seen(came) if as_object(each.tree.get("annotation"))]
        elif stem in TEXTS:
            raise _malformed("adds to a message what belongs to no message")
        else:
            yield from self._seen(came)

    def own(self, part: Part, text: str) -> Iterator[StreamEvent]:
        """A delta of the gateway's own: text that leaves later than it came."""
        if text:
            part.left.append(text)
            more: dict[str, Any] = {"logprobs": []} if part.stem == "response.output_text" else {}
            where = {"item_id": self._identity, "output_index": 0, "content_index": part.number}
            numbered = {"type": f"{part.stem}.delta", "sequence_number": 0, **where}
            yield StreamEvent.of({**numbered, "delta": text, **more})

    def rest(self) -> Iterator[StreamEvent]:
        """What of its texts has not left: nothing more of them comes."""
        for part in self._parts.values():
            yield from self._ended(part)

    def _seen(self, came: StreamEvent) -> Iterator[StreamEvent]:
        """An event as it leaves, seen as a whole; none after a denial."""
        event = self._guard.whole(came)
        if self._guard.denial is None:
            yield event

    def _begin_part(self, came: StreamEvent) -> Iterator[StreamEvent]:
        number, part = index_of(came.tree, "content_index"), as_object(came.tree.get("part"))
        stem = STEMS.get(str(part.get("type")))
        if number in self._parts or number in self._others:
            raise _malformed("begins a part twice")
        if stem is None:
            self._others[number] = part
            yield from self._seen(came)
            return
        channel = Channel(self._sent_index, stem, number)
        grows = self._parts[number] = Part(stem, number, channel)
        begun = part.get(grows.name)
        yield from self._seen(came.having(_blank(("part",), part, grows.name)))
        if type(begun) is str and begun:
            grows.came.append(begun)
            yield from self.own(grows, self._guard.text(channel, FIELD, begun))

    def _say(self, part: Part, came: StreamEvent) -> Iterator[StreamEvent]:
        event = self._guard.admit(came)
        text = event.tree.get("delta")
        if self._guard.denial is not None:
            return
        if type(text) is not str or part.has_ended:
            raise _malformed("adds what is no text to a text, or goes on with one that has ended")
        left = self._guard.text(part.channel, FIELD, text) if text else ""
        part.came.append(text)
        part.left.append(left)
        if left != text:
            event = event.having(_blank((), event.tree, "delta") | {("delta",): left})
        if left or event is came:
            yield event

    def _end_text(self, part: Part, came: StreamEvent) -> Iterator[StreamEvent]:
        yield from self._ended(part, came.tree.get(part.name))
        for event in self._seen(came.having(_blank((), came.tree, part.name))):
            yield event.having({(part.name,): part.text, **self._logprobs((), part, came.tree)})

    def _end_part(self, came: StreamEvent) -> Iterator[StreamEvent]:
        number = index_of(came.tree, "content_index")
        part, said = self._parts.get(number), as_object(came.tree.get("part"))
        if part is None:
            for event in self._seen(came):
                self._others[number] = event.tree.get("part")
                yield event
            return
        yield from self._ended(part, said.get(part.name))
        for event in self._seen(came.having(_blank(("part",), said, part.name))):
            if type(event.tree.get("part")) is dict:
                yield event.having(self._filled(("part",), part, said))

    def _end(self, came: StreamEvent) -> Iterator[StreamEvent]:
        """The item is whole: its texts are those that left."""
        content = as_list(as_object(came.tree.get("item")).get("content"))
        for number, part in self._parts.items():
            yield from self._ended(part, _at(content, number).get(part.name))
        yield from self._late(content)
        blank = [self._blanked(number, part) for number, part in enumerate(content)]
        for event in self._seen(came.having({("item", "content"): blank})):
            seen = as_list(as_object(event.tree.get("item")).get("content"))
            whole = event.having({("item", "content"): self._content(content, seen)})
            self.left = whole.tree["item"]
            yield whole

    def _late(self, content: list[Any]) -> Iterator[StreamEvent]:
        """Parts of which nothing was said before: as if they had been."""
        for number in range(len(content)):
            if number not in self._parts and number not in self._others:
                where = {"item_id": self._identity, "output_index": 0, "content_index": number}
                for what in ("added", "done"):
                    made = {"type": f"response.content_part.{what}", "sequence_number": 0, **where}
                    yield from self.take(StreamEvent.of({**made, "part": content[number]}))

    def _blanked(self, number: int, said: Any) -> Any:
        """A part of the whole item without what has gone by the guard already."""
        part = self._parts.get(number)
        if part is None or type(said) is not dict:
            return {}
        return {**said, **{at[0]: value for at, value in _blank((), said, part.name).items()}}

    def _content(self, content: list[Any], seen: list[Any]) -> list[Any]:
        """The parts as they left. `content`: as the last event says them; `seen`: blank, and guarded."""
        parts: list[Any] = []
        for number in sorted({**self._parts, **self._others}):
            part = self._parts.get(number)
            if part is None:
                parts.append(self._others[number])
                continue
            said = _at(content, number)
            known = _at(seen, number) if len(seen) == len(content) else {}
            filled = {at[0]: value for at, value in self._filled((), part, said).items()}
            parts.append({"type": TEXTS[part.stem].kind, **known, **filled})
        return parts

    def _filled(self, at: tuple[str, ...], part: Part, said: Mapping[str, Any]) -> dict[Any, Any]:
        cited = {(*at, "annotations"): part.kept} if "annotations" in said or part.kept else {}
        return {(*at, part.name): part.text, **cited, **self._logprobs(at, part, said)}

    def _logprobs(self, at: tuple[str, ...], part: Part, said: Mapping[str, Any]) -> dict[Any, Any]:
        if "logprobs" not in said:
            return {}
        is_same = not part.is_edited and said.get(part.name) == part.text
        return {(*at, "logprobs"): said["logprobs"] if is_same else []}

    def _ended(self, part: Part, final: Any = None) -> Iterator[StreamEvent]:
        """The rest of the text, and what it cites. `final`: the whole of it, as the upstream says it."""
        if part.has_ended:
            return
        came = "".join(part.came)
        if type(final) is str and len(final) > len(came) and final.startswith(came):
            part.came.append(final[len(came) :])
            yield from self.own(part, self._guard.text(part.channel, FIELD, final[len(came) :]))
        yield from self.own(part, self._guard.end(part.channel))
        part.has_ended = True
        for event in part.annotations:
            if not part.is_edited or not _POSITIONS & event.tree["annotation"].keys():
                part.kept.append(event.tree["annotation"])
                yield event

    def _part(self, came: StreamEvent, stem: str) -> Part:
        part = self._parts.get(index_of(came.tree, "content_index"))
        if part is None or part.stem != stem:
            raise _malformed("goes on with a part that has not begun")
        return part


def _at(content: list[Any], number: int) -> dict[str, Any]:
    return as_object(content[number]) if number < len(content) else {}


def _blank(at: tuple[str, ...], said: Mapping[str, Any], name: str) -> dict[Any, Any]:
    """What takes a text out of what says it again, with all that repeats it or points into it."""
    blank: dict[Any, Any] = {(*at, name): ""} if name in said else {}
    return blank | {(*at, each): [] for each in ("annotations", "logprobs") if said.get(each)}


def _malformed(what: str) -> UpstreamError:
    return UpstreamError(f"The upstream's stream {what}.", outcome="malformed")
