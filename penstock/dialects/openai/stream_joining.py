"""What the deltas of a stream add up to: texts and lists grow, null adds nothing.

The cost of a delta does not grow with what was there before: texts are in pieces until they are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from penstock.dialects.openai.stream_losses import is_token, says

# Said once, or said again as a whole: the first stands. Some upstreams repeat them in each fragment, and
# older versions of vLLM send another `id` each time.
SAID_ONCE: Final = frozenset({"id", "type", "index", "role", "format"})


class Joining:
    """An object to which deltas are added."""

    __slots__ = ("_has_lost", "_members", "_tokens")

    def __init__(self, tokens: tuple[str, ...] = ()) -> None:
        """`tokens`: those of its members said once that say nothing, so that another is no loss."""
        self._members: dict[str, Any] = {}
        self._tokens = tokens
        self._has_lost = False

    def __bool__(self) -> bool:
        return bool(self._members)

    def add(self, delta: Mapping[str, Any]) -> None:
        for name, value in delta.items():
            old = self._members.get(name)
            self._has_lost = self._has_lost or self._loses(name, old, value)
            self._members[name] = _joined(name, old, value)

    @property
    def has_lost(self) -> bool:
        """Whether anything that a delta said is not in the whole (`stream_losses`)."""
        below = (value for value in self._members.values() if isinstance(value, Joining))
        return self._has_lost or any(each.has_lost for each in below)

    def whole(self) -> dict[str, Any]:
        """The object so far, as plain JSON."""
        return {name: _plain(value) for name, value in self._members.items()}

    def _loses(self, name: str, old: Any, new: Any) -> bool:
        """Whether `_joined` leaves out anything of the two."""
        if old is None or new is None:
            return False
        if isinstance(old, _Text) and isinstance(new, str):
            is_other = name in SAID_ONCE and bool(new) and old.whole() not in {"", new}
            return is_other and not (name in self._tokens and is_token(new))
        is_one = (isinstance(old, Joining) and isinstance(new, dict)) or (type(old) is type(new) is list)
        return not is_one and _plain(old) != new and says(_plain(old))


class _Text:
    """A text that grows."""

    __slots__ = ("pieces",)

    def __init__(self, piece: str) -> None:
        self.pieces = [piece]

    def whole(self) -> str:
        return "".join(self.pieces)


def _joined(name: str, old: Any, new: Any) -> Any:
    """`old`, grown in place where it can, or what takes its place."""
    if new is None or old is None:
        return old if new is None else _begun(new)
    if isinstance(old, _Text) and isinstance(new, str):
        _continue(name, old, new)
        return old
    if isinstance(old, Joining) and isinstance(new, dict):
        old.add(new)
        return old
    if isinstance(old, list) and isinstance(new, list):
        old.extend(new)
        return old
    return _begun(new)


def _begun(value: Any) -> Any:
    if isinstance(value, str):
        return _Text(value)
    if isinstance(value, dict):
        begun = Joining()
        begun.add(value)
        return begun
    return list(value) if isinstance(value, list) else value


def _continue(name: str, text: _Text, new: str) -> None:
    if name in SAID_ONCE and text.whole():
        return
    if name == "name" and text.whole() == new:  # repeated by some upstreams; OpenAI never says it twice
        return
    if new:
        text.pieces.append(new)


def _plain(value: Any) -> Any:
    return value.whole() if isinstance(value, _Text | Joining) else value
