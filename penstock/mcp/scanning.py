"""Descriptions that speak to the model instead of about the tool.

A handful of rules that a person can read and argue with, not a judge. What they find is a reason to look, and
the command line shows it; they miss whatever is put in other words. Every pattern is linear in its text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

MAX_DESCRIPTION_CHARS: Final = 4_000
_MAX_SCANNED_CHARS: Final = 100_000


class Finding(NamedTuple):
    """One rule that one text of a definition breaks. `where`: the member, as `inputSchema.….description`."""

    rule: str
    where: str
    why: str


_HIDDEN: Final = re.compile(
    "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\U000e0000-\U000e007f]"
)
_SPACE: Final = re.compile(r"\s+")
# On text that is normalised (NFKC), in lower case, without hidden characters, with single spaces.
_RULES: Final = (
    (
        "overrides_instructions",
        "tells its reader to disregard other instructions",
        (
            r"\b(?:ignore|disregard|forget|override)\b[^.]{0,40}"
            r"\b(?:instruction|prompt|rule|guideline|above|previous)"
        ),
    ),
    (
        "hides_from_user",
        "asks to keep something from the user",
        (
            r"\b(?:do not|don't|never|without)\b[^.]{0,30}\b(?:tell|inform|mention|notify|show|reveal|ask)\w*"
            r"[^.]{0,20}\buser\b"
        ),
    ),
    (
        "steers_the_model",
        "gives orders about other tools or about every answer",
        (
            r"\b(?:before|after|instead of|prior to)\b[^.]{0,20}\b(?:using|calling|invoking)\b"
            r"|\b(?:you|assistant|model|ai) (?:must|shall|should always|have to|are required to)\b"
            r"|\balways (?:call|use|invoke|run|include|send|add)\b"
        ),
    ),
    (
        "imitates_the_prompt",
        "imitates the marks of a system prompt",
        (
            r"<\/?\s?(?:important|system|instructions?|secret|admin|assistant)\s?>"
            r"|\[\/?inst\]|<\|[a-z_]{2,20}\|>|\bsystem (?:prompt|message)\b"
        ),
    ),
    (
        "asks_for_secrets",
        "names credentials or the places where they are kept",
        (
            r"~\/\.|\bid_(?:rsa|ed25519|ecdsa)\b|\.env\b|\.aws\/credentials|\bmcp\.json\b|\bprivate key\b"
            r"|\b(?:read|send|include|pass|provide)\b[^.]{0,40}"
            r"\b(?:password|api key|access token|credential|secret)s?\b"
        ),
    ),
    (
        "sends_data_out",
        "asks to send something to an address",
        (
            r"\b(?:send|post|upload|forward|transmit|exfiltrate|report)\b[^.]{0,60}"
            r"(?:https?:\/\/|\bto [\w.+-]{1,40}@)"
        ),
    ),
    ("encoded_text", "carries a long run of encoded text", r"[a-z0-9+\/_-]{120,}={0,2}"),
)


def scan(definition: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Everything suspicious in a tool's texts, in the order of the definition."""
    found: list[Finding] = []
    for where, text in _texts(definition, ""):
        found += _findings(where, text)
    return tuple(dict.fromkeys(found))


def _findings(where: str, text: str) -> Iterator[Finding]:
    text = text[:_MAX_SCANNED_CHARS]
    if _HIDDEN.search(text):
        yield Finding("hidden_characters", where, "has characters that nobody sees")
    if len(text) > MAX_DESCRIPTION_CHARS:
        yield Finding("long_text", where, f"is longer than {MAX_DESCRIPTION_CHARS} characters")
    plain = _SPACE.sub(" ", _HIDDEN.sub("", unicodedata.normalize("NFKC", text)).lower())
    for rule, why, pattern in _RULES:
        if re.search(pattern, plain):
            yield Finding(rule, where, why)


def _texts(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """Every text, names of members too: a model reads those as well."""
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            place = f"{where}.{name}" if where else name
            if len(name) > 64:
                yield where or "definition", name
                place = f"{where}.?"
            yield from _texts(inner, place)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, f"{where}[*]")
