from __future__ import annotations

import pytest

from penstock.dialects.openai.stream_channels import Channels
from penstock.dialects.openai.stream_chunk import TextPart
from penstock.errors import UpstreamError
from penstock.streams import Channel

THOUGHT, WORDS = Channel(0, "content.thinking"), Channel(0, "content")


def part(channel: Channel) -> TextPart:
    return TextPart(channel, "response.text", "x", ("choices", 0, "delta", "content"))


def test_thoughts_and_words_by_turns_are_texts_of_their_own() -> None:
    channels = Channels()
    turns = [channels.of(part(channel)) for channel in (THOUGHT, THOUGHT, WORDS, WORDS, THOUGHT, WORDS)]
    second = [THOUGHT._replace(entry=1), WORDS._replace(entry=1)]
    assert [channel for channel, _ended in turns] == [THOUGHT, THOUGHT, WORDS, WORDS, *second]
    assert [ended for _channel, ended in turns] == [None, None, THOUGHT, None, WORDS, second[0]]
    assert channels.take(0) == [second[1]]


def test_any_other_text_goes_on_to_the_end_of_its_choice() -> None:
    channels = Channels()
    known = [Channel(0, "reasoning"), WORDS, Channel(1, "content"), Channel(0, "reasoning_details.text", 4)]
    assert [channels.of(part(channel)) for channel in [*known, *known]] == [
        (each, None) for each in known
    ] * 2
    assert channels.take(0) == [known[0], known[1], known[3]]
    assert (channels.take(0), channels.take(1), channels.take(2)) == ([], [known[2]], [])


def test_there_are_not_more_than_any_answer_has() -> None:
    channels = Channels()
    with pytest.raises(UpstreamError, match="more than 4096 texts") as caught:
        [channels.of(part(Channel(number, "content"))) for number in range(10_000)]
    assert caught.value.outcome == "too_large"


def test_a_channel_is_open_until_it_ends_by_its_choice_or_by_the_next_run() -> None:
    channels = Channels()
    words, _ = channels.of(part(WORDS))
    assert channels.is_open(words)
    thought, ended = channels.of(part(THOUGHT))
    assert (ended, channels.is_open(words), channels.is_open(thought)) == (words, False, True)
    channels.take(0)
    assert not channels.is_open(thought)
