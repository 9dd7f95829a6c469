"""With the engine's own windows behind the guard: what leaves a stream is what the edited whole would be."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.dialects.openai.stream_guarded import GuardedStream
from penstock.dialects.sse import encode
from penstock.gates.window import Found, Window
from penstock.sdk.edits import find_spans
from penstock.streams import Channel
from tests.dialects.openai.streaming import (
    FakeGuard,
    assembled,
    byte_by_byte,
    calls,
    edited,
    everything,
    says,
    text_parts,
)
from tests.fixtures.openai.streams import Stream, streams

PLANTED = re.compile(r"[\w.]{1,40}@[\w.]{1,40}\w|[Jj]ane|[0-9](?:[ -]?[0-9]){12,15}")
WINDOW_CHARS = 82
PIECES = st.sampled_from(
    [
        "hello ",
        "jane.doe@example.com ",
        "4111 1111 1111 1111",
        "\U0001f600",
        "日本 ",
        "Jane's ",
        "\n",
        "a@b.co ",
    ]
)


def masked(text: str) -> str:
    return PLANTED.sub("<x>", text)


class Windows(FakeGuard):
    """One window for each text."""

    def __init__(self) -> None:
        super().__init__(masked)
        self.windows: dict[Channel, Window] = {}

    def text(self, channel: Channel, field: str, text: str) -> str:
        window = self.windows.setdefault(channel, Window(_find, WINDOW_CHARS))
        return self._released(channel, window.feed(text))

    def end(self, channel: Channel) -> str:
        return self._released(channel, self.windows[channel].end())

    def _released(self, channel: Channel, text: object) -> str:
        assert isinstance(text, str)
        self.edited |= {channel.choice} if self.windows[channel].edits else set()
        return text


def _find(piece: str, is_end: bool) -> Found:
    return Found(find_spans(PLANTED, "<x>", piece))


@pytest.mark.parametrize("each", streams(), ids=str)
def test_every_listed_stream_leaves_as_its_edited_whole(each: Stream) -> None:
    left = assembled(everything(GuardedStream(Windows()), *byte_by_byte(each.body))).response()
    assert left.tree == edited(assembled(each.body).response(), masked).tree


@given(st.data())
def test_planted_values_do_not_leave_however_text_and_bytes_are_cut(data: st.DataObject) -> None:
    text = "".join(data.draw(st.lists(PIECES, max_size=30)))
    deltas = [says(piece) for piece in _cut(data, text)]
    body = b"".join(deltas) + says(reason="stop") + data.draw(st.sampled_from([b"", encode("[DONE]")]))
    body = body.replace(b"\n", data.draw(st.sampled_from([b"\n", b"\r\n"])))
    sent = everything(GuardedStream(Windows()), *_pieces(data, body))
    assert "".join(part.text for part in text_parts(sent)) == masked(text)


@given(st.data())
def test_planted_arguments_do_not_leave_however_they_are_cut(data: st.DataObject) -> None:
    arguments = (
        r'{"who": "\u006aane.doe@example.com", "n": [4111111111111111, "Jane"], "x": {"Jane": "a\"b"}}'
    )
    cuts = sorted(data.draw(st.lists(st.integers(0, len(arguments)), max_size=8)))
    fragments = [arguments[a:b] for a, b in zip([0, *cuts], [*cuts, len(arguments)], strict=True)]
    body = b"".join(calls(fragment) for fragment in fragments) + says(reason="tool_calls")
    sent = everything(GuardedStream(Windows()), *_pieces(data, body))
    [call] = assembled(sent).response().tree["choices"][0]["message"]["tool_calls"]
    [whole] = edited(assembled(body).response(), masked).tree["choices"][0]["message"]["tool_calls"]
    assert call == whole
    assert "ane" not in call["function"]["arguments"].replace('"Jane":', "")


def _cut(data: st.DataObject, text: str) -> list[str]:
    """The text in deltas as an upstream makes them that counts in UTF-16: also inside of a character."""
    units = text.encode("utf-16-le")
    cuts = sorted(2 * at for at in data.draw(st.lists(st.integers(0, len(units) // 2), max_size=40)))
    return [
        units[a:b].decode("utf-16-le", "surrogatepass")
        for a, b in zip([0, *cuts], [*cuts, len(units)], strict=True)
    ]


def _pieces(data: st.DataObject, body: bytes) -> list[bytes]:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=6)))
    return [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]
