"""A stream under a guard: every text goes by it, and leaves as it gives it.

    growing text      inside of its chunk; what the guard lets go later, in a chunk of the gateway's own
    whole text        as a citation's title: edited in its chunk
    calls             held until their choice has ended
    what repeats      held until then (`stream_repeats`)
    an end            after all that its choice says
    all else          in its chunk, which passes unless the guard drops parts of it; comments and ids do not

When every choice has ended, or with `[DONE]`, chunks are kept for the ending; their texts go before them.
Some upstreams end a choice with each of its deltas: then what was kept leaves, and nothing has ended.
"""

from __future__ import annotations

from collections.abc import Iterable

from typing_extensions import override

from penstock.denial import Denial
from penstock.dialects.openai.stream import Chunk, ChunkReader, Done
from penstock.dialects.openai.stream_calls import Calls
from penstock.dialects.openai.stream_channels import Channels
from penstock.dialects.openai.stream_chunk import CallPart, ErrorPart, FinishPart, TextPart, is_error
from penstock.dialects.openai.stream_losses import is_ambiguous
from penstock.dialects.openai.stream_progress import Progress, is_usage_alone, usage_of
from penstock.dialects.openai.stream_repeats import Repeats, is_held
from penstock.dialects.openai.stream_sizes import size_chars
from penstock.dialects.openai.stream_writer import ChunkWriter, without_calls
from penstock.dialects.splicing import Put, Splice
from penstock.dialects.sse import MAX_EVENT_BYTES, Event
from penstock.dialects.stream_event import as_object
from penstock.dialects.stream_guarded import Guarded
from penstock.dialects.stream_shapes import Said, Shape, Shapes
from penstock.errors import PenstockError, UpstreamError
from penstock.streams import Channel, Guard

Texts = dict[TextPart, str]


class GuardedStream(Guarded[Progress]):
    """Holds calls, repeats and the ending up to `max_held_bytes` each.

    The answer has `max_chars` at most, as a unary one: the guard keeps its texts until its record is made.
    """

    def __init__(
        self,
        guard: Guard,
        *,
        hide_usage: bool = False,
        max_held_bytes: int = MAX_EVENT_BYTES,
        max_chars: int = MAX_EVENT_BYTES,
    ) -> None:
        super().__init__(guard, Progress(), max_held_bytes, max_held_bytes)
        self._hide_usage = hide_usage
        self._reader, self._writer = ChunkReader(), ChunkWriter()
        self._channels = Channels()
        self._shapes: Shapes[Chunk] = Shapes()
        self._calls, self._calls_chars = Calls(), 0
        self._repeats = Repeats(max_held_bytes)
        self._chars, self._max_chars = 0, max_chars
        self._said_whole: set[tuple[str | int, ...]] = set()
        self._settled: set[int] = set()  # choices of which nothing is held any more
        self._edited: set[int | None] = set()  # those of which something whole is not what came

    @override
    def error(self, refusal: Denial | PenstockError, request_id: str) -> bytes:
        return self._writer.error(refusal, request_id)

    @override
    def _say_due(self) -> None:
        for channel, text in self._guard.due():
            self._say(channel, text)

    @override
    def _settle_all(self) -> None:
        self._reader.close()
        self._settle(self._progress.choices)

    @override
    def _take(self, event: Event) -> None:
        if self._took_known(event):
            return
        frame = self._reader.read(event)
        if isinstance(frame, Chunk):
            self._take_chunk(frame)
        elif isinstance(frame, Done):
            self._progress.is_done = True
            self._settle(self._progress.choices)
            self._keep(self._writer.done())

    def _take_chunk(self, came: Chunk) -> None:
        self._require_one_reading(came)
        speaking = self._progress.read(came.tree)
        if self._hide_usage and is_usage_alone(came.tree):
            return
        if speaking & self._settled:
            message = "The upstream's stream goes on with a choice that has ended."
            raise UpstreamError(message, outcome="malformed")
        if speaking or is_error(came.tree) or not self._progress.has_ended:
            self._settle(self._progress.ended - speaking if self._kept else ())
            self._send_kept()
        chunk = self._admitted(came)
        if self._guard.denial is None and self._took_parts(chunk) and chunk is came:
            self._learn(came)

    def _took_known(self, event: Event) -> bool:
        """Take a chunk that differs from an earlier one in its text alone; False: it is to be looked at."""
        for shape in self._shapes:
            said = shape.said(event)
            if said is not None:
                return self._goes_on_with(shape.channel) and self._took(shape, event, said)
        return False

    def _goes_on_with(self, channel: Channel) -> bool:
        """Whether more of `channel` changes nothing of how far the stream has come."""
        return not self._kept and not self._reader.waits and self._channels.is_open(channel)

    def _took(self, shape: Shape[Chunk], event: Event, said: Said) -> bool:
        if self._guard.admit(shape.content) is not shape.content:
            return self._guard.denial is not None
        self._count(len(said.text))
        left = self._guard.text(shape.channel, shape.field, said.text)
        if left:
            framed = event.raw if left == said.text else shape.framed(left, said.after)
            self._leave(self._writer.again(shape.content, framed))
        return True

    def _learn(self, chunk: Chunk) -> None:
        """Remember the shape of a chunk that has one growing text of one choice, and nothing else."""
        if len(chunk.parts) != 1 or len(chunk.choices) != 1 or usage_of(chunk.tree) is not None:
            return
        [part], [(_position, choice)] = chunk.parts, chunk.choices
        if not isinstance(part, TextPart) or part.is_whole or not part.text:
            return
        if not as_object(choice.get("delta")).get("role") and self._writer.is_idle(chunk, part):
            channel, _ended = self._channels.of(part)
            self._shapes.learn(chunk, part.at, channel, part.field)

    def _require_one_reading(self, came: Chunk) -> None:
        if is_ambiguous(came.tree):
            message = "The upstream's stream has a text or a choice's number that clients read differently."
            raise UpstreamError(message, outcome="malformed")

    def _admitted(self, came: Chunk) -> Chunk:
        chunk = self._guard.admit(came)
        if chunk is not came and came.present - chunk.present:
            for choice in self._progress.choices:  # what is left out of it would say it again
                self._repeats.drop(choice)
        return chunk

    def _took_parts(self, chunk: Chunk) -> bool:
        """Let go, hold or keep what a chunk says; whether nothing of it is held or kept."""
        ending = {part.choice for part in chunk.parts if isinstance(part, FinishPart)}
        has_failed = is_error(chunk.tree)
        self._count(sum(len(part.text) for part in chunk.parts if isinstance(part, TextPart)))
        texts = self._whole_texts(chunk) | self._growing_texts(chunk, apart=has_failed or bool(ending))
        without = [*self._held(chunk), *self._repeats.take(chunk, texts), *self._prompt_repeats(chunk)]
        if has_failed:
            self._settle(self._progress.choices)
        elif not self._progress.has_ended:
            self._settle(ending)
        inside = {part: text for part, text in texts.items() if not is_held(part)}
        said = self._writer.edited(chunk, inside, without)
        if self._progress.has_ended and not has_failed:
            self._keep(said)
        elif said:
            self._leave(said, is_silent=_is_silent(chunk, inside))
        return not (without or self._kept or self._guard.denial)

    def _count(self, chars: int) -> None:
        self._chars += chars
        if self._chars > self._max_chars:
            message = f"The upstream's answer is larger than {self._max_chars} characters."
            raise UpstreamError(message, outcome="too_large")

    def _whole_texts(self, chunk: Chunk) -> Texts:
        whole = (part for part in chunk.parts if isinstance(part, TextPart) and part.is_whole)
        texts = {part: self._whole_text(part) for part in whole}
        self._edited |= {part.choice for part, new in texts.items() if new != part.text}
        return texts

    def _whole_text(self, part: TextPart) -> str:
        """A text that stands whole in its chunk, as it leaves. Clients would string two of them together."""
        at = (part.choice or 0, *part.at[2:])
        if part.text and part.at[2:3] == ("delta",) and not any(type(step) is int for step in at[1:]):
            if at in self._said_whole:
                message = "The upstream's stream says in pieces what it says as a whole elsewhere."
                raise UpstreamError(message, outcome="malformed")
            self._said_whole.add(at)
        return self._guard.whole_text(part.field, part.text)

    def _growing_texts(self, chunk: Chunk, *, apart: bool) -> Texts:
        """What of each growing text stays inside of the chunk.

        `apart`: nothing does, it goes before; so too when a text ends in this chunk, whose rest goes before.
        """
        inside: Texts = {}
        leaving: list[tuple[Channel, str]] = []
        for part in _growing(chunk):
            channel, ended = self._channels.of(part)
            if ended is not None:
                apart = True
                leaving.append((ended, self._guard.end(ended)))
            inside[part] = self._guard.text(channel, part.field, part.text)
            leaving.append((channel, inside[part]))
        if not apart:
            return inside
        self._writer.note(chunk)
        for channel, text in leaving:
            self._say(channel, text)
        return dict.fromkeys(inside, "")

    def _held(self, chunk: Chunk) -> list[Splice]:
        """Hold the chunk's fragments of calls: what takes them out."""
        fragments = [part for part in chunk.parts if isinstance(part, CallPart)]
        for part in fragments:
            self._calls.add(part)
            self._calls_chars += size_chars(part.fragment)
        if self._calls_chars > self._max_held_bytes:
            raise self._too_large("calls")
        return without_calls(chunk.tree) if fragments else []

    def _prompt_repeats(self, chunk: Chunk) -> list[Splice]:
        if chunk.tree.get("prompt_logprobs") is None:
            return []
        is_edited = any(map(self._is_edited, self._progress.choices))
        return [Put(("prompt_logprobs",), None)] if is_edited else []

    def _is_edited(self, choice: int) -> bool:
        return choice in self._edited or self._guard.is_edited(choice)

    def _settle(self, choices: Iterable[int]) -> None:
        """All that is held of these choices leaves: they have ended."""
        for choice in sorted(set(choices) - self._settled):
            self._settled.add(choice)
            for channel in self._channels.take(choice):
                self._say(channel, self._guard.end(channel))
            self._say_calls(choice)
            for members in self._repeats.released(choice, is_edited=self._is_edited(choice)):
                self._leave(self._writer.held(choice, members))

    def _say_calls(self, choice: int) -> None:
        came = self._calls.take(choice)
        if came is None or self._guard.denial is not None:
            return
        calls = self._guard.whole(came)
        self._edited |= {choice} if calls is not came else set()
        self._leave(self._writer.calls(calls))

    def _say(self, channel: Channel, text: str) -> None:
        if text:
            self._leave(self._writer.text(channel, text))


def _is_silent(chunk: Chunk, inside: Texts) -> bool:
    """Whether a chunk that leaves says nothing of its answer, as one with a role alone, or usage."""
    ends = any(isinstance(part, FinishPart | ErrorPart) for part in chunk.parts)
    return not ends and not any(inside.values())


def _growing(chunk: Chunk) -> list[TextPart]:
    """The pieces of growing texts in a chunk, those of one list in its order."""
    parts = (part for part in chunk.parts if isinstance(part, TextPart) and part.text and not part.is_whole)
    return sorted(parts, key=lambda part: part.at)
