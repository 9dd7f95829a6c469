from __future__ import annotations

import ast
import shlex
from pathlib import Path

import pytest

from penstock.dev.console import banner, telling

TEXT = banner("http://127.0.0.1:8080", "pk_x", ("echo", "other"), Path(".penstock/logs"), 3.21)


def test_the_banner_has_what_a_client_needs() -> None:
    for needed in ("http://127.0.0.1:8080/v1", "pk_x", "echo, other", ".penstock/logs", "3.2 s"):
        assert needed in TEXT


def test_its_curl_and_its_python_can_be_pasted() -> None:
    curl = TEXT[TEXT.index("curl") : TEXT.index("from openai")]
    assert shlex.split(curl)[0] == "curl"
    lines = TEXT[TEXT.index("from openai") : TEXT.index("Anthropic's")]
    ast.parse("\n".join(line.strip() for line in lines.splitlines()))
    assert 'Anthropic(base_url="http://127.0.0.1:8080", api_key="pk_x")' in TEXT


def test_who_keeps_its_state_elsewhere_is_told_where_the_evidence_is() -> None:
    elsewhere = banner("http://127.0.0.1:8080", "pk_x", ("echo",), Path("/tmp/a b/logs"), 1.0)
    assert "evidence tail --folder '/tmp/a b'\n" in elsewhere
    assert "evidence tail\n" in TEXT


def test_the_same_line_is_not_repeated_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    tell = telling()
    for text in ("one", "one", "two"):
        tell(text)
    assert capsys.readouterr().out == "  one\n  two\n"
