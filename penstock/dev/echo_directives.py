"""What the echo upstream can be told, and how.

In order of precedence: the request header `x-echo`, the member `echo` of the body's `metadata`, the last line
of the last user message: `[[echo: delay=2; fail=500]]`. That line is not part of what is echoed.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from penstock.dev.echo_framing import FRAMINGS

# One row per directive: what it does, and, where it takes one, its value.
DIRECTIVES: Mapping[str, str] = MappingProxyType(
    {
        "delay": "delay=SECONDS: waits before it answers.",
        "stall": "stall=SECONDS: waits in the middle of the body.",
        "fail": "fail=STATUS: an error of the API with that status.",
        "cut": "cut: closes the connection in the middle of the body; cut=N: of a stream, after N writes.",
        "lie-length": "lie-length: declares half the length of the body (of one that is not streamed).",
        "lie-type": "lie-type: declares text/html.",
        "garbage": "garbage: declares JSON and sends none.",
        "huge": "huge=BYTES: a text of that many bytes.",
        "gzip-bomb": "gzip-bomb=BYTES: a small body that inflates to that many bytes (100 MB if not said).",
        "fixture": "fixture=ID: the answer put there before by POST /_fixture, byte for byte.",
        "text": "text=TEXT: the text of the answer.",
        "text64": "text64=BASE64: the same, for what a guard would not let out in a request.",
        "refusal": "refusal=TEXT: a refusal in place of the text.",
        "reasoning": "reasoning=TEXT: text of the model's reasoning beside the answer.",
        "finish": "finish=REASON: the finish_reason.",
        "pause": "pause=SECONDS: waits before each write of a stream.",
        "split": "split=CHARACTERS: a stream's texts and arguments in pieces of that many, not in words.",
        "error": "error=N: an error in a stream after N events (3 if not said), which end it.",
        "no-done": "no-done: a stream ends without [DONE].",
        "endless": "endless: a stream says its text again and again until nobody reads it.",
        "framing": "framing=WAY,…: how a stream's events are written: "
        + "; ".join(f"{way}: {what}" for way, what in FRAMINGS.items())
        + ".",
        "gzip": "gzip: a stream that is compressed, though nobody asked.",
        "vendor": "vendor: unknown keys at every level, and integers beyond 64 bits.",
    }
)
_LINE = re.compile(r"\[\[echo:(.*)\]\]\s*\Z")
_SEPARATOR = re.compile(r";\s*(?=(?:" + "|".join(map(re.escape, DIRECTIVES)) + r")\s*(?:[=;]|\Z))")


class UnknownDirectiveError(Exception):
    """Something that the table does not have; `str()` says what it has."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The directives of one request by name (an empty value where none was given), and the text to echo."""

    directives: Mapping[str, str]
    user_text: str

    def __contains__(self, name: str) -> bool:
        return name in self.directives

    def value(self, name: str, default: str) -> str:
        return self.directives.get(name) or default

    def number(self, name: str, default: float = 0.0) -> float:
        """Raises UnknownDirectiveError when the value is no number."""
        try:
            return float(self.value(name, str(default)))
        except ValueError as error:
            raise UnknownDirectiveError(DIRECTIVES[name]) from error

    def framing(self) -> frozenset[str]:
        """Raises UnknownDirectiveError."""
        ways = frozenset(way.strip() for way in self.value("framing", "").split(",") if way.strip())
        if ways - FRAMINGS.keys():
            raise UnknownDirectiveError(DIRECTIVES["framing"])
        return ways


def asked(body: Mapping[str, Any], header: str | None) -> Asked:
    """Raises UnknownDirectiveError; ValueError for a text64 that is none."""
    text, last_line = _split(last_user_text(body))
    metadata = body.get("metadata")
    in_body = metadata.get("echo") if isinstance(metadata, dict) else None
    given = header if header is not None else in_body if isinstance(in_body, str) else last_line
    return Asked(dict(_parsed(given or "")), text)


def last_user_text(body: Mapping[str, Any]) -> str:
    """All text of the last message by the user, parts joined by a space."""
    messages = body.get("messages")
    if not isinstance(messages, list):
        return ""
    of_user = [message for message in messages if isinstance(message, dict) and message.get("role") == "user"]
    return " ".join(texts(of_user[-1].get("content"))) if of_user else ""


def texts(content: Any) -> Iterator[str]:
    """The texts of a message's content: a string, or parts of which some have text."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for part in content:
            if isinstance(part, dict) and isinstance(part.get("text"), str):
                yield part["text"]


def _split(text: str) -> tuple[str, str]:
    match = _LINE.search(text)
    return (text[: match.start()].rstrip(), match[1]) if match else (text, "")


def _parsed(given: str) -> Iterator[tuple[str, str]]:
    """`;` separates only before a known name, so that a text may hold it."""
    for item in _SEPARATOR.split(given.strip()):
        name, _, value = item.partition("=")
        if not name.strip():
            continue
        if name.strip() not in DIRECTIVES:
            raise UnknownDirectiveError("The echo upstream knows: " + " ".join(DIRECTIVES.values()))
        if name.strip() == "text64":
            yield "text", base64.b64decode(value.strip(), validate=True).decode()
        else:
            yield name.strip(), value.strip()
