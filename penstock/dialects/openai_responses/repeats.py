"""What says a text of a message again, or points into it, and so changes with it.

content[*].logprobs                   the text token by token: empty
content[*].annotations[*].start_index characters of the text: moved with the text around them
output_text                           some servers': the whole answer again: taken out
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from penstock.dialects.json_content import Change
from penstock.dialects.openai.repeats import Moves, narrowed
from penstock.dialects.splicing import Drop, Path, Put, Splice

LISTS = ("input", "output")
TEXT = "text"


def repeats(tree: Any, places: Iterable[Path]) -> list[Splice]:
    """What goes when the texts at `places` are edited or taken out."""
    parts = dict.fromkeys(part for at in places if (part := part_at(at)) is not None)
    splices: list[Splice] = [
        Put((*at, "logprobs"), []) for at in parts if _found(tree, at).get("logprobs") not in (None, [])
    ]
    is_answer = any(at[0] == "output" for at in parts)
    return [*splices, *([Drop(("output_text",))] if is_answer and tree.get("output_text") else [])]


def moved_annotations(tree: Any, changes: Sequence[Change]) -> list[Splice]:
    """Citations' positions, for each changed text: one inside of a replaced piece goes to its edge."""
    splices: list[Splice] = []
    for change in changes:
        at = part_at(change.at)
        if at is None or change.at != (*at, TEXT):
            continue
        part = _found(tree, at)
        annotations = part.get("annotations")
        if type(annotations) is list and annotations:
            moves = Moves(narrowed(part[TEXT], change))
            for index, annotation in enumerate(annotations):
                splices += _moved(annotation, (*at, "annotations", index), moves)
    return splices


def part_at(at: Path) -> Path | None:
    """The place of the part of a message in which `at` is; None when it is in none."""
    if at[0] not in LISTS or at[2:3] != ("content",) or len(at) < 5 or not isinstance(at[3], int):
        return None
    return at[:4]


def _moved(annotation: Any, place: Path, moves: Moves) -> list[Splice]:
    if type(annotation) is not dict:
        return []
    return [
        Put((*place, name), moved)
        for name, is_end in (("start_index", False), ("end_index", True))
        if type(old := annotation.get(name)) is int and (moved := moves.of(old, is_end=is_end)) != old
    ]


def _found(tree: Any, at: Path) -> dict[str, Any]:
    for step in at:
        tree = tree[step]
    return tree if type(tree) is dict else {}
