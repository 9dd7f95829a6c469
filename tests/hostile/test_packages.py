"""Packages that would do harm: each is made, and refused where it is checked, packed, unpacked or loaded."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from penstock.configuration.layer import NAMESPACE, layer_files, packed, unpack
from penstock.errors import ConfigurationError
from penstock.sdk.loading import load_plugin
from penstock.sdk.tree import tree_digest
from tests.configuration import files
from tests.hostile.expected import Attack, on

Make = Callable[[Path], object]
"""Makes the package in an empty folder, and has it checked or loaded. Raises ConfigurationError."""


def holding(name: str, body: bytes = b"") -> Make:
    """A plugin's folder with one file more."""

    def make(base: Path) -> object:
        folder = files.plugin(base)
        (folder / name).write_bytes(body)
        return packed(layer_files(folder, {}), "guard")

    return make


def bringing(name: str) -> Make:
    """A plugin whose requirements.txt brings a package of this name."""

    def make(base: Path) -> object:
        file = base / "brought.py"
        file.write_text("")
        return layer_files(files.plugin(base), {f"{name}/__init__.py": file})

    return make


def unpacking(name: str) -> Make:
    """A layer that somebody else has zipped."""

    def make(base: Path) -> object:
        body = io.BytesIO()
        with zipfile.ZipFile(body, "w") as archive:
            archive.writestr(name, "")
        unpack(body.getvalue(), base / "there")
        return None

    return make


def linking(base: Path) -> object:
    (files.plugin(base) / "link.json").symlink_to("/etc/passwd")
    return layer_files(base / "guard", {})


def piping(base: Path) -> object:
    os.mkfifo(files.plugin(base) / "pipe")
    return layer_files(base / "guard", {})


def undeclared(base: Path) -> object:
    files.plugin(base, source=files.SOURCE.replace('"bad_word"', '"words-of-the-prompt"'))
    return files.compiled(files.STANZA + files.GRANT, base)


def changed(base: Path) -> object:
    folder = files.plugin(base)
    digest = tree_digest(folder)
    (folder / "guard.py").write_text("raise SystemExit('never run')")
    return load_plugin(folder, digest=digest)


def hosted_here(base: Path) -> object:
    files.plugin(base, manifest='hosts = ["siem.example.com:443"]\n' + files.MANIFEST)
    grant = '[plugin.grant]\nhosts = ["siem.example.com:443"]\n'
    return files.compiled(files.STANZA + grant + files.GRANT, base)


REFUSED: Final[dict[str, tuple[Make, str]]] = {
    "pickle": (holding("model.pkl", b"\x80\x04."), "is a pickle"),
    "start_hook": (holding("hook.pth", b"import os"), "runs code when Python starts"),
    "compiled": (holding("guard.pyc"), "nobody can have reviewed it"),
    "container": (holding("wares-1.whl"), "is code in a container"),
    "hidden": (holding(".hidden.py"), "is hidden"),
    "symlink": (linking, "is a symbolic link"),
    "fifo": (piping, "is neither a file nor a folder"),
    "odd_name": (holding("gu\u0430rd.py"), "has no plain name"),
    "namespace_init": (unpacking("python/penstock_plugins/__init__.py"), "lies outside"),
    "traversal": (unpacking(f"{NAMESPACE}/guard/../../../httpx.py"), "lies outside"),
    "standard_library": (bringing("json"), "brings json"),
    "core": (bringing("penstock"), "brings penstock"),
    "literal": (undeclared, "does not declare"),
    "changed": (changed, "are not the ones that were reviewed"),
    "in_process": (hosted_here, "does not run in the gateway's process"),
}


@pytest.mark.parametrize("attack", on("package", "package"), ids=lambda attack: attack.name)
def test_a_harmful_package_is_refused_with_its_reason(tmp_path: Path, attack: Attack) -> None:
    make, reason = REFUSED[attack.name]
    with pytest.raises(ConfigurationError, match=reason):
        make(tmp_path)
    assert attack.seen("package") == "refused"


def test_the_same_plugin_without_the_harm_is_taken(tmp_path: Path) -> None:
    assert packed(layer_files(files.plugin(tmp_path), {}), "guard").body
    assert files.compiled(files.STANZA + files.GRANT, tmp_path).snapshot.plugins
    unpack(packed(layer_files(tmp_path / "guard", {}), "guard").body, tmp_path / "there")
