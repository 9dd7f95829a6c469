"""Whether all that a stream said is in the message that was put together of it.

A guard that looks at the message has not seen what is missing there: an event of tomorrow, a member of a
ping, a reason that another took the place of. A stream that said such things must not leave as it came.
Numbers that count are no loss: each event says them anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from penstock.dialects.stream_event import kind_of

_LONG_NUMBER: Final = 10**7  # from here on a number is a text (`penstock.dialects.paths`)
_IN_MESSAGE: Final = frozenset({"content_block_start", "content_block_delta", "message_delta"})
_MEMBERS: Final[Mapping[str, frozenset[str]]] = {
    "message_start": frozenset({"type", "message"}),
    "content_block_stop": frozenset({"type", "index"}),
    "ping": frozenset({"type"}),
    "message_stop": frozenset({"type"}),
}


def says(value: Any) -> bool:
    """Whether anything could be read in `value`, wherever it stands."""
    if type(value) is dict or type(value) is list:
        return bool(value)
    if type(value) is int or type(value) is float:
        return not -_LONG_NUMBER < value < _LONG_NUMBER
    return type(value) is str and value != ""


def is_off(tree: Mapping[str, Any]) -> bool:
    """Whether an event is unknown, or has members that no message has a place for."""
    kind = kind_of(tree)
    return kind not in _IN_MESSAGE and not tree.keys() <= _MEMBERS.get(kind, frozenset())


def is_lost(old: Any, new: Any) -> bool:
    """Whether `old` said anything that `new`, which takes its place, does not say at the same place."""
    if old == new:
        return False
    if type(old) is dict and type(new) is dict:
        return any(name not in new or is_lost(value, new[name]) for name, value in old.items())
    if type(old) is list and type(new) is list:
        return len(old) > len(new) or any(map(is_lost, old, new))
    return says(old)


def is_number_for_text(value: Any) -> bool:
    """Whether `value` stands for a text that some clients add to the others, as digits, and some do not."""
    return type(value) in {int, float, bool}
