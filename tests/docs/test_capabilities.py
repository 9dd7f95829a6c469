"""The page's code runs, and its table names what can be granted."""

from __future__ import annotations

import re
from pathlib import Path

from penstock.configuration.model import Grant

PAGE = Path("docs/capabilities.md")


def test_the_page_s_code_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(code, str(PAGE), "exec"), {"__name__": "page"})


def test_everything_that_can_be_granted_beside_fields_is_in_the_table() -> None:
    page = PAGE.read_text(encoding="utf-8")
    moments = {"before_upstream", "after_upstream", "after_response"}
    for name in set(Grant.model_fields) - moments:
        assert re.search(rf"^\| [^|]+ \| `{name} = ", page, re.MULTILINE), name
