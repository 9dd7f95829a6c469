from __future__ import annotations

import platform
import sys
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest

from penstock.dev.assembly import StackFunction
from penstock.dev.unpacking import ARCHITECTURES, is_native, unpack
from penstock.errors import ConfigurationError

CORE = "pydantic_core/_pydantic_core"
ELSEWHERE = f"{CORE}.cpython-399-mips-linux-gnu.so"
HERE = StackFunction(
    name="sample",
    handler="sample.handler",
    runtime=f"python{sys.version_info.major}.{sys.version_info.minor}",
    architecture=ARCHITECTURES.get(platform.machine(), "unknown"),
    timeout_s=1.0,
    variables={},
    role="arn",
    code=Path(),
    layers=(),
)


def folder(home: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return home


def installed(release: str) -> dict[str, str]:
    return {ELSEWHERE: "elf", f"pydantic_core-{release}.dist-info/METADATA": "", "ours.py": "1"}


@pytest.mark.skipif(sys.platform != "linux", reason="Lambda is Linux")
def test_only_the_same_processor_and_python_run_what_was_compiled() -> None:
    assert is_native(HERE)
    assert not is_native(replace(HERE, runtime="python3.9"))
    assert not is_native(replace(HERE, architecture="sparc"))


def test_layers_lie_over_each_other_and_a_changed_file_has_its_own_content(tmp_path: Path) -> None:
    first = folder(tmp_path / "first", {"a.py": "1", "deep/b.py": "2"})
    second = folder(tmp_path / "second", {"a.py": "3", "snapshot.json": "{}"})
    where, replaced = unpack([first, second], tmp_path / "home", {"snapshot.json": b"[]"}, native=True)
    found = {str(path.relative_to(where)): path.read_text() for path in where.rglob("*") if path.is_file()}
    assert (found, replaced) == ({"a.py": "3", "deep/b.py": "2", "snapshot.json": "[]"}, ())
    assert (second / "snapshot.json").read_text() == "{}"


def test_a_compiled_module_of_another_platform_is_replaced_by_this_environment_s(tmp_path: Path) -> None:
    asset = folder(tmp_path / "asset", installed(metadata.version("pydantic-core")))
    where, replaced = unpack([asset], tmp_path / "home", {}, native=False)
    assert replaced == (CORE,)
    assert not (where / ELSEWHERE).exists()
    (there,) = (where / "pydantic_core").iterdir()
    assert there.stat().st_size > 100_000
    assert (where / "ours.py").read_text() == "1"


def test_another_release_of_a_compiled_package_is_no_replacement(tmp_path: Path) -> None:
    asset = folder(tmp_path / "asset", installed("0.0.1"))
    with pytest.raises(ConfigurationError, match=r"pydantic_core: is 0\.0\.1 in the asset .* `make setup`"):
        unpack([asset], tmp_path / "home", {}, native=False)


def test_a_compiled_module_that_is_not_installed_here_is_named(tmp_path: Path) -> None:
    asset = folder(tmp_path / "asset", {"odd/_fast.cpython-313-aarch64-linux-gnu.so": "elf"})
    with pytest.raises(ConfigurationError, match="odd/_fast: is not installed here"):
        unpack([asset], tmp_path / "home", {}, native=False)


def test_what_was_unpacked_before_is_taken_as_it_is_until_something_differs(tmp_path: Path) -> None:
    asset, home = folder(tmp_path / "asset", {"snapshot.json": "{}"}), tmp_path / "home"
    first, _ = unpack([asset], home, {}, native=True)
    again, _ = unpack([asset], home, {}, native=True)
    other, _ = unpack([asset], home, {"snapshot.json": b"[]"}, native=True)
    assert first == again != other
    assert sorted(path.name for path in home.iterdir()) == sorted([first.name, other.name])
