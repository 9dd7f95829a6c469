from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest

from penstock.runtime.breakage import Breakage
from penstock.runtime.post import CallerGoneError, StreamPost
from penstock.runtime.relaying import opened, relay
from penstock.runtime.streaming import StreamedResponse


class FakePost(StreamPost):
    """Keeps what it is sent; the caller goes after `takes` chunks, or while the next is waited for."""

    def __init__(self, takes: int = 100, status: int = 202) -> None:
        self.did: list[object] = []
        self._takes = takes
        self._status = status
        self._cancel: Callable[[], None] | None = None
        self._gone = False

    def begin(
        self,
        invoke_id: str,
        invocation_id: str | None,
        prelude: bytes,
        on_gone: Callable[[], None] | None = None,
    ) -> None:
        self._cancel = on_gone
        self.did.append(("begin", invoke_id, invocation_id))

    def send(self, chunk: bytes) -> None:
        if not self._takes:
            raise CallerGoneError
        self._takes -= 1
        self.did.append(chunk)

    def go(self) -> None:
        assert self._cancel
        self._gone = True
        self._cancel()

    @property
    def gone(self) -> bool:
        return self._gone

    def finish(self) -> int:
        self.did.append("finish")
        return self._status

    def break_off(self, breakage: Breakage) -> int:
        self.did.append(breakage.error_type)
        return self._status

    def close(self) -> None:
        self.did.append("close")


class Chunks:
    """Chunks that keep whether they were closed; an exception among them is raised in its turn."""

    def __init__(self, *chunks: bytes | BaseException) -> None:
        self._chunks = list(chunks)
        self.closed = 0
        self.made = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if not self._chunks:
            raise StopIteration
        self.made += 1
        chunk = self._chunks.pop(0)
        if isinstance(chunk, BaseException):
            raise chunk
        return chunk

    def close(self) -> None:
        self.closed += 1


def run(chunks: Iterator[bytes], post: FakePost, cancel: Callable[[], None] | None = None) -> list[object]:
    relay(opened(StreamedResponse(200, {}, chunks, cancel=cancel)), post, "id-1", "invocation-1")
    return post.did


BEGIN = ("begin", "id-1", "invocation-1")


def test_chunks_are_sent_in_order_and_closed_at_the_end() -> None:
    chunks = Chunks(b"a", b"b")
    assert run(chunks, FakePost()) == [BEGIN, b"a", b"b", "finish", "close"]
    assert chunks.closed == 1


def test_the_first_chunk_is_made_before_the_answer_begins_and_the_second_is_not() -> None:
    chunks = Chunks(b"a", b"b")
    opened(StreamedResponse(200, {}, chunks))
    assert chunks.made == 1


def test_what_breaks_at_its_first_chunk_is_closed_and_raised() -> None:
    chunks = Chunks(ConnectionError())
    with pytest.raises(ConnectionError):
        opened(StreamedResponse(200, {}, chunks))
    assert chunks.closed == 1


def test_headers_that_cannot_be_written_are_raised_before_any_chunk_is_made() -> None:
    chunks = Chunks(b"a")
    with pytest.raises(TypeError):
        opened(StreamedResponse(200, {"a": b""}, chunks))  # type: ignore[dict-item]  # a handler's mistake
    assert (chunks.made, chunks.closed) == (0, 1)


def test_what_breaks_later_is_broken_off_and_the_loop_goes_on() -> None:
    chunks = Chunks(b"a", ValueError())
    assert run(chunks, FakePost()) == [BEGIN, b"a", "ValueError", "close"]
    assert chunks.closed == 1


def test_when_the_caller_has_gone_no_chunk_is_made_any_more() -> None:
    chunks = Chunks(b"a", b"b", b"c")
    assert run(chunks, FakePost(takes=1)) == [BEGIN, b"a", "close"]
    assert (chunks.made, chunks.closed) == (2, 1)


@pytest.mark.parametrize("breaks", [False, True])
def test_chunks_that_end_because_they_were_cancelled_are_not_an_answer(breaks: bool) -> None:
    post = FakePost()
    over: list[bool] = []

    def chunks() -> Iterator[bytes]:
        yield b"a"
        post.go()
        assert over
        if breaks:
            raise ConnectionError

    assert run(chunks(), post, lambda: over.append(True)) == [BEGIN, b"a", "close"]


def test_what_is_no_exception_of_the_functions_ends_the_environment_tidily() -> None:
    chunks = Chunks(b"a", KeyboardInterrupt())
    post = FakePost()
    with pytest.raises(KeyboardInterrupt):
        run(chunks, post)
    assert post.did[-1] == "close"
    assert chunks.closed == 1


def test_chunks_that_break_when_they_are_closed_are_told_of_in_the_log_without_content(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def chunks() -> Iterator[bytes]:
        try:
            yield b"a"
            yield b"b"
        finally:
            raise ValueError("a word of the conversation")

    with caplog.at_level(logging.ERROR):
        run(chunks(), FakePost(takes=1))
    assert "ValueError" in caplog.text
    assert "conversation" not in caplog.text


def test_an_answer_that_the_runtime_api_does_not_take_is_told_of_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    run(Chunks(b"a"), FakePost(status=413))
    assert "413" in caplog.text
