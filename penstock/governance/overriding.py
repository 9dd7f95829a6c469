"""Overrides as the control table keeps them: one document, whose revision is the version in every record.

    overrides                          {"plugins": {name: {mode?, rollout?, scope?, killed?, break_glass?}}}
    override_log#<Unix ms>#<plugin>    who changed what, from what, when and why; never removed

An override only lowers. What is `required` is lowered by break-glass alone, which demands a reason. The
gateway holds the same bounds when it reads (`penstock.gates.overrides`); here they are said in words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from penstock.adapters.control import ABSENT, Change, ControlStore, Document, Entry
from penstock.adapters.keys import OVERRIDE_LOG, OVERRIDES, control_key
from penstock.errors import ConfigurationError
from penstock.gates.overrides import Override, Overrides
from penstock.gates.placement import Mode, Placement
from penstock.gates.scope import Scope

NONE = Overrides()


@dataclass(frozen=True, slots=True)
class Wish:
    """What an operator asks for. None leaves what is in force; `scope` narrows: dimension → patterns."""

    mode: str | None = None
    rollout: int | None = None
    scope: Mapping[str, tuple[str, ...]] | None = None
    killed: bool | None = None

    def document(self) -> Document:
        """As the control table keeps it: only what is given."""
        scope = {name: list(patterns) for name, patterns in self.scope.items()} if self.scope else None
        given = {"mode": self.mode, "rollout": self.rollout, "scope": scope, "killed": self.killed}
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes an override, when (Unix ms), and why. `break_glass`: to lower what is required."""

    who: str
    at_ms: int
    why: str = ""
    break_glass: bool = False


class Overriding:
    """Changes overrides, and keeps the log of it."""

    def __init__(self, store: ControlStore) -> None:
        self._store = store

    def set(self, placements: list[Placement], wish: Wish, author: Author) -> Document:
        """Put `wish` in force for the plugin of `placements`, and return its whole override.

        Raises ConfigurationError when it would exceed what was deployed, or lower what is required without
        break-glass and a reason.
        """
        plugin = placements[0].plugin
        for placement in placements:
            _check(placement, wish, author)
        entry, plugins = self._now()
        after = {**plugins.get(plugin, {}), **wish.document()}
        if author.break_glass:
            after["break_glass"] = True
        self._write(entry, {**plugins, plugin: after}, self._log(plugin, plugins.get(plugin), after, author))
        return after

    def clear(self, plugin: str, author: Author) -> bool:
        """Return to what was deployed; False when nothing was overridden."""
        entry, plugins = self._now()
        if plugin not in plugins:
            return False
        others = {name: document for name, document in plugins.items() if name != plugin}
        self._write(entry, others, self._log(plugin, plugins[plugin], None, author))
        return True

    def in_force(self) -> Mapping[str, Document]:
        """Plugin → its override, as stored."""
        return self._now()[1]

    def log(self) -> Iterator[Document]:
        """Every change so far, oldest first."""
        yield from (entry.document for _, entry in self._store.list(control_key(OVERRIDE_LOG, "")))

    def _now(self) -> tuple[Entry | None, Mapping[str, Document]]:
        entry = self._store.get([OVERRIDES], fresh=True).get(OVERRIDES)
        return entry, entry.document["plugins"] if entry else {}

    def _log(self, plugin: str, before: Document | None, after: Document | None, author: Author) -> Change:
        document = {
            "plugin": plugin,
            "at_ms": author.at_ms,
            "who": author.who,
            "why": author.why,
            "break_glass": author.break_glass,
            "before": before,
            "after": after,
        }
        return Change(control_key(OVERRIDE_LOG, f"{author.at_ms:013d}#{plugin}"), document, expects=ABSENT)

    def _write(self, entry: Entry | None, plugins: Mapping[str, Document], log: Change) -> None:
        revision = entry.revision if entry else ABSENT
        if not self._store.write([Change(OVERRIDES, {"plugins": dict(plugins)}, expects=revision), log]):
            raise ConfigurationError(
                "the overrides", "were changed by somebody else meanwhile.", "Run it again."
            )


def decode_overrides(entry: Entry | None) -> Overrides:
    """The overrides in an entry; none when there is no entry."""
    if entry is None:
        return NONE
    plugins = entry.document["plugins"]
    return Overrides({name: _decoded(document) for name, document in plugins.items()}, f"r{entry.revision}")


def _check(placement: Placement, wish: Wish, author: Author) -> None:
    where = f"plugin {placement.plugin!r}"
    if wish.mode is not None and Mode[wish.mode.upper()] > placement.mode:
        problem = f"cannot be overridden to {wish.mode!r}: it is deployed as {placement.mode.label!r}."
        raise ConfigurationError(where, problem, "Change gateway.toml and deploy it.")
    if wish.rollout is not None and wish.rollout > placement.rollout:
        problem = f"cannot be rolled out to {wish.rollout} per cent: it is deployed with {placement.rollout}."
        raise ConfigurationError(where, problem, "Change gateway.toml and deploy it.")
    if author.break_glass and not author.why.strip():
        raise ConfigurationError(where, "break-glass needs a reason.", "Say why; it is recorded.")
    if placement.required and not author.break_glass and wish.document():
        remedy = 'If it must be: --break-glass "why"; that is recorded.'
        raise ConfigurationError(where, "is required: an override cannot lower it.", remedy)


def _decoded(document: Mapping[str, Any]) -> Override:
    mode = document.get("mode")
    scope = document.get("scope")
    return Override(
        mode=None if mode is None else Mode[mode.upper()],
        rollout=document.get("rollout"),
        scope=None if scope is None else Scope.of({name: tuple(v) for name, v in scope.items()}),
        killed=bool(document.get("killed")),
        break_glass=bool(document.get("break_glass")),
    )
