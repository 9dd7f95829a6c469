"""Values that between them take every branch of a client's type: to hold a table of paths against it."""

from __future__ import annotations

import datetime
import os
import types
import typing
from collections.abc import Iterator
from typing import Any, Literal, Union

from pydantic import BaseModel
from typing_extensions import is_typeddict

# Digits are a token, a time, a name of a model and a place.
_PLAIN: dict[Any, list[Any]] = {
    str: ["2026"],
    int: [1],
    float: [0.5],
    bool: [True],
    type(None): [None],
    object: [{}],
}
_OTHERS: dict[Any, list[Any]] = {
    datetime.datetime: ["2026-01-01T00:00:00+00:00"],
    os.PathLike: [],
    typing.IO: [],
}


def samples(kind: Any, key: str = "hate") -> list[Any]:
    """Values of `kind`; `key` is what the members of a plain mapping are called."""
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin in {Union, types.UnionType}:
        return [value for branch in inside for value in samples(branch, key)]
    if origin is Literal:
        return list(inside[:1])
    if is_typeddict(kind) or (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return objects(kind, key)
    if origin is dict or kind is dict:
        return [{key: value} for value in (samples(inside[1], key) if inside else ["2026"])]
    if (origin or kind) in _OTHERS:
        return list(_OTHERS[origin or kind])
    if inside and origin not in {None, type}:  # a list, an iterable, Required, Annotated
        values = samples(inside[0], key)
        return [values] if is_many(origin) else values
    return list(_PLAIN[kind])


def is_many(origin: Any) -> bool:
    return isinstance(origin, type) and hasattr(origin, "__iter__")


def objects(kind: Any, key: str) -> list[Any]:
    """Objects with every member, which between them take every value of every member."""
    columns = {name: samples(of, key) for name, of in members(kind)}
    rows = max(map(len, columns.values()), default=1)
    return [
        {name: values[min(row, len(values) - 1)] for name, values in columns.items()} for row in range(rows)
    ]


def members(kind: Any) -> Iterator[tuple[str, Any]]:
    if is_typeddict(kind):
        yield from typing.get_type_hints(kind).items()
    else:
        yield from ((field.alias or name, field.annotation) for name, field in kind.model_fields.items())
