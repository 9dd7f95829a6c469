from __future__ import annotations

from pathlib import Path

import pytest

from penstock.configuration.stream_check import check_file_streams, check_plugin_streams
from penstock.errors import ConfigurationError
from penstock.sdk.manifest import read_manifest
from tests.configuration import files

MANIFEST = """
name = "masker"
version = "1.0.0"
summary = "Masks what a test says it masks."
purpose = "Use this plugin to transform answers for tests."
owner = "tests@example.com"
contract = 1
entry_point = "masker:Masker"

[after_upstream]
reads = ["response.text"]
writes = ["response.text"]
effects = ["transform"]
stream = "window"
window_chars = 12
"""
SOURCE = """
import re
from penstock.sdk import Plugin, PluginConfig, Transform


class Settings(PluginConfig):
    width: int


class Masker(Plugin):
    config_model = Settings

    def prepare(self, config):
        self.pattern = re.compile("key-[a-z]{%d}" % config.width)

    def after_upstream(self, response, ctx):
        return Transform(response.text.sub(self.pattern, "x"))
"""
STANZA = """
[[plugin]]
name = "masker"
path = "masker"
host = "in_process"
config = {{ width = {} }}
[plugin.grant.after_upstream]
reads = ["response.text"]
writes = ["response.text"]
effects = ["transform"]
"""


def masker(base: Path, manifest: str = MANIFEST) -> Path:
    return files.plugin(base, manifest, SOURCE, name="masker", module="masker")


def test_a_window_that_the_settings_outgrow_is_refused_where_the_stanza_is(tmp_path: Path) -> None:
    masker(tmp_path)
    files.plugin(tmp_path)
    fits = files.STANZA + files.GRANT + STANZA.format(8)
    assert check_file_streams(files.source(fits, tmp_path), tmp_path / "built_in") == ["masker"]
    with pytest.raises(ConfigurationError) as caught:
        check_file_streams(files.source(STANZA.format(9), tmp_path), tmp_path / "built_in")
    assert f"{tmp_path / 'gateway.toml'}" in str(caught.value)
    assert "a match may have 13 characters and window_chars is 12" in str(caught.value)


def test_a_plugin_is_tried_from_its_folder_alone(tmp_path: Path) -> None:
    folder = masker(tmp_path)
    assert check_plugin_streams(folder, read_manifest(folder), {"width": 8})
    with pytest.raises(ConfigurationError, match=r"masker/plugin\.toml"):
        check_plugin_streams(folder, read_manifest(folder), {"width": 9})


def test_a_plugin_that_takes_streams_whole_is_not_tried(tmp_path: Path) -> None:
    buffered = MANIFEST.replace('"window"\nwindow_chars = 12', '"buffer"')
    folder = masker(tmp_path, buffered)
    assert not check_plugin_streams(folder, read_manifest(folder), {"width": 9})
    assert check_file_streams(files.source(STANZA.format(9), tmp_path), tmp_path / "built_in") == []
