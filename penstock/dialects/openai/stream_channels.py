"""The growing texts of a stream: which there are, and where one of them ends and the next begins."""

from __future__ import annotations

from typing import Final

from penstock.dialects.openai.stream_chunk import TextPart
from penstock.errors import UpstreamError
from penstock.streams import Channel

# More than any answer has: 128 choices with some texts each, or thoughts and words by turns.
_MAX_CHANNELS: Final = 4096

# Parts of one list in the answer: each run of one kind is a text by itself (Mistral).
_RUNS: Final = frozenset({"content", "content.thinking"})


class Channels:
    """The texts that have begun and not ended, by choice. Holds none of their words."""

    __slots__ = ("_begun", "_count", "_open", "_running")

    def __init__(self) -> None:
        self._open: dict[int, dict[Channel, None]] = {}
        self._running: dict[int, Channel] = {}
        self._begun: dict[tuple[int, str], int] = {}
        self._count = 0

    def of(self, part: TextPart) -> tuple[Channel, Channel | None]:
        """The channel that `part` goes on with, and the one that has ended with it: a thought, by an answer.

        Raises UpstreamError `too_large` when there are more than anybody's answer has.
        """
        channel, ended = part.channel, None
        if channel.choice is not None and channel.name in _RUNS:
            channel, ended = self._run(channel.choice, channel)
        known = self._open.setdefault(channel.choice or 0, {})
        if channel not in known:
            self._bound()
            known[channel] = None
        if ended is not None:
            known.pop(ended, None)
        return channel, ended

    def is_open(self, channel: Channel) -> bool:
        """Whether more text of `channel` goes on with it: another run of its list would have ended it."""
        return channel in self._open.get(channel.choice or 0, ())

    def take(self, choice: int) -> list[Channel]:
        """The channels of a choice that are open; they end."""
        self._running.pop(choice, None)
        return list(self._open.pop(choice, ()))

    def _run(self, choice: int, channel: Channel) -> tuple[Channel, Channel | None]:
        running = self._running.get(choice)
        if running is not None and running.name == channel.name:
            return running, None
        entry = self._begun.get((choice, channel.name), 0)
        self._begun[choice, channel.name] = entry + 1
        self._running[choice] = channel._replace(entry=entry)
        return self._running[choice], running

    def _bound(self) -> None:
        self._count += 1
        if self._count > _MAX_CHANNELS:
            message = f"The upstream's stream has more than {_MAX_CHANNELS} texts."
            raise UpstreamError(message, outcome="too_large")
