"""Tools' names, compared as nobody can spell around them.

Two names are one when they are equal after NFKC, case folding and without characters that show nothing
(Unicode 16, "Default Ignorable Code Point"; UAX 31 calls this NFKC_Casefold). A server that ignores case must
not run under `Delete_File` what is blocked as `delete_file`.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self

# "Default Ignorable Code Point" of Unicode's DerivedCoreProperties; the standard library does not have it.
_INVISIBLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
# MCP 2025-11-25, "Tools", "Tool Names": letters, digits, `_`, `-`, `.` and, in 2026-07-28, `/`; up to 128.
_PLAIN: Final = re.compile(r"[!-~]{1,128}")


def folded(name: str) -> str:
    """What of a name counts when it is compared."""
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", name).casefold())
    return unicodedata.normalize("NFKC", text).casefold()


def is_plain(name: str) -> bool:
    """Whether a name is of ASCII's visible characters, so that no two of its letters only look alike."""
    return _PLAIN.fullmatch(name) is not None


def ambiguous(names: Iterable[str]) -> frozenset[str]:
    """Those of `names` that are one and the same when compared: nobody can say which of them is meant."""
    spellings = list(names)
    counted = Counter(map(folded, spellings))
    return frozenset(name for name in spellings if counted[folded(name)] > 1)


@dataclass(frozen=True, slots=True)
class NamePatterns:
    """Names and globs, folded. `exact` are those without `*`."""

    exact: frozenset[str]
    glob: re.Pattern[str] | None

    @classmethod
    def of(cls, patterns: Sequence[str]) -> Self:
        """`*` stands for any run of characters; nothing else is special."""
        globs = [re.escape(folded(p)).replace(r"\*", ".*") for p in patterns if "*" in p]
        return cls(
            frozenset(folded(p) for p in patterns if "*" not in p),
            re.compile("|".join(f"(?:{g})" for g in globs), re.DOTALL) if globs else None,
        )

    def admits(self, name: str) -> bool:
        """Whether the folded `name` is one of them."""
        return name in self.exact or (self.glob is not None and self.glob.fullmatch(name) is not None)
