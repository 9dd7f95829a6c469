"""What may be told of an exception: its class and where it came from. Its message may hold content."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from types import TracebackType

MESSAGE = "The function broke while it made a streamed answer. The message is left out: it may hold content."
# Enough of a recursion to know it by; in a header the whole would be beyond what servers take.
FRAMES = 40


@dataclass(frozen=True, slots=True)
class Breakage:
    """An exception as Lambda's error object has it."""

    error_type: str
    """The class's name, in ASCII, since it goes into a header."""
    frames: tuple[str, ...]

    def error_object(self) -> dict[str, object]:
        return {"errorType": self.error_type, "errorMessage": MESSAGE, "stackTrace": list(self.frames)}


def breakage_of(error: BaseException) -> Breakage:
    name = type(error).__name__.encode("ascii", "backslashreplace").decode()
    return Breakage(name, tuple(_frames(error.__traceback__)[-FRAMES:]))


def _frames(trace: TracebackType | None) -> list[str]:
    """File, line and function of each frame, without the source's text."""
    return [
        f'  File "{frame.f_code.co_filename}", line {line}, in {frame.f_code.co_name}\n'
        for frame, line in traceback.walk_tb(trace)
    ]
