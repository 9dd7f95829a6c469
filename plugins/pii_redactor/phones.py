"""Phone numbers, by the numbering plans that phonenumberslite carries (Google's libphonenumber).

International numbers need of each plan a pattern and some lengths: they stand in plans.json, made by
tools/phone_plans.py. For national ones the library itself is needed. It weighs 2.8 MB and costs a quarter of
a second when it is loaded: `prepare` does that, before the first request. All of it is loaded then and
nothing later, because the library takes a lock around what it loads on demand, and a deadline that fires in
there would leave the lock held.
Greatest width: a sign (`00`), 15 digits (ITU-T E.164, section 6.2.1) and 15 gaps, 77 characters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, Protocol

from penstock.sdk import Span

from .outline import Outline

PLANS = Path(__file__).with_name("plans.json")
MAX_WIDTH = 2 + 15 + 15 * 4
_GAP = r"[ \t()._/-]{0,4}+"
_INTERNATIONAL = re.compile(rf"(?<![0-9+])(?:\+|(?<![A-Za-z.,])00){_GAP}[1-9](?:{_GAP}[0-9]){{6,14}}+")
_NATIONAL = rf"\(?[0-9](?:{_GAP}[0-9]){{6,14}}+"
# Where a national number begins. Not after other figures, unless something but blanks parts its own; and not
# with six digits apart, since with more groups than that it is a column of figures.
_NATIONAL_BEGIN = (
    r"(?<![A-Za-z0-9.,+#%=/_$€£-])"
    r"(?:(?=\(|[0-9 \t]{1,76}+[()._/-])|(?<![0-9][ \t])(?<![0-9][ \t]{2})(?<![0-9][ \t]{3}))"
    r"(?!\(?(?:[0-9][ \t()._/-]{1,4}+){6})"
)
_WORD_BEFORE = re.compile(
    r"\b(?:phone|tel|telephone|telefon|tel[eé]fono|t[eé]l[eé]phone|telefone|mobile?|mobil|handy|cell|fax"
    r"|call|text|sms|whatsapp|signal|dial|ring|llamar|appeler|rufnummer|nummer)\b[^0-9\n]{0,24}\Z",
    re.IGNORECASE,
)
_IPV4 = re.compile(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}\Z")
_DATE = re.compile(
    r"(?:19|20)[0-9]{2}[-/. ][01]?[0-9][-/. ][0-3]?[0-9]\b|[0-3]?[0-9][-/.][01]?[0-9][-/.](?:19|20)[0-9]{2}\b"
)
_FIGURES = re.compile(r"[0-9 \t]+")
_FIGURE_BEFORE = re.compile(r"[0-9][ \t]{1,3}\Z")
_FIGURE_AFTER = re.compile(r"[ \t]{1,3}[0-9]")
_ISBN10 = re.compile(
    r"[0-9]{1,5}-[0-9]{1,7}-[0-9]{1,6}-[0-9]\Z"
)  # ISO 2108:1978; no number ends in one digit
_ONE_DOT = re.compile(r"[+0-9]{1,16}\.[0-9]{1,15}\Z")
_GROUP = re.compile(r"[0-9]+")
_GOES_ON = re.compile(r"[-./][0-9]")
_BEFORE_LATE_BRACKET = re.compile(r"((?:[^0-9]*[0-9]){7,15}?)[^0-9]*\(")
_MIN_DIGITS, _MAX_DIGITS = 7, 17  # with the two zeros before an international one
_MAX_BEFORE_DIGITS = 5  # a plus and a gap
_MAX_NATIONAL_GROUPS = 6  # more are a column of figures
# The kinds of numbers that the library knows of.
_KINDS = (
    *("fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number"),
    *("voip", "pager", "uan", "voicemail"),
)


class PhoneFinder(Protocol):
    """Finds phone numbers; makes the outline of the text itself when it is given none."""

    def __call__(self, text: str, outline: Outline | None = None) -> Iterator[Span]: ...


def phone_finder(default_region: str) -> PhoneFinder:
    """A finder of international numbers, and of those that `default_region` (ISO 3166-1, or "") writes.

    Loads the library for the latter. Raises ValueError for a region that it does not know.
    """
    if not default_region:
        return Plans(None, "").find
    import phonenumbers  # noqa: PLC0415  # a quarter of a second: only who names a region pays

    phonenumbers.PhoneMetadata.load_all()
    if default_region not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("default_region is no region with a numbering plan: use two letters, as in DE or US")
    plans = Plans(phonenumbers, default_region)
    return plans.find


class Plans:
    """What the library knows, asked about candidates; cheap questions first. No library: no region."""

    def __init__(self, library: ModuleType | None, region: str) -> None:
        self._library = library
        self._region = region
        self._known: dict[str, tuple[str, list[int]]] = json.loads(PLANS.read_bytes())
        self._plans: dict[int, _Plan | None] = {}
        self._trunk = (library.ndd_prefix_for_region(region, True) or "") if library else ""
        self._national = self._plan(library.country_code_for_region(region)) if library else None
        # libphonenumber takes a number without its trunk prefix, but order numbers look like that.
        begin = _NATIONAL_BEGIN + ("(?=[0(])" if self._trunk == "0" else "")
        self._national_pattern = re.compile(begin + _NATIONAL)
        self._in_use = _in_use(library, region) if library else _never
        metadata = library.PhoneMetadata.metadata_for_region(region) if library else None
        # Only where more than the trunk prefix may stand before a number does the library read it otherwise.
        prefix = metadata.national_prefix_for_parsing if metadata else None
        self._has_more_prefixes = prefix not in (None, self._trunk)

    def find(self, text: str, outline: Outline | None = None) -> Iterator[Span]:
        """Every phone number in `text`; spans may overlap."""
        stretches = (outline or Outline(text)).digit_stretches
        if stretches and ("+" in text or "00" in text):
            yield from _scan(text, stretches, _INTERNATIONAL, self._is_international, _MAX_DIGITS)
        if stretches and self._region:
            pattern = self._national_pattern
            yield from _scan(text, stretches, pattern, self._is_national, _MAX_NATIONAL_GROUPS)

    def _is_international(self, _text: str, _start: int, candidate: _Candidate) -> bool:
        """A plus is evidence enough for a right length; two zeros are not: they want a number in use."""
        plus = candidate.text[0] == "+"
        digits = candidate.digits[0 if plus else 2 :]
        # ITU-T E.164, section 6.1: a country code has one to three digits, and no other begins with it.
        for size in (1, 2, 3):
            plan = self._plan(int(digits[:size]))
            if plan:
                rest = digits[size:]
                fits = plan.has_length(rest) if plus else plan.has(rest)
                return fits and not _ONE_DOT.match(candidate.text)  # a number with decimals
        return False

    def _is_national(self, text: str, start: int, candidate: _Candidate) -> bool:
        digits, groups = candidate.digits, candidate.groups
        number = digits.removeprefix(self._trunk)
        if self._national is None or not self._national.has(number):
            return False
        if _GOES_ON.match(text, start + len(candidate.text)) or _is_in_table(text, start, candidate.text):
            return False
        if any(form.match(candidate.text) for form in (_IPV4, _DATE, _ONE_DOT, _ISBN10)):
            return False
        if not (self._in_use(number) or (self._has_more_prefixes and self._is_valid(candidate.text))):
            return False
        grouped = groups > 1 or digits.startswith("0")
        return grouped or _WORD_BEFORE.search(text[max(0, start - 40) : start]) is not None

    def _is_valid(self, candidate: str) -> bool:
        if self._library is None:
            return False
        try:
            return bool(self._library.is_valid_number(self._library.parse(candidate, self._region)))
        except self._library.NumberParseException:
            return False

    def _plan(self, country_code: int) -> _Plan | None:
        if country_code not in self._plans:
            self._plans[country_code] = self._looked_up(country_code)
        return self._plans[country_code]

    def _looked_up(self, country_code: int) -> _Plan | None:
        known = self._known.get(str(country_code))
        return _Plan(re.compile(known[0]), frozenset(known[1])) if known else None


def _is_in_table(text: str, start: int, candidate: str) -> bool:
    """Whether it is figures parted by blanks, with more of them before or after."""
    if not _FIGURES.fullmatch(candidate):
        return False
    end = start + len(candidate)
    return bool(_FIGURE_BEFORE.search(text[max(0, start - 4) : start]) or _FIGURE_AFTER.match(text, end))


def _in_use(library: ModuleType, region: str) -> Callable[[str], bool]:
    """Whether a number without its trunk prefix is in use where `region`'s country code is.

    The patterns of the library's `is_valid_number`, as one for each region: the library's own way through
    them, with its reading of the number, costs some 50 µs, which matters for text that is full of numbers.
    """
    codes = library.COUNTRY_CODE_TO_REGION_CODE.get(library.country_code_for_region(region), ())
    plans = [library.PhoneMetadata.metadata_for_region(code) for code in codes]
    patterns = [re.compile(_any_kind(plan)) for plan in plans if plan is not None]
    return lambda number: any(pattern.match(number) for pattern in patterns)


def _never(_number: str) -> bool:
    return False


def _any_kind(metadata: Any) -> str:
    kinds = (getattr(metadata, name) for name in _KINDS)
    patterns = {kind.national_number_pattern for kind in kinds if kind and kind.national_number_pattern}
    general = metadata.general_desc.national_number_pattern
    return rf"(?=(?:{general})\Z)(?:{'|'.join(sorted(patterns))})\Z"


class _Plan(NamedTuple):
    """The numbers of one country code: their form and their lengths, without the trunk prefix."""

    pattern: re.Pattern[str]
    lengths: frozenset[int]

    def has_length(self, digits: str) -> bool:
        """Whether a number can be that long; `(0)` may stand before it."""
        return len(digits) in self.lengths or (digits.startswith("0") and len(digits) - 1 in self.lengths)

    def has(self, digits: str) -> bool:
        """Whether the plan has such numbers."""
        return len(digits) in self.lengths and self.pattern.fullmatch(digits) is not None


class _Candidate(NamedTuple):
    """Some whole groups of digits that begin where a number can."""

    text: str
    digits: str
    groups: int


def _scan(
    text: str,
    stretches: list[Span],
    pattern: re.Pattern[str],
    fits: Callable[[str, int, _Candidate], bool],
    max_groups: int,
) -> Iterator[Span]:
    """From each place where a number can begin, up to the last group of digits with which it is one.

    What follows a number may be the next; what is none may have one in it, a group later.
    """
    for low, high in stretches:
        yield from _scan_stretch(text, max(0, low - _MAX_BEFORE_DIGITS), high, pattern, fits, max_groups)


def _scan_stretch(
    text: str,
    at: int,
    high: int,
    pattern: re.Pattern[str],
    fits: Callable[[str, int, _Candidate], bool],
    max_groups: int,
) -> Iterator[Span]:
    while found := pattern.search(text, at, high):
        start = found.start()
        groups = [group.span() for group in _GROUP.finditer(text, start, _limit(found))]
        for candidate in _candidates(text, start, groups, max_groups):
            if fits(text, start, candidate):
                at = start + len(candidate.text)
                yield Span(start, at)
                break
        else:
            at = groups[0][1] if groups else found.end()


def _limit(found: re.Match[str]) -> int:
    """Where a number that begins with this match must have ended."""
    late = _BEFORE_LATE_BRACKET.match(found[0]) if "(" in found[0][1:] else None
    return found.start() + len(late[1]) if late else found.end()


def _candidates(
    text: str, start: int, groups: list[tuple[int, int]], max_groups: int
) -> Iterator[_Candidate]:
    """At most so many groups, then without the last one, and so on; never part of a group."""
    if groups and text[groups[-1][1] : groups[-1][1] + 1].isalnum():
        groups = groups[:-1]
    groups = groups[:max_groups]
    digits = "".join([text[low:high] for low, high in groups])
    for count in range(len(groups), 0, -1):
        if len(digits) < _MIN_DIGITS:
            return
        low, end = groups[count - 1]
        yield _Candidate(text[start:end], digits, count)
        digits = digits[: len(digits) - (end - low)]
