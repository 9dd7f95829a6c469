from __future__ import annotations

from pathlib import Path

import pytest

from penstock.errors import ConfigurationError
from penstock.sdk.tree import Tree, digest_of, module_digests


def folder(base: Path, **files: str) -> Path:
    for name, text in {"plugin.toml": "x = 1", **files}.items():
        path = base / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return base


def test_what_a_plugin_brings_is_digested_apart_from_what_it_is(tmp_path: Path) -> None:
    bare = Tree.read(folder(tmp_path / "bare"))
    laden = Tree.read(folder(tmp_path / "laden", **{"_vendor/deep/x.py": "X = 1"}))
    assert bare.packages_digest is None
    assert laden.packages_digest is not None
    assert laden.digest == bare.digest
    changed = Tree.read(folder(tmp_path / "laden", **{"_vendor/deep/x.py": "X = 2"}))
    assert changed.packages_digest != laden.packages_digest


def test_the_digest_can_be_made_from_the_files_digests_alone(tmp_path: Path) -> None:
    tree = Tree.read(folder(tmp_path, **{"a/b.py": "1", "a.py": "2", "a-b.py": "3"}))
    assert digest_of(dict(sorted(tree.own.items(), reverse=True))) == tree.digest


def test_a_file_that_has_changed_since_is_not_given_out(tmp_path: Path) -> None:
    tree = Tree.read(folder(tmp_path, **{"main.py": "good"}))
    assert tree.bytes_of(tmp_path / "main.py") == b"good"
    (tmp_path / "main.py").write_text("evil")
    with pytest.raises(ConfigurationError, match="is not what it was when the plugin's files were checked"):
        tree.bytes_of(tmp_path / "main.py")


def test_a_file_that_came_later_is_not_given_out(tmp_path: Path) -> None:
    tree = Tree.read(folder(tmp_path))
    folder(tmp_path, **{"later.py": "evil", "_vendor/later.py": "evil"})
    for name in ("later.py", "_vendor/later.py"):
        with pytest.raises(ConfigurationError):
            tree.bytes_of(tmp_path / name)


def test_the_modules_of_packages_are_told_from_what_describes_them() -> None:
    files = dict.fromkeys(
        ("six.py", "deep/__init__.py", "deep/x.py", "six-1.dist-info/METADATA", "_fast.cpython-313.so"), "00"
    )
    assert set(module_digests(files)) == {"six", "deep", "_fast"}
    assert module_digests(files)["six"] != module_digests({**files, "six.py": "01"})["six"]
