from __future__ import annotations

import json

import pytest

from penstock.evidence.delivery import DELIVERY_UNKNOWN, DeliveryRecord
from penstock.evidence.encoding import as_json, as_mapping
from penstock.evidence.record import Delivery
from penstock.evidence.schema import UnreadableEvidenceError, decode
from tests.evidence import examples


def delivered() -> DeliveryRecord:
    return DeliveryRecord(
        request_id=examples.REQUEST_ID,
        plugin="audit-export",
        version="1.2.0",
        digest=examples.TREE,
        message_id="059f36b4-87a3-44ab-83d2-661975830a7d",
        attempt=2,
        idempotency_key=f"{examples.REQUEST_ID}:audit-export",
        delivered_at=examples.RECEIVED_AT,
        action="fail",
        reason=DELIVERY_UNKNOWN,
        failure="timeout",
        also=["emit"],
        recorded={"exported": 1.0},
        deliveries=[Delivery("siem.example.com:443", 202, examples.HMAC)],
        refused=["hosts"],
        snapshot=examples.TREE,
        ms=12.5,
    )


def test_a_delivery_comes_back_as_it_was() -> None:
    assert decode(DeliveryRecord, as_json(as_mapping(delivered()))) == delivered()


STRINGS = [name for name, value in as_mapping(delivered()).items() if isinstance(value, str)]


@pytest.mark.parametrize("content", ["A sentence.", "jane.doe@example.com", "4111 1111 1111 1111"])
@pytest.mark.parametrize("name", STRINGS)
def test_no_string_of_a_delivery_admits_content(name: str, content: str) -> None:
    with pytest.raises(UnreadableEvidenceError):
        decode(DeliveryRecord, json.dumps(as_mapping(delivered()) | {name: content}))


def test_what_a_plugin_recorded_is_a_number_or_a_code() -> None:
    with pytest.raises(UnreadableEvidenceError):
        decode(DeliveryRecord, json.dumps(as_mapping(delivered()) | {"recorded": {"note": "A sentence."}}))
