"""A server's stream of events on its way to the caller, one message after another.

It is a `penstock.gateway.ways.Way`. A message that may not leave ends the stream of a request: whoever waits
gets the refusal in its place. On a stream that a caller only listens to it is left out, and more may come.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from penstock.denial import Denial
from penstock.dialects import Dialect, sse
from penstock.dialects.mcp import batch, events
from penstock.dialects.mcp.content import ClientMessage
from penstock.errors import PenstockError, UpstreamError
from penstock.evidence.record import Usage
from penstock.gates.gate import GateResult
from penstock.gateway.mcp_answer import Answer, Passed
from penstock.gateway.mcp_records import Runs

_CUT: Final = "The MCP server ended its stream without an answer."


class McpWay:
    """One stream. `sealed` makes the caller's form of an event's id; None for versions that have none."""

    is_guarded = True
    usage: Usage | None = None
    has_failed = False

    def __init__(
        self,
        dialect: Dialect,
        answer: Answer,
        runs: Runs,
        sealed: Callable[[str], str | None] | None,
        max_event_bytes: int,
        *,
        listening: bool = False,
    ) -> None:
        self.dialect = dialect
        self.denial: Denial | None = None
        self.ending = b""
        self.is_done = False
        self._answer = answer
        self._runs = runs
        self._sealed = sealed
        self._listening = listening
        self._parser = sse.Parser(max_event_bytes)
        self._can_resume = listening
        self._held: list[ClientMessage] = []

    def feed(self, piece: bytes) -> bytes:
        return self._all(self._parser.feed(piece))

    def due(self) -> bytes:
        return b""

    def wait_ms(self) -> float | None:
        return None

    def close(self) -> bytes:
        """Raises UpstreamError `cut` when somebody still waits and cannot come back for the rest."""
        left = self._all(self._parser.close()) if not self.is_done else b""
        if self._answer.pending and self.denial is None and not self._can_resume:
            raise UpstreamError(_CUT, outcome="cut")
        return left

    def error(self, refusal: Denial | PenstockError, request_id: str) -> bytes:
        """An event for each request that waits, or whose answer is the ending: that does not leave then."""
        del request_id
        said = self._answer.refusals(refusal, self._held)
        return b"".join(events.encode(message, events.Marks(None, None)) for message in said)

    def finish(self, *, is_whole: bool) -> GateResult | None:
        del is_whole
        return self._runs.result()

    def _all(self, found: list[sse.Event]) -> bytes:
        leaving = b""
        for event in found:
            if self.is_done or self.denial is not None:
                break
            leaving += self._event(event)
        return leaving

    def _event(self, event: sse.Event) -> bytes:
        marks = self._marks(event)
        if not events.is_message(event):
            says_something = event.data == "" and marks != events.Marks(None, None)
            return events.encode(b"", marks) if says_something else b""
        body = (event.data or "").encode()
        messages = self._answer.messages(body)
        answers = any(message.kind == "response" for message in messages)
        left = [self._answer.passed(message) for message in messages]
        if (denial := next((each.denial for each in left if each.denial), None)) is not None:
            return self._refused(denial, left, marks)
        settled = self._answer.settle(messages)
        encoded = events.encode(_together([each.message.encoded() for each in left], body), marks)
        if self._answer.is_complete or (answers and self._listening):
            self.is_done, self.ending, self._held = True, encoded, settled
            return b""
        return encoded

    def _refused(self, denial: Denial, left: list[Passed], marks: events.Marks) -> bytes:
        """On the way to nobody in particular it is left out; else it ends here for whoever waits."""
        if self._listening and not any(each.message.kind == "response" for each in left):
            return events.encode(b"", marks) if marks != events.Marks(None, None) else b""
        self.denial = denial
        return b""

    def _marks(self, event: sse.Event) -> events.Marks:
        said = events.marks(event)
        if said.event_id is None or self._sealed is None:
            return events.Marks(None, said.retry_ms)
        event_id = self._sealed(said.event_id)
        self._can_resume = self._can_resume or event_id is not None
        return events.Marks(event_id, said.retry_ms)


def _together(messages: list[bytes], body: bytes) -> bytes:
    """As one message or as a list, as it came."""
    return batch.join(messages) if batch.is_batch(body) else messages[0]
