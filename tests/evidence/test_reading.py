from __future__ import annotations

from dataclasses import replace

import pytest

from penstock.adapters.objects import MemoryObjects
from penstock.errors import StorageError
from penstock.evidence import layout
from penstock.evidence.archive import Archive
from penstock.evidence.digests import Digester, DigestKey
from penstock.evidence.encoding import encode
from penstock.evidence.reading import EvidenceReader, is_ours
from penstock.evidence.record import EvidenceRecord, Principal
from penstock.evidence.schema import UnreadableEvidenceError
from penstock.ids import uuid7
from tests.background.fakes import Stage
from tests.evidence import examples

HOUR_MS = 3_600_000
START_MS = 1_795_338_900_000
KEY = DigestKey("k1", b"k" * 32)


def stored(
    objects: MemoryObjects, at_ms: int, organisation: str | None = "acme", **changes: object
) -> EvidenceRecord:
    request_id = uuid7(at_ms)
    record = replace(
        examples.answered(),
        request_id=request_id,
        principal=Principal(organisation),
        **changes,  # type: ignore[arg-type]  # a test names fields that exist
    )
    Archive(objects).put_terminal(record)
    return record


def test_a_request_is_found_by_its_id_whoever_made_it() -> None:
    objects = MemoryObjects()
    records = [stored(objects, START_MS, organisation) for organisation in ("acme", "a/b:c", None)]
    reader = EvidenceReader(objects)
    for record in records:
        found = reader.find(record.request_id)
        assert found is not None
        assert found.terminal == record
    assert reader.find(uuid7(START_MS)) is None


def test_what_belongs_to_a_request_is_joined_in_the_order_of_time() -> None:
    stage = Stage(lambda evidence, ctx: None)
    Archive(stage.objects).put_terminal(examples.unknown())
    Archive(stage.objects).put_amendment(examples.answered())
    for number in (1, 2):
        stage.deliver(number)
    found = EvidenceReader(stage.objects).find(examples.REQUEST_ID)
    assert found is not None
    assert found.terminal == examples.unknown()
    assert found.latest == examples.answered()
    assert [delivery.attempt for delivery in found.deliveries] == [1, 2]
    assert len(found.keys) == 4
    assert found.as_json()["request_id"] == examples.REQUEST_ID


def test_records_come_newest_first_over_hours_and_organisations() -> None:
    objects = MemoryObjects()
    at = [START_MS, START_MS + 5, START_MS + HOUR_MS, START_MS + 2 * HOUR_MS]
    made = [
        stored(objects, ms, organisation) for ms, organisation in zip(at, ("b", "a", "a", "b"), strict=True)
    ]
    reader = EvidenceReader(objects)
    assert list(reader.records(START_MS, START_MS + 2 * HOUR_MS)) == made[::-1]
    assert list(reader.records(START_MS + HOUR_MS, START_MS + HOUR_MS)) == [made[2]]


def test_of_each_request_the_latest_is_read_once_and_again_when_it_is_amended() -> None:
    objects = MemoryObjects()
    first, second = stored(objects, START_MS), stored(objects, START_MS + 1)
    reader, seen = EvidenceReader(objects), set[str]()
    assert list(reader.latest(START_MS, START_MS, seen)) == [(second, False), (first, False)]
    assert list(reader.latest(START_MS, START_MS, seen)) == []
    late = replace(first, status=502)
    Archive(objects).put_amendment(late)
    assert list(reader.latest(START_MS, START_MS, seen)) == [(late, True)]
    assert list(reader.records(START_MS, START_MS)) == [second, first]


def test_a_callers_own_id_is_found_with_the_key_and_only_with_it() -> None:
    objects = MemoryObjects()
    request_id = uuid7(START_MS)
    record = replace(
        examples.answered(),
        request_id=request_id,
        client_request_id=Digester(KEY, request_id).text("client_request_id", "my-id-7"),
    )
    Archive(objects).put_terminal(record)
    stored(objects, START_MS + 1)
    reader = EvidenceReader(objects)
    (found,) = reader.find_by_client_id("my-id-7", KEY, START_MS, START_MS)
    assert found.terminal == record
    assert not list(reader.find_by_client_id("my-id-8", KEY, START_MS, START_MS))
    assert not list(reader.find_by_client_id("my-id-7", DigestKey("k1", b"x" * 32), START_MS, START_MS))


def test_an_object_that_is_no_evidence_is_an_error_and_not_left_out() -> None:
    objects = MemoryObjects()
    objects.put_once(layout.terminal_key("acme", examples.REQUEST_ID), b"rubbish")
    with pytest.raises(StorageError):
        EvidenceReader(objects).find(examples.REQUEST_ID)


@pytest.mark.parametrize("kind", ["terminal", "amendment"])
def test_what_a_plugin_may_write_is_never_taken_for_what_became_of_a_request(kind: str) -> None:
    objects = MemoryObjects()
    record = stored(objects, START_MS)
    forged = layout.pack(encode(replace(record, status=204)))
    prefix = layout.request_prefix("acme", record.request_id)
    objects.put_once(f"{prefix}{kind}.zz.delivery.hostile.m-1.1.json.gz", forged)
    reader = EvidenceReader(objects)
    assert list(reader.latest(START_MS, START_MS, set())) == [(record, False)]
    found = reader.find(record.request_id)
    assert found is not None
    assert (found.latest, found.amendments, len(found.keys)) == (record, [], 2)


def test_a_delivery_under_another_plugins_name_is_an_error() -> None:
    stage = Stage(lambda evidence, ctx: None)
    Archive(stage.objects).put_terminal(examples.answered())
    stage.deliver(1)
    (key,) = (key for key in stage.objects.list("org=") if layout.named(key).kind == "delivery")
    body = stage.objects.get(key)
    assert body is not None
    stage.objects.put_once(key.replace(".delivery.", ".delivery.hostile-"), body)
    with pytest.raises(UnreadableEvidenceError, match="another object"):
        EvidenceReader(stage.objects).find(examples.REQUEST_ID)


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        (examples.REQUEST_ID, True),
        pytest.param(uuid7(), True, id="new"),
        ("059f36b4-87a3-44ab-83d2-661975830a7d", False),
        ("my-id-7", False),
        ("", False),
        (examples.REQUEST_ID + "\n", False),
    ],
)
def test_our_ids_are_told_from_a_callers(text: str, ours: bool) -> None:
    assert is_ours(text) is ours
