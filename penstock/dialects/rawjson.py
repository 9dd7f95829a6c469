"""Strict JSON: what two parsers could read in two ways is refused, so that a plugin sees what is sent.

Refused beyond the grammar of RFC 8259: a byte order mark, a name twice in one object, NaN and Infinity,
lone surrogates, nesting beyond a bound, integers longer than Python converts. Messages say what is wrong
and where, never what stands there.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

from penstock.errors import NotJsonError, RequestError

MAX_DEPTH: Final = 64

# Depth does not ask which kind of bracket it is; what is neither bracket nor quote is left out.
_ONE_KIND: Final = bytes.maketrans(b"{}", b"[]")
_NO_STRUCTURE: Final = bytes(set(range(256)) - set(b'[]{}"'))

# Possessive quantifiers (`*+`): a string is read once, in linear time and without a stack.
_STRING: Final = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_CONSTANT: Final = re.compile(_STRING + r"|(?P<found>NaN|-?Infinity)", re.DOTALL)
_INTEGER: Final = re.compile(_STRING + r"|(?P<found>-?[0-9]{4300,})", re.DOTALL)
_ESCAPE: Final = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<found>u[dD][89a-fA-F])|.)", re.DOTALL
)
_NAMES: Final = re.compile(rf"(?P<string>{_STRING})[ \t\r\n]*(?P<colon>:)?|(?P<brace>[{{}}])", re.DOTALL)


class DuplicateNameError(ValueError):
    """An object names a member twice."""


class ConstantError(ValueError):
    """NaN, Infinity or -Infinity: Python reads them, JSON has them not."""


def loads(body: bytes, *, max_depth: int = MAX_DEPTH) -> tuple[str, Any]:
    """The body as text and as parsed JSON.

    Raises RequestError (400, `invalid_request_body`), NotJsonError for what is no JSON. Costs about what the
    C scanner does: 30 µs for 4 KB.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        _refuse("The body is not UTF-8", body[: error.start].decode("utf-8"), error.start, NotJsonError)
    if text.startswith("\ufeff"):
        _refuse("The body begins with a byte order mark; send it without", text, 0, NotJsonError)
    return text, _parsed(text, body, max_depth)


def parse(text: str, *, max_depth: int = MAX_DEPTH, allows_halves: bool = False) -> Any:
    """`text` as parsed JSON, as strictly as `loads`. Raises RequestError.

    `allows_halves`: lone surrogates pass, for who joins them.
    """
    return _parsed(text, text.encode("utf-8", "surrogatepass"), max_depth, allows_halves=allows_halves)


def half_at(text: str) -> int:
    """Where in JSON an escape says half of a surrogate pair; 0 when none does."""
    return _found_at(_ESCAPE, text) if "\\ud" in text or "\\uD" in text else 0


def dumps(value: object) -> str:
    """`value` as JSON that `loads` accepts. Mappings and tuples count as objects and arrays.

    Raises ValueError for what JSON cannot say.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
        text.encode("utf-8")
    except (TypeError, RecursionError, UnicodeEncodeError):
        raise ValueError(
            "a value is not JSON: it holds a type or a lone surrogate that JSON cannot say"
        ) from None
    return text


def _plain(value: object) -> object:
    try:
        return dict(value)  # type: ignore[call-overload]  # a read-only view of an object; else TypeError
    except (TypeError, ValueError):
        raise TypeError from None


def _parsed(text: str, body: bytes, max_depth: int, *, allows_halves: bool = False) -> Any:
    if is_deeper(body, max_depth):
        raise _too_deep(max_depth)
    try:
        tree = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        _refuse(f"The body is not JSON: {error.msg}", text, error.pos, NotJsonError)
    except DuplicateNameError:
        _refuse("The body names a member twice in one object", text, _duplicate_at(text))
    except ConstantError:
        _refuse("NaN and Infinity are not JSON", text, _found_at(_CONSTANT, text), NotJsonError)
    except RecursionError:
        raise _too_deep(max_depth) from None
    except ValueError:  # int() refuses more than sys.get_int_max_str_digits() digits
        _refuse("The body has an integer of thousands of digits", text, _found_at(_INTEGER, text))
    if not allows_halves and (at := half_at(text)):
        _refuse("The body has half of a surrogate pair", text, at)
    return tree


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise DuplicateNameError
    return members


def _no_constant(_name: str) -> NoReturn:
    raise ConstantError


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


def is_deeper(body: bytes, max_depth: int) -> bool:
    """Whether well-formed JSON nests deeper than `max_depth`. Linear, without recursion, before any parsing.

    Of text that is not well-formed the answer may be wrong; the parser refuses that anyway.
    """
    if body.count(b"[") + body.count(b"{") <= max_depth:
        return False
    plain = body.replace(b"\\\\", b"").replace(b'\\"', b"").translate(_ONE_KIND, _NO_STRUCTURE)
    brackets = b"".join(plain.split(b'"')[::2])  # what is outside of strings
    for _ in range(max_depth):  # each round takes off the innermost level
        brackets = brackets.replace(b"[]", b"")
    return b"[]" in brackets


def _found_at(pattern: re.Pattern[str], text: str) -> int:
    return next((found.start() for found in pattern.finditer(text) if found["found"]), 0)


def _duplicate_at(text: str) -> int:
    """Where the first name stands that its object has already. Only asked when there is one."""
    objects: list[set[str]] = []
    for token in _NAMES.finditer(text):
        if token["brace"] == "{":
            objects.append(set())
        elif token["brace"]:
            objects.pop()
        elif token["colon"] and objects:
            name = json.loads(token["string"])
            if name in objects[-1]:
                return token.start()
            objects[-1].add(name)
    return 0


def _too_deep(max_depth: int) -> RequestError:
    return RequestError(f"The body nests deeper than {max_depth} levels; send it flatter.")


def _refuse(problem: str, text: str, at: int, kind: type[RequestError] = RequestError) -> NoReturn:
    line = text.count("\n", 0, at) + 1
    column = at - text.rfind("\n", 0, at)
    raise kind(f"{problem} (line {line}, column {column}).") from None
