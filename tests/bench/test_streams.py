"""The rows of streams measure what they say: whole answers, plugins that edit, and when things came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from bench import bodies, measuring, streams, world
from bench.measuring import Streamed
from penstock.evidence.record import EvidenceRecord
from penstock.upstream.target import Target

TARGET = Target("echo", "http://127.0.0.1:9/v1")


def test_a_stream_says_as_many_characters_as_it_was_asked_for() -> None:
    assert sum(map(len, bodies.said(b"".join(bodies.events(1_000))))) == 1_000


@pytest.mark.parametrize("count", [1, 3])
def test_every_windowed_plugin_edits_the_stream_and_leaves_its_record(count: int) -> None:
    stored: list[EvidenceRecord] = []

    def store(record: EvidenceRecord, _dispatch: Sequence[str]) -> None:
        stored.append(record)

    ports: dict[str, Any] = {"upstream": world.Upstream(b"", bodies.events(300)), "outbox": store}
    gateway = world.World(world.windowed(count), b"", ports)
    sent = b"".join(gateway.stream(bodies.request(world.MODEL, 512, stream=True))().chunks)
    assert f"ticket-{1000 + count}" in "".join(bodies.said(sent))
    assert [placement.action for placement in stored[0].placements] == ["transform"] * count
    assert stored[0].stream


def test_every_row_reads_its_stream_to_the_end_and_says_when_it_began() -> None:
    upstream = world.Upstream(b"", bodies.events(300))
    rows = streams.rows(300, upstream, {}, TARGET)
    assert list(rows) == ["direct", "pass", "window 1", "window 3", "pii-redactor"]
    for name, taken in measuring.interleaved(rows, rounds=1, batch=2).items():
        assert len(taken.first_byte_us) == 2, name
        assert all(
            0 < first <= whole for first, whole in zip(taken.first_byte_us, taken.wall_us, strict=True)
        )


def test_a_stream_that_is_cut_short_is_no_measurement() -> None:
    events = bodies.events(300)
    assert isinstance(streams.watched(iter(events)), Streamed)
    with pytest.raises(RuntimeError, match="did not end"):
        streams.watched(iter(events[:-1]))
    with pytest.raises(RuntimeError, match="did not end"):
        streams.watched(iter(events[-1:]))
