"""What says a choice's text again, or points into it: held until it is known whether the text was edited.

choices[*].logprobs             the text token by token
choices[*].delta.parsed         structured output, parsed by a gateway on the way
choices[*].delta.audio.data     the text, spoken
choices[*].delta.annotations    characters of `content`: where an edit moved them is not known in a stream
prompt_logprobs                 vLLM's, the prompt token by token; not held, but gone once anything is edited

When the choice ends unedited all of it leaves; else nothing does, but annotations that point nowhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from penstock.dialects.openai.stream_calls import dumped
from penstock.dialects.openai.stream_chunk import Chunk, TextPart
from penstock.dialects.splicing import Drop, Put, Splice
from penstock.dialects.stream_event import as_object

HELD: Final = (
    "choices[*].logprobs",
    "choices[*].delta.parsed",
    "choices[*].delta.audio.data",
    "choices[*].delta.annotations",
)

_POSITIONS: Final = frozenset({"start_index", "end_index"})


class Repeats:
    """Holds up to `max_chars` of JSON; a choice that says more goes without what repeats its text."""

    __slots__ = ("_chars", "_dropped", "_held", "_max_chars")

    def __init__(self, max_chars: int) -> None:
        self._held: dict[int, list[str]] = {}
        self._chars = 0
        self._max_chars = max_chars
        self._dropped: set[int] = set()

    def take(self, chunk: Chunk, texts: Mapping[TextPart, str]) -> list[Splice]:
        """Hold what of `chunk` repeats, with `texts` in place of its own; what takes it out of the chunk."""
        splices: list[Splice] = []
        for position, choice in chunk.choices:
            members, removal = _found(position, choice)
            if removal:
                splices += removal
                self._hold(choice["index"], _with_texts(members, position, texts))
        return splices

    def drop(self, choice: int) -> None:
        """Nothing that repeats the choice's text may leave any more."""
        self._chars -= sum(map(len, self._held.pop(choice, ())))
        self._dropped.add(choice)

    def released(self, choice: int, *, is_edited: bool) -> Iterator[dict[str, Any]]:
        """What may leave now that the choice has ended, and is not held any more: members of the choice."""
        held = self._held.pop(choice, ())
        self._chars -= sum(map(len, held))
        for text in held:
            members = json.loads(text)
            if not is_edited:
                yield members
            elif pointless := [each for each in _annotations(members) if not _points(each)]:
                yield {"delta": {"annotations": pointless}}

    def _hold(self, choice: int, members: Mapping[str, Any]) -> None:
        if choice in self._dropped:
            return
        text = dumped(members)
        self._held.setdefault(choice, []).append(text)
        self._chars += len(text)
        if self._chars > self._max_chars:
            self.drop(choice)


def is_held(part: TextPart) -> bool:
    """Whether a text stands in what is held, so that it is not edited in its chunk."""
    return part.at[0] == "choices" and part.at[2:4] == ("delta", "annotations")


def _found(position: int, choice: Mapping[str, Any]) -> tuple[dict[str, Any], list[Splice]]:
    """What repeats in a choice, as members of one, and what takes it out."""
    at, delta = ("choices", position), as_object(choice.get("delta"))
    members: dict[str, Any] = {}
    splices: list[Splice] = []
    if choice.get("logprobs") is not None:
        members["logprobs"] = choice["logprobs"]
        splices.append(Put((*at, "logprobs"), None))
    held = {name: delta[name] for name in ("parsed", "annotations") if delta.get(name) is not None}
    splices += [Drop((*at, "delta", name)) for name in held]
    if data := as_object(delta.get("audio")).get("data"):
        held["audio"] = {"data": data}
        splices.append(Put((*at, "delta", "audio", "data"), ""))
    return members | ({"delta": held} if held else {}), splices


def _with_texts(members: dict[str, Any], position: int, texts: Mapping[TextPart, str]) -> dict[str, Any]:
    """`members` with the texts of their annotations as they leave."""
    new = {part.at[2:]: text for part, text in texts.items() if part.at[1:2] == (position,) and is_held(part)}
    if not new:
        return members
    copy: dict[str, Any] = json.loads(dumped(members))
    for path, text in new.items():
        owner: Any = copy
        for step in path[:-1]:
            owner = owner[step]
        owner[path[-1]] = text
    return copy


def _annotations(members: Mapping[str, Any]) -> list[Any]:
    annotations = as_object(members.get("delta")).get("annotations")
    return annotations if type(annotations) is list else []


def _points(annotation: Any) -> bool:
    """Whether an annotation, or what it is about, names characters of the text."""
    inner = annotation.values() if type(annotation) is dict else ()
    return any(_POSITIONS & as_object(each).keys() for each in (annotation, *inner))
