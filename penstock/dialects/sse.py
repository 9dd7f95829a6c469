"""Server-sent events: bytes, cut anywhere, as events, each with the bytes that it came in.

The format is WHATWG's (HTML, "Server-sent events", sections 9.2.5 and 9.2.6), with two differences. Nothing
is thrown away: a comment or a stray blank line is an event without data, so that all `raw` together are
the input. And what stands after the last blank line, which the standard discards, is an event too
(`is_complete` is False): clients that read line by line take it, so a guard must see it.

    parser = Parser()
    for piece in pieces:
        for event in parser.feed(piece): ...
    for event in parser.close(): ...
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from penstock.errors import UpstreamError

# What a unary answer may have (`penstock.upstream.target.Target.max_response_bytes`): one event can carry as
# much, as when an image comes in a delta.
MAX_EVENT_BYTES: Final = 5_500_000

KEEP_ALIVE: Final = b": keep-alive\n\n"
"""A comment, which every client skips. To be sent between events only."""

_BOM: Final = b"\xef\xbb\xbf"
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
_LINES: Final = re.compile(rb"([^\r\n]*)(\r\n|\r|\n|\Z)")
# An event as Anthropic's and OpenAI's responses have it, and nothing beside it.
_NAMED: Final = re.compile(rb"event: ([A-Za-z0-9_.-]{1,64})\ndata: ([^\r\n]*+)\n\n")
_EVENT_NAME: Final = re.compile(rb"[A-Za-z0-9_.-]{0,64}")
_RETRY_MS: Final = re.compile(rb"[0-9]{1,9}")


class Event(NamedTuple):
    """One event, or what stands between two.

    `data`: the lines of data joined by newlines; None when there are none, as in a comment. Bytes that are no
    UTF-8 stand in it as U+FFFD (`is_utf8` says whether there are any).
    """

    raw: bytes
    event: str | None
    data: str | None
    is_complete: bool = True

    @property
    def is_utf8(self) -> bool:
        try:
            self.raw.decode()
        except UnicodeDecodeError:
            return False
        return True

    def with_data(self, data: str) -> bytes:
        """The bytes of this event with other data: its other lines and its line ends stay. Always complete.

        Raises ValueError when it has no data.
        """
        if self.data is None:
            raise ValueError("an event without data gets none")
        end = _line_end(self.raw)
        new = b"".join(b"data: " + line + end for line in _split(data))
        pieces: list[bytes] = []
        for name, _value, line in _lines(self.raw):
            pieces.append(new if name == b"data" else line)
            new = b"" if name == b"data" else new
        return _ended(b"".join(pieces), end)

    def stripped(self) -> Event:
        """This event without what no client shows and anything could be written in; itself when it has none.

        Comments, unknown names, names of events that are no token, and `id` go. An `id` serves reconnection,
        which a POST has not; and the OpenAI client, once it has seen one, takes each further blank line for
        an event (openai 3, `SSEDecoder.decode`), so that a keep-alive would break its stream.
        """
        if _is_bare(self.raw) or _NAMED.fullmatch(self.raw):
            return self
        lines = _lines(self.raw) if self.data is not None else []
        kept = b"".join(line for name, value, line in lines if _is_plain(name, value))
        return self if kept == self.raw else _event(kept, is_complete=self.is_complete)


class Parser:
    """Finds the events in bytes that come in pieces. Linear in what it is fed, however that is cut.

    A line that ends with a lone CR is known to end there when the next byte has come: it could have been the
    first half of CR LF. Who writes LF or CR LF is not delayed by this.
    """

    __slots__ = ("_at_start", "_buffer", "_is_over", "_line", "_max_bytes", "_scanned")

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._buffer = bytearray()
        self._line = 0  # where the line begins that is not at its end yet
        self._scanned = 0  # no line ends before this
        self._at_start = True
        self._is_over = False  # an event was too large, and there were others before it
        self._max_bytes = max_event_bytes

    def feed(self, piece: bytes) -> list[Event]:
        """The events that `piece` completes.

        Raises UpstreamError `too_large`; when events came before the one that is, they are given first, and
        the next call raises.
        """
        is_plain = not (self._buffer or self._at_start or self._is_over)
        if is_plain and (events := self._plain(piece)):
            return events
        self._buffer += piece
        return self._take(is_end=False)

    def close(self) -> list[Event]:
        """The rest, when no more bytes come: none, or an event that a blank line should have followed."""
        events = self._take(is_end=True)
        if self._buffer:
            events.append(_event(bytes(self._buffer), is_complete=False))
            self._buffer.clear()
        return events

    def _plain(self, piece: bytes) -> list[Event]:
        """The usual piece in a third of the time: whole events, each ended by one blank line, all by LF."""
        if not piece.endswith(b"\n\n") or b"\r" in piece or b"\n\n\n" in piece or piece[:1] == b"\n":
            return []
        if len(piece) > self._max_bytes:
            return []
        return [_event(raw + b"\n\n", is_complete=True) for raw in piece[:-2].split(b"\n\n")]

    def _take(self, *, is_end: bool) -> list[Event]:
        if self._is_over:
            raise self._too_large()
        events = self._byte_order_mark(is_end=is_end)
        if self._at_start:
            return events
        try:
            self._scan(events, is_end=is_end)
        except UpstreamError:
            self._is_over = True
            self._buffer.clear()
            if not events:
                raise
        return events

    def _scan(self, events: list[Event], *, is_end: bool) -> None:
        buffer, start, size = self._buffer, 0, len(self._buffer)
        while (found := _LINE_END.search(buffer, self._scanned)) is not None:
            if found[0] == b"\r" and found.end() == size and not is_end:
                break
            is_blank = found.start() == self._line
            self._line = self._scanned = found.end()
            if is_blank:
                self._bound(self._line - start)
                events.append(_event(bytes(buffer[start : self._line]), is_complete=True))
                start = self._line
        else:
            self._scanned = size
        self._bound(size - start)
        self._forget(start)

    def _byte_order_mark(self, *, is_end: bool) -> list[Event]:
        """One at the very start belongs to no line; an event of its own, so that it is passed on too."""
        if not self._at_start:
            return []
        self._at_start = len(self._buffer) < len(_BOM) and _BOM.startswith(self._buffer) and not is_end
        if not self._buffer.startswith(_BOM):
            return []
        del self._buffer[: len(_BOM)]
        return [Event(_BOM, None, None)]

    def _forget(self, size: int) -> None:
        del self._buffer[:size]
        self._line -= size
        self._scanned -= size

    def _bound(self, size: int) -> None:
        if size > self._max_bytes:
            raise self._too_large()

    def _too_large(self) -> UpstreamError:
        message = f"The upstream sent an event larger than {self._max_bytes} bytes."
        return UpstreamError(message, outcome="too_large")


def _event(raw: bytes, *, is_complete: bool) -> Event:
    if _is_bare(raw):
        return Event(raw, None, raw[6:-2].decode("utf-8", "replace"), is_complete)
    if (found := _NAMED.fullmatch(raw)) is not None:
        return Event(raw, found[1].decode(), found[2].decode("utf-8", "replace"), is_complete)
    name: bytes | None = None
    data: list[bytes] = []
    for field, value, _line in _lines(raw):
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    text = b"\n".join(data).decode("utf-8", "replace") if data else None
    return Event(raw, None if name is None else name.decode("utf-8", "replace"), text, is_complete)


def _is_bare(raw: bytes) -> bool:
    """Whether an event is one line of data and no more, as most are: nothing in it is to be looked for."""
    return raw.startswith(b"data: ") and raw.endswith(b"\n\n") and raw.count(b"\n") == 2 and b"\r" not in raw


def encode(data: str, name: str | None = None) -> bytes:
    """An event that carries `data`, whose lines may end in any way; `name`: its type, where clients ask."""
    head = b"" if name is None else b"event: " + name.encode() + b"\n"
    return head + b"".join(b"data: " + line + b"\n" for line in _split(data)) + b"\n"


def one_line(text: str) -> str:
    """JSON without the characters at which some clients end a line though the format does not.

    Python's `str.splitlines`, which they use, knows more ends of lines than CR and LF. In JSON these stand in
    strings only, where an escape says the same.
    """
    for character in "\x85\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _split(data: str) -> list[bytes]:
    return _LINE_END.split(data.encode())


def _lines(raw: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """Each line as (name, value, the line with its end). A comment's name is `:`, a blank line's empty."""
    return [(*_field(found[1]), found[0]) for found in _LINES.finditer(raw) if found[0]]


def _field(line: bytes) -> tuple[bytes, bytes]:
    if line.startswith(b":"):
        return b":", line[1:]
    name, _colon, value = line.partition(b":")
    return name, value.removeprefix(b" ")


def _is_plain(name: bytes, value: bytes) -> bool:
    if name == b"event":
        return _EVENT_NAME.fullmatch(value) is not None
    if name == b"retry":
        return _RETRY_MS.fullmatch(value) is not None
    return name in {b"data", b""}


def _line_end(raw: bytes) -> bytes:
    found = _LINE_END.search(raw)
    return found[0] if found else b"\n"


def _ended(raw: bytes, line_end: bytes) -> bytes:
    """`raw` with the blank line that ends an event, added where it is not there yet."""
    *_, last = _lines(raw)
    if last[0] == b"" and not last[1]:
        return raw
    return raw + (line_end if raw.endswith((b"\r", b"\n")) else line_end * 2)
