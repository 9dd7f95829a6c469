from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256

import pytest

from penstock.sdk.patterns import reach
from plugins.secret_scanner import detector
from plugins.secret_scanner.detector import Detector, Find, any_of, apart, forms_at, open_token
from plugins.secret_scanner.forms import KEY_FORMS, Form
from plugins.secret_scanner.phrases import PHRASE_FORMS
from plugins.secret_scanner.rules import RULES
from tests.plugins.secret_scanner.corpus import (
    A36,
    A40,
    A200,
    BODY,
    FOUND,
    JWE,
    JWT,
    JWT_HEAD,
    PEM,
    Row,
    block,
)

EVERY = Detector(RULES)
TOKEN = "gh" + f"p_{A36}"


def digest(value: str) -> str:
    return sha256(value.encode()).hexdigest()


@pytest.mark.parametrize("row", FOUND, ids=lambda row: f"{row.rule}: {row.text[:12]}")
def test_an_allowed_value_is_no_find(row: Row) -> None:
    allowing = Detector([row.rule], [digest(row.value).upper()])
    assert [find.value for find in allowing.find(row.text) if find.rule == row.rule] == []
    assert Detector([row.rule], [digest(row.value + " ")]).find(row.text)


@pytest.mark.parametrize("row", FOUND, ids=lambda row: f"{row.rule}: {row.text[:12]}")
def test_a_rule_that_is_off_finds_nothing(row: Row) -> None:
    others = Detector(set(RULES) - {row.rule})
    assert row.rule not in {find.rule for find in others.find(row.text)}
    assert Detector(()).find(row.text) == []


def test_an_allowed_value_hides_nothing_beside_it() -> None:
    other = "npm" + f"_{A36}"
    found = Detector(RULES, [digest(TOKEN)]).find(f"{TOKEN} {other}")
    assert [find.value for find in found] == [other]


def test_finds_are_in_order_and_the_rules_decide_between_equals() -> None:
    found = EVERY.find(f"Authorization: Bearer {TOKEN} and {JWT}")
    assert [find.rule for find in found] == ["authorization_header", "github", "jwt"]
    assert [find.rule for find in apart(found)] == ["authorization_header", "jwt"]


def test_a_secret_that_two_rules_tell_counts_once() -> None:
    found = EVERY.find(f"AKIA{'QWERTZUIOP234567'} aws_secret_access_key = {FOUND[8].value}")
    assert [find.rule for find in apart(found)] == ["aws_access_key_id", "aws_secret_access_key"]


@pytest.mark.parametrize("token", [JWT, JWE, JWT_HEAD + A200])
def test_a_token_is_open_until_it_shows_or_ends(token: str) -> None:
    for size in range(3, len(token) + 1):
        text = f"so: {token[:size]}"
        opened, found = open_token(text), [find for find in EVERY.find(text) if find.rule == "jwt"]
        assert (opened and opened.start, bool(opened or found)) in {(4, True), (None, True)}
        assert open_token(f"{text} ") is None
        assert open_token(f"{text}, and") is None


def test_prose_is_not_open() -> None:
    assert open_token("It was the best of times") is None
    assert open_token(f"{JWT} and so on.") is None


def test_every_anchor_is_searched_for() -> None:
    heads = forms_at(KEY_FORMS)
    pattern = any_of(heads)
    for form in KEY_FORMS:
        found = pattern.match(form.anchor)
        assert found
        assert form in heads[found[0]]


class Counting:
    """Counts the characters that a form reads: what it matched; else all that it can have read."""

    def __init__(self, form: Form, work: list[int]) -> None:
        anchored = form.pattern.pattern.find(re.escape(form.anchor)) + len(re.escape(form.anchor))
        self._form, self._work, self._widest = form, work, int(reach(form.pattern).width)
        self._begin = re.compile(form.pattern.pattern[:anchored]) if form in KEY_FORMS else None

    def match(self, text: str, at: int) -> re.Match[str] | None:
        found = self._form.pattern.match(text, at)
        self._work[0] += 1
        if found:
            self._work[0] += found.end() - found.start()
        elif self._begin and self._begin.match(text, at):
            run = re.compile(r"\S*").match(text, at)
            self._work[0] += min(self._widest, len(run[0]) if run else 0)
        return found


def counted(forms: tuple[Form, ...], work: list[int]) -> Iterator[Form]:
    for form in forms:
        yield form._replace(pattern=Counting(form, work))  # type: ignore[arg-type]  # what is used of it


HOSTILE = {
    "anchors": "sk-gh" + "p_eyJAKIA",
    "long forms again and again": "ya29" + ".A1b2C3d4E5f6",
    "tokens that never end": "eyJ" + "abcdefgh.",
    "tokens side by side": "sk-" + "proj-",
    "beginnings of blocks": "-----BEGIN RSA " + "PRIVATE KEY-----\n",
    "keys without an end": block("PRIVATE " + "KEY", BODY).partition("-----END")[0],
    "URLs": "https://a:b1c",
    "headers": "authorization: bearer a1",
    "names": "aws_secret_access_key=session_token=password=",
    "ids": "AKIA" + "QWERTZUIOP234567 ",
    "webhooks": "hooks.slack." + "com/services/",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_the_work_grows_with_the_text_and_not_faster(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    work = [0]
    monkeypatch.setattr(detector, "KEY_FORMS", tuple(counted(KEY_FORMS, work)))
    monkeypatch.setattr(detector, "PHRASE_FORMS", tuple(counted(PHRASE_FORMS, work)))
    counting, spent = Detector(RULES), []
    for size in (10_000, 40_000):
        work[0] = 0
        counting.find((HOSTILE[name] * (size // len(HOSTILE[name]) + 1))[:size])
        spent.append(work[0] / size)
    assert spent[1] <= max(1.1 * spent[0], 1)
    assert spent[1] < 64  # 255 characters for each anchor of 4, and a few forms for each


def test_prose_costs_no_pattern_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    work = [0]
    monkeypatch.setattr(detector, "KEY_FORMS", tuple(counted(KEY_FORMS, work)))
    monkeypatch.setattr(detector, "PHRASE_FORMS", tuple(counted(PHRASE_FORMS, work)))
    wanted = [rule for rule in RULES if rule != "assigned_secret"]
    assert Detector(wanted).find("It was the best of times, it was the worst of times. " * 200) == []
    assert work[0] == 0


@pytest.mark.parametrize("between", ["=", "/", ".", "%20", "\\n", "-"])
def test_tokens_that_touch_are_each_found(between: str) -> None:
    """Both stand in one stretch of token characters, and the second begins soon after the first."""
    first, second = "AKIA" + "QWERTZUIOP234567", "hf" + f"_{A36[:34]}"
    found = EVERY.find(f"{first}{between}{second}")
    assert [find.value for find in found] == [first, second]


def test_a_find_says_where_it_is_and_what() -> None:
    assert EVERY.find(f"a {TOKEN}") == [Find(2, 42, "github", TOKEN)]
    assert EVERY.find("") == []
    assert EVERY.find(f"\ud800 {PEM} {A40}")[0].value == PEM
