"""The page on which an approver decides, and what it says before and after. Plain HTML without script.

What it shows of a request comes from a plugin and its caller: all of it is escaped, cut, and rid of what
could change the order in which it is read (Unicode Standard Annex 9, directional formatting).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any, Final

from penstock.approvals.links import Link
from penstock.approvals.store import Answer, State

MAX_VALUE_CHARS: Final = 200
MAX_CONTENT_CHARS: Final = 20_000
MAX_TEXTS: Final = 50
# Controls but for line ends and tabs, the bidirectional ones, half characters, and what shows as nothing at
# all, which models read all the same (Unicode, DerivedCoreProperties.txt: Default_Ignorable_Code_Point). One
# selector of an emoji's look is none of these; several say something.
_MISLEADING: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]|[\ufe0e\ufe0f]{2,}"
)
_SHOWN_INSTEAD: Final = "\N{REPLACEMENT CHARACTER}"
_ROWS: Final = (
    ("organisation", "Organisation"),
    ("team", "Team"),
    ("user", "User"),
    ("api_key", "API key"),
    ("tenant", "Tenant"),
    ("model", "Model"),
    ("mcp_server", "MCP server"),
    ("mcp_method", "MCP method"),
    ("mcp_tool", "MCP tool"),
    ("route", "Route"),
)
STYLE: Final = """
:root{color-scheme:light dark;--ink:#1c2330;--dim:#5b6576;--line:#d9dee7;--card:#fff;--ground:#f3f5f8;
--yes:#0f6b3d;--no:#a3201d}
@media(prefers-color-scheme:dark){:root{--ink:#e8ebf1;--dim:#a2acbc;--line:#39414f;--card:#1d232d;
--ground:#12161d;--yes:#1c8a53;--no:#c43c38}}
*{box-sizing:border-box}
body{margin:0;padding:1.25rem .75rem;background:var(--ground);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:36rem;margin:0 auto;background:var(--card);border:1px solid var(--line);border-radius:12px;
padding:1.5rem 1.25rem}
h1{font-size:1.3rem;line-height:1.3;margin:0 0 .75rem}
p{margin:0 0 1rem}
dl{margin:0 0 1.25rem;border-top:1px solid var(--line)}
dl div{display:flex;flex-wrap:wrap;gap:0 1rem;padding:.45rem 0;border-bottom:1px solid var(--line)}
dt{flex:0 0 8rem;color:var(--dim)}
dd{flex:1 1 11rem;margin:0;overflow-wrap:anywhere}
pre{margin:0 0 1.25rem;padding:.75rem;max-height:20rem;overflow:auto;border:1px solid var(--line);
border-radius:8px;white-space:pre-wrap;overflow-wrap:anywhere;font:14px/1.45 ui-monospace,Consolas,monospace}
form{display:flex;flex-wrap:wrap;gap:.75rem;margin:0 0 1rem}
button{flex:1 1 9rem;min-height:3rem;border:0;border-radius:8px;color:#fff;font:inherit;font-weight:600;
cursor:pointer}
.yes{background:var(--yes)}.no{background:var(--no)}
button:focus-visible{outline:3px solid var(--ink);outline-offset:2px}
.dim{color:var(--dim);font-size:.875rem;margin:0}
"""
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS: Final[Mapping[str, str]] = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex, nofollow",
    "cross-origin-opener-policy": "same-origin",
    "strict-transport-security": "max-age=31536000",
}


def question(link: Link, details: Mapping[str, Any], mark: str, until_s: int) -> str:
    """The page that asks. `mark` goes back with the answer."""
    return _page(
        "Approve this request?",
        f"<p>Somebody wants to use what needs your approval, <b>{_text(link.approver)}</b>.</p>",
        _facts(details),
        _content(details.get("content"), is_cut=details.get("cut") is True),
        f'<form method="post"><input type="hidden" name="mark" value="{escape(mark)}">'
        '<button class="yes" name="decision" value="approve">Approve</button>'
        '<button class="no" name="decision" value="deny">Deny</button></form>',
        f'<p class="dim">Approved, {_then(details)} '
        f"Without an answer until {_time(until_s)} it is not approved.</p>",
    )


def told(state: State, details: Mapping[str, Any], approver: str) -> str:
    """What was decided, and what happens next."""
    answer = state.answer
    if answer is None:
        return gone()
    title = "Approved" if answer.choice == "approved" else "Denied"
    return _page(
        "Too late" if state.late else title,
        f"<p>{_by(answer, approver)} {_next(state, details)}</p>",
        _facts(details),
    )


def gone() -> str:
    """Nobody answered in time."""
    return _page(
        "Too late",
        "<p>The time to answer has passed, so the request was not approved. Whoever sent it can send it "
        "again; you will then get a new link.</p>",
    )


def refused(title: str, sentence: str) -> str:
    """A refusal, in a sentence of ours."""
    return _page(title, f"<p>{escape(sentence)}</p>")


def _page(title: str, *parts: str) -> str:
    head = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
    )
    return f"{head}<body><main><h1>{escape(title)}</h1>{''.join(parts)}</main></body></html>"


def _facts(details: Mapping[str, Any]) -> str:
    rows = [*_rows(details)]
    body = "".join(f"<div><dt>{_safe(name)}</dt><dd>{value}</dd></div>" for name, value in rows)
    return f"<dl>{body}</dl>" if rows else ""


def _rows(details: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, label in _ROWS:
        if isinstance(value := details.get(name), str) and value:
            yield label, _text(value)
    tags = details.get("tags")
    for tag, value in list(tags.items())[:MAX_TEXTS] if isinstance(tags, dict) else ():
        yield f"Tag {_plain(str(tag))}", _text(str(value))
    if isinstance(asked_at_s := details.get("asked_at_s"), int):
        yield "Asked", _time(asked_at_s)
    if isinstance(reference := details.get("reference"), str):
        yield "Reference", f"<code>{_text(reference)}</code>"


def _content(texts: Any, *, is_cut: bool) -> str:
    """What the request says, where the deployment shows it; how much of it is left out stands below."""
    if not isinstance(texts, list):
        return ""
    whole = "\n\n".join(str(text) for text in texts[:MAX_TEXTS])
    cut = is_cut or len(whole) > MAX_CONTENT_CHARS or len(texts) > MAX_TEXTS
    note = '<p class="dim">The rest is too long to be shown. You would approve all of it.</p>' if cut else ""
    return f"<pre>{_safe(whole[:MAX_CONTENT_CHARS])}</pre>{note}"


def _then(details: Mapping[str, Any]) -> str:
    lifetime_s, uses = details.get("lifetime_s"), details.get("uses")
    if not isinstance(lifetime_s, int) or not isinstance(uses, int):
        return "this request alone may pass, from this API key."
    times = "once" if uses == 1 else f"{uses} times"
    return f"this same request may pass {times} within {_span(lifetime_s)}, from this API key alone."


def _by(answer: Answer, approver: str) -> str:
    who = "You" if answer.approver == approver else f"<b>{_text(answer.approver)}</b>"
    did = "approved" if answer.choice == "approved" else "denied"
    return f"{who} {did} this on {_time(answer.at_s)}."


def _next(state: State, details: Mapping[str, Any]) -> str:
    if state.late:
        return "The time to answer had passed by then, so it does not count. The request can be sent again."
    if state.answer is not None and state.answer.choice == "denied":
        return "The request stays refused. You can close this page."
    if state.waiting is None:
        return "Your answer is kept, and counts as soon as the request waits for it: within minutes."
    then = _then(details)
    return f"{then[0].upper()}{then[1:]} Whoever sent it has to send it again. You can close this page."


def _span(seconds: int) -> str:
    for unit, name in ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= unit and seconds % unit == 0:
            return f"{seconds // unit} {name}{'' if seconds == unit else 's'}"
    return f"{seconds} seconds"


def _time(unix_s: int) -> str:
    try:
        return f"{datetime.fromtimestamp(unix_s, UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError, OSError):
        return "an unknown time"


def _text(value: str) -> str:
    return _safe(_plain(value))


def _plain(value: str) -> str:
    """On one line, and cut."""
    line = " ".join(value.split())
    return line if len(line) <= MAX_VALUE_CHARS else f"{line[:MAX_VALUE_CHARS]}…"


def _safe(value: str) -> str:
    return f"<bdi>{escape(_MISLEADING.sub(_SHOWN_INSTEAD, value))}</bdi>"
