"""The page's code runs, and its table names what can be granted."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from penstock.configuration.model import Grant
from penstock.sdk.signing import signed_headers, signing_key

PAGE = Path("docs/capabilities.md")


def page_namespace() -> dict[str, Any]:
    """What the page's code defines when it has run."""
    found: dict[str, Any] = {"__name__": "page"}
    for code in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(code, str(PAGE), "exec"), found)
    return found


def test_the_page_s_code_runs() -> None:
    assert "Counter" in page_namespace()


def test_the_page_s_receiver_takes_what_the_sdk_signs_and_nothing_else() -> None:
    verified = page_namespace()["verified"]
    new, old = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + "C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
    headers = signed_headers("msg_1", 1_000, b"{}", [signing_key(new), signing_key(old)])
    assert verified(headers, b"{}", new, 1_299.0) == verified(headers, b"{}", old, 701.0) == "msg_1"
    other = "whsec_" + "A" * 32
    for body, secret, now_s in ((b"[]", new, 1_000), (b"{}", other, 1_000), (b"{}", new, 1_301)):
        with pytest.raises(ValueError, match=r"fits|old"):
            verified(headers, body, secret, now_s)


def test_everything_that_can_be_granted_beside_fields_is_in_the_table() -> None:
    page = PAGE.read_text(encoding="utf-8")
    moments = {"before_upstream", "after_upstream", "after_response"}
    for name in set(Grant.model_fields) - moments:
        assert re.search(rf"^\| [^|]+ \| `{name} = ", page, re.MULTILINE), name
