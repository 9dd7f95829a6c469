"""Reads gateway.toml. What is wrong is answered with file, line, key, and what was probably meant."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from penstock.configuration.model import GatewayFile
from penstock.configuration.toml_lines import Path as KeyPath
from penstock.configuration.toml_lines import line_of, lines_by_path
from penstock.errors import ConfigurationError

EXAMPLE = Path(__file__).resolve().parent.parent.parent / "examples" / "gateway.toml"
_MAX_BYTES = 4_000_000  # no configuration is that large; a wrong path may be


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read, and where its keys stand, for errors that are found later."""

    path: Path
    file: GatewayFile
    lines: Mapping[KeyPath, int]

    def error(self, key: KeyPath, problem: str, remedy: str = "") -> ConfigurationError:
        """A ConfigurationError at `key`."""
        return ConfigurationError(self.place(key), problem, remedy)

    def place(self, key: KeyPath) -> str:
        """File, line and key, for people."""
        return _where(self.path, key, dict(self.lines))


def chosen_file(given: Path | None) -> Path:
    """`given`; else the gateway.toml of this folder; else the example that comes with Penstock."""
    here = Path("gateway.toml")
    return given or (here if here.is_file() else EXAMPLE)


def read_gateway_file(path: Path) -> Source:
    """The file at `path`, its shape checked. Raises ConfigurationError."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(str(path), "cannot be read.", "Is the path right?") from error
    return parse_gateway_file(raw, path)


def parse_gateway_file(raw: bytes, path: Path) -> Source:
    """The file that `raw` is the content of; `path` is for messages and for paths in it."""
    if len(raw) > _MAX_BYTES:
        raise ConfigurationError(str(path), "is too large for a configuration.", "Is the path right?")
    try:
        text = raw.decode("utf-8")
        tree = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise ConfigurationError(str(path), "is not UTF-8.", "Save it as UTF-8.") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigurationError(str(path), f"is not TOML: {error}.", "Mend the line it names.") from error
    lines = lines_by_path(text)
    try:
        return Source(path, GatewayFile.model_validate(tree), lines)
    except ValidationError as error:
        raise _explained(error, path, lines) from error


def meant(wrong: str, known: Iterable[str]) -> str:
    """`Did you mean …?`, or what there is to choose from."""
    names = sorted(set(known))
    close = difflib.get_close_matches(wrong, names, n=1, cutoff=0.6)
    if close:
        return f"Did you mean {close[0]!r}?"
    return f"Choose from {', '.join(names)}." if names else ""


def _explained(error: ValidationError, path: Path, lines: dict[KeyPath, int]) -> ConfigurationError:
    """The first mistake, as a person would say it; never with the value that was written."""
    first = error.errors(include_url=False, include_input=False)[0]
    key = tuple(part for part in first["loc"] if part not in {"str", "function-after", "dict"})
    where = _where(path, key, lines)
    if first["type"] == "extra_forbidden":
        siblings = _keys_beside(key)
        return ConfigurationError(where, "is not a key.", meant(str(key[-1]), siblings))
    if first["type"] == "missing":
        return ConfigurationError(where, "is missing.", "Add it.")
    message = str(first["msg"]).removeprefix("Value error, ")
    return ConfigurationError(where, f"{message[:1].lower()}{message[1:]}.")


def _where(path: Path, key: KeyPath, lines: dict[KeyPath, int]) -> str:
    line = line_of(key, lines)
    return f"{path}{f':{line}' if line else ''}: {_written(key)}"


def _written(key: KeyPath) -> str:
    """A key path as one writes it: `plugin[2].grant.reads`; elements count from 1."""
    text = ""
    for part in key:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "the file"


def _keys_beside(key: KeyPath) -> list[str]:
    """The keys that the stanza around `key` has."""
    model: type[BaseModel] | None = GatewayFile
    for part in key[:-1]:
        if isinstance(part, str) and model is not None:
            model = _model_of(_field(model, part))
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _field(model: type[BaseModel], key: str) -> FieldInfo | None:
    return next((f for name, f in model.model_fields.items() if key in {name, f.alias}), None)


def _model_of(field: FieldInfo | None) -> type[BaseModel] | None:
    """The stanza that a field holds, by itself, in a tuple, or perhaps."""
    waiting: list[Any] = [field.annotation] if field else []
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
        waiting.extend(get_args(kind))
    return None
