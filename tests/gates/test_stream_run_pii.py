"""A real plugin over long answers of several choices: what leaves is what it makes of a unary answer."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from penstock.gates.deadline import Deadlines
from penstock.gates.gate import Gate
from penstock.gates.host import InProcessHost
from penstock.sdk.context import RecordSpec
from penstock.sdk.loading import load_plugin
from penstock.streams import Channel
from tests.gates.fakes import TEXT, FakeContent
from tests.gates.streaming import REASONING, Clock, channel_of, deltas_of, stream, told, unary, windowed

VALUES = (
    "jane.doe@example.com",
    "4111 1111 1111 1111",
    "+49 30 901820",
    "DE89 3704 0044 0532 0130 00",
    "sk-proj-" + "A1b2C3d4" * 6,
)
WORDS = "the quick brown fox jumps over 13 lazy dogs, and (perhaps) 2,500 more; see page 12-14.\n".split(" ")  # noqa: SIM905  # reads as text


def long_text(dice: random.Random, words: int) -> str:
    return " ".join(dice.choice(VALUES) if dice.random() < 0.05 else dice.choice(WORDS) for _ in range(words))


def redactor_gate(clock: Clock) -> Gate:
    plugin = load_plugin(Path("plugins/pii_redactor"), {})
    asked = plugin.manifest.after_upstream
    assert asked is not None
    placement = windowed(
        "pii-redactor",
        asked.window_chars or 0,
        max_hold_chars=asked.max_hold_chars,
        reads=(TEXT, REASONING),
        records={name: RecordSpec("count", 0, 1_000_000) for name in plugin.manifest.records},
        reasons=dict(plugin.manifest.reasons),
    )
    host = InProcessHost({"pii-redactor": plugin}, Deadlines(None))
    return Gate("after_upstream", [placement], {"in_process": host}, budget_ms=60_000, clock=clock)


@pytest.mark.parametrize("seed", range(4))
def test_the_redactor_gives_long_streams_what_it_gives_unary_answers(seed: int) -> None:
    dice, clock = random.Random(seed), Clock()
    gate = redactor_gate(clock)
    texts: dict[Channel, str] = {
        channel_of(0): long_text(dice, 1_500),
        channel_of(0, REASONING): long_text(dice, 300),
        channel_of(1): long_text(dice, 700),
    }
    size = (1, 4, 30, 700)[seed]
    pieces = {c: [text[at : at + size] for at in range(0, len(text), size)] for c, text in texts.items()}
    deltas = deltas_of(pieces, [dice.randrange(3) for _ in range(20_000)])
    done = stream(gate, deltas, clock=clock, step_s=0.013)
    answer = FakeContent(
        {TEXT: (texts[channel_of(0)], texts[channel_of(1)]), REASONING: (texts[channel_of(0, REASONING)],)}
    )
    result, response = unary(gate, answer)
    assert response.values[TEXT] == (done.texts[channel_of(0)], done.texts[channel_of(1)])
    assert response.values[REASONING] == (done.texts[channel_of(0, REASONING)],)
    assert [told(record) for record in done.records] == [told(record) for record in result.records]
    assert float(done.records[0].recorded["emails"]) > 0
    for value in VALUES:
        assert not any(value in text for text in done.texts.values())
