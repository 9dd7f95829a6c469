from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import Any

import httpx

from penstock.errors import StorageError
from penstock.sdk.exports import MemoryExports
from penstock.sdk.testing import harness
from tests.evidence import examples
from tests.plugins.every_door import folder_of
from tests.plugins.exporting import Lane, numbered

NOBODY = httpx.MockTransport(lambda _: httpx.Response(500))


def lane() -> Lane:
    return Lane("warehouse-export", {}, {}, NOBODY)


def kept(run: Lane) -> dict[str, dict[str, Any]]:
    assert isinstance(run.exports, MemoryExports)
    return {key: json.loads(gzip.decompress(body)) for key, body in run.exports.kept.items()}


def test_a_record_is_one_row_in_the_hour_of_its_request() -> None:
    run = lane()
    run.send(examples.answered())
    run.consume()
    ((key, row),) = kept(run).items()
    assert key.startswith(f"v1/dt=2026-11-22/hour=09/{examples.REQUEST_ID}.")
    assert row["request_id"] == examples.REQUEST_ID
    (record,) = run.records()
    assert (record.action, record.recorded["was_there"]) == ("emit", 0)
    assert [(d.host, d.status) for d in record.deliveries] == [("exports", 200)]


def test_a_copy_is_the_same_object_byte_for_byte() -> None:
    run = lane()
    for _ in range(3):
        run.send(examples.answered())
    run.consume()
    assert len(kept(run)) == 1
    assert isinstance(run.exports, MemoryExports)
    (body,) = run.exports.kept.values()
    assert body[4:8] == bytes(4), "gzip notes no time (RFC 1952, MTIME)"
    assert sorted(record.recorded["was_there"] for record in run.records()) == [0, 1, 1]
    assert {d.status for record in run.records() for d in record.deliveries} == {200, 412}


def test_an_amendment_is_another_row_of_the_same_request() -> None:
    run = lane()
    run.send(examples.unknown())
    run.send(replace(examples.unknown(), outcome="answered"), amends=True)
    run.consume()
    assert {row["outcome"] for row in kept(run).values()} == {"outcome_unknown", "answered"}
    assert len({key.partition(".")[0] for key in kept(run)}) == 1


class Closed(MemoryExports):
    """A bucket that refuses: the role lost its statement, or S3 is down."""

    def put(self, key: str, body: bytes) -> bool:
        raise StorageError("store an export")


def test_a_bucket_that_refuses_is_tried_by_the_queue_then_the_dead_letters_are_sent_again() -> None:
    run = lane()
    run.exports = Closed()
    run.new_environment()
    body = run.send(numbered(1))
    run.consume(6)
    assert [record.failure for record in run.records()] == ["unavailable"] * 5
    assert run.dead.bodies() == [body]
    run.exports = MemoryExports()
    run.new_environment()
    run.queue.send(body)
    run.consume()
    assert len(kept(run)) == 1


def test_the_harness_shows_what_is_left() -> None:
    run = harness(folder_of("warehouse-export"), {})
    result = run.background()
    assert result.action == "emit"
    (key,) = result.exported
    assert gzip.decompress(run.capabilities.exported.kept[key]).endswith(b'"penstock.warehouse/1"}\n')
