from __future__ import annotations

import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from penstock.adapters.objects import MemoryObjects, PutOnce
from penstock.errors import StorageError
from penstock.evidence import logs
from penstock.evidence.archive import Archive

SECRET = "My card is 4111 1111 1111 1111"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged, as one stream; the loggers are put back afterwards."""
    root, stream = logging.getLogger(), io.StringIO()
    before = root.handlers[:], root.level, logging.raiseExceptions
    hooks = sys.unraisablehook, threading.excepthook
    logs.set_up(stream=stream)
    yield stream
    root.handlers[:], root.level, logging.raiseExceptions = before
    sys.unraisablehook, threading.excepthook = hooks
    logging.captureWarnings(capture=False)


def last(stream: io.StringIO) -> dict[str, Any]:
    assert SECRET not in stream.getvalue()
    line: dict[str, Any] = json.loads(stream.getvalue().splitlines()[-1])
    return line


def test_our_message_stands_with_its_named_fields(lines: io.StringIO) -> None:
    logging.getLogger("penstock.evidence").error(
        "an intent stays open", extra={"request_id": "r-1", "plugin": "audit-export", "prompt": SECRET}
    )
    line = last(lines)
    assert (line["level"], line["logger"]) == ("ERROR", "penstock.evidence")
    assert (line["message"], line["request_id"], line["plugin"]) == (
        "an intent stays open",
        "r-1",
        "audit-export",
    )
    assert "prompt" not in line


class Unravelling:
    """Raises when it is collected, as a plugin's object may."""

    def __del__(self) -> None:
        raise ValueError(SECRET)


def unravel() -> None:
    raise ValueError(SECRET)


def test_what_python_would_print_by_itself_is_a_line_without_words(
    lines: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    made = [Unravelling()]
    made.clear()
    assert last(lines)["exception"][0]["class"] == "builtins.ValueError"
    thread = threading.Thread(target=unravel)
    thread.start()
    thread.join()
    assert last(lines)["exception"][0]["frames"][-1].endswith(":unravel")
    assert SECRET not in "".join(capfd.readouterr())


def test_arguments_are_never_formatted_in(lines: io.StringIO) -> None:
    logging.getLogger("penstock.x").error("could not %s", SECRET)
    assert last(lines)["message"] == "could not %s"


@pytest.mark.parametrize("name", ["httpx", "botocore.parsers", "penstock_plugins.mine", "root", SECRET])
def test_what_others_say_is_withheld_but_its_place_is_told(lines: io.StringIO, name: str) -> None:
    logging.getLogger(name).error(SECRET)
    assert last(lines)["message"].startswith("withheld: test_logs.py:")


def fail(error: BaseException) -> None:
    raise error


def raised(error: BaseException) -> None:
    try:
        fail(error)
    except BaseException:
        logging.getLogger("penstock.x").exception("it broke")


def test_a_foreign_exception_is_its_class_and_where_it_was_raised(lines: io.StringIO) -> None:
    raised(ValueError(SECRET, {"args": SECRET}))
    (error,) = last(lines)["exception"]
    assert error["class"] == "builtins.ValueError"
    assert error["frames"][0].endswith(":raised")
    assert "message" not in error


def test_an_error_of_ours_speaks_and_its_cause_does_not(lines: io.StringIO) -> None:
    class Broken(MemoryObjects):
        def put_once(self, key: str, body: bytes) -> PutOnce:
            self._bodies[key] = b"not packed"
            return PutOnce.DIFFERENT

    try:
        Archive(Broken()).put("key", b"{}")
    except StorageError:
        logging.getLogger("penstock.x").exception("it broke")
    ours, cause = last(lines)["exception"]
    assert ours["message"] == "unpack an object did not succeed"
    assert cause["class"] == "gzip.BadGzipFile"
    assert "message" not in cause


def test_an_error_of_ours_that_a_plugin_raised_does_not_speak(lines: io.StringIO) -> None:
    raised(StorageError(SECRET))
    assert "message" not in last(lines)["exception"][0]


def test_a_class_that_was_made_up_to_carry_words_has_no_name(lines: io.StringIO) -> None:
    raised(type(SECRET, (Exception,), {})())
    assert last(lines)["exception"][0]["class"] == "unnamed"


def test_notes_and_source_lines_are_not_told(lines: io.StringIO) -> None:
    error = ValueError("x")
    error.add_note(SECRET)
    raised(error)
    assert "raise error" not in lines.getvalue()
    assert last(lines)["message"] == "it broke"


def test_a_long_chain_of_exceptions_ends(lines: io.StringIO) -> None:
    error: BaseException = ValueError(SECRET)
    for _ in range(50):
        outer = ValueError(SECRET)
        outer.__cause__ = error
        error = outer
    raised(error)
    assert len(last(lines)["exception"]) == logs.MAX_CAUSES


def test_setting_up_twice_writes_every_line_once(lines: io.StringIO) -> None:
    stream = io.StringIO()
    logs.set_up(stream=stream)
    logging.getLogger("penstock.x").warning("once")
    assert stream.getvalue().count("once") == 1
    assert lines.getvalue() == ""


def test_a_function_that_does_not_start_says_so_in_the_log(lines: io.StringIO) -> None:
    def start() -> None:
        raise ValueError(SECRET)

    with pytest.raises(ValueError, match="My card"):
        logs.told(start)
    line = last(lines)
    assert (line["message"], line["exception"][0]["class"]) == (
        "the function does not start",
        "builtins.ValueError",
    )
