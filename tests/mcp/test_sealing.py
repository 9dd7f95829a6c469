"""A session's id is of use to the key that opened it, at the server that gave it, and to nobody else."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.mcp.sealing import Sealer

SEALER = Sealer(b"k" * 32)
IDS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=200)
SCOPES = st.lists(st.text(max_size=8), min_size=1, max_size=4)


def sealed(value: str, *scope: str) -> str:
    token = SEALER.seal("session", scope, value)
    assert token is not None
    return token


@given(IDS, SCOPES)
def test_who_it_was_sealed_for_opens_it(value: str, scope: list[str]) -> None:
    token = sealed(value, *scope)
    assert SEALER.open("session", scope, token) == value
    assert all(0x21 <= ord(letter) <= 0x7E for letter in token)


@given(IDS, SCOPES, SCOPES)
def test_nobody_else_does(value: str, scope: list[str], other: list[str]) -> None:
    if scope != other:
        assert SEALER.open("session", other, sealed(value, *scope)) is None


@given(IDS, st.data())
def test_no_changed_token_opens(value: str, data: st.DataObject) -> None:
    token = sealed(value, "files", "key-a")
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.characters(min_codepoint=0x21, max_codepoint=0x7E))
    changed = token[:place] + letter + token[place + 1 :]
    assert (SEALER.open("session", ("files", "key-a"), changed) == value) == _same(token, changed)


def _same(token: str, changed: str) -> bool:
    """Base64 has spare bits in its last letter: two tokens may say the same bytes."""
    pieces, others = token.split("."), changed.split(".")
    if len(others) != 3 or others[0] != pieces[0] or len(others[2]) != 32:
        return False
    try:
        return all(
            _bytes(a) == _bytes(b) and "+" not in b and "/" not in b
            for a, b in zip(pieces, others, strict=True)
        )
    except ValueError:
        return False


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def test_purposes_and_keys_are_kept_apart() -> None:
    token = sealed("s-1", "files", "key-a")
    assert SEALER.open("event", ("files", "key-a"), token) is None
    assert Sealer(b"l" * 32).open("session", ("files", "key-a"), token) is None


def test_scopes_that_read_alike_are_not_alike() -> None:
    assert SEALER.open("session", ("filesk", "ey-a"), sealed("s-1", "files", "key-a")) is None


@pytest.mark.parametrize("value", ["", "with space", "ümlaut", "x" * 1025, "line\n"])
def test_what_no_header_carries_is_not_sealed(value: str) -> None:
    assert SEALER.seal("session", ("files",), value) is None


@pytest.mark.parametrize("token", ["", "s-1", "ps1..", "ps1.!." + "A" * 32, "ps2.cw." + "A" * 32])
def test_what_is_no_token_opens_nothing(token: str) -> None:
    assert SEALER.open("session", ("files",), token) is None
