"""The page on Anthropic's messages says what is: its stanzas are read, its routes exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from penstock.configuration.references import check_references
from penstock.dialects import ROUTES
from tests.configuration import files

PAGE = (Path(__file__).parent.parent.parent / "docs" / "anthropic.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", PAGE, re.DOTALL)


def test_the_stanzas_of_the_page_are_read() -> None:
    providers, bedrock, policy = (text for kind, text in BLOCKS if kind == "toml")
    source = files.source(bedrock + providers)
    check_references(source)
    assert [provider.auth for provider in source.file.provider] == ["aws", "bearer", "x-api-key"]
    assert {provider.kind for provider in source.file.provider} == {"anthropic"}
    assert tomllib.loads(policy) == {"uninspected": {"opaque": "allow"}}


def test_the_routes_of_the_page_are_served() -> None:
    served = {f"{route.method} {route.template}" for route in ROUTES if route.dialect.name == "anthropic"}
    assert set(re.findall(r"`((?:GET|POST) /v1/[\w/]+)`", PAGE)) <= served
