"""Other texts in a parsed body: a new tree that shares with the old one all that lies beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.dialects.splicing import Path


def with_texts(tree: Any, texts: Mapping[Path, str]) -> Any:
    """`tree` with `texts` at their places, which are in it; None when no string stands at one of them.

    `tree` stays as it is: only objects and arrays on the way to a place are copied, each once.
    """
    copies: dict[Path, Any] = {(): tree.copy()}
    for path, text in texts.items():
        here = copies[()]
        for depth, step in enumerate(path[:-1], start=1):
            way = path[:depth]
            if way not in copies:
                copies[way] = here[step] = here[step].copy()
            here = copies[way]
        if type(here[path[-1]]) is not str:
            return None  # a long number: its text takes its place as another kind of value
        here[path[-1]] = text
    return copies[()]
