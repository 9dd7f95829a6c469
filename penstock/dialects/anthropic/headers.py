"""Which of a caller's headers go on to an upstream that speaks Anthropic's dialect.

Guards see no headers, so nothing that could be a sentence passes in one. `anthropic-workspace-id` and
`anthropic-user-profile-id` do not pass: they would choose among what belongs to the operator.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

VERSION: Final = "2023-06-01"
"""The API refuses requests without one (API reference, versions); there is no later one."""

_VERSION: Final = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}")
# Features and the day of their version, as `context-1m-2025-08-07`, or with no dashes in the day.
_FEATURE: Final = re.compile(
    r"[a-z]{1,24}(?:-[a-z]{1,24}){0,5}(?:-[0-9]{1,3}[a-z]{0,2})?-20[0-9]{2}(?:-[0-9]{2}-[0-9]{2}|[0-9]{4})"
)
_MAX_FEATURES: Final = 16


def forwarded_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The caller's headers that go on to the upstream. A feature that looks like none is left out."""
    version = headers.get("anthropic-version", "")
    forwarded = {"anthropic-version": version if _VERSION.fullmatch(version) else VERSION}
    named = (name.strip() for name in headers.get("anthropic-beta", "").split(","))
    features = [name for name in named if _FEATURE.fullmatch(name)][:_MAX_FEATURES]
    return forwarded | ({"anthropic-beta": ",".join(features)} if features else {})
