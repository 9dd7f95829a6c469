"""One streamed answer, from what a handler returned to its last byte."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from penstock.runtime.breakage import Breakage, breakage_of
from penstock.runtime.post import CallerGoneError, StreamPost
from penstock.runtime.streaming import StreamedResponse, prelude

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Opened:
    """A streamed response that has made its first chunk, so that it can be sent."""

    response: StreamedResponse
    prelude: bytes
    first: bytes
    """Empty when there was none."""


def opened(response: StreamedResponse) -> Opened:
    """Run it up to its first chunk. What it raises there is raised, and fails the invocation."""
    try:
        return Opened(response, prelude(response), next(response.chunks, b""))
    except BaseException:
        close(response.chunks)
        raise


def relay(answer: Opened, post: StreamPost, invoke_id: str, invocation_id: str | None) -> None:
    """Send it to its end, whatever that is: complete, broken off, or without a reader."""
    try:
        post.begin(invoke_id, invocation_id, answer.prelude, answer.response.cancel)
        breakage = _send(answer, post)
        status = post.break_off(breakage) if breakage else post.finish()
        if status != 202:
            _log.error("The Runtime API did not take a streamed answer: status %d.", status)
    except CallerGoneError:
        pass  # what is to be said of it, the chunks say when they are closed
    finally:
        post.close()
        close(answer.response.chunks)


def _send(answer: Opened, post: StreamPost) -> Breakage | None:
    """Send every chunk; what broke them, if something did."""
    try:
        for chunk in chain([answer.first] if answer.first else [], answer.response.chunks):
            post.send(chunk)
    except CallerGoneError:
        raise
    except Exception as error:
        if post.gone:
            raise CallerGoneError from error
        return _told(error)
    if post.gone:
        raise CallerGoneError
    return None


def close(chunks: Iterator[bytes]) -> None:
    """Close a generator; what it raises then has nobody to go to but the log."""
    closing = getattr(chunks, "close", None)
    if closing is None:
        return
    try:
        closing()
    except Exception as error:  # noqa: BLE001 - the environment lives on; the log says what it was
        _told(error)


def _told(error: Exception) -> Breakage:
    breakage = breakage_of(error)
    _log.error("A streamed answer broke: %s\n%s", breakage.error_type, "".join(breakage.frames))
    return breakage
