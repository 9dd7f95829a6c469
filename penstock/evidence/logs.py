"""Logs without content: JSON lines in which only Penstock's own words and named fields appear.

    level, time, logger, message      message: ours word for word, without arguments; of any other logger
                                      only the place, since what it says may hold content
    request_id, plugin, …             given as `extra`, one of `FIELDS` (behaviour.md, section 9)
    exception                         class, frames as file:line:function, causes; the text only of errors
                                      of our own tree that our own code raised

An uncaught exception must not reach the Lambda runtime, which prints its text: handlers end with
`log.exception`. Written by hand, as the metrics are: see `docs/adr/0002-telemetry-by-hand.md`.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any, Final, TextIO

from penstock.errors import PenstockError
from penstock.evidence.record import timestamp
from penstock.output import taken

FIELDS: Final = (
    "request_id",
    "trace_id",
    "organisation",
    "provider",
    "model",
    "route",
    "plugin",
    "moment",
    "mode",
    "decision",
    "control",
    "count",
)
log = logging.getLogger(__name__)

OURS: Final = ("penstock", "functions")
MAX_FRAMES = 20
MAX_CAUSES = 4


def set_up(level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Make the root logger write such lines to `stream` (stdout), and nothing else write at all.

    Warnings, and exceptions that Python would print by itself, become such lines too.
    """
    handler = logging.StreamHandler(stream or taken() or sys.stdout)
    handler.setFormatter(ContentFree())
    root = logging.getLogger()
    for other in root.handlers[:]:
        root.removeHandler(other)
    root.addHandler(handler)
    root.setLevel(level)
    for foreign in ("boto3", "botocore", "httpcore", "httpx", "urllib3"):
        logging.getLogger(foreign).setLevel(logging.WARNING)
    logging.raiseExceptions = False  # a failure while logging would print the record's arguments
    logging.captureWarnings(capture=True)
    sys.unraisablehook = _log_unraisable
    threading.excepthook = _log_of_thread


def told(start: Callable[[], object]) -> None:
    """Run `start`; what it raises stands in the log too, where nobody else's words would reach it."""
    try:
        start()
    except BaseException:
        log.exception("the function does not start")
        raise


def _log_unraisable(found: sys.UnraisableHookArgs) -> None:
    """What is raised in a `__del__` or a callback: Python would print its text."""
    log.error("an exception was lost", exc_info=_exc_info(found.exc_value))


def _log_of_thread(found: threading.ExceptHookArgs) -> None:
    if found.exc_type is not SystemExit:
        log.error("a thread ended with an exception", exc_info=_exc_info(found.exc_value))


def _exc_info(error: BaseException | None) -> Any:
    return (type(error), error, error.__traceback__) if error is not None else None


class ContentFree(logging.Formatter):
    """Writes a log record as one JSON line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "level": record.levelname,
            "time": timestamp(int(record.created * 1000)),
            "logger": record.name if _is_dotted(record.name) else "unnamed",
            "message": _message(record),
        }
        for name in FIELDS:
            value = getattr(record, name, None)
            if isinstance(value, str | int | float):
                line[name] = value
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = list(_chain(record.exc_info[1]))
        return json.dumps(line, separators=(",", ":"))


def _message(record: logging.LogRecord) -> str:
    if record.name.partition(".")[0] in OURS and isinstance(record.msg, str):
        return record.msg
    return f"withheld: {record.filename}:{record.lineno}"


def _chain(error: BaseException | None) -> Iterator[dict[str, Any]]:
    """An exception and what caused it, outermost first."""
    for _ in range(MAX_CAUSES):
        if error is None:
            return
        described: dict[str, Any] = {"class": class_name(error), "frames": _frames(error)}
        if isinstance(error, PenstockError) and _is_raised_by_us(error):
            described["message"] = str(error)
        yield described
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def class_name(error: BaseException) -> str:
    """The dotted name of an exception's class, if its module really defines it: a made-up class has none."""
    kind = type(error)
    found: Any = sys.modules.get(kind.__module__)
    for step in kind.__qualname__.split("."):
        found = getattr(found, step, None)
    return f"{kind.__module__}.{kind.__qualname__}" if found is kind else "unnamed"


def _frames(error: BaseException) -> list[str]:
    """The newest frames, without the source lines that Python would print."""
    frames = list(traceback.walk_tb(error.__traceback__))[-MAX_FRAMES:]
    return [f"{frame.f_code.co_filename}:{line}:{frame.f_code.co_name}" for frame, line in frames]


def _is_raised_by_us(error: BaseException) -> bool:
    """Whether our code wrote the text: a plugin may raise our classes with words of its own."""
    frames = list(traceback.walk_tb(error.__traceback__))
    module = str(frames[-1][0].f_globals.get("__name__", "")) if frames else ""
    return module.partition(".")[0] in OURS


def _is_dotted(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))
