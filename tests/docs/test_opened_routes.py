"""The page on opened routes says what is: its stanzas are read, its codes exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from penstock.codes import ERROR_CODES
from penstock.configuration.model import PluginStanza
from penstock.configuration.references import check_references
from penstock.errors import ConfigurationError
from tests.configuration import files

PAGE = (Path(__file__).parent.parent.parent / "docs" / "opened-routes.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
AROUND = """
[[organisation]]
id = "acme"

[[provider]]
id = "openai"
base_url = "https://api.openai.com/v1"
secret = "openai-key"
"""


def test_the_stanzas_of_the_page_are_read() -> None:
    source = files.source(AROUND + BLOCKS[0])
    check_references(source)
    assert [route.id for route in source.file.route] == ["transcriptions", "file-content"]


def test_what_guards_may_say_is_understood() -> None:
    for block in BLOCKS[1:-1]:
        PluginStanza.model_validate({"name": "guard", **tomllib.loads(block)})


def test_the_key_for_a_guarded_door_under_a_prefix_is_what_the_page_says() -> None:
    (path,) = re.findall(r"(?<=under a prefix as well: `)[^`]+", PAGE)
    stanza = f"""
[[route]]
id = "deployments"
method = "POST"
path = "/v1{path}"
provider = "openai"
uninspected = "allow"
"""
    with pytest.raises(ConfigurationError, match="bypasses_guards"):
        check_references(files.source(AROUND + stanza))
    check_references(files.source(AROUND + stanza + BLOCKS[-1]))


def test_the_codes_of_the_page_exist() -> None:
    keys = {"body_limit_bytes", "max_response_bytes"}
    assert set(re.findall(r"`(\w+_\w+)`", PAGE)) - keys <= {row.code for row in ERROR_CODES}
