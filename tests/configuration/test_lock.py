from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from penstock.configuration.lock import NAME, Registered, lock_path, read_lock, write_lock
from penstock.errors import ConfigurationError
from penstock.sdk.tree import tree_digest
from tests.configuration import files
from tests.configuration.registered import ARN, register
from tests.functions.plugin_host.test_stepping import FOLDER


def edited(base: Path, **changes: Any) -> str:
    """What reading says when somebody has edited an entry."""
    register(base)
    tree = json.loads((base / NAME).read_text())
    tree["plugins"]["guard"].update(changes)
    (base / NAME).write_text(json.dumps(tree))
    with pytest.raises(ConfigurationError) as caught:
        read_lock(base / NAME)
    return str(caught.value)


def test_an_entry_survives_its_file(tmp_path: Path) -> None:
    entry = register(tmp_path)
    assert read_lock(tmp_path / NAME) == {"guard": entry}
    assert entry.layer == ARN.format("guard")
    assert entry.digest == tree_digest(tmp_path / "elsewhere" / "guard")
    assert entry.manifest.reasons == {"bad_word": "The prompt contains a bad word."}
    assert (entry.version, entry.requirements_digest, entry.packages_digest) == ("1.2.3", None, None)


def test_the_lock_stands_beside_gateway_toml_and_may_be_absent(tmp_path: Path) -> None:
    assert lock_path(tmp_path / "gateway.toml") == tmp_path / "penstock.lock"
    assert read_lock(tmp_path / "penstock.lock") == {}


def test_equal_entries_give_an_equal_file_and_the_manifest_reads_as_lines(tmp_path: Path) -> None:
    entry = register(tmp_path)
    before = (tmp_path / NAME).read_bytes()
    write_lock(tmp_path / NAME, {"guard": entry})
    assert (tmp_path / NAME).read_bytes() == before
    assert b'"version = \\"1.2.3\\""' in before
    assert [path.name for path in tmp_path.iterdir() if "making" in path.name] == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"digest": "sha256:" + "0" * 64}, "`digest` is not that of `files`"),
        ({"manifest_lines": ["name = 1"]}, "`manifest_lines` are not the plugin.toml of `files`"),
        ({"workflow_lines": ["[[step]]"]}, "`workflow_lines` are not the workflow.toml of `files`"),
        ({"version": "9.9.9"}, "`version` is not the manifest's"),
        ({"requirements_digest": "sha256:" + "0" * 64}, "`requirements_digest` is not that of"),
        ({"modules": {"x": "sha256:" + "0" * 64}}, "`packages_digest` and `modules` go together"),
        ({"layer": "arn:aws:lambda:eu-central-1:1:function:x"}, "layer: String should match"),
        ({"folder": "../other"}, "folder: String should match"),
        ({"more": 1}, "more: Extra inputs"),
    ],
)
def test_an_entry_that_somebody_has_edited_is_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    said = edited(tmp_path, **changes)
    assert message in said
    assert "penstock.lock: guard" in said
    assert "run `penstock plugin register` again" in said


def with_a_workflow(base: Path) -> Registered:
    return register(base, folder=Path(shutil.copytree(FOLDER, base / "elsewhere" / "follow_up")))


def test_the_steps_of_a_workflow_are_read_from_the_lock_alone(tmp_path: Path) -> None:
    with_a_workflow(tmp_path)
    shutil.rmtree(tmp_path / "elsewhere")
    steps = read_lock(tmp_path / NAME)["follow-up"].steps
    assert steps is not None
    assert [step.name for step in steps.step] == ["look", "which", "pause", "settle", "give_up"]


def test_a_plugin_without_a_workflow_has_no_steps_in_the_lock(tmp_path: Path) -> None:
    entry = register(tmp_path)
    assert (entry.workflow_lines, entry.steps) == ((), None)


@pytest.mark.parametrize("lines", [[], ["timeout_s = 1"]])
def test_the_steps_of_a_workflow_that_somebody_has_edited_are_refused(
    tmp_path: Path, lines: list[str]
) -> None:
    with_a_workflow(tmp_path)
    tree = json.loads((tmp_path / NAME).read_text())
    tree["plugins"]["follow-up"]["workflow_lines"] = lines
    (tmp_path / NAME).write_text(json.dumps(tree))
    with pytest.raises(ConfigurationError, match=r"`workflow_lines` are not the workflow.toml of `files`"):
        read_lock(tmp_path / NAME)


def test_a_manifest_of_another_name_is_refused(tmp_path: Path) -> None:
    entry = register(tmp_path)
    write_lock(tmp_path / NAME, {"other": entry})
    with pytest.raises(ConfigurationError, match="its manifest is that of 'guard'"):
        read_lock(tmp_path / NAME)


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": "penstock.lock/1"}', "1", '{"plugins": {}}'])
def test_what_is_no_lock_is_refused_with_the_remedy(tmp_path: Path, text: str) -> None:
    (tmp_path / NAME).write_text(text)
    with pytest.raises(ConfigurationError, match="is no lock file of Penstock"):
        read_lock(tmp_path / NAME)


def test_a_lock_of_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text('{"schema": "penstock.lock/2", "plugins": {}}')
    with pytest.raises(ConfigurationError, match="Register the plugins again"):
        read_lock(tmp_path / NAME)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"wrod": "x"}, "'wrod' is no setting of the plugin. Did you mean 'word'?"),
        ({"word": 1}, "config.word is not what the plugin takes."),
    ],
)
def test_settings_are_held_to_their_schema_without_the_code(
    tmp_path: Path, config: dict[str, Any], message: str
) -> None:
    entry = register(tmp_path)
    assert entry.config_problem(config) == message
    assert entry.config_problem({"word": "x"}) is None
    assert entry.config_defaults == {"word": "bad"}


def test_a_setting_that_is_needed_is_missed(tmp_path: Path) -> None:
    entry = register(tmp_path, source=files.SOURCE.replace('word: str = "bad"', "word: str"))
    assert entry.config_problem({}) == "'word' is missing, which the plugin needs."
    assert entry.config_defaults == {}
