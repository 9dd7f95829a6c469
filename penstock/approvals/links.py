"""Signed links under which an approver answers: whoever has one decides, so it names all that it is good for.

    <base>/approvals/<plugin>/<run id>?step=…&to=…&until=…&sig=…

`sig` is HMAC-SHA256 (RFC 2104) with the plugin's own link secret over every other part, in base64url
(RFC 4648, section 5). The plugin's function makes links, the approvals function checks them, nobody else
may read the secret.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple
from urllib.parse import urlencode

from penstock.adapters.resources import link_secret
from penstock.configuration.settings import Settings
from penstock.front import APPROVALS
from penstock.sdk.manifest import CODE, PLUGIN_NAME
from penstock.sdk.workflow import RUN_ID

# A label, no address: it stands in the link, in the page, and as HMAC in the evidence.
APPROVER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_UNTIL: Final = re.compile(r"[1-9][0-9]{0,10}")
_STEP: Final = re.compile(CODE)
_SIGNATURE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
# Between what `tell` sends and the state that waits for the answer lie seconds, and retries of minutes.
SLACK_S: Final = 3600


class Link(NamedTuple):
    """What one link is good for: one approver's answer to one step of one run, until then (Unix seconds)."""

    plugin: str
    run_id: str
    step: str
    approver: str
    until_s: int


class Links:
    """Makes the links of one plugin. `lasting_s`: approval step → how long it waits. Raises StorageError."""

    def __init__(
        self,
        plugin: str,
        base_url: str,
        key: Callable[[], bytes],
        lasting_s: Mapping[str, int],
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._plugin = plugin
        self._base_url = base_url
        self._key = key
        self._lasting_s = lasting_s
        self._now_s = now_s

    def url(self, run_id: str, step: str, approver: str) -> str:
        """The link of `approver`, a label of `APPROVER`. Raises ValueError for what can have none."""
        if not APPROVER.fullmatch(approver):
            raise ValueError("an approver is a label of 1 to 63 letters, digits, `_`, `.` and `-`")
        if not RUN_ID.fullmatch(run_id) or step not in self._lasting_s:
            raise ValueError("a link is for an approval step of a run")
        until_s = int(self._now_s()) + self._lasting_s[step] + SLACK_S
        link = Link(self._plugin, run_id, step, approver, until_s)
        said = {"step": step, "to": approver, "until": until_s, "sig": signature(self._key(), link)}
        return f"{self._base_url.rstrip('/')}/{APPROVALS}/{self._plugin}/{run_id}?{urlencode(said)}"


def plugin_links(
    settings: Settings, secret: Callable[[str], str], plugin: str, lasting_s: Mapping[str, int]
) -> Links | None:
    """Those of a plugin in its function; None where nobody says under which address the API is.

    `secret` reads one by its name.
    """
    if not settings.approvals_url:
        return None
    name = link_secret(settings.deployment, plugin)
    return Links(plugin, settings.approvals_url, lambda: secret(name).encode(), lasting_s)


def signature(key: bytes, link: Link) -> str:
    return _mac(key, "link", link)


def form_mark(key: bytes, link: Link) -> str:
    """What the page's form carries besides: who answers has seen the page, and not only the link."""
    return _mac(key, "form", link)


def same(made: str, given: str) -> bool:
    """Compared in a time that tells nothing."""
    return hmac.compare_digest(made.encode(), given.encode("utf-8", "replace"))


def read_link(plugin: str, run_id: str, query: Mapping[str, Sequence[str]]) -> tuple[Link, str] | None:
    """The link and its signature, which nobody has checked yet; None for what has not the shape of one."""
    if query.keys() != {"step", "to", "until", "sig"} or any(len(values) != 1 for values in query.values()):
        return None
    step, to, until, sig = (query[name][0] for name in ("step", "to", "until", "sig"))
    parts = (
        (PLUGIN_NAME, plugin),
        (RUN_ID, run_id),
        (_STEP, step),
        (APPROVER, to),
        (_UNTIL, until),
        (_SIGNATURE, sig),
    )
    if not all(pattern.fullmatch(text) for pattern, text in parts):
        return None
    return Link(plugin, run_id, step, to, int(until)), sig


def _mac(key: bytes, use: str, link: Link) -> str:
    said = json.dumps(["penstock.approval/1", use, *link]).encode()
    return base64.urlsafe_b64encode(hmac.digest(key, said, "sha256")).decode().rstrip("=")
