from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import StorageError
from penstock.evidence import layout
from penstock.evidence.record import ObjectKey, timestamp
from penstock.evidence.schema import _validator
from penstock.ids import issued_at_ms, uuid7
from tests.evidence import examples

MESSAGE_ID = "059f36b4-87a3-44ab-83d2-661975830a7d"
FOLDER = "org=acme/dt=2026-11-22/hour=09/"


def test_every_object_of_a_request_lies_under_one_prefix_that_its_id_tells() -> None:
    prefix = layout.request_prefix("acme", examples.REQUEST_ID)
    keys = [
        layout.terminal_key("acme", examples.REQUEST_ID),
        layout.amendment_key("acme", examples.REQUEST_ID, b"{}"),
        layout.delivery_key("acme", examples.REQUEST_ID, "audit-export", MESSAGE_ID, 2),
    ]
    assert prefix == f"{FOLDER}{examples.REQUEST_ID}."
    assert all(key.startswith(prefix) for key in keys)
    assert [layout.named(key) for key in keys] == [
        (examples.REQUEST_ID, kind) for kind in ("terminal", "amendment", "delivery")
    ]
    for key in keys:
        assert _validator(ObjectKey).validate_python(key) == key


@pytest.mark.parametrize(
    "name",
    [
        "terminal.delivery.audit.m-1.1",
        "amendment.delivery.audit.0011223344556677",
        "amendment.0011223344556677.delivery.audit.m-1.1",
        "delivery.other.delivery.audit.1",
        "delivery.other.m-1.1.delivery.audit.m-1.1",
        "terminal\n",
        "terminal.x",
    ],
)
def test_what_only_begins_like_evidence_is_none(name: str) -> None:
    assert layout.named(f"{FOLDER}{examples.REQUEST_ID}.{name}.json.gz").kind == ""


def test_the_folder_is_the_hour_in_which_the_record_says_it_was_received() -> None:
    assert timestamp(issued_at_ms(examples.REQUEST_ID)) == examples.RECEIVED_AT


def test_another_amendment_has_another_key() -> None:
    keys = {layout.amendment_key("acme", examples.REQUEST_ID, body) for body in (b"1", b"1", b"2")}
    assert len(keys) == 2


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.:@/+-]{0,127}", fullmatch=True))
def test_any_organisation_is_one_folder_and_comes_back(organisation: str) -> None:
    folder = layout.organisation_folder(organisation)
    assert folder.count("/") == 1
    assert layout.organisation_of(folder) == organisation


def test_no_organisation_has_a_folder_that_no_organisation_can_have() -> None:
    assert layout.organisation_folder(None) == "org=-/"
    assert layout.organisation_of("org=-/") is None


def test_hours_run_from_the_newest_to_the_oldest_and_name_each_once() -> None:
    hour = 3_600_000
    assert list(layout.hours(hour + 5, 3 * hour + 1)) == [3 * hour, 2 * hour, hour]


@given(st.binary(max_size=500))
def test_what_is_packed_comes_back_and_packing_is_deterministic(body: bytes) -> None:
    assert layout.unpack(layout.pack(body)) == body
    assert layout.pack(body) == layout.pack(body)


def test_a_packed_body_tells_no_time() -> None:
    assert layout.pack(b"x")[4:8] == b"\0\0\0\0"


@pytest.mark.parametrize(
    "packed",
    [b"", b"plain", layout.pack(b"x" * 100)[:-9], gzip.compress(b"0" * (layout.MAX_UNPACKED_BYTES + 1))],
    ids=["empty", "plain", "cut", "bomb"],
)
def test_what_is_not_evidence_is_not_unpacked(packed: bytes) -> None:
    if packed == b"":
        assert layout.unpack(packed) == b""
        return
    with pytest.raises(StorageError):
        layout.unpack(packed)


def test_ids_made_in_one_hour_lie_in_one_folder() -> None:
    start = 1_795_338_000_000
    folders = {layout.hour_folder("acme", issued_at_ms(uuid7(start + n))) for n in (0, 3_599_999)}
    assert len(folders) == 1


def test_a_seal_has_one_key_and_an_inventory_one_for_what_it_says() -> None:
    assert layout.seal_key(42) == "seal/chain/000000000042.json.gz"
    key = layout.inventory_key(FOLDER, 42, b"packed")
    assert key.startswith(f"seal/{FOLDER}000000000042.")
    assert key == layout.inventory_key(FOLDER, 42, b"packed") != layout.inventory_key(FOLDER, 42, b"other")
    assert layout.seal_number(layout.seal_key(42)) == layout.seal_number(key) == 42
    assert layout.seal_number("seal/chain/42.json.gz") is None


def test_an_hour_s_folder_tells_its_hour_and_other_folders_none() -> None:
    hour_ms = 1_795_338_000_000
    assert layout.hour_of(layout.hour_folder("acme", hour_ms)) == hour_ms
    for other in ("org=acme/", "org=acme/dt=x/hour=09/", "org=acme/dt=2026-11-22/hour=09/more/"):
        assert layout.hour_of(other) is None
