from __future__ import annotations

import json

from penstock.runtime.breakage import FRAMES, MESSAGE, Breakage, breakage_of


def broken(error: Exception, depth: int = 0) -> Breakage:
    try:
        raise_below(error, depth)
    except Exception as caught:  # noqa: BLE001 - whatever the test raises
        return breakage_of(caught)
    raise AssertionError


def raise_below(error: Exception, depth: int) -> None:
    if depth:
        raise_below(error, depth - 1)
    raise error


def test_a_breakage_has_the_class_and_the_frames_and_no_word_of_the_message() -> None:
    breakage = broken(ValueError("a word of the conversation"))
    error = breakage.error_object()
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", MESSAGE)
    assert breakage.frames[-1].startswith(f'  File "{__file__}", line ')
    assert breakage.frames[-1].endswith(", in raise_below\n")
    assert "conversation" not in json.dumps(error)


def test_the_text_of_the_source_is_left_out() -> None:
    assert "raise error" not in json.dumps(broken(ValueError()).error_object())


def test_of_a_recursion_the_innermost_frames_are_told() -> None:
    assert len(broken(ValueError(), depth=300).frames) == FRAMES


def test_a_class_whose_name_no_header_takes_is_told_in_ascii() -> None:
    error_class = type("Fehlerß", (Exception,), {})
    assert broken(error_class()).error_type == "Fehler\\xdf"


def test_an_exception_that_was_never_raised_has_no_frames() -> None:
    assert breakage_of(ValueError()) == Breakage("ValueError", ())
