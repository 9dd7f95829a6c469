from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.dialects import rawjson
from penstock.errors import RequestError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(), below, max_size=4),
    max_leaves=12,
)


def refusal(body: bytes) -> str:
    with pytest.raises(RequestError) as caught:
        rawjson.loads(body)
    assert (caught.value.code, caught.value.status) == ("invalid_request_body", 400)
    return str(caught.value)


def encodable(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


@given(JSON.filter(encodable), st.booleans(), st.sampled_from([None, 1]))
def test_what_json_dumps_writes_is_read_as_json_loads_reads_it(
    value: Any, ascii_only: bool, indent: int | None
) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    assert rawjson.loads(body) == (body.decode(), value)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"a":1,\n "b":{"x":1,"x":2}}', "names a member twice in one object (line 2, column 13)"),
        (b'{"\\u0061":1,"a":2}', "twice in one object (line 1, column 13)"),
        (b'[{"a":{}},{"b":[{"c":1}],"b":1}]', "twice in one object (line 1, column 26)"),
        (b"\xef\xbb\xbf{}", "byte order mark; send it without (line 1, column 1)"),
        (b'{"a":\n"\xff"}', "not UTF-8 (line 2, column 2)"),
        (b'"\xed\xa0\x80"', "not UTF-8 (line 1, column 2)"),
        (b'["NaN", NaN]', "NaN and Infinity are not JSON (line 1, column 9)"),
        (b"[-Infinity]", "NaN and Infinity are not JSON (line 1, column 2)"),
        (b'["\\\\ud800 \\ud800"]', "half of a surrogate pair (line 1, column 11)"),
        (b'["\\uDC00\\uD800"]', "half of a surrogate pair (line 1, column 3)"),
        (b'{"\\ud83d\\n":1}', "half of a surrogate pair (line 1, column 3)"),
        (b"{} {}", "not JSON: Extra data (line 1, column 4)"),
        (b"", "not JSON: Expecting value (line 1, column 1)"),
        (b'{"a":1\n,,}', "(line 2, column 2)"),
        (b"['a']", "not JSON: Expecting value (line 1, column 2)"),
        (b'["a\nb"]', "not JSON: Invalid control character at (line 1, column 4)"),
        (b"[1, " + b"9" * 5000 + b"]", "an integer of thousands of digits (line 1, column 5)"),
    ],
)
def test_a_refusal_says_what_and_where(body: bytes, message: str) -> None:
    assert message in refusal(body)


def test_a_refusal_never_says_what_stands_there() -> None:
    bodies = (b'{"canary":1,"canary":2}', b'{"canary":canary}', b'["canary" "canary"]', b'{"canary\xff":1}')
    assert not [body for body in bodies if "canary" in refusal(body)]


@pytest.mark.parametrize(
    "body", [b'["\\ud83d\\ude80"]', b'["\\\\ud83d"]', b'["\\\\\\\\ud83d \xf0\x9f\x9a\x80"]']
)
def test_pairs_of_surrogates_and_what_only_looks_like_one_pass(body: bytes) -> None:
    assert rawjson.loads(body)[1] == json.loads(body)


def test_big_integers_and_long_fractions_survive() -> None:
    body = b"[123456789012345678901234567890, 0.10000000000000000000001, -0, 1e-400]"
    text, tree = rawjson.loads(body)
    assert (text.encode(), tree[0]) == (body, 123456789012345678901234567890)


@pytest.mark.parametrize("levels", [65, 200, 5_000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_deep_nesting_is_refused_without_recursion(levels: int, opening: bytes, closing: bytes) -> None:
    middle = b"1" if opening != b"[" else b""
    assert "deeper than 64 levels" in refusal(opening * levels + middle + closing * levels)


def test_deep_nesting_that_is_never_closed_is_refused() -> None:
    assert refusal(b"[" * 100_000)
    assert refusal(b'{"a":' * 100_000)


def test_as_deep_as_the_bound_is_not_too_deep() -> None:
    assert rawjson.loads(b"[" * 64 + b"]" * 64)
    assert rawjson.loads(b"[" + b"[]," * 5_000 + b"[]]")


@given(JSON.filter(encodable))
def test_depth_is_counted_as_a_walk_over_the_tree_counts_it(value: Any) -> None:
    body = json.dumps([value, "[[[\\", "[", ']]}}[[{{\\"[', [[]] * 30, {"[": {}}] + [[]] * 30).encode()
    levels = depth(json.loads(body))
    assert not rawjson.is_deeper(body, levels)
    assert rawjson.is_deeper(body, levels - 1)


def depth(value: Any) -> int:
    if isinstance(value, dict | list):
        return 1 + max(map(depth, value.values() if isinstance(value, dict) else value), default=0)
    return 0


@pytest.mark.parametrize("value", ["\ud800", float("nan"), {1, 2}, object(), [b"bytes"], {("a",): 1}])
def test_what_json_cannot_say_is_no_json(value: object) -> None:
    with pytest.raises(ValueError, match="JSON"):
        rawjson.dumps(value)


def test_a_circle_and_an_endless_integer_are_no_json() -> None:
    circle: list[object] = []
    circle.append(circle)
    for value in (circle, 10 ** (sys.get_int_max_str_digits() + 1)):
        with pytest.raises(ValueError, match=r"Circular|digits"):
            rawjson.dumps(value)


def test_half_a_character_passes_for_who_joins_halves_and_for_nobody_else() -> None:
    text = '{"a":"\\ud83d","b":"\\\\ud83d"}'
    assert rawjson.parse(text, allows_halves=True) == {"a": "\ud83d", "b": "\\ud83d"}
    assert text[rawjson.half_at(text) :].startswith("\\ud83d")
    assert rawjson.half_at('{"a":"\\ud83d\\ude00 \\\\ud83d"}') == 0
    with pytest.raises(RequestError, match="half of a surrogate pair"):
        rawjson.parse(text)
    with pytest.raises(RequestError, match="member twice"):
        rawjson.parse('{"a":"\\ud83d","a":1}', allows_halves=True)
