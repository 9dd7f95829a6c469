"""Finds an operator's words and phrases in a text: whole words, in any case and script, in one walk.

A text becomes its words; a tree of words says which phrases go on. So the time is that of the text's length,
however many phrases there are, and no phrase is a pattern that could backtrack.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

MAX_WORDS: Final = 8  # of a phrase: how far the walk looks ahead at each word

# Scripts that put no blanks between words (Thai, Lao, Myanmar, Khmer, kana, ideographs): each character
# counts as a word, so that a phrase is found inside of a sentence.
_SINGLE: Final = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    r"\U00020000-\U0003fffd"
)
# Marks that belong to words, and are no letters to `\w`: accents, vowel signs of Hebrew, Arabic and India.
_MARKS: Final = (
    r"\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0670"
    r"\u0900-\u0963\u0970-\u0dff"
)
_ASCII_WORD: Final = re.compile(r"[a-z0-9_]++")
_WORD: Final = re.compile(rf"[{_SINGLE}]|(?:[^\W{_SINGLE}]|[{_MARKS}])++")


class _Node:
    """Where a phrase may go on, and the topics of the one that ends here."""

    __slots__ = ("further", "topics")

    def __init__(self) -> None:
        self.further: dict[str, _Node] = {}
        self.topics: list[str] = []


def words(text: str) -> list[str]:
    """The words of `text` as they are compared: in one case, of compatible characters (Unicode, UAX 31)."""
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())  # the same, in a third of the time
    return _WORD.findall(unicodedata.normalize("NFKC", text.casefold()))


class Phrases:
    """Every phrase of every topic, made ready once."""

    def __init__(self, by_topic: Mapping[str, Iterable[str]]) -> None:
        """Raises ValueError for a phrase of no word, or of too many."""
        self._root = _Node()
        for topic, phrases in by_topic.items():
            for phrase in phrases:
                self._add(topic, words(phrase))

    def count(self, texts: Iterable[str]) -> Counter[str]:
        """How often each topic is spoken of. Where several phrases begin, the longest counts."""
        found: Counter[str] = Counter()
        for text in texts:
            for topics in self._found(words(text)):
                found.update(topics)
        return found

    def _add(self, topic: str, phrase: Sequence[str]) -> None:
        if not 0 < len(phrase) <= MAX_WORDS:
            raise ValueError(f"a phrase of {topic!r} has {len(phrase)} words: give 1 to {MAX_WORDS}")
        node = self._root
        for word in phrase:
            node = node.further.setdefault(word, _Node())
        if topic not in node.topics:
            node.topics.append(topic)

    def _found(self, text: Sequence[str]) -> Iterator[list[str]]:
        begins, free = self._root.further, 0
        for start in [at for at, word in enumerate(text) if word in begins]:
            if start >= free:
                topics, free = self._longest(text, start)
                if topics:
                    yield topics

    def _longest(self, text: Sequence[str], start: int) -> tuple[list[str], int]:
        """The topics of the longest phrase that begins at `start`, and where to go on."""
        node, topics, end = self._root, list[str](), start + 1
        for at in range(start, min(len(text), start + MAX_WORDS)):
            further = node.further.get(text[at])
            if further is None:
                break
            node = further
            if node.topics:
                topics, end = node.topics, at + 1
        return topics, end
