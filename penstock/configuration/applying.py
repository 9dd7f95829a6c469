"""`penstock apply`: the difference between gateway.toml and the control table, and its removal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from penstock.adapters.control import ABSENT, MAX_CHANGES, Change, ControlStore, Entry
from penstock.adapters.keys import control_key
from penstock.configuration.applied import OWNED
from penstock.errors import ConfigurationError

Action = Literal["add", "change", "remove"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One document that is not as gateway.toml wants it. `details`: changed keys with old and new value."""

    action: Action
    key: str
    document: Mapping[str, Any] | None
    revision: int
    details: tuple[tuple[str, object, object], ...] = ()

    @property
    def kind(self) -> str:
        return self.key.partition("#")[0]

    @property
    def name(self) -> str:
        return self.key.partition("#")[2]


def differences(store: ControlStore, wanted: Mapping[str, dict[str, Any]]) -> list[Difference]:
    """What `apply` would do, additions and changes first. Empty when nothing is to be done."""
    there = {key: entry for key, entry in store.list("") if key.startswith(OWNED)}
    changed = [_difference(key, document, there.get(key)) for key, document in sorted(wanted.items())]
    gone = [
        Difference("remove", key, None, entry.revision) for key, entry in there.items() if key not in wanted
    ]
    # A grant goes before the model that it names: no grant is ever of something that is not there.
    gone.sort(key=lambda item: (item.kind != "grants", item.key))
    return [item for item in changed if item is not None] + gone


def apply(store: ControlStore, found: list[Difference]) -> None:
    """Make the control table as wanted. Raises ConfigurationError when it has changed since `differences`."""
    _refuse_orphans(store, found)
    for start in range(0, len(found), MAX_CHANGES):
        changes = [_change(item) for item in found[start : start + MAX_CHANGES]]
        if not store.write(changes):
            raise ConfigurationError(
                "the control table", "was changed by somebody else meanwhile.", "Run it again."
            )


def unknown_keys(store: ControlStore, wanted: Mapping[str, dict[str, Any]]) -> list[str]:
    """API keys that grants name and that nobody has created yet."""
    named = {key.removeprefix("grants#api_key#") for key in wanted if key.startswith("grants#api_key#")}
    known = {key.partition("#")[2] for key, _ in store.list(control_key("api_key", ""))} if named else set()
    return sorted(named - known)


def _difference(key: str, document: dict[str, Any], entry: Entry | None) -> Difference | None:
    if entry is None:
        return Difference("add", key, document, ABSENT)
    if entry.document == document:
        return None
    old, new = dict(_flat(entry.document)), dict(_flat(document))
    names = sorted(old.keys() | new.keys())
    details = tuple((name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name))
    return Difference("change", key, document, entry.revision, details)


def _flat(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in document.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _change(item: Difference) -> Change:
    return Change(item.key, None if item.document is None else dict(item.document), expects=item.revision)


def _refuse_orphans(store: ControlStore, found: list[Difference]) -> None:
    """Refuse to remove what API keys belong to, as long as one of them is not revoked."""
    removed = {(item.kind, item.name) for item in found if item.action == "remove"}
    for key, entry in store.list(control_key("api_key", "")) if removed else ():
        owner = entry.document["owner"]
        for kind in ("organisation", "team", "user"):
            if (kind, owner[kind]) in removed and entry.document["revoked_at_s"] is None:
                name = key.partition("#")[2]
                raise ConfigurationError(
                    f"{kind} {owner[kind]!r}",
                    f"cannot be removed: the API key {name!r} belongs to it.",
                    f"Run `penstock keys revoke {name}` first.",
                )
