"""A function that cannot be imported."""

from __future__ import annotations

import sys

sys.stderr.write("the reason stands here\n")
raise ImportError("something is missing")
