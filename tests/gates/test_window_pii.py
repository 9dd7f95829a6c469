"""A real detector, of the built-in `pii-redactor`, in windows."""

from __future__ import annotations

import random

import pytest

from penstock.gates.window import Blocked, Find, Found, Window
from penstock.sdk.edits import Replace, Span
from plugins.pii_redactor.detector import KINDS, Detector, detector_of
from tests.gates.window_finders import cut, run, unary
from tests.plugins.pii_redactor import corpus

WINDOW_CHARS, MAX_HOLD_CHARS = 512, 32_768
BETWEEN = [
    *("the", "price", "call", "tel:", "at", "me", "a.b", "é", "\u200b", "x@", "@", ",", "(", ")", "\n"),
    *("12", "34", "56", "7", "100", "00", "+1", "2024-01-02"),
]
# Where a private key block has no end, or a dash in it, the detector is not local (docs/adr/0005-windows.md).
ROWS = [
    row.text
    for rows in (corpus.CARDS, corpus.EMAILS, corpus.IBANS, corpus.JWTS, corpus.KEYS, corpus.PHONES)
    for row in rows
    if "PRIVATE KEY" not in row.text
]


@pytest.fixture(scope="module")
def detector() -> Detector:
    return detector_of(KINDS, "US", ())


def masking(detector: Detector) -> Find:
    return lambda piece, is_end: Found(
        [Replace(found.start, found.end, f"<{found.kind}>") for found in detector.find(piece)]
    )


def planted(dice: random.Random, size: int) -> str:
    text = ""
    while len(text) < size:
        prose = " ".join(dice.choices(BETWEEN, k=dice.randint(1, 12)))
        text += dice.choice([prose, prose, dice.choice(ROWS)]) + dice.choice([" ", "\n", ", "])
    return text


@pytest.mark.parametrize("seed", range(12))
def test_nothing_that_it_masks_depends_on_the_cuts(detector: Detector, seed: int) -> None:
    dice, find = random.Random(seed), masking(detector)
    text = planted(dice, 4_000)
    whole = unary(find, text)
    for count in (0, 3, 60):
        pieces = cut(text, [dice.randrange(len(text)) for _ in range(count)])
        window = Window(find, WINDOW_CHARS, MAX_HOLD_CHARS, min_step_chars=200)
        assert run(window, pieces) == (whole, None)


def test_a_value_is_masked_wherever_it_is_cut(detector: Detector) -> None:
    text = "Write to alice@example.com or pay with 4242 4242 4242 4242, please."
    masked = "Write to <email> or pay with <card>, please."
    find = masking(detector)
    for at in range(len(text)):
        for before in ("", "x " * 700):
            pieces = [before + text[:at], text[at:], " y" * 700]
            assert run(Window(find, WINDOW_CHARS), pieces) == (before + masked + " y" * 700, None)


def test_a_private_key_block_is_held_until_it_is_over(detector: Detector) -> None:
    block = f"-----BEGIN RSA {'PRIVATE'} KEY-----\n" + "Ab1+" * 3_000 + f"\n-----END RSA {'PRIVATE'} KEY-----"
    text = "x " * 400 + block + " y" * 400
    window = Window(masking(detector), WINDOW_CHARS, MAX_HOLD_CHARS)
    assert run(window, cut(text, list(range(0, len(text), 300)))) == (text.replace(block, "<key>"), None)


def test_a_blocked_value_never_leaves(detector: Detector) -> None:
    def find(piece: str, is_end: bool) -> Found:
        card = next((f for f in detector.find(piece) if f.kind == "card"), None)
        return Found(block=Span(card.start, card.end), reason="card_number") if card else Found()

    before, after = "x " * 600, " y" * 600
    text = before + "4242 4242 4242 4242" + after
    for at in (0, 1_100, 1_200, 1_205, 1_219, 1_300, 1_731, 1_732, 2_000):
        released, verdict = run(Window(find, WINDOW_CHARS), [text[:at], text[at:]])
        assert verdict == Blocked(Span(1_200, 1_219), "card_number")
        assert before.startswith(released)
