from __future__ import annotations

import threading

import pytest

from penstock.dev.invocation import (
    HELD_BYTES,
    AbandonedError,
    Ended,
    Exchange,
    FunctionFailed,
    Invocation,
    Lost,
    error_payload,
)


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


def putting(exchange: Exchange, part: bytes) -> threading.Thread:
    thread = threading.Thread(target=exchange.put, args=(part,), daemon=True)
    thread.start()
    return thread


def test_bytes_wait_until_there_is_room_for_them() -> None:
    exchange = Exchange(Invocation("id", b"{}", 0, "arn", "trace"))
    exchange.put(b"a" * HELD_BYTES)
    waiting = putting(exchange, b"b")
    waiting.join(0.1)
    assert waiting.is_alive()
    exchange.take(0)
    waiting.join(30)
    assert not waiting.is_alive()
    assert exchange.take(0) == b"b"


def test_a_part_larger_than_all_that_is_held_passes_alone() -> None:
    exchange = Exchange(Invocation("id", b"{}", 0, "arn", "trace"))
    exchange.put(b"a" * (HELD_BYTES + 1))
    assert exchange.take(0) == b"a" * (HELD_BYTES + 1)


def test_how_it_ends_never_waits() -> None:
    exchange = Exchange(Invocation("id", b"{}", 0, "arn", "trace"))
    exchange.put(b"a" * HELD_BYTES)
    exchange.put(Lost("signal: killed"))
    assert not exchange.answered
    exchange.put(Ended())
    assert exchange.answered


def test_who_waits_for_room_in_what_is_abandoned_is_told() -> None:
    exchange = Exchange(Invocation("id", b"{}", 0, "arn", "trace"))
    exchange.put(b"a" * HELD_BYTES)
    told: list[bool] = []

    def put() -> None:
        with pytest.raises(AbandonedError):
            exchange.put(b"b")
        told.append(True)

    thread = threading.Thread(target=put)
    thread.start()
    exchange.abandon()
    thread.join(30)
    assert told
