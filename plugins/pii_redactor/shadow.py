"""The text as a reader takes it, in plain ASCII where that is possible, with the way back to the original.

Detectors search the shadow; what they find is replaced in the original. So what looks like a digit
counts as one (full-width, mathematical, Arabic-Indic, circled), what looks like a dash or a dot is one,
and what cannot be seen (zero-width characters, soft hyphens, direction marks, combining marks,
variation selectors, control characters) is not there.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from penstock.sdk import Span

_UNSEEN_ASCII = bytes([*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F])
# Default_Ignorable_Code_Point though nothing is assigned there yet (DerivedCoreProperties.txt): not drawn.
_UNASSIGNED_UNSEEN = re.compile("[\u2065\ufff0-\ufff8\U000e0000\U000e0002-\U000e001f\U000e0080-\U000e0fff]")
_TAGS = re.compile("[\U000e0020-\U000e007e]")

_MAX_REPLACED = 24  # by then one pass over all characters costs no more than one for each

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
    """`text` is what is searched; `size` is the length of the original, `pieces` the way back to it."""

    text: str
    size: int
    pieces: Pieces | None = None
    """None when each character stands where the one does that it is the shadow of."""

    def origin(self, at: int) -> int:
        """Where in the original the character `at` of the shadow stands."""
        return at if self.pieces is None else self.pieces.origin(at)

    def span(self, start: int, end: int) -> Span:
        """Where `text[start:end]` (not empty) is in the original, with what is unseen in it and after it."""
        if self.pieces is None:
            return Span(start, end)
        after = self.pieces.origin(end) if end < len(self.text) else self.size
        return Span(self.pieces.origin(start), max(after, self.pieces.origin(end - 1) + 1))


class Pieces:
    """Where the pieces of a shadow begin, in it and in the original: text as it was, or one character's."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._origins: list[int] = []
        self._is_copy: list[bool] = []

    def add(self, start: int, origin: int, *, is_copy: bool) -> None:
        """Add the next piece; `is_copy` unless all of it stands for one character."""
        self._starts.append(start)
        self._origins.append(origin)
        self._is_copy.append(is_copy)

    def origin(self, at: int) -> int:
        """Where in the original the character `at` of the shadow stands."""
        index = bisect_right(self._starts, at) - 1
        return self._origins[index] + (at - self._starts[index] if self._is_copy[index] else 0)


def shadows_of(text: str) -> Iterator[Shadow]:
    """The shadow of `text`; where it holds tag characters, also the one that reads them as ASCII.

    Tag characters (U+E0020 to U+E007E) cannot be seen, but models read them as the letters they mirror.
    """
    yield _shadow(text, {})
    if not text.isascii() and _TAGS.search(text):
        yield _shadow(text, {chr(0xE0000 + code): chr(code) for code in range(0x20, 0x7F)})


def _shadow(text: str, special: dict[str, str]) -> Shadow:
    if text.isascii() and len(text) == len(text.encode().translate(None, _UNSEEN_ASCII)):
        return Shadow(text, len(text))
    looks = {char: special.get(char, plain(char)) for char in set(text)}
    alike = {char: new for char, new in looks.items() if len(new) == 1 and new != char}
    if len(alike) > _MAX_REPLACED:
        text = text.translate({ord(char): new for char, new in alike.items()})
    else:  # as fast as the text has few of them
        for char, new in alike.items():
            text = text.replace(char, new)
    changes = {char: new for char, new in looks.items() if len(new) != 1}
    return _resized(text, changes) if changes else Shadow(text, len(text))


def _resized(text: str, changes: Mapping[str, str]) -> Shadow:
    """The shadow in which each character that is a key is none or several."""
    parts: list[str] = []
    pieces = Pieces()
    at = size = 0
    for found in re.finditer(f"[{re.escape(''.join(changes))}]", text):
        index, new = found.start(), changes[found[0]]
        if index > at:
            pieces.add(size, at, is_copy=True)
        if new:
            pieces.add(size + index - at, index, is_copy=False)
        parts += (text[at:index], new)
        size += index - at + len(new)
        at = index + 1
    pieces.add(size, at, is_copy=True)
    return Shadow("".join([*parts, text[at:]]), len(text), pieces)


@lru_cache(maxsize=4096)
def plain(char: str) -> str:
    """What one character looks like: ASCII, itself when nothing in ASCII looks like it, or nothing at all."""
    if char.isascii():
        return "" if ord(char) in _UNSEEN_ASCII else char
    for looks, group in ((".", _DOTS), ("-", _DASHES), ("/", _SLASHES), (" ", _BLANKS), ("", _NOTHING)):
        if char in group:
            return looks
    category = unicodedata.category(char)
    if category == "Cn" and _UNASSIGNED_UNSEEN.match(char):
        return ""
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
