"""What says an answer's text again, or points into it, and so changes with it.

choices[*].logprobs              the text token by token: null
prompt_logprobs                  vLLM's, the prompt token by token: null
message.parsed                   structured output, parsed by a gateway on the way: taken out
message.audio.data               the text, spoken: empty, also when policy had let the audio pass
annotations[*] start/end_index   characters of `content`: moved with the text around them
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

from penstock.dialects.json_content import Change
from penstock.dialects.splicing import Drop, Path, Put, Splice
from penstock.sdk.edits import Replace


def repeats(tree: Any, places: Iterable[Path]) -> list[Splice]:
    """What goes when the texts at `places` are edited or taken out."""
    splices: list[Splice] = []
    choices = dict.fromkeys(at[1] for at in places if at[0] == "choices")
    for index in choices:
        choice = tree["choices"][index]
        if choice.get("logprobs") is not None:
            splices.append(Put(("choices", index, "logprobs"), None))
        message = choice.get("message")
        splices += _message_repeats(message, ("choices", index, "message")) if type(message) is dict else ()
    if choices and tree.get("prompt_logprobs") is not None:
        splices.append(Put(("prompt_logprobs",), None))
    return splices


def _message_repeats(message: dict[str, Any], at: Path) -> list[Splice]:
    splices: list[Splice] = []
    if message.get("parsed") is not None:
        splices.append(Drop((*at, "parsed")))
    audio = message.get("audio")
    if type(audio) is dict and audio.get("data"):
        splices.append(Put((*at, "audio", "data"), ""))
    return splices


def moved_annotations(tree: Any, changes: Sequence[Change]) -> list[Splice]:
    """Citations' positions, for each changed `content`: one inside of a replaced piece goes to its edge."""
    splices: list[Splice] = []
    for change in changes:
        if change.at[0] != "choices" or change.at[2:] != ("message", "content"):
            continue
        message = tree["choices"][change.at[1]]["message"]
        annotations = message.get("annotations")
        if type(annotations) is list:
            moves = Moves(narrowed(message["content"], change))
            for index, annotation in enumerate(annotations):
                place = (*change.at[:-1], "annotations", index, "url_citation")
                splices += _moved(annotation, place, moves)
    return splices


def _moved(annotation: Any, place: Path, moves: Moves) -> list[Splice]:
    citation = annotation.get("url_citation") if type(annotation) is dict else None
    if type(citation) is not dict:
        return []
    return [
        Put((*place, name), moved)
        for name, is_end in (("start_index", False), ("end_index", True))
        if type(old := citation.get(name)) is int and (moved := moves.of(old, is_end=is_end)) != old
    ]


class Moves:
    """Where positions go. Added up once: both the pieces and the positions can be thousands."""

    __slots__ = ("_ends", "_growth", "_replaced")

    def __init__(self, replaced: Sequence[Replace]) -> None:
        self._replaced = replaced
        self._ends = [piece.end for piece in replaced]
        self._growth = [0, *accumulate(len(piece.text) - (piece.end - piece.start) for piece in replaced)]

    def of(self, position: int, *, is_end: bool) -> int:
        before = bisect_right(self._ends, position)
        moved = position + self._growth[before]
        if before < len(self._replaced) and self._replaced[before].start < position:
            piece = self._replaced[before]
            start = piece.start + self._growth[before]
            return start + len(piece.text) if is_end else start
        return moved


def narrowed(old: str, change: Change) -> Sequence[Replace]:
    """The replacements; for a text set as a whole, the piece between what is the same before and after."""
    if len(change.replaced) != 1 or change.replaced[0][:2] != (0, len(old)):
        return change.replaced
    new = change.new
    most = min(len(old), len(new))
    start = next((i for i in range(most) if old[i] != new[i]), most)
    tail = next((i for i in range(most - start) if old[-1 - i] != new[-1 - i]), most - start)
    return (Replace(start, len(old) - tail, new[start : len(new) - tail]),)
