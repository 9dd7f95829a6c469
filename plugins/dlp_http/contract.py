"""The format `penstock`: what a DLP of one's own speaks, or what stands in front of another. README has it.

    → {"version": 1, "direction": "request", "segments": [{"id": "0", "text": "my card is 4111…"}]}
    ← {"segments": [{"id": "0", "verdict": "mask", "spans": [{"start": 11, "end": 27, "text": "<card>"}]}]}

Places are counted in Unicode code points. Ids say nothing of the request.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from penstock.sdk import Replace

from .segments import Verdict
from .service import Direction, MalformedError, encoded, listed, member

VERSION: Final = 1


class Contract:
    """`service.Service`."""

    def body(self, texts: Sequence[str], direction: Direction) -> bytes:
        segments = [{"id": str(number), "text": text} for number, text in enumerate(texts)]
        return encoded({"version": VERSION, "direction": direction, "segments": segments})

    def verdicts(self, answer: Any, texts: Sequence[str]) -> list[Verdict]:
        """In any order, but each segment's exactly once: one without a verdict was not looked at."""
        said: dict[str, Any] = {}
        for segment in listed(member(answer, "segments"), "the segments"):
            name = member(segment, "id")
            if type(name) is not str or name in said:
                raise MalformedError("a segment has no id, or the id of another")
            said[name] = segment
        if said.keys() != {str(number) for number in range(len(texts))}:
            raise MalformedError("there is not one verdict for each segment")
        return [_verdict(said[str(number)], text) for number, text in enumerate(texts)]


def _verdict(segment: dict[str, Any], text: str) -> Verdict:
    verdict = segment.get("verdict")
    if verdict == "allow":
        if segment.get("spans") or "text" in segment:
            raise MalformedError("an allow says what to mask")
        return Verdict()
    if verdict == "block":
        return Verdict(block=True)
    if verdict != "mask":
        raise MalformedError("a verdict is neither allow, block nor mask")
    if ("spans" in segment) == ("text" in segment):
        raise MalformedError("a mask has either spans or a text")
    if "text" in segment:
        return Verdict(spans=(Replace(0, len(text), _words(segment["text"])),))
    return Verdict(spans=_spans(segment["spans"], text))


def _spans(tree: Any, text: str) -> tuple[Replace, ...]:
    """In order, inside the text, and none over another. An empty list masks nothing, so it is no mask."""
    spans = [_span(item) for item in listed(tree, "the spans")]
    at = 0
    for span in spans:
        if not at <= span.start < span.end <= len(text):
            raise MalformedError("a span lies outside of its text, over another one, or out of order")
        at = span.end
    if not spans:
        raise MalformedError("a mask has no spans")
    return tuple(spans)


def _span(tree: Any) -> Replace:
    start, end = member(tree, "start"), member(tree, "end")
    if type(start) is not int or type(end) is not int:
        raise MalformedError("a span has no start or no end")
    return Replace(start, end, _words(tree.get("text", "")))


def _words(value: Any) -> str:
    """What stands in a text's place, as it can be sent on."""
    if type(value) is not str:
        raise MalformedError("a replacement is no text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise MalformedError("a replacement holds half of a character") from None
    return value
