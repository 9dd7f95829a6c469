from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from penstock.evidence import encoding
from penstock.evidence.record import (
    Changed,
    EvidenceRecord,
    PlacementRecord,
    Principal,
    Resource,
    Saw,
    Uninspected,
)
from penstock.evidence.schema import read_record
from tests.evidence import examples


@pytest.mark.parametrize("example", examples.EXAMPLES)
def test_a_record_comes_back_as_it_was_and_gives_the_same_bytes(
    example: Callable[[], EvidenceRecord],
) -> None:
    body = encoding.encode(example())
    assert read_record(body) == example()
    assert encoding.encode(read_record(body)) == body


def test_keys_stand_in_the_order_of_the_record_and_no_space_is_spent() -> None:
    body = encoding.encode(examples.full())
    assert list(json.loads(body)) == list(EvidenceRecord.__dataclass_fields__)
    assert b": " not in body.replace(b'"filter request', b"")
    assert b"\n" not in body


@pytest.mark.parametrize("example", examples.EXAMPLES)
@pytest.mark.parametrize("field", EvidenceRecord.__dataclass_fields__)
def test_a_record_is_written_as_its_mapping_says(example: Callable[[], EvidenceRecord], field: str) -> None:
    record = example()
    if field in _EMPTIED:
        setattr(record, field, _EMPTIED[field])
    assert encoding.encode(record) == encoding.as_json(encoding.as_mapping(record))


_EMPTIED = {"placements": [], "principal": Principal(), "resource": Resource(), "controls": [], "tags": {}}


@pytest.mark.parametrize("name", PlacementRecord.__dataclass_fields__)
def test_a_placement_is_written_as_its_mapping_says_whatever_it_lacks(name: str) -> None:
    whole, bare = examples.full().placements[0], examples.placement("bare", saw=None, calls=0, ms=0.0)
    mixed = replace(whole, **{name: getattr(bare, name)})
    record = replace(examples.full(), placements=[mixed, whole, bare])
    assert encoding.encode(record) == encoding.as_json(encoding.as_mapping(record))


def test_a_text_cannot_pass_for_the_place_of_the_placements() -> None:
    record = replace(examples.full(), tags={"placements": '"placements":0', "x": "placements"})
    assert encoding.encode(record) == encoding.as_json(encoding.as_mapping(record))


def test_what_configuration_says_of_a_placement_is_put_into_bytes_once() -> None:
    record = crowded(20)
    encoding.encode(record)
    known = encoding._constant.cache_info().misses
    for placement in record.placements:
        placement.ms += 1.5
        placement.recorded = {"count": 2.0}
    encoding.encode(record)
    assert encoding._constant.cache_info().misses == known


def test_what_a_record_has_nothing_of_is_left_out_and_zeros_stay() -> None:
    plain = json.loads(encoding.encode(examples.unknown()))
    assert "placements" not in plain
    assert "code" not in plain
    assert plain["status"] is None
    assert plain["usage"]["input_tokens"] == 0
    assert plain["timing"]["total_ms"] == 0.0


def test_a_record_under_the_bound_is_not_cut() -> None:
    assert "cut" not in json.loads(encoding.encode(examples.answered()))


def crowded(placements: int) -> EvidenceRecord:
    changed = [Changed(f"request.headers.x-{n}", n, examples.HMAC, examples.HMAC) for n in range(4)]
    saw = Saw(
        [f"request.messages.{role}" for role in ("system", "user", "assistant", "tool")], 9, 99, examples.HMAC
    )
    many = [
        examples.placement(
            f"plugin-{n}", action="transform", saw=saw, changed=changed, recorded={"count": 1.0}
        )
        for n in range(placements)
    ]
    return replace(examples.full(), placements=many, cut={})


def test_a_large_record_loses_details_and_says_which_but_no_placement() -> None:
    body = encoding.encode(crowded(100))
    assert len(body) <= encoding.MAX_RECORD_BYTES
    record = read_record(body)
    assert [p.plugin for p in record.placements] == [f"plugin-{n}" for n in range(100)]
    assert record.cut["placements.saw"] == 100
    assert all(p.saw is None for p in record.placements)


def test_cutting_stops_as_soon_as_the_record_fits() -> None:
    whole = crowded(20)
    size = len(encoding.encode(whole, 10**9))
    record = read_record(encoding.encode(whole, size - 100))
    assert "placements.saw" in record.cut
    assert "placements.changed" not in record.cut
    assert all(p.changed for p in record.placements)


def test_of_many_uninspected_things_one_of_each_kind_is_left() -> None:
    met = [Uninspected(f"messages[*].x{n}", "unlisted", "allow", "guard") for n in range(5000)]
    met.append(Uninspected("messages[*].image_url", "image", "refuse", "guard"))
    record = read_record(encoding.encode(replace(examples.answered(), uninspected=met)))
    assert [entry.kind for entry in record.uninspected] == ["unlisted", "image"]
    assert record.cut == {"uninspected": 4999}


def test_what_was_cut_before_is_counted_with_what_is_cut_now() -> None:
    many = [examples.full().uninspected[0]] * 5000
    record = replace(examples.full(), uninspected=many, cut={"uninspected": 7})
    assert read_record(encoding.encode(record, max_bytes=10_000)).cut["uninspected"] == 7 + 4999


def test_what_cannot_be_cut_is_kept_whole_even_over_the_bound() -> None:
    record = read_record(encoding.encode(crowded(300)))
    assert len(record.placements) == 300


def test_encoding_leaves_the_record_alone() -> None:
    record = crowded(100)
    encoding.encode(record)
    assert record.placements[0].saw is not None
    assert record.cut == {}


def test_a_foreign_object_in_a_record_is_an_error_and_never_its_repr() -> None:
    record = replace(examples.answered(), overrides=object())  # type: ignore[arg-type]  # the point of the test
    with pytest.raises(Exception, match="Unable to serialize unknown type"):
        encoding.encode(record)
