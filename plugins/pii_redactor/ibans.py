"""International bank account numbers: country, structure, length, check digits.

Structures: SWIFT IBAN Registry, release 99 (December 2024). `n` digits, `a` letters, `c` either; they
follow the country's two letters and the two check digits. Check: ISO 13616-1, by ISO/IEC 7064 MOD 97-10.
Greatest width: 33 characters (Russia) and 32 gaps, 129 characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType

from penstock.sdk import Span

from .outline import Outline

MAX_WIDTH = 33 + 32 * 3
_GAP = r"[ \t._/-]{0,3}+"
_HEAD = re.compile(
    rf"(?:(?<![A-Za-z0-9])|(?<=[Ii][Bb][Aa][Nn]))([A-Za-z]){_GAP}([A-Za-z]){_GAP}[0-9]{_GAP}[0-9]"
)
_CLASSES = MappingProxyType({"n": "[0-9]", "a": "[A-Za-z]", "c": "[A-Za-z0-9]"})

_TABLE = (
    "AD:8n12c AE:19n AL:8n16c AT:16n AZ:4a20c BA:16n BE:12n BG:4a6n8c BH:4a14c BI:23n BR:23n1a1c",
    "BY:4c4n16c CH:5n12c CR:18n CY:8n16c CZ:20n DE:18n DJ:23n DK:14n DO:4c20n EE:16n EG:25n ES:20n",
    "FI:14n FK:2a12n FO:14n FR:10n11c2n GB:4a14n GE:2a16n GI:4a15c GL:14n GR:7n16c GT:24c HN:4a20n",
    "HR:17n HU:24n IE:4a14n IL:19n IQ:4a15n IS:22n IT:1a10n12c JO:4a4n18c KW:4a22c KZ:3n13c LB:4n20c",
    "LC:4a24c LI:5n12c LT:16n LU:3n13c LV:4a13c LY:21n MC:10n11c2n MD:20c ME:18n MK:3n10c2n MN:16n",
    "MR:23n MT:4a5n18c MU:4a19n3a NI:4a20n NL:4a10n NO:11n OM:3n16c PK:4a16c PL:24n PS:4a21c PT:21n",
    "QA:4a21c RO:4a16c RS:18n RU:14n15c SA:2n18c SC:4a20n3a SD:14n SE:20n SI:15n SK:20n SM:1a10n12c",
    "SO:19n ST:21n SV:4a20n TL:19n TN:20n TR:6n16c UA:6n19c VA:18n VG:4a16n XK:16n YE:4a4n18c",
)
STRUCTURES: Mapping[str, str] = MappingProxyType(
    dict(entry.split(":") for line in _TABLE for entry in line.split())
)


def find_ibans(text: str, outline: Outline | None = None) -> Iterator[Span]:
    """Every IBAN in `text`, in either case, however it is grouped."""
    at = 0
    for start in (outline or Outline(text)).iban_heads():
        pair = text[start : start + 2].upper()
        if start < at or (pair.isalpha() and pair not in STRUCTURES):
            continue
        head = _HEAD.match(text, start)
        country = (head[1] + head[2]).upper() if head else ""
        if not head or country not in STRUCTURES:
            continue
        rest = _account(country).match(text, head.end())
        if rest and mod97(text[head.start() : rest.end()]):
            yield Span(head.start(), rest.end())
            at = rest.end()


def mod97(text: str) -> bool:
    """Whether the check digits fit; all but letters and digits is passed over."""
    number = "".join(char for char in text.upper() if char.isalnum())
    return int("".join(str(int(char, 36)) for char in number[4:] + number[:4])) % 97 == 1


@cache  # as many as there are countries
def _account(country: str) -> re.Pattern[str]:
    """The account part of one country's IBAN, after the check digits."""
    parts = re.findall(r"([0-9]+)([nac])", STRUCTURES[country])
    body = "".join(f"(?:{_GAP}{_CLASSES[kind]}){{{count}}}" for count, kind in parts)
    return re.compile(body + r"(?![A-Za-z0-9])")
