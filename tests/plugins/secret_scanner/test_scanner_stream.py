"""The plugin in the gateway's own window: whatever the cuts, no value leaves, and the verdict holds."""

from __future__ import annotations

import random
from functools import cache
from hashlib import sha256

import pytest

from penstock.gates.window import Blocked, Found
from penstock.sdk.testing import harness
from plugins.secret_scanner.rules import RULES
from tests.plugins.secret_scanner.corpus import (
    A64,
    A200,
    AWS_SECRET,
    EACH,
    FOUND,
    HEX32,
    JWE,
    JWT,
    JWT_HEAD,
    KEY_ID,
    LEFT,
    Row,
    block,
)
from tests.plugins.streaming import Stream, random_cuts, run, two_way_cuts

FOLDER = "plugins/secret_scanner"
BEFORE, AFTER = "so it goes, " * 30, " . and so on" * 30
# What a finder could be led astray by: beginnings of values, ends of them, and what stands between.
BETWEEN = (
    *(
        "the",
        "secret key is",
        "token:",
        "é",
        "\u200b",
        "\n",
        "\\n",
        "://",
        "a:b",
        "@",
        "=",
        '"',
        ".",
        "-",
        "_",
    ),
    *("eyJ", "eyJ0.", ".eyJ", "sk-", "AKIA", KEY_ID, "AC" + HEX32, "ghp_", "Authorization: Bearer", "Basic"),
    *("-----BEGIN RSA " + "PRIVATE KEY-----", "-----END", "AccountKey=", "x" * 300, A64, HEX32, AWS_SECRET),
)
JWTS = tuple(row for row in FOUND if row.rule == "jwt")


@cache
def stream(*recorded: str, allowed: str = "") -> Stream:
    digests = [sha256(allowed.encode()).hexdigest()] if allowed else []
    rules = {"assigned_secret": "block"} | dict.fromkeys(recorded, "record")
    return Stream(FOLDER, {"rules": rules, "allowed_sha256": digests})


@cache
def whole_of(used: Stream, text: str) -> Found:
    return used.whole(text)


def require_same(used: Stream, text: str, pieces: list[str], *, min_step_chars: int = 1) -> None:
    """In pieces the verdict is that of the whole, and what left ends before the block begins."""
    whole = whole_of(used, text)
    released, verdict = run(used.window(min_step_chars=min_step_chars), pieces)
    assert verdict == (whole.block and Blocked(whole.block, whole.reason))
    assert text.startswith(released)
    assert len(released) <= whole.block.start if whole.block else released == text


@pytest.mark.parametrize("row", EACH, ids=lambda row: f"{row.rule}: {row.text[:12]}")
def test_nothing_of_any_form_leaves_wherever_it_is_cut(row: Row) -> None:
    text = BEFORE + row.text + AFTER
    used, dice = stream(), random.Random(row.text)
    block_at = used.whole(text).block
    assert block_at is not None
    assert block_at.start <= text.index(row.value, len(BEFORE))
    places = two_way_cuts(text, len(BEFORE), len(BEFORE) + min(len(row.text), 300) + 1)
    for pieces in (list(text), *(random_cuts(dice, text) for _ in range(3)), *places):
        require_same(used, text, pieces)


@pytest.mark.parametrize(("text", "what"), LEFT, ids=[what for _, what in LEFT])
def test_what_only_looks_alike_leaves_as_it_came(text: str, what: str) -> None:
    used = Stream(FOLDER)
    text = f"{BEFORE} {text} {AFTER}"
    for pieces in (list(text), random_cuts(random.Random(text), text)):
        assert run(used.window(min_step_chars=1), pieces) == (text, None)


def value(dice: random.Random) -> str:
    kind = dice.random()
    if kind < 0.1:
        return f"{JWT_HEAD}{A200 * dice.choice([0, 1, 2, 9])}.eyJ{A64 * dice.choice([1, 30])}.{A64}"
    if kind < 0.2:
        return block("PRIVATE " + "KEY", f"{A64}\n" * dice.choice([1, 5, 40]))
    text = dice.choice(FOUND).text
    return text[: dice.randint(1, len(text))] if kind > 0.6 else text


def planted(dice: random.Random, size: int) -> str:
    text = ""
    while len(text) < size:
        prose = " ".join(dice.choices(BETWEEN, k=dice.randint(1, 5)))
        parts = [prose, BEFORE[: dice.randint(1, 360)], BEFORE, dice.choice(LEFT)[0]]
        more = value(dice) if dice.random() < 0.15 else dice.choice(parts)
        text += more + dice.choice([" ", "\n", ", ", ""])
    return text


@pytest.mark.parametrize("seed", range(24))
def test_values_and_halves_of_values_cut_anywhere_give_the_same_verdict(seed: int) -> None:
    """Some rules only record, so that streams go on behind what is found."""
    dice = random.Random(seed)
    recorded = tuple(sorted(dice.sample(sorted(RULES), k=dice.choice([0, 8, 20, 25]))))
    used = stream(*recorded)
    for _ in range(3):
        text = planted(dice, dice.choice([600, 3000]))
        for _ in range(3):
            require_same(used, text, random_cuts(dice, text), min_step_chars=dice.choice([1, 64, 1024]))


MANY = "aB3-xY7_"
LONG = {
    "a token wider than the window": f"{JWT_HEAD}.eyJ{A200 * 20}.{A64}",
    "a token with a long header": f"{JWT_HEAD}{A200 * 9}.eyJ{A64}.{A64}",
    "the longest token": f"eyJ{MANY * 256}.eyJ{MANY * 2048}.{MANY * 256}",
    "the longest encrypted token": f"eyJ{MANY * 256}.{MANY * 128}.{A64}.{MANY * 2048}.{A64}",
    "the longest private key": block("RSA PRIVATE " + "KEY", f"{A64}\n" * 250),
    "a private key with headers": block(
        "PRIVATE " + "KEY", f"Proc-Type: 4,ENCRYPTED\n{'x' * 90}\n\n{A64}\n" + A64
    ),
    "a private key that is never closed": block("PRIVATE " + "KEY", f"{A64}\n" * 400).partition("-----END")[
        0
    ],
    "a service account": '{"private_' + f'key": "{block("PRIVATE " + "KEY", A64 * 60)}"}}',
    "a bearer token of any kind": f"Authorization: Bearer {A200 * 20}",
    "a key of the greatest length": "sk-" + f"proj-{(A200 + A64)[:255]}",
    "a key longer than any": "gh" + f"p_{A200 * 5}",
    "a Bedrock key": "bedrock-api-" + f"key-{A200 * 10}",
    "a session token": f"aws_session_token={A200 * 20}",
    "a password of the greatest length": f"postgres://{'u' * 64}:{A64}{A64}@db.example.com",
}


@pytest.mark.parametrize("name", LONG)
def test_nothing_of_a_value_leaves_however_long_it_is(name: str) -> None:
    text = f"{BEFORE}{LONG[name]} {AFTER}"
    used, dice = stream(), random.Random(name)
    for pieces in ([text[at : at + 64] for at in range(0, len(text), 64)], random_cuts(dice, text)):
        require_same(used, text, pieces, min_step_chars=1024)
    found = used.whole(text).block
    assert found is not None
    assert len(BEFORE) <= found.start <= len(BEFORE) + 80


@pytest.mark.parametrize("allowed", [*(row.value for row in JWTS[:1]), JWE, LONG["the longest private key"]])
def test_an_allowed_value_leaves_whole_once_it_is_known_to_be_one(allowed: str) -> None:
    used, text = stream(allowed=allowed), f"{BEFORE}{allowed} {AFTER}"
    for pieces in (
        [text[at : at + 40] for at in range(0, len(text), 40)],
        random_cuts(random.Random(1), text),
    ):
        assert run(used.window(), pieces) == (text, None)
    other = text.replace("Zb1Y", "Zb2Y", 1)
    require_same(used, other, random_cuts(random.Random(2), other))
    assert used.whole(other).block is not None


@pytest.mark.parametrize(
    "endless",
    [f"eyJhbGciOiJIUzI1NiJ9.{A64 * 600}", "eyJ" + "A1b2." * 9_000, "eyJ" + A64 * 700],
    ids=["of two parts", "of many parts", "of one part"],
)
def test_what_only_begins_as_a_token_is_let_go(endless: str) -> None:
    text = f"{BEFORE}{endless}"
    assert run(stream().window(), [text[at : at + 500] for at in range(0, len(text), 500)]) == (text, None)


def test_a_rule_that_records_holds_nothing_back() -> None:
    window, text = stream(*RULES).window(min_step_chars=1), f"{BEFORE}eyJ{A200 * 20}"
    released = "".join(str(window.feed(char)) for char in text)
    assert len(text) - len(released) <= 256 + 256 // 4 + 1


def test_a_stream_is_what_authors_test_it_as() -> None:
    text = f"Use {JWT}, please. {AFTER}"
    found = harness(FOLDER).stream(text)
    assert (found.text, found.reason, found.at) == ("", "web_token", (4, 4 + len(JWT)))
    assert harness(FOLDER).stream_problem(text) is None
