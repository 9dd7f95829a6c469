"""The text as a reader takes it, in plain ASCII where that is possible, with the way back to the original.

Detectors search the shadow; what they find is replaced in the original. So what looks like a digit
counts as one (full-width, mathematical, Arabic-Indic, circled), what looks like a dash or a dot is one,
and what cannot be seen (zero-width characters, soft hyphens, direction marks, combining marks,
variation selectors, control characters) is not there.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from penstock.sdk import Span

_UNSEEN_ASCII = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_TAGS = re.compile("[\U000e0020-\U000e007e]")

# Code points whose general category does not say what they look like (Unicode 15.1, UnicodeData.txt).
_DOTS = (
    "\u00b7\u0387\u0589\u06d4\u066b\u0701\u0702\u1427\u2022\u2024\u2027\u2219\u22c5\u3002\u30fb\uff61\uff65"
)
_DASHES = "\u00af\u02c9\u02d7\u2043\u207b\u208b\u2212\u23af\u23e4\u2500\u2501\u2796\u30fc\u3161\uff70"
_SLASHES = "\u2044\u2215\u2571\u29f8"
_BLANKS = "\u2800"
_NOTHING = "\u115f\u1160\u3164\uffa0\ufffc\u17b4\u17b5"

# Letters that look the same in Latin, from confusables.txt (UTS #39), Cyrillic and Greek only.
_LOOKALIKE = dict(
    zip(
        "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0405\u0406\u0408"
        "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0455\u0456\u0458\u04bb\u0501\u051b\u051d\u0475"
        "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7"
        "\u03bf\u03bd\u03c1\u03b9\u03f2\u0261\u0131",
        "ABEKMHOPCTYXSIJ" + "aeopcyxsijhdqwv" + "ABEZHIKMNOPTYX" + "ovpicgi",
        strict=True,
    )
)


@dataclass(frozen=True, slots=True)
class Shadow:
    """`text` is what is searched; `origins[i]` says where its character `i` stands in the original."""

    text: str
    size: int
    origins: Sequence[int] | None = None
    """None when the shadow is the original."""

    def span(self, start: int, end: int) -> Span:
        """Where `text[start:end]` (not empty) is in the original, with what is unseen in it and after it."""
        if self.origins is None:
            return Span(start, end)
        after = self.origins[end] if end < len(self.origins) else self.size
        return Span(self.origins[start], max(after, self.origins[end - 1] + 1))


def shadows_of(text: str) -> Iterator[Shadow]:
    """The shadow of `text`; where it holds tag characters, also the one that reads them as ASCII.

    Tag characters (U+E0020 to U+E007E) cannot be seen, but models read them as the letters they mirror.
    """
    yield _shadow(text, {})
    if not text.isascii() and _TAGS.search(text):
        yield _shadow(text, {chr(0xE0000 + code): chr(code) for code in range(0x20, 0x7F)})


def _shadow(text: str, special: dict[str, str]) -> Shadow:
    if text.isascii() and not _UNSEEN_ASCII.search(text):
        return Shadow(text, len(text))
    changes = {char: special.get(char, plain(char)) for char in set(text)}
    changes = {char: new for char, new in changes.items() if char != new}
    if not changes:
        return Shadow(text, len(text))
    pieces: list[str] = []
    origins = array("I")
    at = 0
    for index in [index for index, char in enumerate(text) if char in changes]:
        new = changes[text[index]]
        pieces += (text[at:index], new)
        origins.extend(range(at, index))
        origins.extend([index] * len(new))
        at = index + 1
    pieces.append(text[at:])
    origins.extend(range(at, len(text)))
    return Shadow("".join(pieces), len(text), origins)


@lru_cache(maxsize=4096)
def plain(char: str) -> str:
    """What one character looks like: ASCII, itself when nothing in ASCII looks like it, or nothing at all."""
    if char.isascii():
        return "" if _UNSEEN_ASCII.match(char) else char
    for looks, group in ((".", _DOTS), ("-", _DASHES), ("/", _SLASHES), (" ", _BLANKS), ("", _NOTHING)):
        if char in group:
            return looks
    category = unicodedata.category(char)
    if category in {"Cf", "Mn", "Me", "Cc"}:
        return ""
    if category in {"Pd", "Zs", "Zl", "Zp"}:
        return "-" if category == "Pd" else " " if category == "Zs" else "\n"
    digit = unicodedata.digit(char, None)
    if digit is not None:
        return str(digit)
    return _LOOKALIKE.get(char) or _folded(char)


def _folded(char: str) -> str:
    """The compatibility form without its marks, when that is ASCII; else `char`."""
    parts = unicodedata.normalize("NFKD", char)
    bare = "".join(part for part in parts if not unicodedata.combining(part))
    return bare if bare and bare.isascii() else char
