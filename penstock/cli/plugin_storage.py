"""`penstock plugin storage`: what a plugin keeps, for the operators who look at it or fill it.

A value is put as the plugin's own `stored` gives it back, which says what may be there. A whole table is a
file: TOML or JSON, key → value; or CSV, whose column `key` names the key and whose other columns are lists:
rows of the same key add up.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic import ValidationError

from penstock.cli.output import print_json, print_table, show
from penstock.cli.target import Target, find_target
from penstock.errors import ConfigurationError
from penstock.sdk.storage import ABSENT, Stored, checked_key, encoded_value

if TYPE_CHECKING:
    from penstock.sdk.storage import Storage

Check = Callable[[str, Any], Any]
KEY: Final = "key"


class Change(NamedTuple):
    """One key of a file against what is there. `version`: of what it is put in place of."""

    action: str
    key: str
    value: Any
    version: str


def storage(args: argparse.Namespace) -> None:
    """Do what `args.what` says."""
    target = find_target(args)
    _check_granted(target, args.plugin)
    {"list": _list, "get": _get, "put": _put, "delete": _delete, "load": _load}[args.what](args, target)


def _list(args: argparse.Namespace, target: Target) -> None:
    found = {key: stored for key, stored in _all(args, target).items() if key.startswith(args.prefix)}
    if args.json:
        print_json({key: {"value": each.value, "version": each.version} for key, each in found.items()})
        return
    rows = [(key, json.dumps(each.value, ensure_ascii=False)) for key, each in found.items()]
    print_table(f"What {args.plugin} keeps", ("key", "value"), rows)


def _get(args: argparse.Namespace, target: Target) -> None:
    found = _storage(args, target).get(_key(args.key))
    if found is None:
        raise ConfigurationError(f"{args.plugin}: {args.key!r}", "is not there.", _LIST.format(args.plugin))
    print_json({"key": args.key, "value": found.value, "version": found.version})


def _put(args: argparse.Namespace, target: Target) -> None:
    """In place of whatever is there: one operator's word at a time."""
    text = sys.stdin.read() if str(args.file) == "-" else _text(args.file)
    try:
        given = _json(text)
    except ValueError as error:
        raise ConfigurationError(str(args.file), f"is no JSON: {error}.", "Give the value as JSON.") from None
    key = _key(args.key)
    value = _checked(_check_of(args), str(args.file), key, given)
    _storage(args, target).put(key, value)
    show({"plugin": args.plugin, "key": key, "stored": "yes"}, as_json=args.json)


def _delete(args: argparse.Namespace, target: Target) -> None:
    storage, key = _storage(args, target), _key(args.key)
    was_there = storage.get(key) is not None
    storage.delete(key)
    done = "yes" if was_there else "no: it was not there"
    show({"plugin": args.plugin, "key": key, "deleted": done}, as_json=args.json)


def _load(args: argparse.Namespace, target: Target) -> None:
    """Nothing is written unless all of the file is right; each key only over what it was compared with."""
    check, wanted = _check_of(args), rows_of(args.file)
    values = {key: _checked(check, str(args.file), _key(key), value) for key, value in wanted.items()}
    changes = list(differences(values, _all(args, target), prune=args.prune))
    lost = [] if args.dry_run else [each.key for each in changes if not _made(_storage(args, target), each)]
    _show(args, changes, lost)
    if lost:
        problem = f"somebody else changed {lost[0]!r} meanwhile; the rest is as the file says."
        raise ConfigurationError(str(args.file), problem, "Load it again.")


def differences(wanted: Mapping[str, Any], there: Mapping[str, Stored], *, prune: bool) -> Iterable[Change]:
    """What makes `there` what is wanted; what is not in the file is removed with `prune` alone."""
    for key, value in wanted.items():
        found = there.get(key)
        if found is None:
            yield Change("add", key, value, ABSENT)
        elif found.value != value:
            yield Change("change", key, value, found.version)
    if prune:
        yield from (Change("remove", key, None, there[key].version) for key in there.keys() - wanted.keys())


def rows_of(path: Path) -> dict[str, Any]:
    """Key → value of a file, by its ending. Raises ConfigurationError."""
    readers: dict[str, Callable[[str], Any]] = {".toml": tomllib.loads, ".json": _json, ".csv": _csv}
    if path.suffix not in readers:
        raise ConfigurationError(
            str(path), "is none that can be loaded.", "Give a .toml, .json or .csv file."
        )
    try:
        found = readers[path.suffix](_text(path))
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(
            str(path), f"cannot be read: {error}.", "Mend it; nothing was stored."
        ) from None
    if not isinstance(found, dict):
        raise ConfigurationError(str(path), "holds no keys.", 'Write {"key": value, …}.')
    return found


def _json(text: str) -> Any:
    """Raises ValueError, also for an object that names a member twice: one of them would be lost."""
    return json.loads(text, object_pairs_hook=_object)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    _each_once([name for name, _ in pairs])
    return dict(pairs)


def _each_once(names: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"it names {name!r} twice")
        seen.add(name)


def _csv(text: str) -> dict[str, dict[str, list[str]]]:
    """Raises ValueError for a table without keys, or with a row that does not fit its head."""
    lines = csv.DictReader(text.splitlines(), strict=True)
    try:
        return _rows(lines)
    except csv.Error as error:
        raise ValueError(f"what follows line {lines.line_num} is no CSV: {error}") from None


def _rows(lines: csv.DictReader[str]) -> dict[str, dict[str, list[str]]]:
    columns = lines.fieldnames or ()
    if KEY not in columns:
        raise ValueError(f"there is no column {KEY!r}")
    _each_once(columns)
    rows: dict[str, dict[str, list[str]]] = {}
    for line in lines:
        if None in line or None in line.values():
            raise ValueError(f"line {lines.line_num} has not as many columns as the first")
        row = rows.setdefault(line.pop(KEY).strip(), {})
        for column, cell in line.items():
            if cell.strip():
                row.setdefault(column, []).append(cell.strip())
    return rows


def _made(kept: Storage, change: Change) -> bool:
    if change.action == "remove":
        return kept.delete(change.key, expected=change.version)
    return kept.put(change.key, change.value, expected=change.version) is not None


def _show(args: argparse.Namespace, changes: list[Change], lost: list[str]) -> None:
    made = [change for change in changes if change.key not in lost]
    if args.json:
        told = [{"action": each.action, "key": each.key, "value": each.value} for each in made]
        print_json({"stored": not args.dry_run, "changes": told})
        return
    rows = [(each.action, each.key, json.dumps(each.value, ensure_ascii=False)) for each in made]
    print_table("Would change" if args.dry_run else "Changes", ("", "key", "value"), rows)


def _check_of(args: argparse.Namespace) -> Check:
    """The plugin's own word on what may be stored: its code is run here, as `penstock plugin check` does."""
    from penstock.configuration.installing import Known
    from penstock.configuration.reading import chosen_file, meant, read_gateway_file
    from penstock.sdk.loading import load_plugin

    source = read_gateway_file(chosen_file(args.config))
    known = Known.beside(source.path)
    stanza = next((each for each in source.file.plugin if each.name == args.plugin), None)
    if stanza is None:
        remedy = meant(args.plugin, [each.name for each in source.file.plugin])
        raise ConfigurationError(f"plugin {args.plugin!r}", f"is not in {source.path}.", remedy)
    folder = known.runnable(stanza)
    if not folder.is_dir():
        problem = "its files are not on this machine, and they say what may be stored."
        raise ConfigurationError(f"plugin {args.plugin!r}", problem, "Run `penstock plugin register` here.")
    return load_plugin(folder, dict(stanza.config), any_packages=True).plugin.stored


def _checked(check: Check, where: str, key: str, given: Any) -> Any:
    try:
        value = check(key, given)
        encoded_value(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise _refused(where, key, f"{place}: {first['msg']}" if place else first["msg"]) from None
    except ValueError as error:
        raise _refused(where, key, str(error)) from None
    return value


def _refused(where: str, key: str, problem: str) -> ConfigurationError:
    return ConfigurationError(where, f"{key!r} cannot be stored: {problem}.", "Mend it; nothing was stored.")


def _key(key: str) -> str:
    try:
        return checked_key(key)
    except ValueError as error:
        raise ConfigurationError(f"key {key[:64]!r}", f"cannot be used: {error}.", "Give another.") from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # spreadsheets begin with a mark
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError(str(path), "cannot be read as text.", "Give a file of UTF-8.") from None


_LIST: Final = "`penstock plugin storage list {}` shows what is."


def _check_granted(target: Target, plugin: str) -> None:
    from penstock.configuration.reading import meant

    keeping = [each.name for each in target.snapshot.plugins.values() if each.storage]
    if plugin not in keeping:
        problem = "is not deployed there with storage."
        raise ConfigurationError(f"plugin {plugin!r}", problem, meant(plugin, keeping))


def _all(args: argparse.Namespace, target: Target) -> dict[str, Stored]:
    from penstock.adapters.stored import all_stored

    return all_stored(target.clients, target.resources.storage_table, args.plugin)


def _storage(args: argparse.Namespace, target: Target) -> Storage:
    from penstock.adapters.plugin_storage import DynamoStorage

    return DynamoStorage(target.clients, target.resources.storage_table, args.plugin)
