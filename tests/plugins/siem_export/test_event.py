from __future__ import annotations

import gzip
import json
from typing import Any

from penstock.evidence.encoding import as_mapping
from penstock.sdk import Evidence
from penstock.sdk.delivery import compact_json
from plugins.siem_export.event import GZIP_OVER_BYTES, body
from tests.evidence import examples

ENVELOPE: dict[str, Any] = {"source": "s", "sourcetype": "t", "index": None}
RECORD = as_mapping(examples.answered())


def test_the_same_record_is_the_same_bytes_on_every_try() -> None:
    assert body(Evidence(RECORD), ENVELOPE) == body(Evidence(dict(RECORD)), ENVELOPE)


def test_the_envelope_holds_the_record_as_it_is_and_leaves_the_rest_to_the_token() -> None:
    made = json.loads(gzip.decompress(body(Evidence(RECORD), ENVELOPE).content))
    assert list(made) == ["time", "source", "sourcetype", "fields", "event"]
    assert made["event"] == json.loads(compact_json(RECORD))


def test_a_record_without_a_time_gets_the_collector_s_own() -> None:
    made = json.loads(body(Evidence({"request_id": "r", "ä": '"'}), ENVELOPE).content)
    assert "time" not in made
    assert made["event"] == {"request_id": "r", "ä": '"'}


def test_what_fits_a_packet_is_not_compressed() -> None:
    for missing, packed in ((0, False), (-1, True)):
        empty = len(compact_json({"request_id": "r", "x": ""}))
        record = Evidence({"request_id": "r", "x": "x" * (GZIP_OVER_BYTES - empty - missing)})
        assert ("content-encoding" in body(record).headers) is packed
