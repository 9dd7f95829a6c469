"""Makes a development machine look like the function's asset to what is imported after it."""

from __future__ import annotations

import sys
from typing import Final

# httpx imports them for its command line where they are installed; in the function they are not.
ABSENT: Final = ("click", "pygments", "rich")


def hide() -> None:
    """From here on they are not installed."""
    for name in ABSENT:
        sys.modules[name] = None  # type: ignore[assignment]  # how Python says that there is none
