from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.topic_signals.phrases import Phrases, words

TOPICS = {
    "billing": ["invoice", "refund", "charged twice", "straße"],
    "cancellation": ["cancel my subscription", "cancel", "解約", "ยกเลิก"],
    "refunds": ["refund"],
}
PHRASES = Phrases(TOPICS)
PLAIN = st.lists(st.sampled_from(["refund", "cancel", "my", "subscription", "x", "twice", "charged"]))


def count(*texts: str) -> dict[str, int]:
    return dict(PHRASES.count(texts))


@pytest.mark.parametrize(
    "text",
    [
        "An invoice.",
        "INVOICE!",
        "Ｉｎｖｏｉｃｅ",  # fullwidth letters are what is tested
        "the invoice's date",
        "(invoice)",
        "invoice—paid",
        "charged\n  twice",
        "charged-twice",
        "STRASSE",
    ],
)
def test_a_word_counts_in_any_case_and_between_any_signs(text: str) -> None:
    assert count(text) == {"billing": 1}


@pytest.mark.parametrize("text", ["invoices", "reinvoice", "in voice", "invoice2", "twice charged"])
def test_a_part_of_a_word_or_of_a_phrase_does_not_count(text: str) -> None:
    assert count(text) == {}


def test_a_word_of_two_topics_counts_for_both() -> None:
    assert count("refund", "Refund?") == {"billing": 2, "refunds": 2}


def test_where_several_phrases_begin_the_longest_counts() -> None:
    assert count("cancel my subscription, cancel my order") == {"cancellation": 2}
    nested = Phrases({"short": ["cancel"], "long": ["cancel my order"], "rest": ["order"]})
    assert dict(nested.count(["cancel my order", "cancel my plan"])) == {"long": 1, "short": 1}


def test_in_scripts_without_blanks_a_phrase_counts_inside_of_a_sentence() -> None:
    assert count("すぐに解約したいです") == {"cancellation": 1}
    assert count("ขอยกเลิกการจอง") == {"cancellation": 1}


def test_marks_belong_to_their_words() -> None:
    hindi = Phrases({"bill": ["बिल"], "cafe": ["cafe\u0301"]})
    assert dict(hindi.count(["मेरा बिल", "बिलकुल", "caf\u00e9", "cafe"])) == {"bill": 1, "cafe": 1}


@given(said=PLAIN)
def test_it_finds_what_a_plain_search_for_the_longest_finds(said: list[str]) -> None:
    text = " ".join(said)
    pattern = re.compile(r"\b(?:cancel my subscription|charged twice|invoice|refund|cancel)\b")
    found = pattern.findall(text)
    expected = {
        "billing": sum(one in {"refund", "charged twice", "invoice"} for one in found),
        "cancellation": sum(one.startswith("cancel") for one in found),
        "refunds": found.count("refund"),
    }
    assert count(text) == {name: number for name, number in expected.items() if number}


@given(text=st.text())
def test_any_text_has_words_that_have_themselves_for_words(text: str) -> None:
    again = [word for one in words(text) for word in words(one)]
    assert len(again) >= len(words(text))
    assert all(words(text))


def test_twice_the_text_takes_about_twice_the_time_whatever_the_phrases_are() -> None:
    hard = Phrases({"a": ["a " * 7 + "b", *(f"a {'a ' * n}c" for n in range(6))]})

    def seconds(size: int) -> float:
        began = time.process_time()
        hard.count(["a " * size])
        return time.process_time() - began

    seconds(1_000)
    assert seconds(80_000) < 40 * max(seconds(10_000), 0.001), "eight times the text; a square would be 64"


@given(text=st.text(st.characters(max_codepoint=127)))
def test_ascii_has_the_same_words_by_the_short_way(text: str) -> None:
    assert words(text) == words(f"{text} \u00e9")[:-1]


@pytest.mark.parametrize("phrase", ["", "  ", "!!", "a b c d e f g h i"])
def test_a_phrase_of_no_word_or_of_too_many_is_refused(phrase: str) -> None:
    with pytest.raises(ValueError, match="words"):
        Phrases({"a": [phrase]})
