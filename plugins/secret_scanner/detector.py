"""All rules together: what is in one text, and what may still become something at its end.

Each place is looked at for itself: nothing is passed over because something else was found before it, so
where a stream begins to look does not matter (docs/adr/0005-windows.md). The work is bounded for each place.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import NamedTuple

from .beside import PAIRS, beside
from .forms import KEY_FORMS, OPEN_JWT, Form
from .outline import token_stretches
from .phrases import PHRASE_FORMS
from .rules import RANK

_RUN_BACKWARDS = re.compile(r"[A-Za-z0-9_.-]*+")


class Find(NamedTuple):
    """`text[start:end]`; `value` is the secret in it, which an operator may have allowed."""

    start: int
    end: int
    rule: str
    value: str


class Detector:
    """Looks for the rules that are wanted, and passes over values whose SHA-256 is allowed."""

    def __init__(self, rules: Collection[str], allowed_sha256: Collection[str] = ()) -> None:
        self._allowed = frozenset(digest.lower() for digest in allowed_sha256)
        self._forms = forms_at(form for form in KEY_FORMS if form.rule in rules)
        self._anchors = any_of(self._forms) if self._forms else None
        self._phrases = tuple(form for form in PHRASE_FORMS if form.rule in rules)
        self._pairs = tuple(pair for pair in PAIRS if pair.rule in rules)

    def find(self, text: str) -> list[Find]:
        """Everything in `text`, by where it begins; what begins at one place by the order of the rules."""
        every = {*self._tokens(text), *self._said(text), *self._beside(text)}
        found = [find for find in every if not self._is_allowed(find.value)]
        return sorted(found, key=lambda find: (find.start, RANK[find.rule], -find.end))

    def _tokens(self, text: str) -> Iterator[Find]:
        if self._anchors is None:
            return
        for stretch in token_stretches(text):
            anchor = self._anchors.search(text, *stretch)
            while anchor:
                for form in self._forms[anchor[0]]:
                    yield from matched(form, text, anchor.start())
                anchor = self._anchors.search(text, anchor.start() + 1, stretch.end)

    def _said(self, text: str) -> Iterator[Find]:
        for form in self._phrases:
            at = text.find(form.anchor)
            while at >= 0:
                yield from matched(form, text, at)
                at = text.find(form.anchor, at + 1)

    def _beside(self, text: str) -> Iterator[Find]:
        for pair in self._pairs:
            for start, end in beside(pair, text):
                yield Find(start, end, pair.rule, text[start:end])

    def _is_allowed(self, value: str) -> bool:
        if not self._allowed:
            return False
        return sha256(value.encode("utf-8", "surrogatepass")).hexdigest() in self._allowed


def matched(form: Form, text: str, at: int) -> Iterator[Find]:
    """What `form` finds where its anchor stands at `at`."""
    found = form.pattern.match(text, at - form.back) if at >= form.back else None
    if found:
        value = found[found.lastindex or 0]
        if form.accepts(value):
            yield Find(*found.span(), form.rule, value)


def open_token(text: str) -> Find | None:
    """What may become a JSON Web Token when more of `text` comes; it shows late when its header is long."""
    if "eyJ" not in text:
        return None
    run = _RUN_BACKWARDS.match(text[::-1])
    found = OPEN_JWT.search(text, len(text) - run.end()) if run else None
    return Find(found.start(), len(text), "jwt", found[0]) if found else None


def apart(found: Iterable[Find]) -> Iterator[Find]:
    """Of finds that overlap, the first: what an operator would count."""
    end = 0
    for find in found:
        if find.start >= end:
            yield find
            end = find.end


def forms_at(forms: Iterable[Form]) -> Mapping[str, tuple[Form, ...]]:
    """The forms by the shortest anchor that theirs begins with: `sk-` stands for `sk-proj-` too."""
    every = tuple(forms)
    anchors = {form.anchor for form in every}
    heads = [word for word in anchors if not any(word != one and word.startswith(one) for one in anchors)]
    return MappingProxyType(
        {head: tuple(form for form in every if form.anchor.startswith(head)) for head in sorted(heads)}
    )


def any_of(words: Iterable[str]) -> re.Pattern[str]:
    """One pattern for all the words, by their first characters: one decision for most places."""
    groups: dict[str, list[str]] = {}
    for word in words:
        groups.setdefault(word[0], []).append(re.escape(word[1:]))
    return re.compile("|".join(f"{re.escape(first)}(?:{'|'.join(rest)})" for first, rest in groups.items()))
