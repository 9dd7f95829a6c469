"""What a mounted plugin can import, and from which bytes."""

from __future__ import annotations

import importlib
import importlib.metadata
import py_compile
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.errors import ConfigurationError
from penstock.sdk.mounting import NAMESPACE, _Brought, _Own, mount
from penstock.sdk.tree import Tree

BROUGHT = ("wares", "wares_two", "json_wares")


@pytest.fixture(autouse=True)
def unmounted() -> Iterator[None]:
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] in {NAMESPACE, *BROUGHT}]:
        del sys.modules[name]


def plugin(base: Path, name: str = "sample", **files: str) -> Tree:
    """Keys are paths without `.py`."""
    for place, text in files.items():
        path = base / name / (place if "." in place else f"{place}.py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Tree.read(base / name)


def imported(tree: Tree, module: str = "main") -> object:
    return importlib.import_module(f"{mount(tree)}.{module}").MARK


def test_a_file_exchanged_between_check_and_import_is_not_run(tmp_path: Path) -> None:
    tree = plugin(tmp_path, main="MARK = 'reviewed'")
    package = mount(tree)
    (tmp_path / "sample" / "main.py").write_text("MARK = 'exchanged'")
    with pytest.raises(ConfigurationError, match="is not what it was"):
        importlib.import_module(f"{package}.main")


def test_a_module_that_is_imported_later_is_still_the_reviewed_one(tmp_path: Path) -> None:
    tree = plugin(tmp_path, main="def MARK():\n    from . import late\n    return late.X\n", late="X = 1")
    mark = imported(tree)
    (tmp_path / "sample" / "late.py").write_text("X = 2")
    with pytest.raises(ConfigurationError):
        mark()  # type: ignore[operator]  # the test's own


def test_a_file_added_after_the_check_is_not_imported(tmp_path: Path) -> None:
    package = mount(plugin(tmp_path, main="MARK = 1"))
    (tmp_path / "sample" / "more.py").write_text("MARK = 2")
    with pytest.raises(ConfigurationError):
        importlib.import_module(f"{package}.more")


@pytest.mark.parametrize("place", ["__pycache__", "deep/__pycache__"])
def test_what_hides_among_compiled_files_is_not_imported(tmp_path: Path, place: str) -> None:
    """They are not digested, so a module there would be one that nobody reviewed."""
    tree = plugin(tmp_path, main=f"from .{place.replace('/', '.')} import hidden\nMARK = 1", **{"deep/x": ""})
    (tmp_path / "sample" / place).mkdir()
    (tmp_path / "sample" / place / "hidden.py").write_text("X = 1")
    with pytest.raises(ConfigurationError, match="is not what it was"):
        imported(Tree.read(tree.folder))


def test_an_extension_module_is_looked_at_again_before_the_system_loads_it(tmp_path: Path) -> None:
    suffix = importlib.machinery.EXTENSION_SUFFIXES[-1]
    tree = plugin(tmp_path, **{f"fast{suffix}": "no library at all"})
    package = mount(tree)
    (tmp_path / "sample" / f"fast{suffix}").write_text("nor is this")
    with pytest.raises(ConfigurationError, match="is not what it was"):
        importlib.import_module(f"{package}.fast")


def test_a_plugin_imports_what_it_brings_and_its_version(tmp_path: Path) -> None:
    tree = plugin(
        tmp_path,
        main="import wares.deep\nimport importlib.metadata as m\nMARK = wares.deep.X, m.version('wares')",
        **{
            "_vendor/wares/__init__": "",
            "_vendor/wares/deep": "X = 7",
            "_vendor/wares-1.2.dist-info/METADATA": "Name: wares\nVersion: 1.2\n",
        },
    )
    assert imported(tree) == (7, "1.2")


def test_what_a_plugin_brings_is_compiled_from_what_was_digested_too(tmp_path: Path) -> None:
    tree = plugin(tmp_path, main="import wares.deep as d\nMARK = d.X", **{"_vendor/wares/__init__": ""})
    deep = tmp_path / "sample" / "_vendor" / "wares" / "deep.py"
    deep.write_text("X = 'Y'")
    py_compile.compile(str(deep), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    deep.write_text("X = 'Z'")
    assert imported(Tree.read(tree.folder)) == "Z"
    assert not list(deep.parent.rglob("__init__*.pyc")), "nor is anything compiled left behind"


def test_what_a_plugin_brings_shadows_neither_python_nor_the_core(tmp_path: Path) -> None:
    tree = plugin(
        tmp_path,
        main="import json, httpx\nMARK = (json.__name__, httpx.Client.__name__)",
        **{"_vendor/json": "raise SystemError", "_vendor/httpx": "raise SystemError"},
    )
    assert imported(tree) == ("json", "Client")


def test_two_plugins_that_bring_the_same_share_it(tmp_path: Path) -> None:
    main = "import wares\nMARK = wares"
    one = imported(plugin(tmp_path, "one", main=main, **{"_vendor/wares": "X = 1"}))
    two = imported(plugin(tmp_path, "two", main=main, **{"_vendor/wares": "X = 1"}))
    assert one is two


def test_where_plugins_are_loaded_one_after_another_each_gets_its_own(tmp_path: Path) -> None:
    main = "import wares\nMARK = wares.X"
    one = imported(plugin(tmp_path, "one", main=main, **{"_vendor/wares": "X = 1"}))
    two = imported(plugin(tmp_path, "two", main=main, **{"_vendor/wares": "X = 2"}))
    assert (one, two) == (1, 2)


def test_others_imports_are_left_to_others(tmp_path: Path) -> None:
    mount(plugin(tmp_path, main="", **{"_vendor/wares": "X = 1"}))
    assert _Own.find_spec("json.decoder", ["/usr/lib/python3/json"]) is None
    assert _Brought.find_spec("json.decoder", ["/usr/lib/python3/json"]) is None
    assert sys.meta_path[0] is _Own
    assert sys.meta_path[-1] is _Brought
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version("no-such-package")
