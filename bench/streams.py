"""The rows of streamed answers: what the gateway makes of a stream, against the stream itself.

In memory, with all of an answer there at once: the CPU time of streams of several lengths, and of each 1,000
characters in them. Over HTTP, with the upstream at the pace of a fast model: when the caller gets the first
byte and the first words.

A windowed plugin edits, as a redactor does: it is asked about each piece and keeps back what may yet change.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from bench import bodies, measuring, world
from bench.local_aws import STREAMED_CHARS, LocalAws
from bench.measuring import Call, Streamed
from penstock.gateway.http import HttpStream
from penstock.upstream.client import HttpUpstream, Upstream
from penstock.upstream.target import Target

LENGTHS_CHARS: Final = (1_000, 4_000, 16_000)
WINDOWED: Final = (0, 1, 3)
BATCH: Final = 1
PACED_BATCH: Final = 1
_WORDS: Final = re.compile(rb'"content":"[^"]')  # of a delta that says something
_END: Final = b"data: [DONE]"


def rows(chars: int, upstream: Upstream, ports: Mapping[str, Any], target: Target) -> dict[str, Call]:
    """`direct`, `pass` (no plugin at the stream), `window 1`, `window 3`, `pii-redactor`."""
    body = bodies.request(world.MODEL, 4096, stream=True)
    given = {**ports, "upstream": upstream}
    found: dict[str, Call] = {"direct": direct(upstream, target, body)}
    for count in WINDOWED:
        gateway = world.World(world.windowed(count), b"", given)
        found["pass" if count == 0 else f"window {count}"] = _checked(gateway.stream(body), chars)
    redactor = world.World(world.redactor(), b"", given).stream(body)
    return found | {"pii-redactor": _checked(redactor, chars)}


def in_memory(rounds: int) -> dict[str, Any]:
    """Every row at every length, interleaved."""
    target = Target("echo", "http://127.0.0.1:9/v1")
    calls: dict[tuple[int, str], Call] = {}
    for chars in LENGTHS_CHARS:
        upstream = world.Upstream(b"", bodies.events(chars))
        calls |= {(chars, name): call for name, call in rows(chars, upstream, {}, target).items()}
    samples = measuring.interleaved(calls, rounds=rounds, batch=BATCH)
    found: dict[str, dict[str, dict[str, float]]] = {str(chars): {} for chars in LENGTHS_CHARS}
    for (chars, name), taken in samples.items():
        summary = taken.summary()
        per_1000 = {f"{clock}_per_1000": round(summary[clock] / chars * 1000, 1) for clock in _CPU}
        found[str(chars)][name] = summary | per_1000
    return found


_CPU: Final = ("cpu_us", "cpu_p10_us")


def over_http(aws: LocalAws, rounds: int) -> dict[str, Any]:
    """Streams that come an event each few milliseconds from a server in a process of its own."""
    upstream = HttpUpstream()
    ports = {"store": aws.ports(with_upstream=False)["store"], "secret": aws.secret}
    calls = rows(STREAMED_CHARS, upstream, ports, Target("echo", f"{aws.url}/v1", auth="none"))
    samples = measuring.interleaved(calls, rounds=rounds, batch=PACED_BATCH)
    return {name: taken.summary() for name, taken in samples.items()}


def direct(upstream: Upstream, target: Target, body: bytes) -> Callable[[], Streamed]:
    """The same request to the same client, its stream read to the end."""

    def send() -> Streamed:
        stream = upstream.stream(target, "/chat/completions", body, {}, None, world.TIMEOUT_S)
        try:
            return watched(iter(lambda: stream.read() or b"", b""))
        finally:
            stream.close()

    return send


def watched(chunks: Iterator[bytes]) -> Streamed:
    """Read to the end. Raises RuntimeError when no words came, or no terminator."""
    first_byte_ns = first_words_ns = 0
    last = b""
    for chunk in chunks:
        if chunk and not first_words_ns:
            now = time.perf_counter_ns()
            first_byte_ns = first_byte_ns or now
            first_words_ns = now if _WORDS.search(chunk) else 0
        last = chunk or last
    if not first_words_ns or _END not in last:
        raise RuntimeError(f"a stream did not end as it should: {last[-300:]!r}")
    return Streamed(first_byte_ns, first_words_ns)


def _checked(send: Callable[[], HttpStream], chars: int) -> Callable[[], Streamed]:
    """Raises RuntimeError unless the whole answer comes."""
    whole = sum(len(words) for words in bodies.said(b"".join(send().chunks)))
    if whole != chars:
        raise RuntimeError(f"{whole} of {chars} characters came")
    return lambda: watched(send().chunks)
