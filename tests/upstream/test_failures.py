"""What becomes of a foreign exception. That each arises where it should is in test_client_hostile.py."""

from __future__ import annotations

import traceback

import httpcore
import httpx
import pytest

from penstock.errors import PenstockError, UpstreamError, UpstreamTimeoutError
from penstock.upstream.failures import cut, malformed, mapped, too_large

WORDS = "words of the request"


@pytest.mark.parametrize(
    ("foreign", "outcome"),
    [
        (httpx.ConnectError(WORDS), "unreachable"),
        (httpx.UnsupportedProtocol(WORDS), "unreachable"),
        (httpx.ReadError(WORDS), "cut"),
        (httpx.WriteError(WORDS), "cut"),
        (httpx.RemoteProtocolError(WORDS), "cut"),
        (httpcore.ReadError(WORDS), "cut"),
        (httpcore.RemoteProtocolError(WORDS), "cut"),
        (httpx.ReadTimeout(WORDS), "timeout"),
        (httpx.ConnectTimeout(WORDS), "timeout"),
        (httpcore.ReadTimeout(WORDS), "timeout"),
        (httpx.LocalProtocolError(WORDS), "unsendable"),
        (httpx.InvalidURL(WORDS), "unsendable"),
        (UnicodeEncodeError("ascii", WORDS, 0, 1, WORDS), "unsendable"),
    ],
)
def test_a_foreign_exception_becomes_one_of_ours_without_its_words(foreign: Exception, outcome: str) -> None:
    with pytest.raises(UpstreamError) as caught, mapped():
        raise foreign
    assert caught.value.outcome == outcome
    assert WORDS not in str(caught.value)
    assert isinstance(caught.value, UpstreamTimeoutError) == (outcome == "timeout")


def test_what_may_hold_the_key_is_not_kept_as_a_cause() -> None:
    with pytest.raises(UpstreamError) as caught, mapped():
        raise httpx.LocalProtocolError(WORDS)
    assert WORDS not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("ours", [cut(), malformed(), too_large(5), PenstockError(), KeyError()])
def test_what_is_not_of_the_network_passes_as_it_is(ours: Exception) -> None:
    with pytest.raises(type(ours)) as caught, mapped():
        raise ours
    assert caught.value is ours


def test_a_bound_is_named() -> None:
    assert "larger than 5 bytes" in str(too_large(5))
