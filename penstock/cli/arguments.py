"""What several commands read from their arguments."""

from __future__ import annotations

import argparse
import re

from pydantic import TypeAdapter, ValidationError

from penstock.evidence.record import Name
from penstock.gates.scope import DIMENSIONS

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"([0-9]{1,6})([smhd])")


def duration_s(text: str) -> int:
    """`90d`, `12h`, `30m` or `45s` in seconds."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: write it as 90d, 12h, 30m or 45s")
    return int(match[1]) * _SECONDS[match[2]]


def name(text: str) -> str:
    """A name that may stand in evidence: no sentence, no e-mail address, no card number fits."""
    try:
        return TypeAdapter(Name).validate_python(text)
    except ValidationError:
        rule = "up to 128 letters, digits and . _ : @ / + -, no e-mail address, no card number"
        raise argparse.ArgumentTypeError(f"{text!r} is no name: use {rule}") from None


def per_cent(text: str) -> int:
    """A whole number from 0 to 100."""
    if not re.fullmatch(r"[0-9]{1,3}", text) or int(text) > 100:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to 100")
    return int(text)


def scope(text: str) -> tuple[str, tuple[str, ...]]:
    """`team=a*,b` as a dimension and its patterns."""
    dimension, _, patterns = text.partition("=")
    if dimension not in DIMENSIONS or not all(patterns.split(",")):
        known = ", ".join(DIMENSIONS)
        raise argparse.ArgumentTypeError(f"{text!r} is no scope: write one of {known}, = and patterns")
    return dimension, tuple(patterns.split(","))
