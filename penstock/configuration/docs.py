"""docs/configuration.md, made from the types of gateway.toml, so that it says what is true."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from penstock.configuration.model import GatewayFile
from penstock.configuration.stanza import Stanza

_INTRODUCTION = """\
# gateway.toml

One file, two halves. What is *deployed* (`[deployment]`, `[[plugin]]`) becomes part of the gateway: it
changes with a deployment and bounds everything else. What is *applied* (the rest) is written by
`penstock apply` and is live within 30 seconds. `penstock plugin check` checks all of it.

- Every key is optional unless its default says `required`. An unknown key is refused, with the one that was
  meant.
- A name is up to 128 letters, digits and `. _ : @ / + -`; e-mail addresses and card numbers are refused,
  since names stand in evidence.
- API keys are not in this file: `penstock keys create`.
- A grant is never more than the plugin's manifest asks for, and what is not granted is denied. The fields
  are in [fields.md](fields.md).
"""
_PLAIN = {str: "text", int: "number", float: "number", bool: "true or false", dict: "table", Any: "anything"}


def configuration_page() -> str:
    """The whole page."""
    return "\n".join([_INTRODUCTION, *_sections()]) + "\n"


def _sections() -> Iterator[str]:
    for name, field in GatewayFile.model_fields.items():
        model = _stanza(field.annotation)
        if model is not None:
            header = f"[[{name}]]" if get_origin(field.annotation) is tuple else f"[{name}]"
            half = str(field.description).partition(":")[0].rstrip(".")
            yield from _section(f"## `{header}`", model, half)
            yield from _inner(name, model)


def _inner(path: str, model: type[Stanza]) -> Iterator[str]:
    """The tables inside a stanza, each once."""
    seen: set[type[Stanza]] = set()
    for name, field in model.model_fields.items():
        inner = _stanza(field.annotation)
        if inner is not None and inner not in seen and not field.alias:
            seen.add(inner)
            shown = f"{path}.{name}" if _only_one(model, inner) else f"{path}.<moment>"
            yield from _section(f"### `[{shown}]`", inner, "")
            yield from _inner(f"{path}.{name}", inner)


def _only_one(model: type[Stanza], inner: type[Stanza]) -> bool:
    return sum(_stanza(field.annotation) is inner for field in model.model_fields.values()) == 1


def _section(title: str, model: type[Stanza], half: str) -> Iterator[str]:
    sentence = " ".join((model.__doc__ or "").split())
    yield f"{title}\n\n{f'*{half}.* ' if half else ''}{sentence}\n"
    yield "| key | what is written | default | meaning |\n|---|---|---|---|"
    for name, field in model.model_fields.items():
        meaning = " ".join(str(field.description).split())
        cells = (f"`{field.alias or name}`", _kind(field.annotation), _default(field), meaning)
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
    yield ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.default
    if value is None or value is PydanticUndefined or isinstance(value, BaseModel) or value in ((), {}):
        return ""
    return f"`{str(value).lower()}`" if isinstance(value, bool) else f"`{value!r}`".replace("'", '"')


def _kind(kind: Any) -> str:
    """A type in an operator's words."""
    origin, inside = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _kind(inside[0])
    if origin is Literal:
        return ", ".join(f'`"{value}"`' for value in inside)
    if origin in (Union, types.UnionType):
        return " or ".join(_kind(item) for item in inside if item is not type(None))
    if origin is tuple:
        return f"list of {_kind(inside[0])}"
    if origin is dict:
        return f"table of {_kind(inside[1])}"
    return "table" if isinstance(kind, type) and issubclass(kind, BaseModel) else _PLAIN.get(kind, str(kind))


def _stanza(kind: Any) -> type[Stanza] | None:
    """The stanza that a field holds, by itself, in a list, or perhaps."""
    if isinstance(kind, type) and issubclass(kind, Stanza):
        return kind
    return next((found for item in get_args(kind) if (found := _stanza(item)) is not None), None)
