"""Request ids: UUIDv7 as RFC 9562 has it."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from penstock.ids import issued_at_ms, uuid7

TIMES_MS = st.integers(0, (1 << 48) - 1)


def test_the_example_of_the_standard() -> None:
    """RFC 9562, appendix A.6: 2022-02-22 19:22:22 UTC, random 0xCC3 and 0x18C4DC0C0C07398F."""
    entropy = (0x7CC3 << 64 | 0x98C4DC0C0C07398F).to_bytes(10, "big")
    assert uuid7(0x017F22E279B0, entropy) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


@given(TIMES_MS, st.binary(min_size=10, max_size=10))
def test_version_variant_and_time_are_right_whatever_the_randomness(now_ms: int, entropy: bytes) -> None:
    made = uuid.UUID(uuid7(now_ms, entropy))
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert issued_at_ms(str(made)) == now_ms


@given(TIMES_MS, TIMES_MS, st.binary(min_size=10, max_size=10), st.binary(min_size=10, max_size=10))
def test_ids_sort_by_time_as_text(one_ms: int, other_ms: int, one: bytes, other: bytes) -> None:
    if one_ms < other_ms:
        assert uuid7(one_ms, one) < uuid7(other_ms, other)


def test_ids_made_at_once_differ() -> None:
    assert len({uuid7(1) for _ in range(1_000)}) == 1_000
