"""Lists of messages, taken apart and put together without touching one of them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.dialects.mcp import batch
from penstock.errors import RequestError

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(VALUES, min_size=1, max_size=8), st.sampled_from([None, 0, 1, "\t"]))
def test_every_element_comes_out_as_it_stands(values: list[object], indent: int | str | None) -> None:
    body = json.dumps(values, indent=indent).encode()
    pieces = batch.split(body)
    assert [json.loads(piece) for piece in pieces] == values
    assert all(piece in body for piece in pieces)
    assert json.loads(batch.join(pieces)) == values


def test_a_list_is_told_by_its_first_character() -> None:
    assert batch.is_batch(b" \r\n\t[")
    assert not batch.is_batch(b'{"a": []}')
    assert not batch.is_batch(b"")


@pytest.mark.parametrize("body", [b"[]", b"[" + b",".join([b"{}"] * 33) + b"]", b"[{},]", b"[{}"])
def test_an_empty_an_endless_and_a_broken_list_are_refused(body: bytes) -> None:
    with pytest.raises(RequestError):
        batch.split(body)
