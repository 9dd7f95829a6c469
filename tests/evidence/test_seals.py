from __future__ import annotations

import pytest

from penstock.evidence import layout
from penstock.evidence.record import timestamp
from penstock.evidence.seals import (
    Head,
    Inventory,
    Item,
    Reference,
    Seal,
    digest_of,
    head_of,
    packed,
    unix_ms,
    unpacked,
)

DIGEST = digest_of(b"")
SEAL = Seal(
    2, timestamp(1_795_338_000_123), DIGEST, timestamp(1_795_338_000_000), [Reference("k", DIGEST, 1)]
)


def test_what_is_stored_is_read_back() -> None:
    assert unpacked(Seal, packed(SEAL)) == SEAL
    inventory = Inventory("org=a/dt=2026-11-22/hour=09/", [Item("x", 3, DIGEST)])
    assert unpacked(Inventory, packed(inventory)) == inventory


def test_the_first_seal_follows_none() -> None:
    first = Seal(1, timestamp(0))
    assert unpacked(Seal, packed(first)) == first
    assert head_of(first, packed(first)) == Head(1, digest_of(packed(first)), None)


def test_a_time_is_read_to_the_millisecond() -> None:
    assert unix_ms(SEAL.sealed_at) == 1_795_338_000_123
    assert unix_ms(None) is None


@pytest.mark.parametrize(
    "body",
    [b"", b"text", layout.pack(b"[]"), layout.pack(b'{"number":-1,"sealed_at":"x"}'), packed(SEAL)[:-4]],
)
def test_what_is_none_is_told_from_one(body: bytes) -> None:
    assert unpacked(Seal, body) is None


def test_the_digest_is_of_the_bytes_as_they_are_stored() -> None:
    assert digest_of(b"abc") == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
