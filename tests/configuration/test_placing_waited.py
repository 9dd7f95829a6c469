"""Who is waited for after the response, from its stanza to its placement."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.configuration.placing import WAIT_TIMEOUT_MS
from tests.configuration.test_placing import BEFORE, placed, refused

EXPORT: dict[str, Any] = {"after_response": {"reads": ["evidence"], "effects": ["emit"]}}


def test_who_is_waited_for_after_the_response_may_keep_an_answer_back_and_has_less_time() -> None:
    (found,) = placed(EXPORT, wait=True)
    assert (found.wait, found.host, found.style) == (True, "function", "background")
    assert (found.timeout_ms, found.on_error, found.delivery) == (1500, "block", "at_most_once")
    (found,) = placed(EXPORT, wait=True, on_error="allow", timeout_ms=WAIT_TIMEOUT_MS)
    assert (found.timeout_ms, found.on_error) == (WAIT_TIMEOUT_MS, "allow")
    before, after = placed({"before_upstream": BEFORE, **EXPORT}, wait=True)
    assert (before.wait, before.host, after.wait, after.host) == (False, "in_process", True, "function")


@pytest.mark.parametrize(
    ("grant", "stanza", "key", "problem"),
    [
        ({"before_upstream": BEFORE}, {}, ("wait",), "it has no placement at after_response."),
        (EXPORT, {"host": "in_process"}, ("host",), "runs in a function of its own."),
        (EXPORT, {"timeout_ms": WAIT_TIMEOUT_MS + 1}, ("timeout_ms",), "10001 ms are more than a caller"),
    ],
)
def test_what_cannot_be_waited_for_is_refused(
    grant: dict[str, Any], stanza: dict[str, Any], key: tuple[str, ...], problem: str
) -> None:
    error = refused(grant, wait=True, **stanza)
    assert error.key == key
    assert problem in error.problem
    assert error.remedy
