"""A window as people read it. The same window is the same text on every try."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

NANOUSD = 1_000_000_000


def subject(window: Mapping[str, Any], name: str) -> str:
    """One line, of the deployment's word for itself and a number."""
    return f"{name}: {_counted(window['requests'], 'request')} to look at"


def text(window: Mapping[str, Any], window_s: int) -> str:
    """Counts by rule and by code, and ids to look at."""
    return "\n".join(_lines(window, window_s)) + "\n"


def _lines(window: Mapping[str, Any], window_s: int) -> Iterator[str]:
    since = f"Since {_time(window['opened_at'])}, for {_minutes(window_s)}"
    yield f"{since}: {_counted(window['requests'], 'request')} that a rule matches."
    if window["cost_nanousd"]:
        yield f"Together they cost {window['cost_nanousd'] / NANOUSD:.4f} US dollars."
    for rule, count in _most_first(window["rules"]):
        yield ""
        yield f"{rule}: {count}"
        ids = window["ids"].get(rule, [])
        yield from (f"  {request_id}" for request_id in ids)
        if len(ids) < count:
            yield f"  and {count - len(ids)} more"
    if window["codes"]:
        yield ""
        yield "What the callers were told:"
        yield from (f"  {code}: {count}" for code, count in _most_first(window["codes"]))
    yield ""
    yield "Everything of one request: penstock evidence show <id>"
    yield f"Digest {window['id']}. The same one may come twice."


def _most_first(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))


def _minutes(seconds: int) -> str:
    return _counted(seconds, "second") if seconds % 60 else _counted(seconds // 60, "minute")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _time(unix_s: int) -> str:
    return f"{datetime.fromtimestamp(unix_s, UTC):%Y-%m-%d %H:%M:%S} UTC"
