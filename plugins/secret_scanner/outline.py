"""Where in a text tokens can be: one byte for each character, so that most text is passed over in C.

It leaves out nothing that a form could match: the class is all that the forms take (a test compares them).
"""

from __future__ import annotations

import string
from collections.abc import Iterator

from penstock.sdk import Span

MIN_TOKEN_CHARS = 20  # the shortest token of all forms

TOKEN_CHARS = string.ascii_letters + string.digits + "_+/=.~%-"
_CLASSES = bytes(ord("x") if chr(code) in TOKEN_CHARS else ord("\n") for code in range(256))
_TOKEN = b"x" * MIN_TOKEN_CHARS


def token_stretches(text: str) -> Iterator[Span]:
    """Every longest stretch of characters that tokens are made of, if it is long enough."""
    # What is not ASCII is a question mark, of which no form knows.
    outline = text.encode("ascii", "replace").translate(_CLASSES)
    start = outline.find(_TOKEN)
    while start >= 0:
        end = outline.find(b"\n", start)
        end = len(outline) if end < 0 else end
        yield Span(start, end)
        start = outline.find(_TOKEN, end)
