from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field

from penstock.configuration.layer import NAMESPACE, unpack
from penstock.configuration.registering import build, settings_defaults, settings_schema, stanza
from penstock.configuration.requirements import fetch
from penstock.errors import ConfigurationError
from penstock.mcp.schema import problem, violation
from penstock.sdk import PluginConfig
from penstock.sdk.loading import load_plugin
from penstock.sdk.manifest import parse_manifest
from tests import tree
from tests.configuration import files
from tests.configuration.registered import built, register
from tests.configuration.test_requirements import FakePip, plugin

USING = "import wares\n" + files.SOURCE


def test_what_is_published_loads_by_the_digests_of_its_entry(tmp_path: Path) -> None:
    folder = plugin(tmp_path)
    (folder / "guard.py").write_text(USING)
    fetch(folder, tmp_path, FakePip())
    made = build(folder, tmp_path, tmp_path / "built_in")
    entry = made.entry("arn:aws:lambda:eu-central-1:123456789012:layer:penstock-plugin-guard:1")
    unpack(made.zip.body, tmp_path / "opt")
    there, packages = tmp_path / "opt" / NAMESPACE / "guard", entry.packages_digest
    assert load_plugin(there, digest=entry.digest, packages_digest=packages).manifest == entry.manifest
    assert set(entry.modules) == {"wares"}
    assert entry.requirements_digest is not None
    (there / "_vendor" / "wares" / "more.py").write_text("")
    with pytest.raises(ConfigurationError, match="are not the ones that were reviewed"):
        load_plugin(there, digest=entry.digest, packages_digest=packages)


def test_packages_that_nobody_reviewed_are_not_loaded(tmp_path: Path) -> None:
    made = built(tmp_path)
    unpack(made.zip.body, tmp_path / "opt")
    (tmp_path / "opt" / NAMESPACE / "guard" / "_vendor").mkdir()
    (tmp_path / "opt" / NAMESPACE / "guard" / "_vendor" / "wares.py").write_text("")
    with pytest.raises(ConfigurationError, match="are not the ones that were reviewed"):
        load_plugin(tmp_path / "opt" / NAMESPACE / "guard", digest=made.tree.digest)


def test_the_same_folder_is_known_again_and_a_changed_one_is_not(tmp_path: Path) -> None:
    entry = register(tmp_path)
    assert built(tmp_path).is_in(entry)
    assert not built(tmp_path, source=files.SOURCE + "# changed\n").is_in(entry)
    assert not built(tmp_path).is_in(None)


def test_a_manifest_keeps_its_bytes_whatever_ends_its_lines(tmp_path: Path) -> None:
    folder = files.plugin(tmp_path)
    (folder / "plugin.toml").write_bytes(files.MANIFEST.replace("\n", "\r\n").encode())
    made = build(folder, tmp_path, tmp_path / "built_in")
    assert made.entry("arn:aws:lambda:eu-central-1:123456789012:layer:x:1").manifest.name == "guard"


def test_a_plugin_that_is_not_as_its_manifest_says_is_not_built(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="'other', which \\[reasons\\] does not declare"):
        built(tmp_path, source=files.SOURCE.replace('Block("bad_word")', 'Block("other")'))
    with pytest.raises(ConfigurationError, match="differ in their moments"):
        built(tmp_path, source=files.SOURCE.replace("def before_upstream", "def after_upstream"))


def test_the_name_of_a_built_in_plugin_is_taken(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is the name of a built-in plugin"):
        build(tree.ROOT / "plugins" / "pii_redactor", tmp_path)


def test_the_stanza_to_paste_grants_what_is_asked_for_in_shadow(tmp_path: Path) -> None:
    entry = register(tmp_path)
    text = stanza(entry.manifest, entry.config_schema)
    compiled = files.compiled(text.replace("[[plugin]]", '[[plugin]]\nhost = "in_process"'), tmp_path)
    (placement,) = compiled.snapshot.at("before_upstream")
    assert placement.mode.label == "shadow"
    assert set(placement.reads) == {"request.messages.user", "request.messages.system", "identity"}


def test_the_stanza_names_hosts_secrets_and_settings_that_are_needed() -> None:
    raw = (tree.ROOT / "plugins" / "audit_export" / "plugin.toml").read_text()
    text = stanza(parse_manifest(raw, "here"), {"required": ["url"]})
    (table,) = tomllib.loads(text)["plugin"]
    assert table["secrets"] == {"signing_key": "audit-export/signing_key"}
    assert table["grant"]["secrets"] == ["signing_key"]
    assert "it needs url" in text


def test_a_stanza_to_paste_gives_storage_and_leaves_open_whose_e_mail_it_is() -> None:
    raw = (tree.ROOT / "plugins" / "audit_export" / "plugin.toml").read_text()
    asking = "storage = true\nexports = true\nemail = true\n" + raw
    text = stanza(parse_manifest(asking, "here"), {})
    (table,) = tomllib.loads(text)["plugin"]
    assert table["grant"]["storage"] is True
    assert "email" not in table["grant"]
    assert "it asks for e-mail: whose?" in text


class Inner(PluginConfig):
    level: Literal["low", "high"] = "low"


class Settings(PluginConfig):
    names: tuple[str, ...] = ()
    inner: Inner = Inner()
    limit: int = Field(default=3, ge=1, le=9)
    maybe: str | None = None
    needed: float


class Loop(PluginConfig):
    inner: Loop | None = None


def test_a_schema_keeps_what_can_be_held_without_the_code() -> None:
    schema = settings_schema(Settings)
    assert problem(schema) is None
    good = {"names": ["a"], "inner": {"level": "high"}, "limit": 9, "maybe": None, "needed": 1.5}
    assert violation(good, schema) is None
    for wrong in ({"limit": 10}, {"inner": {"level": "mid"}}, {"inner": {"x": 1}}, {"names": [1]}, {"x": 1}):
        assert violation({**good, **wrong}, schema), wrong
    assert settings_defaults(Settings) == {"names": [], "inner": {"level": "low"}, "limit": 3, "maybe": None}


def test_a_schema_that_nests_without_end_ends() -> None:
    assert problem(settings_schema(Loop)) is None
    assert violation({"inner": {"inner": None}}, settings_schema(Loop)) is None
