"""E-mail addresses (RFC 5321 lengths, RFC 6531 letters), also as `%40`, `(at)` and `[dot]`.

Greatest width: 64 + 1 + 253 characters (RFC 5321, section 4.5.3.1); spelt out, 8 more for each sign.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from penstock.sdk import Span

from .outline import Outline

MAX_WIDTH = 64 + 253 + 8 * 6
# Scripts that part words by spaces: in the others a sentence would be taken for a name.
_LETTERS = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u0dff\u10a0-\u16ff\u1e00-\u1fff"
_LOCAL_BACKWARDS = re.compile(rf"[{_LETTERS}0-9._%+'&!#$^~-]{{1,64}}+")
# A blank before a spelt one belongs to it: `_sign_start`. Without it, what a sign begins with is found in C.
_AT = re.compile(r"@|%40|[\[({<][ ]?[aA][tT][ ]?[\])}>][ ]?")
_DOMAIN = re.compile(rf"[{_LETTERS}0-9.-]{{1,253}}+")
_SPELT_DOT = re.compile(r"[ ]?[\[({<][ ]?dot[ ]?[\])}>][ ]?", re.IGNORECASE)
_TOP = re.compile(rf"(?:xn--[a-z0-9-]{{1,59}}|[{_LETTERS}]{{2,63}}[{_LETTERS}0-9]{{0,61}})", re.IGNORECASE)
_DOT_BEGUN = re.compile(r"[ ]?(?:[\[({<][ ]?(?:d(?:ot?)?)?[ ]?[\])}>]?[ ]?)?\Z", re.IGNORECASE)
_MAX_SPELT_DOTS = 5

# `@` in what programs write: image@2x.png, package@1.2.3-rc.x, git@host:path.
_SCALE = re.compile(r"[1-4]x\.(?:png|jpe?g|webp|gif|svg|avif)\b", re.IGNORECASE)
_VERSION = re.compile(r"v?[0-9]{1,6}\.[0-9]{1,6}\.[0-9]{1,6}-")


def find_emails(
    text: str, allowed_domains: frozenset[str] = frozenset(), outline: Outline | None = None
) -> Iterator[Span]:
    """Every address in `text` whose domain, in lower case, is not one of `allowed_domains`."""
    if "@" not in text and "%40" not in text and not (outline or Outline(text)).has_spelt_at():
        return
    for sign in _AT.finditer(text):
        start = _local_start(text, _sign_start(text, sign.start()))
        end = _domain_end(text, sign.end())
        if start is None or end is None or _is_code(text, start, sign.end(), end):
            continue
        domain = _SPELT_DOT.sub(".", text[sign.end() : end]).lower()
        if domain not in allowed_domains:
            yield Span(start, end)


def open_email(text: str) -> int | None:
    """Where an address begins whose domain may go on behind the end of `text`; None for none."""
    sign: re.Match[str] | None = None
    for found in _AT.finditer(text, max(0, len(text) - MAX_WIDTH)):
        sign = found
    end = _run_end(text, sign.end()) if sign else None
    if sign is None or end is None or not _DOT_BEGUN.match(text, end):
        return None
    return _local_start(text, _sign_start(text, sign.start()))


def _sign_start(text: str, at: int) -> int:
    return at - 1 if text[at] not in "@%" and text[at - 1 : at] == " " else at


def _local_start(text: str, at: int) -> int | None:
    """Where the part before the sign begins; None when there is none."""
    before = text[max(0, at - 64) : at][::-1]
    found = _LOCAL_BACKWARDS.match(before)
    if not found:
        return None
    local = found[0].rstrip("'")  # backwards: a quote that opens
    return at - len(local) if any(char.isalnum() for char in local) else None


def _domain_end(text: str, at: int) -> int | None:
    """Where the longest domain name that begins at `at` ends; None when none does."""
    end = _run_end(text, at)
    return None if end is None else _last_top(text, at, end)


def _run_end(text: str, at: int) -> int | None:
    """Where the characters of a domain name that begins at `at` end, dots spelt out included."""
    found = _DOMAIN.match(text, at)
    if not found:
        return None
    end, dots = found.end(), 0
    while dots < _MAX_SPELT_DOTS and (dot := _SPELT_DOT.match(text, end)):
        more = _DOMAIN.match(text, dot.end())
        if not more:
            break
        end, dots = more.end(), dots + 1
    return end


def _last_top(text: str, at: int, end: int) -> int | None:
    """The end of the last label in `text[at:end]` that can be a top-level domain and has one before it."""
    good: int | None = None
    for index, (start, label) in enumerate(_labels(text, at, end)):
        if not label or len(label) > 63 or label.startswith("-"):
            break
        top = _TOP.match(label)
        if index and top:
            good = start + top.end()
    return good


def _labels(text: str, at: int, end: int) -> Iterator[tuple[int, str]]:
    """The labels of a domain name, each with where it begins; dots may be spelt out."""
    for piece in _split(text, at, end, _SPELT_DOT):
        start = piece.start
        for label in text[piece.start : piece.end].split("."):
            yield start, label
            start += len(label) + 1


def _split(text: str, at: int, end: int, by: re.Pattern[str]) -> Iterator[Span]:
    for sign in by.finditer(text, at, end):
        yield Span(at, sign.start())
        at = sign.end()
    yield Span(at, end)


def _is_code(text: str, start: int, after_sign: int, end: int) -> bool:
    if _SCALE.match(text, after_sign) or _VERSION.match(text, after_sign):
        return True
    return text[start:after_sign] == "git@" and text[end : end + 1] == ":"
