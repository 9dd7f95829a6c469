"""The bench measures what it says: every row is served, every probe looks, edits and leaves its record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from bench import bodies, handler, measuring, world
from bench.probes import Edit, Look
from bench.report import MB, markdown
from penstock.evidence.record import EvidenceRecord
from penstock.upstream.client import UpstreamAnswer
from penstock.upstream.target import Target

STREAMED = ("cpu_us_per_1000", "cpu_p10_us_per_1000", "first_byte_us", "first_byte_p10_us", "first_words_us")


class Remembering(world.Upstream):
    """Keeps the last body."""

    body = b""

    def post(
        self,
        target: Target,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        key: str | None,
        seconds: float,
    ) -> UpstreamAnswer:
        self.body = body
        return super().post(target, path, body, headers, key, seconds)


def served(kind: type[Look | Edit], count: int) -> tuple[EvidenceRecord, bytes]:
    """The record of one request, and what the upstream got."""
    upstream = Remembering(bodies.completion(512))
    stored: list[EvidenceRecord] = []

    def store(record: EvidenceRecord, _dispatch: Sequence[str]) -> None:
        stored.append(record)

    ports: dict[str, Any] = {"upstream": upstream, "outbox": store}
    world.World(world.probes(count, kind), b"", ports).call(bodies.request(world.MODEL, 512))
    return stored[0], upstream.body


@pytest.mark.parametrize("size_bytes", bodies.SIZES_BYTES)
def test_a_body_has_about_the_size_that_was_asked_for(size_bytes: int) -> None:
    assert 0.8 < len(bodies.request(world.MODEL, size_bytes)) / size_bytes < 1.2
    assert 0.8 < len(bodies.completion(size_bytes)) / size_bytes < 1.2


def test_every_look_sees_the_body_and_leaves_its_own_record() -> None:
    record, _ = served(Look, 3)
    assert [placement.action for placement in record.placements] == ["record"] * 6
    assert all(placement.recorded["chars"] for placement in record.placements)
    assert all(placement.saw and placement.saw.digest for placement in record.placements)


def test_every_edit_changes_what_the_one_before_it_left() -> None:
    record, body = served(Edit, 3)
    assert [placement.action for placement in record.placements] == ["transform"] * 6
    assert b"ticket-1003" in body
    changes = [placement.changed[0] for placement in record.placements[:3]]
    assert [change.before for change in changes[1:]] == [change.after for change in changes[:-1]]


def test_every_row_is_served_and_has_its_line_in_the_tables() -> None:
    rows = handler.memory_rows(512)
    samples = measuring.interleaved(rows, rounds=1, batch=2)
    summaries = {name: found.summary() for name, found in samples.items()}
    times = {"wall_ms": 1.0, "cpu_ms": 1.0, "least_cpu_ms": 1.0}
    sizes = {"code": {"zip": 3 * MB, "unpacked": 9 * MB, "compiled": MB}}
    text = markdown(
        {
            "date": "2026-01-01",
            "commit": "abc",
            "machine": {"system": "Linux", "cores": 2, "python": "3.13", "load": 0.5},
            "handler": {"512": {"rows": summaries, "derived": handler.derived(samples)}},
            "doors": {"chat": dict.fromkeys(("direct", "0+0", "5+5"), summaries["direct"])},
            "streams": {"1000": {"pass": {**summaries["direct"], **dict.fromkeys(STREAMED, 1.0)}}},
            "paced": {"direct": {**summaries["direct"], **dict.fromkeys(STREAMED, 1.0)}},
            "adapters": {"in memory": summaries["look 0+0"]},
            "startup": {"starts": 1, "stages": {"imported": times}, "imports_ms": {"penstock": 1.0}}
            | {"sizes": sizes, "synthesis": {"wall_s": 20.0, "cpu_s": 19.0}},
        }
    )
    assert all(f"\n| {name} | " in text for name in (*rows, "chat"))
    assert "\n| all | 3.0 | 9.0 | 1.0 |\n| limit | 50, unless by S3 | 250 | |" in text
