"""Which of a caller's headers go on to an upstream that speaks OpenAI's dialect."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

# Features and their versions, as `assistants=v2`. Guards see no headers, so nothing that could be a sentence.
FORWARDED: Final = "openai-beta"
_FEATURE = r"[a-z][a-z_-]{0,48}=(?:v[0-9]{1,3}|[0-9]{4}-[0-9]{2}-[0-9]{2})"
_FEATURES: Final = re.compile(rf"{_FEATURE}(?:,[ ]?{_FEATURE}){{0,7}}")


def forwarded_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The caller's headers that go on to the upstream."""
    value = headers.get(FORWARDED, "")
    return {FORWARDED: value} if _FEATURES.fullmatch(value) else {}
