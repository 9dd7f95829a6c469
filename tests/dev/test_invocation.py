from __future__ import annotations

from penstock.dev.invocation import Ended, Exchange, FunctionFailed, Invocation, error_payload


def test_a_part_is_taken_once_and_none_when_the_time_is_up() -> None:
    exchange = Exchange(Invocation("id", b"{}", 0, "arn", "trace"))
    exchange.put(Ended())
    assert exchange.take(0) == Ended()
    assert exchange.take(0) is None
    assert exchange.take(-5) is None


def test_an_error_has_the_type_that_the_function_gave_it() -> None:
    assert FunctionFailed(error_payload("ValueError", "no")).error_type == "ValueError"


def test_an_error_that_is_no_object_has_an_unknown_type() -> None:
    assert FunctionFailed(b"not JSON").error_type == "Unknown"
    assert FunctionFailed(b"[]").error_type == "Unknown"
