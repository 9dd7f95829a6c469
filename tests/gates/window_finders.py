"""Finders of every kind that a windowed plugin may have, and the ways to cut a text for them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from penstock.gates.window import Blocked, Find, Found, Window
from penstock.sdk.edits import Replace, Span, Substitute, apply_spans, find_spans


@dataclass(frozen=True)
class Case:
    """A finder with the bounds that it needs, and the characters that make texts difficult for it."""

    find: Find
    window_chars: int
    alphabet: str
    max_hold_chars: int | None = None
    edited: Find | None = None
    """For a finder that blocks: what it edits, had nothing been blocked."""

    def window(self, min_step_chars: int = 1) -> Window:
        return Window(self.find, self.window_chars, self.max_hold_chars, min_step_chars=min_step_chars)


def edits(pattern: str, replacement: Substitute = "<>") -> Find:
    compiled = re.compile(pattern)
    return lambda piece, is_end: Found(find_spans(compiled, replacement, piece))


def blocks(pattern: str, other: Find) -> Find:
    """Blocks at the first match of `pattern`; where there is none it finds what `other` finds."""
    compiled = re.compile(pattern)

    def find(piece: str, is_end: bool) -> Found:
        found = compiled.search(piece)
        return Found(block=Span(*found.span()), reason="r") if found else other(piece, is_end)

    return find


def digit_sums(piece: str, is_end: bool) -> Found:
    """Four digits whose sum ten divides, from left to right: what no regular expression says."""
    spans, at = [], 0
    while at + 4 <= len(piece):
        number = piece[at : at + 4]
        is_match = number.isdigit() and sum(map(int, number)) % 10 == 0
        spans += [Replace(at, at + 4, "#" * 9)] if is_match else []
        at += 4 if is_match else 1
    return Found(spans)


def merged(piece: str, is_end: bool) -> Found:
    """Two patterns looked for apart; what overlaps becomes one edit, as wide as the chain is long."""
    spans = sorted(
        (Span(*m.span()) for p in ("ab{1,3}", "ba{1,3}") for m in re.finditer(p, piece)),
        key=lambda span: (span.start, -span.end),
    )
    chains: list[Span] = []
    for span in spans:
        if chains and span.start < chains[-1].end:
            chains[-1] = Span(chains[-1].start, max(span.end, chains[-1].end))
        else:
            chains.append(span)
    return Found([Replace(start, end, "_") for start, end in chains])


CASES: dict[str, Case] = {
    "a fixed word": Case(edits("abba"), 4, "ab"),
    "a bounded width": Case(edits("[0-9]{3,6}"), 6, "12a"),
    "pairs": Case(edits("aa"), 2, "ab"),
    "pairs, in a window wider than they are": Case(edits("aa"), 5, "aab"),
    "alternatives that overlap each other": Case(edits("aba|bab"), 3, "ab"),
    "alternatives of several lengths": Case(edits("ab|bba|aab|b"), 3, "ab"),
    "whole words": Case(edits(r"\b[ab]{3}\b"), 3, "ab "),
    "what stands after something": Case(edits("(?<=a)b{1,2}"), 2, "ab"),
    "what neither letters nor digits touch": Case(edits("(?<![a-z])x[0-9]{2}(?![0-9])"), 3, "x1 a"),
    "what is not followed by something far": Case(edits("a(?![ab]{3}b)"), 5, "ab"),
    "matches side by side": Case(edits("ab"), 2, "aab"),
    "a longer match that comes late": Case(edits("a(?:b{0,4}c)?"), 6, "abc"),
    "the shorter of two": Case(edits("a|ab{3}"), 4, "ab"),
    "lazy": Case(edits("a.{0,3}?b"), 5, "abc"),
    "nothing instead": Case(edits("a[ab]b", ""), 3, "ab"),
    "more instead": Case(edits("b(a)?", r"<\g<0>\g<0>>"), 2, "ab"),
    "made of the match": Case(edits("[ab]{2}c", lambda found: found[0].upper()), 3, "abc"),
    "insertions": Case(edits(r"\b", "|"), 1, "ab "),
    "insertions before something": Case(edits("(?=aab)", "|"), 3, "ab"),
    "insertions beside matches": Case(edits("a*", "|"), 3, "ab", 400),
    "the beginning": Case(edits(r"\A[ab]{0,2}", "^"), 2, "ab"),
    "the end": Case(edits(r"[ab]{0,2}\Z", "$"), 2, "ab"),
    "a line's beginning": Case(edits(r"(?m)^a+b?$", "L"), 3, "aab\n", 400),
    "a predicate": Case(digit_sums, 4, "0159a"),
    "chains of finds": Case(merged, 4, "abc", 400),
    "open-ended": Case(edits(r"<k[ab\n]*+(?:/k>)?", "<key>"), 6, "<k/k>ab\n", 400),
    "open-ended, with a tail": Case(edits(r"<<[ab]*+", "<x>"), 2, "<<ab ", 400),
}


def _blocking(
    pattern: str, edited: str, window_chars: int, alphabet: str, max_hold_chars: int | None = None
) -> Case:
    other = edits(edited)
    return Case(blocks(pattern, other), window_chars, alphabet, max_hold_chars, other)


BLOCKS: dict[str, Case] = {
    "a word": _blocking("abba", "(?!)", 4, "ab"),
    "a word between edits": _blocking("abba", "aa", 4, "ab"),
    "what must not be followed": _blocking("c(?!d)", "ab", 2, "abcd"),
    "what stands after something": _blocking(r"(?<=a)b\b", "[ac]{2}", 3, "abc "),
    "open-ended": _blocking("<<[ab]*+", "aa", 2, "<ab", 12),
    "what overlaps an edit": _blocking("ab{1,4}c", "b[ab]c?", 6, "abc"),
}


def unary(find: Find, text: str) -> str | Blocked:
    found = find(text, True)
    return Blocked(found.block, found.reason) if found.block else apply_spans(text, found.spans)


def run(channel: Window, pieces: Iterable[str]) -> tuple[str, Blocked | None]:
    """What came out, and the verdict."""
    released = ""
    for piece in pieces:
        out = channel.feed(piece)
        if isinstance(out, Blocked):
            return released, out
        released += out
    out = channel.end()
    return (released, out) if isinstance(out, Blocked) else (released + out, None)


def cut(text: str, at: Sequence[int]) -> list[str]:
    places = [0, *sorted(min(place, len(text)) for place in at), len(text)]
    return [text[start:end] for start, end in pairwise(places)]


def cuts(text: str) -> Iterator[list[str]]:
    """Every way to cut it in two, and one character at a time."""
    yield [text]
    yield list(text)
    yield from ([text[:at], text[at:]] for at in range(1, len(text)))
