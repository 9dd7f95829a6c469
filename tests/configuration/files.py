"""A gateway.toml and a plugin beside it, written by a test."""

from __future__ import annotations

import textwrap
from pathlib import Path

from penstock.configuration.compile import Compiled, compile_file
from penstock.configuration.reading import Source, parse_gateway_file

MANIFEST = """
name = "guard"
version = "1.2.3"
summary = "Stops what a test says it stops."
purpose = "Use this plugin to block bad prompts for tests."
owner = "tests@example.com"
contract = 1
entry_point = "guard:Guard"

[before_upstream]
reads = ["request.messages.user", "request.messages.system", "identity"]
writes = ["request.messages.user"]
effects = ["block", "transform", "record"]
timeout_ms = 70

[reasons]
bad_word = "The prompt contains a bad word."

[records]
words = { unit = "count", minimum = 0, maximum = 10 }
"""

SOURCE = """
from penstock.sdk import Block, Context, Decision, Plugin, PluginConfig, Request


class Settings(PluginConfig):
    word: str = "bad"


class Guard(Plugin):
    config_model = Settings

    def before_upstream(self, request: Request, ctx: Context) -> Decision:
        ctx.record("words", 1)
        return Block("bad_word")
"""

STANZA = """
[[plugin]]
name = "guard"
path = "guard"
host = "in_process"
"""

GRANT = """
[plugin.grant.before_upstream]
reads = ["request.messages.user"]
effects = ["block"]
"""


def plugin(
    base: Path, manifest: str = MANIFEST, source: str = SOURCE, *, name: str = "guard", module: str = "guard"
) -> Path:
    """A plugin's folder under `base`."""
    folder = base / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plugin.toml").write_text(manifest, encoding="utf-8")
    (folder / f"{module}.py").write_text(source, encoding="utf-8")
    return folder


def source(text: str, base: Path = Path()) -> Source:
    """gateway.toml in `base`, as if it had this text."""
    return parse_gateway_file(textwrap.dedent(text).encode(), base / "gateway.toml")


def compiled(text: str, base: Path) -> Compiled:
    """Compiled, with `base` as the folder of the built-in plugins' folder too."""
    return compile_file(source(text, base), base / "built_in")
