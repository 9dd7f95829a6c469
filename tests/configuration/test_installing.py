from __future__ import annotations

from pathlib import Path

import pytest

from penstock.configuration.installing import Known, check_runnable
from penstock.configuration.layer import unpack
from penstock.configuration.lock import local_layers
from penstock.configuration.requirements import fetch
from penstock.configuration.review import review
from penstock.errors import ConfigurationError
from penstock.sdk.loading import load_plugin
from penstock.sdk.tree import tree_digest
from tests.configuration import files
from tests.configuration.registered import STANZA, built, register
from tests.configuration.test_requirements import FakePip, plugin

WHOLE = STANZA + files.GRANT


def said(text: str, base: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        files.compiled(text, base)
    return str(caught.value)


def test_a_plugin_by_name_is_compiled_from_the_lock_alone(tmp_path: Path) -> None:
    entry = register(tmp_path)
    by_name = files.compiled(WHOLE, tmp_path).snapshot
    assert by_name.plugins["guard"].digest == entry.digest
    assert by_name.plugins["guard"].folder == "guard"
    folder = files.plugin(tmp_path / "two")
    by_path = files.compiled(files.STANZA + files.GRANT, folder.parent).snapshot
    assert by_path.placements == by_name.placements, "the same plugin, by path or by name"


def test_no_file_of_a_registered_plugin_is_needed_or_run(tmp_path: Path) -> None:
    register(tmp_path)
    (tmp_path / "elsewhere" / "guard" / "guard.py").write_text("raise SystemExit")
    assert files.compiled(WHOLE, tmp_path).snapshot.plugins["guard"].digest


def test_a_grant_is_bounded_by_the_manifest_of_the_lock(tmp_path: Path) -> None:
    register(tmp_path)
    text = STANZA + files.GRANT.replace("request.messages.user", "request.tools")
    assert "'request.tools' is more than the manifest asks for." in said(text, tmp_path)


def test_settings_are_held_to_the_lock_and_its_defaults_are_filled_in(tmp_path: Path) -> None:
    register(tmp_path)
    found = said(STANZA + 'config = { wrod = "x" }\n' + files.GRANT, tmp_path)
    assert "gateway.toml:4: plugin[1].config: 'wrod' is no setting of the plugin." in found
    files.compiled(STANZA + 'config = { word = "x" }\n' + files.GRANT, tmp_path)


def test_a_name_that_nobody_has_is_answered_with_the_nearest_and_with_what_to_do(tmp_path: Path) -> None:
    register(tmp_path)
    found = said('[[plugin]]\nname = "gaurd"\n', tmp_path)
    assert "gateway.toml:2: plugin[1].name: 'gaurd' is neither built in nor in" in found
    assert "Did you mean 'guard'?" in found
    assert "penstock plugin register FOLDER" in found


def test_a_name_that_is_built_in_and_registered_is_refused(tmp_path: Path) -> None:
    register(tmp_path)
    files.plugin(tmp_path / "built_in")
    assert "is built in, and in" in said(WHOLE, tmp_path)


def test_two_plugins_whose_layers_would_mix_are_refused(tmp_path: Path) -> None:
    register(tmp_path)
    files.plugin(tmp_path, files.MANIFEST.replace('name = "guard"', 'name = "other"'))
    other = (files.STANZA + files.GRANT).replace('name = "guard"', 'name = "other"')
    assert "another plugin's folder is called 'guard' too" in said(WHOLE + other, tmp_path)


def test_who_has_registered_it_can_run_it(tmp_path: Path) -> None:
    entry = register(tmp_path)
    roots = files.compiled(WHOLE, tmp_path).plugin_roots
    assert local_layers(tmp_path / "gateway.toml") == {}
    unpack(built(tmp_path).zip.body, entry.laid_out(tmp_path))
    assert local_layers(tmp_path / "gateway.toml") == {entry.layer: entry.laid_out(tmp_path)}
    assert load_plugin(Path(roots[0]) / "guard", digest=entry.digest).digest == entry.digest


def test_who_has_not_registered_it_is_told_what_to_do_to_run_it(tmp_path: Path) -> None:
    entry = register(tmp_path)
    source = files.source(WHOLE, tmp_path)
    with pytest.raises(ConfigurationError, match="its files are not on this machine") as caught:
        check_runnable(source)
    assert "gateway.toml:2: plugin[1].name" in str(caught.value)
    unpack(built(tmp_path).zip.body, entry.laid_out(tmp_path))
    check_runnable(source)


def test_the_manifest_of_the_lock_is_what_is_reviewed(tmp_path: Path) -> None:
    register(tmp_path)
    source = files.source(WHOLE, tmp_path)
    (stanza,) = source.file.plugin
    manifest = Known.beside(source.path).manifest(stanza)
    assert "request.messages.user" in dict(review(manifest, stanza).answers)["Which fields?"]


def test_a_plugin_by_path_is_compiled_with_what_it_brings(tmp_path: Path) -> None:
    folder = plugin(tmp_path)
    (folder / "guard.py").write_text("import wares\n" + files.SOURCE)
    text = files.STANZA + files.GRANT
    assert "Run `penstock plugin fetch" in said(text, tmp_path)
    fetch(folder, tmp_path, FakePip())
    found = files.compiled(text, tmp_path)
    deployed = found.snapshot.plugins["guard"]
    assert deployed.digest == tree_digest(folder), "what it brings is not part of what it is"
    assert deployed.packages_digest is not None
    assert files.compiled(text, tmp_path).raw == found.raw
    here = Path(found.plugin_roots[0]) / "guard"
    load_plugin(here, digest=deployed.digest, any_packages=True)
    with pytest.raises(ConfigurationError):  # these are this machine's, not Lambda's
        load_plugin(here, digest=deployed.digest, packages_digest=deployed.packages_digest)


def test_two_plugins_of_the_gateway_s_process_bring_one_version_of_a_package(tmp_path: Path) -> None:
    for name, number in (("guard", 1), ("second", 2)):
        folder = files.plugin(
            tmp_path, files.MANIFEST.replace('name = "guard"', f'name = "{name}"'), name=name
        )
        (folder / "requirements.txt").write_text(f"wares=={number} --hash=sha256:{'0' * 64}\n")
        place = fetch(folder, tmp_path, FakePip())
        assert place is not None
        (place / "lambda" / "wares" / "__init__.py").write_text(f"X = {number}\n")
    first = files.STANZA + files.GRANT
    found = said(first + first.replace('"guard"', '"second"'), tmp_path)
    assert "brings another 'wares' than 'guard'" in found
    assert "gateway.toml:11: plugin[2]" in found
