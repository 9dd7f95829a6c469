"""One block of a streamed message, put together from its events, and back again.

    text_delta, thinking_delta      text that grows
    input_json_delta                fragments of JSON, which are parsed when the block is whole
    citations_delta                 one citation more
    signature_delta                 the seal
    compaction_delta                the summary, whole
    all else                        kept as it came, in `deltas`: no field carries it

Input that is no JSON when its block ends (an answer that was cut short, a server that sends anything) stands
as the text that it is; when escapes are in it, once more beside it, so that it counts as unseen: who reads
letters there would not read what the caller's parser reads. `beside` holds all that a block's events say and
the block does not: it passes with them, so a guard must know of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from penstock.dialects import rawjson
from penstock.dialects.anthropic.stream_losses import is_number_for_text, says
from penstock.errors import RequestError

_GROWING: Final = {"text_delta": "text", "thinking_delta": "thinking"}
_OF_DELTAS: Final[Mapping[str, frozenset[str]]] = {
    "text_delta": frozenset({"text"}),
    "thinking_delta": frozenset({"thinking"}),
    "input_json_delta": frozenset({"partial_json"}),
    "citations_delta": frozenset({"citation"}),
    "signature_delta": frozenset({"signature"}),
    "compaction_delta": frozenset({"content", "encrypted_content", "signature"}),
}
_OF_STARTS: Final = frozenset({"type", "index", "content_block"})
_OF_EVENTS: Final = frozenset({"type", "index", "delta"})
_MAX_NAME_CHARS: Final = 64
UNKNOWN: Final = "deltas"
BESIDE: Final = "beside"

OF_TEXT: Final = frozenset({"text_delta", "citations_delta"})
"""The deltas that a block of text grows by."""
KNOWN_DELTAS: Final = frozenset(_OF_DELTAS)


class GrowingBlock:
    """A block, as far as its events have come."""

    __slots__ = (
        *("_begun", "_beside", "_citations", "_fragments", "_pieces", "_set", "_unknown"),
        "is_ambiguous",
    )

    def __init__(self, start: Mapping[str, Any]) -> None:
        """`start`: the JSON of the event that begins it."""
        begun = start.get("content_block")
        self._begun: dict[str, Any] = begun if type(begun) is dict else {}
        self._pieces: dict[str, list[str]] = {}
        self._fragments: list[str] = []
        self._citations: list[Any] = []
        self._set: dict[str, Any] = {}
        self._unknown: list[Mapping[str, Any]] = []
        self._beside: list[Any] = [] if begun is self._begun else [begun]
        self.is_ambiguous = any(is_number_for_text(self._begun.get(name)) for name in _GROWING.values())
        """Whether clients add its texts up in more than one way."""
        self._note(start, _OF_STARTS)

    def add(self, event: Mapping[str, Any]) -> None:
        """`event`: the JSON of an event that it grows by."""
        self._note(event, _OF_EVENTS)
        given = event.get("delta")
        delta: Mapping[str, Any] = given if type(given) is dict else {"delta": given}
        kind = str(delta.get("type"))
        if kind not in _OF_DELTAS:
            self._unknown.append(delta)
            return
        self._note(delta, _OF_DELTAS[kind] | {"type"})
        if kind in {"signature_delta", "compaction_delta"}:
            self._replace({name: delta[name] for name in _OF_DELTAS[kind] if delta.get(name) is not None})
        elif kind == "citations_delta":
            self._citations.append(delta.get("citation"))
        else:
            self._grow(kind, delta)

    def whole(self) -> dict[str, Any]:
        """The block so far, as a message has it."""
        grown = {name: self._grown(name, pieces) for name, pieces in self._pieces.items()}
        put = {**self._input(), **self._set}
        block = {**self._begun, **grown, **put}
        if self._citations:
            cited = self._begun.get("citations")
            block["citations"] = [*(cited if type(cited) is list else ()), *self._citations]
        beside = [*self._beside, *self._replaced(put), *self._escaped(put.get("input"))]
        return (
            block | ({UNKNOWN: self._unknown} if self._unknown else {}) | ({BESIDE: beside} if beside else {})
        )

    def _note(self, said: Mapping[str, Any], known: Iterable[str]) -> None:
        more = {
            name: value for name, value in said.items() if name not in known and not _is_silent(name, value)
        }
        if more:
            self._beside.append(more)

    def _replaced(self, put: Iterable[str]) -> Iterator[Any]:
        """What the block began with and is not in it any more."""
        grown = (name for name in self._pieces if type(self._begun.get(name)) is not str)
        cited = ("citations",) if self._citations and type(self._begun.get("citations")) is not list else ()
        for name in (*put, *grown, *cited, UNKNOWN, BESIDE):
            if self._begun.get(name):
                yield {name: self._begun[name]}

    def _replace(self, members: Mapping[str, Any]) -> None:
        """Said again as a whole: the last stands, and the others have passed all the same."""
        self._beside += [{name: self._set[name]} for name in members if self._set.get(name)]
        self._set |= members

    def _grow(self, kind: str, delta: Mapping[str, Any]) -> None:
        name = _GROWING.get(kind, "partial_json")
        piece = delta.get(name)
        if type(piece) is not str:
            self.is_ambiguous = self.is_ambiguous or is_number_for_text(piece)
            self._beside.append({name: piece})
        elif name == "partial_json":
            self._fragments.append(piece)
        else:
            self._pieces.setdefault(name, []).append(piece)

    def _grown(self, name: str, pieces: list[str]) -> str:
        begun = self._begun.get(name)
        return (begun if type(begun) is str else "") + "".join(pieces)

    def _input(self) -> dict[str, Any]:
        text = "".join(self._fragments)
        if not text.strip():
            return {}
        try:
            return {"input": rawjson.parse(text)}
        except RequestError:
            return {"input": text}

    def _escaped(self, given: Any) -> list[str]:
        return [given] if type(given) is str and "\\u" in "".join(self._fragments) else []


def _is_silent(name: str, value: Any) -> bool:
    """Whether nothing could be said in a member. Short numbers pass unseen in answers elsewhere too."""
    is_named = name.isidentifier() and name.isascii() and len(name) <= _MAX_NAME_CHARS
    return is_named and not says(value) and type(value) is not str


def events_of(block: Mapping[str, Any], index: int) -> Iterator[dict[str, Any]]:
    """The JSON of the events that say `block`: its start, its deltas, its stop."""
    unknown = block.get(UNKNOWN)
    deltas: list[Any] = [*_deltas(block), *(unknown if type(unknown) is list else ())]
    begun = {name: value for name, value in block.items() if name not in {UNKNOWN, BESIDE}}
    begun |= {_SAYS[delta["type"]][0]: _SAYS[delta["type"]][1] for delta in _deltas(block)}
    yield {"type": "content_block_start", "index": index, "content_block": begun}
    for delta in deltas:
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    yield {"type": "content_block_stop", "index": index}


# What of a block a delta says, and what stands for it in the block's start.
_SAYS: Final[Mapping[str, tuple[str, Any]]] = {
    "text_delta": ("text", ""),
    "citations_delta": ("citations", []),
    "thinking_delta": ("thinking", ""),
    "signature_delta": ("signature", ""),
    "input_json_delta": ("input", {}),
}


def _deltas(block: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What clients add up as it comes: texts, citations, input. All else stands in the block's start."""
    kind = str(block.get("type"))
    for name, delta in (("text", "text_delta"), ("thinking", "thinking_delta")):
        if kind == name and type(block.get(name)) is str and block[name]:
            yield {"type": delta, name: block[name]}
    if kind == "text" and type(block.get("citations")) is list:
        yield from ({"type": "citations_delta", "citation": cited} for cited in block["citations"])
    if kind == "thinking" and type(block.get("signature")) is str and block["signature"]:
        yield {"type": "signature_delta", "signature": block["signature"]}
    if kind.endswith("tool_use") and block.get("input"):
        given = block["input"]
        text = given if type(given) is str else rawjson.dumps(given)
        yield {"type": "input_json_delta", "partial_json": text}
