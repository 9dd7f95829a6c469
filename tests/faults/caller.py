"""The caller of a fault run: asks the local front over HTTP, and says what it has seen."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.faults.provider import Script

TERMINATOR: Final = b"data: [DONE]\n\n"
PATIENCE_S: Final = 90.0


@dataclass(frozen=True, slots=True, eq=False)
class Door:
    """A route that models have: where it is, how one asks there, and how a stream of it ends."""

    path: str
    question: Mapping[str, Any]
    terminator: bytes
    """Of the event that ends a whole answer, what no other event has."""
    code_at: tuple[str, ...]
    """Where in an error event the gateway's code is."""


CHAT: Final = Door(
    "/v1/chat/completions",
    {"messages": [{"role": "user", "content": "well?"}]},
    TERMINATOR,
    ("error", "code"),
)


@dataclass(frozen=True, slots=True)
class Ask:
    """One request and what its upstream answers."""

    script: Script
    model: str = "model"
    is_stream: bool = False
    leaves_after: int | None = None
    """After so many events the caller goes; after none: when its upstream has sent what it sends."""
    silence_s: float | None = None
    """What the gateway shall take for silence, in place of ten seconds."""
    door: Door = CHAT


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller saw."""

    status: int
    """0: it did not wait for one."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    is_whole: bool = False
    """HTTP says that the body is complete."""
    has_left: bool = False
    door: Door = CHAT

    @property
    def is_stream(self) -> bool:
        return self.headers.get("content-type", "").startswith("text/event-stream")

    @property
    def is_answered(self) -> bool:
        """Whether a client takes it for a complete answer: a terminator, or an end without an error."""
        if not self.is_stream:
            return self.status == 200 and self.is_whole
        return self.has_terminator or (self.is_whole and self.error is None)

    @property
    def has_terminator(self) -> bool:
        return self.door.terminator in self.body

    @property
    def error(self) -> str | None:
        """The code of the error event that a stream ended with."""
        for event in self.body.split(b"\n\n"):
            data = event.partition(b"data: ")[2]
            told = json.loads(data) if data.startswith(b"{") else {}
            if "error" in told:
                for name in self.door.code_at:
                    told = told[name]
                return str(told)
        return None

    def text(self) -> str:
        """As the table has it."""
        if self.has_left:
            return f"{self.status or 'nothing'}, left"
        if not self.is_stream:
            return f"{self.status}" if self.is_whole else f"{self.status}, cut"
        words = [str(self.status)]
        if self.error is not None:
            words.append(self.error)
        if self.has_terminator:
            words.append("terminator")
        if not self.is_whole:
            words.append("cut")
        return ", ".join(words)


def ask(port: int, api_key: str, wanted: Ask, wait_for_upstream: Callable[[], object]) -> Answer:
    """One request, from its first byte to the answer's last, or until the caller goes."""
    question = {"model": wanted.model, **wanted.door.question}
    body = json.dumps(question | ({"stream": True} if wanted.is_stream else {})).encode()
    headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    with contextlib.closing(connection):
        connection.request("POST", wanted.door.path, body, headers)
        if wanted.leaves_after == 0:
            wait_for_upstream()
            return Answer(0, has_left=True, door=wanted.door)
        with connection.getresponse() as response:
            return _read(response, wanted)


def _read(response: http.client.HTTPResponse, wanted: Ask) -> Answer:
    leaves_after = wanted.leaves_after
    headers = {name.lower(): value for name, value in response.getheaders()}
    body = b""
    try:
        while piece := response.read1():
            body += piece
            if leaves_after is not None and body.count(b"\n\n") >= leaves_after:
                return Answer(response.status, headers, body, has_left=True, door=wanted.door)
        is_whole = not response.length
    except (http.client.HTTPException, OSError):
        is_whole = False
    return Answer(response.status, headers, body, is_whole, door=wanted.door)
