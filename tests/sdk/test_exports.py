from __future__ import annotations

import pytest

from penstock.sdk.exports import MAX_KEY_CHARS, MAX_OBJECT_BYTES, MemoryExports, checked_object


@pytest.mark.parametrize(
    "key", ["a", "dt=2026-11-22/hour=09/01a2.0f.json.gz", "_x/-y/z=1", "a" * MAX_KEY_CHARS]
)
def test_a_key_is_a_path_of_plain_names(key: str) -> None:
    assert checked_object(key, b"x" * MAX_OBJECT_BYTES)


@pytest.mark.parametrize(
    "key",
    ["", "/a", "a/", "a//b", "../a", "a/../b", "a/.b", ".", "a b", "ä", "a\n", "a*", "a%2fb", "a" * 513],
)
def test_what_could_lead_elsewhere_is_no_key(key: str) -> None:
    with pytest.raises(ValueError, match="a key has") as raised:
        checked_object(key, b"")
    assert not key or len(key) < 2 or key not in str(raised.value)


@pytest.mark.parametrize("body", [b"x" * (MAX_OBJECT_BYTES + 1), "text", None])
def test_what_is_too_much_or_no_bytes_is_no_object(body: object) -> None:
    with pytest.raises(ValueError, match="an object has"):
        checked_object("a", body)  # type: ignore[arg-type]  # as a plugin might


def test_what_is_there_stays() -> None:
    exports = MemoryExports()
    assert [exports.put("a", b"1"), exports.put("a", b"2"), exports.put("b", b"2")] == [True, False, True]
    assert exports.kept == {"a": b"1", "b": b"2"}
