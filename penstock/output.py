"""Standard output, kept for Penstock's own lines where somebody else's code runs in the same process.

What is printed in a plugin's function would become log lines, with whatever it holds, and a line in the
embedded metric format would count as the deployment's own. So the plugin host takes standard output for
itself before it loads the plugin: what others print, or their children, goes nowhere. Code that looks for the
descriptor finds it; that is no wall (docs/security.md).
"""

from __future__ import annotations

import os
import sys
from typing import TextIO

_taken: list[TextIO] = []


def taken() -> TextIO | None:
    """Where our own lines go once standard output is taken; None while it is everybody's."""
    return _taken[0] if _taken else None


def take() -> None:
    """From here on descriptors 1 and 2 lead nowhere, and only `taken` writes to the log."""
    if _taken:
        return
    sys.stdout.flush()
    sys.stderr.flush()
    # `os.dup` makes what children do not inherit.
    _taken.append(os.fdopen(os.dup(1), "w", encoding="utf-8"))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
