"""The plugin in the gateway's own window: whatever the cuts, what leaves is what leaves of the whole text."""

from __future__ import annotations

import random
from functools import cache

import pytest

from penstock.errors import ConfigurationError
from penstock.gates.window import HoldExceededError
from penstock.sdk.edits import apply_spans
from penstock.sdk.testing import harness
from tests.plugins.pii_redactor.corpus import A64, FOUND, JWT, LEFT, PEM, Row
from tests.plugins.streaming import Stream, random_cuts, run, two_way_cuts

FOLDER = "plugins/pii_redactor"
KINDS = ("email", "phone", "card", "iban", "key", "jwt")
BEFORE, AFTER = "so it goes, " * 20, " . and so on" * 20
UNSEEN = "\u200b\u200c\u2060\ufeff\u00ad\u0336"
# What a finder could be led astray by: beginnings of values, digits, letters with marks.
BETWEEN = (
    *("the", "price", "call", "tel:", "at", "me", "a.b", "é", "\u200b", "x@", "@", ",", "(", ")", "\n"),
    *("12", "34", "7", "100", "00", "+1", "2024-01-02", "eyJ", "sk-", "AKIA", "DE89", "secret_access_key"),
    *("-----BEGIN " + "PRIVATE KEY-----", "\u0300" * 30, "नमस्ते दुनिया", "👩\u200d💻🏳️\u200d🌈"),
)


@cache
def stream(region: str = "", block: str = "") -> Stream:
    """Masks all kinds but `block`, or blocks `every`."""
    blocking = KINDS if block == "every" else tuple(filter(None, block.split()))
    return Stream(FOLDER, {"default_region": region, "kinds": dict.fromkeys(blocking, "block")})


def masked(text: str, region: str = "") -> str:
    return apply_spans(text, stream(region).whole(text).spans)


def jwt(chars: int) -> str:
    return f"{JWT.partition('.')[0]}.eyJ{(A64 * (chars // 64 + 1))[:chars]}.{A64}"


def pem(chars: int, header: str = "") -> str:
    lines = "\n".join(A64 for _ in range(chars // 64))
    return PEM.replace(f"\n{A64}\n{A64}\n", f"\n{header}{lines}\n")


@pytest.mark.parametrize("row", FOUND, ids=lambda row: row.source)
def test_every_form_is_masked_wherever_it_is_cut(row: Row) -> None:
    text = BEFORE + row.text + AFTER
    whole, dice = masked(text, row.region), random.Random(row.text)
    assert whole != text
    ways = [list(text), *(random_cuts(dice, text) for _ in range(2))]
    for pieces in (*ways, *two_way_cuts(text, len(BEFORE), len(BEFORE) + len(row.text))):
        assert run(stream(row.region).window(min_step_chars=1), pieces) == (whole, None)


@pytest.mark.parametrize("row", FOUND, ids=lambda row: row.source)
def test_every_form_is_blocked_where_it_is_and_nothing_of_it_leaves(row: Row) -> None:
    text = BEFORE + row.text + AFTER
    blocking, dice = stream(row.region, "every"), random.Random(row.text)
    block = blocking.whole(text).block
    assert block is not None
    for pieces in (list(text), *(random_cuts(dice, text) for _ in range(4))):
        released, verdict = run(blocking.window(min_step_chars=1), pieces)
        assert verdict is not None
        assert verdict.span == block
        assert text.startswith(released)
        assert len(released) <= block.start


@pytest.mark.parametrize(("text", "source"), LEFT, ids=[source for _, source in LEFT])
def test_what_only_looks_alike_leaves_as_it_came(text: str, source: str) -> None:
    text = f"{BEFORE} {text} {AFTER}"
    for block in ("", "every"):
        assert run(stream("US", block).window(min_step_chars=1), list(text)) == (text, None)


def value(dice: random.Random) -> str:
    kind = dice.random()
    if kind < 0.1:
        return jwt(dice.choice([5, 100, 300, 2000]))
    if kind < 0.2:
        return pem(dice.choice([64, 2048]), dice.choice(["", "Proc-Type: 4,ENCRYPTED\n", "Version: v2.0\n"]))
    text = dice.choice(FOUND).text
    if kind < 0.3:
        text = "".join(char + "".join(dice.choices(UNSEEN, k=dice.choice([0, 1, 3, 40]))) for char in text)
    return text[: dice.randint(1, len(text))] if kind > 0.9 else text


def planted(dice: random.Random, size: int) -> str:
    text = ""
    while len(text) < size:
        prose = " ".join(dice.choices(BETWEEN, k=dice.randint(1, 12)))
        more = dice.choice([prose, value(dice), BEFORE[: dice.randint(1, 240)], dice.choice(LEFT)[0]])
        text += more + dice.choice([" ", "\n", ", ", ""])
    return text


@pytest.mark.parametrize("block", ["", "every", "key jwt card"])
@pytest.mark.parametrize("seed", range(6))
def test_values_side_by_side_cut_anywhere_give_the_same(seed: int, block: str) -> None:
    dice, used = random.Random(f"{seed}{block}"), stream("US", block)
    for _ in range(4):
        text = planted(dice, dice.choice([300, 2000]))
        whole = used.whole(text)
        for _ in range(3):
            released, verdict = run(used.window(min_step_chars=64), random_cuts(dice, text))
            if whole.block is None:
                assert (released, verdict) == (apply_spans(text, whole.spans), None)
            else:
                assert verdict is not None
                assert (verdict.span, verdict.reason) == (whole.block, whole.reason)


LONG = {
    "a token as wide as the window": jwt(20),
    "a token wider than the window": jwt(400),
    "the longest token": jwt(16_000),
    "a private key with its headers": pem(640, "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,0A1B\n\n"),
    "a private key of an armour with a version": pem(640, "Version: GnuPG v2.0 (x)\n\n"),
    "the longest private key": pem(12_800, "Proc-Type: 4,ENCRYPTED\n"),
    "an address that unseen characters part": "".join(char + "\u200b" * 60 for char in "john@example.com"),
    "a card that unseen characters part": "".join(char + "\u0336" * 200 for char in "4242424242424242"),
    "an address of the greatest width": f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 63}.{'e' * 55}.com",
    "an address of labels that are no names": f"j@{'1.' * 120}com",
    "an address spelt out": f"{'john' * 16} (at) {'b' * 63} [dot] {'c' * 63} (dot) com",
}


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("block", ["", "every"])
def test_nothing_of_a_value_leaves_however_long_it_is(name: str, block: str) -> None:
    text = f"{BEFORE}{LONG[name]} {AFTER}"
    used, dice = stream(block=block), random.Random(name)
    whole = used.whole(text)
    for pieces in ([text[at : at + 64] for at in range(0, len(text), 64)], random_cuts(dice, text)):
        released, verdict = run(used.window(), pieces)
        if block:
            assert verdict is not None
            assert BEFORE.startswith(released)
        else:
            assert (released, verdict) == (apply_spans(text, whole.spans), None)
            assert len(released) < len(BEFORE) + len(AFTER) + 20


def test_beyond_what_is_held_it_fails_and_nothing_has_left() -> None:
    window, left = stream().window(), ""
    with pytest.raises(HoldExceededError):
        [left := left + str(window.feed(text)) for text in (BEFORE, "4242", *["\u200b" * 999] * 40)]
    assert BEFORE.startswith(left)


@pytest.mark.parametrize(
    "endless",
    [f"eyJhbGciOiJIUzI1NiJ9.{A64 * 600}", f"{PEM[:40]} {'and so on. ' * 3_000}"],
    ids=["a token", "a private key"],
)
def test_what_is_too_long_for_its_form_is_none_in_pieces_either(endless: str) -> None:
    pieces = [endless[at : at + 500] for at in range(0, len(endless), 500)]
    assert run(stream().window(), pieces) == (masked(endless), None)


def test_a_block_behind_text_with_unseen_characters_is_one_wherever_it_is_cut() -> None:
    """While it does not count yet, the engine looks at the text before it, of which less is kept back."""
    used, dense = stream(block="card"), "".join(char + "\u200b" * 8 for char in BEFORE)
    for size in range(0, 160, 4):
        text = BEFORE[:size] + dense + "4242 4242 4242 4242" + AFTER
        _, verdict = run(used.window(min_step_chars=1), list(text))
        assert verdict is not None
        assert verdict.span == used.whole(text).block


def test_text_with_marks_in_it_streams() -> None:
    """Marks cannot be seen: the window counts what can be, so a little more of such a text is kept back."""
    text, window = "नमस्ते दुनिया, यह एक लंबा उत्तर है। " * 60, stream().window()
    left, longest = 0, 0
    for at in range(0, len(text), 16):
        left += len(str(window.feed(text[at : at + 16])))
        longest = max(longest, at + 16 - left)
    assert longest < 600


def test_a_stream_is_what_authors_test_it_as() -> None:
    found = harness(FOLDER).stream(f"Write to john@example.com, please. {AFTER}")
    assert found.text == f"Write to <email>, please. {AFTER}"


def test_a_kind_that_is_not_known_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        Stream(FOLDER, {"kinds": {"name": "mask"}})
