"""What came of a request after a fault, and what may never come of one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from penstock.adapters.queue_poll import SqsPolledQueue
from penstock.evidence.delivery import DELIVERY_UNKNOWN
from penstock.evidence.layout import named, unpack
from tests.faults.caller import Answer
from tests.faults.lane import Lane

# Who gets a request: from a queue, or as one that the gateway waits for, by what its model is.
LEAST: Final = ("audit-export", "kept")
MOST: Final = ("once", "kept-once")
KEPT: Final = ("kept", "kept-once")


@dataclass(frozen=True, slots=True)
class Row:
    """One scenario's result, as the table has it."""

    caller: str
    """Status, and how a stream ended."""
    upstream: int
    """How often the upstream was called."""
    record: str
    """Outcome of the terminal record, its code if it failed, and of amendments; "none"."""
    exported: int
    """How often the at-least-once receiver got the request."""
    once: str
    """How often the at-most-once receiver got it; "(failed)" or "(unknown)" if its record says so."""

    def text(self) -> str:
        return f"{self.caller} | {self.upstream} | {self.record} | {self.exported} | {self.once}"


@dataclass(slots=True)
class Found:
    """All that lies in the bucket of one request, decoded, by kind."""

    terminal: list[dict[str, Any]] = field(default_factory=list)
    amendment: list[dict[str, Any]] = field(default_factory=list)
    delivery: list[dict[str, Any]] = field(default_factory=list)

    @property
    def records(self) -> list[dict[str, Any]]:
        return [*self.terminal, *self.amendment]

    def deliveries_of(self, plugins: Sequence[str]) -> list[dict[str, Any]]:
        """Of the request's record, and not of what amends it."""
        return [d for d in self.delivery if d["plugin"] in plugins and not _amends(d)]

    def amendments_to(self, plugins: Sequence[str]) -> int:
        """How many deliveries of an amendment to one of them succeeded."""
        return sum(_amends(d) and d["plugin"] in plugins and d["action"] == "emit" for d in self.delivery)


def _amends(delivery: dict[str, Any]) -> bool:
    return str(delivery["idempotency_key"]).endswith(":amendment")


class Court:
    """Looks at one lane after each scenario, at what is new; and at all of it again when all is over."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._upstream = 0
        self._received = 0
        self._last_key = ""

    def judge(self, answer: Answer) -> tuple[Row, list[str]]:
        """The row of the scenario since the last one, and what it has violated."""
        calls, received = self._calls(), self._receipts()
        found = self._found(self._new_keys())
        row = _row(answer, calls, found, received)
        violations = [*_evidence(row, found), *_caller(answer, row, found), *_sinks(row, found, received)]
        violations += [*_waited(answer, found), *_amended(found, received)]
        return row, violations + list(self._rest())

    def last_look(self) -> Iterator[str]:
        """After all scenarios, what one call tells of all of them: what was written twice, or given up."""
        for key, count in Counter(self._versions()).items():
            if count > 1:
                yield f"written {count} times: {key}"
        yield from self._dead_letters(self._lane.queues)

    def _dead_letters(self, names: Iterable[str]) -> Iterator[str]:
        for name in names:
            url = self._lane.queues[name].dead_url
            if SqsPolledQueue(self._lane.clients, url, "").receive(1, 0.0, 0.0):
                yield f"the dead letters of {name} hold something"

    def _calls(self) -> int:
        before, self._upstream = self._upstream, len(self._lane.upstream.paths)
        return self._upstream - before

    def _receipts(self) -> Counter[str]:
        """By path of the receiver."""
        new = self._lane.receiver.paths[self._received :]
        self._received += len(new)
        return Counter(new)

    def _versions(self) -> Iterator[str]:
        """The key of every version of every object: the bucket keeps them all."""
        bucket = self._lane.prepared.resources.evidence_bucket
        pages = self._lane.clients.s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
        for page in pages:
            yield from (version["Key"] for version in page.get("Versions", []))
            yield from (marker["Key"] for marker in page.get("DeleteMarkers", []))

    def _new_keys(self) -> list[str]:
        """Of what was written since the last scenario: keys go up with their requests' times."""
        bucket = self._lane.prepared.resources.evidence_bucket
        found = self._lane.clients.s3.list_objects_v2(Bucket=bucket, StartAfter=self._last_key)
        keys = [entry["Key"] for entry in found.get("Contents", [])]
        self._last_key = max([self._last_key, *keys])
        return keys

    def _found(self, keys: Sequence[str]) -> Found:
        found = Found()
        bucket = self._lane.prepared.resources.evidence_bucket
        for key in keys:
            packed = self._lane.clients.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            getattr(found, named(key).kind).append(json.loads(unpack(packed)))
        return found

    def _rest(self) -> Iterator[str]:
        """What is there when nothing should be. The queues are empty: `drain` has found them so."""
        yield from self._dead_letters(self._lane.at_their_last)
        if self._lane.upstream.left_open():
            yield "the upstream was left open"
        if self._lane.lost:
            yield f"EvidenceLost {self._lane.lost}"
        self._lane.lost = 0
        self._lane.at_their_last.clear()


def _row(answer: Answer, calls: int, found: Found, received: Counter[str]) -> Row:
    words = [_word(record) for record in found.terminal] or ["none"]
    words += [f"+ {_word(record)}" for record in found.amendment]
    return Row(answer.text(), calls, " ".join(words), received["/exported"], _once(received["/once"], found))


def _once(count: int, found: Found) -> str:
    records = found.deliveries_of(MOST)
    if any(record.get("reason") == DELIVERY_UNKNOWN for record in records):
        return f"{count} (unknown)"
    return f"{count} (failed)" if any(record["action"] == "fail" for record in records) else str(count)


def _word(record: dict[str, Any]) -> str:
    outcome, code = record["outcome"], record.get("code")
    return f"{outcome} ({code})" if code else str(outcome)


def _evidence(row: Row, found: Found) -> Iterator[str]:
    if len({record["request_id"] for record in (*found.records, *found.delivery)}) > 1:
        yield "evidence of more than one request"
    if len(found.terminal) > 1 or (row.upstream and not found.terminal):
        yield f"{len(found.terminal)} terminal records for {row.upstream} calls of the upstream"
    if row.upstream > 1:
        yield "the upstream was called twice"


def _caller(answer: Answer, row: Row, found: Found) -> Iterator[str]:
    if answer.is_answered:
        ids = {record["request_id"] for record in found.records if record["outcome"] == "answered"}
        if ids != {answer.headers.get("x-request-id")}:
            yield "the caller has an answer of which no record says so"
    elif row.upstream and answer.status >= 400 and answer.headers.get("x-should-retry") != "false":
        yield "the caller is not told that a retry would be paid twice"
    if answer.is_stream and answer.error is not None and answer.has_terminator:
        yield "the caller has a terminator beside an error"


def _sinks(row: Row, found: Found, received: Counter[str]) -> Iterator[str]:
    if _is_due(LEAST, found) and not row.exported:
        yield "the at-least-once sink has lost the request"
    if _is_due(LEAST, found) and "emit" not in _actions(LEAST, found):
        yield "no record of a delivery at least once that succeeded"
    if received["/once"] > 1 + found.amendments_to(("once",)):
        yield "the at-most-once sink has a duplicate"
    if _is_due(MOST, found) and not _actions(MOST, found):
        yield "no record of the delivery at most once"
    told = [
        d for d in found.deliveries_of(MOST) if d.get("deliveries") or d.get("reason") == DELIVERY_UNKNOWN
    ]
    if received["/once"] and not told:
        yield "the at-most-once sink has what no record tells of"
    if not found.records and received:
        yield "something was delivered of which there is no record"


def _is_due(plugins: Sequence[str], found: Found) -> bool:
    """Whether a record says that one of them gets it; an `outcome_unknown` lists no plugins, all get it."""
    return any(
        record["outcome"] == "outcome_unknown"
        or (placement["plugin"] in plugins and placement["action"] == "dispatched")
        for record in found.records
        for placement in record.get("placements") or [{"plugin": "", "action": ""}]
    )


def _actions(plugins: Sequence[str], found: Found) -> set[str]:
    return {record["action"] for record in found.deliveries_of(plugins)}


def _waited(answer: Answer, found: Found) -> Iterator[str]:
    """What no answer leaves without."""
    due = {
        placement["plugin"]
        for record in found.records
        for placement in record.get("placements") or []
        if (placement["action"], placement.get("path")) == ("dispatched", "response")
    }
    taken = {d["plugin"] for d in found.delivery if d.get("path") == "response" and d["action"] != "fail"}
    if answer.is_answered and not due <= taken:
        yield "an answer has left before its record was taken by a plugin that it waits for"


def _amended(found: Found, received: Counter[str]) -> Iterator[str]:
    """Who is told of an answer that was kept back: also the plugin that kept it back, each once."""
    kept_back = sum(record["outcome"] == "failed" for record in found.amendment)
    told = received["/exported/amended"] + received["/once/amended"]
    if not (kept_back == told == found.amendments_to(KEPT)):
        yield f"{kept_back} answers were kept back, and {told} times somebody was told of it"
