"""What a plugin's source says against what its manifest says, without running it.

Every reason in `Block("…")` and every name in `….record("…")` that stands in the source as a literal is
declared, and everything declared is used somewhere. A code that is put together at run time is a failure of
the plugin when it runs; here it only means that a declared code counts as used when the source holds it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from penstock.errors import ConfigurationError
from penstock.sdk.manifest import Manifest


@dataclass(slots=True)
class _Codes:
    """What one plugin's modules say: codes in calls, and every text literal."""

    reasons: set[str] = field(default_factory=set)
    records: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)


def check_source(folder: Path, manifest: Manifest) -> None:
    """Raises ConfigurationError when the source in `folder` and `manifest` differ."""
    said = _read(folder)
    where = str(folder / "plugin.toml")
    _compare(where, "reasons", said.reasons, set(manifest.reasons), said.texts)
    _compare(where, "records", said.records, set(manifest.records), said.texts)


def _compare(where: str, table: str, used: set[str], declared: set[str], texts: set[str]) -> None:
    if undeclared := used - declared:
        problem = f"the source uses {_names(undeclared)}, which [{table}] does not declare."
        raise ConfigurationError(where, problem, f"Declare it in [{table}].")
    if unused := declared - used - texts:
        problem = f"[{table}] declares {_names(unused)}, which the source never uses."
        raise ConfigurationError(where, problem, f"Remove it from [{table}].")


def _read(folder: Path) -> _Codes:
    found = _Codes()
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(_parsed(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.texts.add(node.value)
            elif isinstance(node, ast.Call):
                _note(node, found)
    return found


def _parsed(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_bytes(), str(path))
    except (SyntaxError, ValueError) as error:
        line = f":{error.lineno}" if isinstance(error, SyntaxError) else ""
        raise ConfigurationError(f"{path}{line}", "is not Python.", "Mend it.") from error


def _note(call: ast.Call, found: _Codes) -> None:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name == "Block":
        found.reasons.update(_literals(call, "reason"))
    elif name == "record" and isinstance(call.func, ast.Attribute):
        found.records.update(_literals(call, "name"))


def _literals(call: ast.Call, keyword: str) -> Iterator[str]:
    """The literal codes of the first argument: one, or both sides of `a if … else b`."""
    first = call.args[0] if call.args else next((k.value for k in call.keywords if k.arg == keyword), None)
    for node in (first.body, first.orelse) if isinstance(first, ast.IfExp) else (first,):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _names(codes: set[str]) -> str:
    return ", ".join(repr(code) for code in sorted(codes))
