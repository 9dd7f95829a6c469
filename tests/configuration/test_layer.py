from __future__ import annotations

import io
import os
import time
import zipfile
from pathlib import Path

import pytest

from penstock.configuration import layer
from penstock.configuration.layer import (
    NAMESPACE,
    check_names,
    check_tree,
    layer_files,
    packed,
    refuse_shadows,
    tree_of,
    unpack,
)
from penstock.errors import ConfigurationError
from penstock.sdk.tree import Tree
from tests.configuration import files


def plugin(base: Path) -> Path:
    folder = files.plugin(base)
    (folder / "data").mkdir()
    (folder / "data" / "words.json").write_text("[]")
    return folder


def brought(base: Path, *names: str) -> dict[str, Path]:
    for name in names:
        path = base / "brought" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("X = 1\n")
    return {name: base / "brought" / name for name in names}


def test_the_same_tree_gives_the_same_bytes_wherever_and_whenever_it_is_packed(tmp_path: Path) -> None:
    one, two = plugin(tmp_path / "one"), plugin(tmp_path / "two")
    for path in two.rglob("*.py"):
        os.utime(path, (time.time() - 1e6, time.time() - 1e6))
        path.chmod(0o700)
    (two / "__pycache__").mkdir()
    (two / "__pycache__" / "guard.cpython-313.pyc").write_bytes(b"compiled")
    first, second = (packed(layer_files(folder, {}), "here") for folder in (one, two))
    assert first.body == second.body
    assert first.sha256 == second.sha256
    (two / "data" / "words.json").write_text("[1]")
    assert packed(layer_files(two, {}), "here").body != first.body


def test_a_layer_holds_the_plugin_s_folder_and_nothing_beside_it(tmp_path: Path) -> None:
    body = packed(layer_files(plugin(tmp_path), brought(tmp_path, "wares/x.py")), "here").body
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.namelist() == [
            "python/penstock_plugins/guard/_vendor/wares/x.py",
            "python/penstock_plugins/guard/data/words.json",
            "python/penstock_plugins/guard/guard.py",
            "python/penstock_plugins/guard/plugin.toml",
        ]
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {info.external_attr >> 16 for info in archive.infolist()} == {0o100644}


def test_what_is_unpacked_has_the_digests_of_what_was_packed(tmp_path: Path) -> None:
    folder, packages = plugin(tmp_path), brought(tmp_path, "wares/x.py", "wares-1.dist-info/METADATA")
    unpack(packed(layer_files(folder, packages), "here").body, tmp_path / "there")
    there = Tree.read(tmp_path / "there" / NAMESPACE / "guard")
    assert there.digest == Tree.read(folder).digest
    assert there.packages_digest == tree_of(folder, packages).packages_digest
    assert set(there.modules) == {"wares"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hook.pth", "runs code when Python starts"),
        ("model.pkl", "is a pickle"),
        ("deep/model.PICKLE", "is a pickle"),
        ("hidden.pyc", "is compiled, so nobody can have reviewed it"),
        ("wares.whl", "is code in a container"),
        (".env", "Take .env out"),
        (".git/config", "Take .git out"),
        ("_vendor/x.py", "is made from requirements.txt, by `penstock plugin fetch guard`"),
        ("a\nb.py", "has no plain name"),
        ("ünï.py", "has no plain name"),
    ],
)
def test_what_no_layer_holds_is_refused_by_name_with_the_remedy(
    tmp_path: Path, name: str, message: str
) -> None:
    folder = plugin(tmp_path)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("")
    with pytest.raises(ConfigurationError, match=message) as caught:
        layer_files(folder, {})
    assert caught.value.remedy


def test_a_link_to_a_file_outside_is_refused(tmp_path: Path) -> None:
    folder = plugin(tmp_path)
    (tmp_path / "secret").write_text("")
    (folder / "data" / "link.json").symlink_to(tmp_path / "secret")
    with pytest.raises(ConfigurationError, match="is a symbolic link"):
        check_tree(folder)


def test_a_link_to_a_folder_outside_and_what_is_no_file_are_refused(tmp_path: Path) -> None:
    folder = plugin(tmp_path)
    os.mkfifo(folder / "pipe")
    with pytest.raises(ConfigurationError, match="is neither a file nor a folder"):
        check_tree(folder)
    (folder / "pipe").unlink()
    (folder / "more").symlink_to(tmp_path)
    with pytest.raises(ConfigurationError, match="is a symbolic link"):
        check_tree(folder)


def test_a_folder_without_a_manifest_is_no_plugin(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is no plugin"):
        layer_files(tmp_path, {})


@pytest.mark.parametrize(
    "name",
    [
        "python/penstock_plugins/__init__.py",
        "python/penstock_plugins/guard.py",
        "python/httpx/__init__.py",
        "packages/json.py",
        "python/penstock_plugins/guard/../../httpx.py",
        "/python/penstock_plugins/guard/x.py",
    ],
)
def test_a_path_outside_of_the_plugin_s_folder_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="lies outside of the plugin's folder"):
        check_names([name])
    (tmp_path / "x.py").write_text("")
    with pytest.raises(ConfigurationError, match="lies outside of the plugin's folder"):
        packed({name: tmp_path / "x.py"}, "here")
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr(name, "")
    with pytest.raises(ConfigurationError):
        unpack(body.getvalue(), tmp_path / "there")
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize("name", ["penstock", "httpx", "json", "penstock_plugins"])
def test_packages_that_could_stand_for_the_core_or_python_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"brings {name}, .*Take it out: a plugin can import"):
        layer_files(plugin(tmp_path), brought(tmp_path, f"{name}/__init__.py"))
    with pytest.raises(ConfigurationError):
        refuse_shadows([name], "here")


def test_packages_are_refused_for_what_a_plugin_is_refused_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"wares\.pth: is a \.pth file"):
        layer_files(plugin(tmp_path), brought(tmp_path, "wares.pth"))


def test_sizes_over_lambda_s_limits_are_refused_with_what_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = layer_files(plugin(tmp_path), {})
    monkeypatch.setattr(layer, "ZIP_LIMIT_BYTES", 100)
    with pytest.raises(ConfigurationError, match=r"guard: has a zip of 0 MB, and 0 MB are the most"):
        packed(found, "guard")
    monkeypatch.setattr(layer, "UNPACKED_LIMIT_BYTES", layer.CORE_BYTES + 100)
    with pytest.raises(ConfigurationError, match="unpacks to 0 MB, and 0 MB beside the gateway's own"):
        packed(found, "guard")
