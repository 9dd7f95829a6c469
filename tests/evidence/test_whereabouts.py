from __future__ import annotations

from collections.abc import Callable

import pytest

from penstock.adapters.objects import MemoryObjects
from penstock.evidence.archive import Archive
from penstock.evidence.encoding import encode
from penstock.evidence.record import EvidenceRecord
from penstock.evidence.schema import read_record
from penstock.evidence.whereabouts import amendment_key, as_amendment, as_terminal
from tests.evidence import examples


def test_a_record_and_each_placement_say_where_to_look() -> None:
    record = as_terminal(examples.answered())
    assert record.inspect is not None
    query = f'filter request_id = "{examples.REQUEST_ID}"'
    assert record.inspect.log_query == query
    assert record.inspect.s3.endswith(f"/{examples.REQUEST_ID}.terminal.json.gz")
    found = [(p.inspect.log_query, p.inspect.s3) for p in record.placements if p.inspect]
    assert found == [
        (f'{query} and plugin = "{plugin}"', record.inspect.s3) for plugin in ("pii-redactor", "audit-export")
    ]


def test_the_record_it_is_made_of_is_left_alone() -> None:
    record = examples.answered()
    as_terminal(record)
    assert record == examples.answered()


@pytest.mark.parametrize("placed", [as_terminal, as_amendment])
@pytest.mark.parametrize("example", examples.EXAMPLES)
def test_it_is_valid_evidence_and_the_same_again(
    example: Callable[[], EvidenceRecord], placed: Callable[[EvidenceRecord], EvidenceRecord]
) -> None:
    record = placed(example())
    assert read_record(encode(record)) == record
    assert placed(record) == record


def test_an_amendment_lies_where_it_says() -> None:
    objects = MemoryObjects()
    record = as_amendment(examples.answered())
    key = Archive(objects).put_amendment(record)
    assert record.inspect is not None
    assert record.inspect.s3 == key == amendment_key(examples.answered())
