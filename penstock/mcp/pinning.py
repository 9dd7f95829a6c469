"""What a tool is, as one digest: its whole definition, in canonical JSON, hashed.

Canonical JSON is that of RFC 8785 (no spaces, members sorted, numbers in their shortest form), except that
members are sorted by code point instead of by UTF-16 unit, and that integers keep all of their digits. All of
the definition counts, `_meta` and icons too: what is not compared could change unseen, and hosts act on it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final, Literal

PinPolicy = Literal["required", "known", "off"]
"""`required`: only approved tools. `known`: others too, but no approved one that has changed. `off`: all."""

_DOMAIN: Final = b"penstock.mcp.tool/1\0"


def canonical(value: Any) -> str:
    """`value`, parsed JSON, in its one form."""
    return json.dumps(_plain(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def tool_digest(definition: Mapping[str, Any]) -> str:
    """The digest of one tool of `tools/list`. About 10 µs for each KB."""
    raw = canonical(definition).encode("utf-8", "surrogatepass")
    return "sha256:" + hashlib.sha256(_DOMAIN + raw).hexdigest()


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    """The members in which two definitions differ, by name."""
    names = sorted(old.keys() | new.keys())
    missing = object()
    return tuple(name for name in names if _form(old.get(name, missing)) != _form(new.get(name, missing)))


def _form(value: Any) -> str | None:
    try:
        return canonical(value)
    except TypeError:  # it is not there
        return None


def _plain(value: Any) -> Any:
    """Numbers that are equal look alike: 1.0 as 1."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return int(value)
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value
