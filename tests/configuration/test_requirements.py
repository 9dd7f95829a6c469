from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from penstock.configuration.requirements import (
    brought,
    check_requirements,
    check_together,
    fetch,
    fetched_place,
    is_needed,
)
from penstock.errors import ConfigurationError
from tests.configuration import files

HASH = "0" * 64
PINNED = f"# what it needs\nwares==1.2 \\\n    --hash=sha256:{HASH} \\\n    --hash=sha256:{HASH}\n"


class FakePip:
    """Lays a package where it is told to, or fails."""

    def __init__(self, status: int = 0) -> None:
        self.status = status
        self.asked: list[Sequence[str]] = []

    def __call__(self, arguments: Sequence[str]) -> int:
        self.asked.append(arguments)
        home = Path(arguments[arguments.index("--target") + 1])
        (home / "wares").mkdir(parents=True)
        (home / "wares" / "__init__.py").write_text(f"PLATFORM = {home.name!r}\n")
        (home / "wares-1.2.dist-info").mkdir()
        for name in ("METADATA", "RECORD"):
            (home / "wares-1.2.dist-info" / name).write_text("Name: wares\nVersion: 1.2\n")
        return self.status


def plugin(base: Path, requirements: str = PINNED) -> Path:
    folder = files.plugin(base)
    (folder / "requirements.txt").write_text(requirements)
    return folder


def test_what_has_not_been_fetched_is_said_with_the_command(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"has not been fetched here\. Run `penstock plugin fetch "):
        brought(plugin(tmp_path), tmp_path, "lambda")


def test_what_was_fetched_is_there_for_each_platform_without_what_nobody_needs(tmp_path: Path) -> None:
    folder, pip = plugin(tmp_path), FakePip()
    fetch(folder, tmp_path, pip)
    for platform in ("lambda", "host"):
        found = brought(folder, tmp_path, platform)
        assert set(found) == {"wares/__init__.py", "wares-1.2.dist-info/METADATA"}
        assert platform in found["wares/__init__.py"].read_text()


@pytest.mark.parametrize("uv", [None, "/bin/uv"])
def test_packages_are_wheels_for_lambda_by_hash_with_nothing_resolved(tmp_path: Path, uv: str | None) -> None:
    pip = FakePip()
    fetch(plugin(tmp_path), tmp_path, pip, uv)
    for_lambda, for_host = (" ".join(asked) for asked in pip.asked)
    for asked in (for_lambda, for_host):
        for flag in ("--only-binary :all:", "--require-hashes", "--no-deps"):
            assert flag in asked
    assert "--python-version 3.13" in for_lambda
    assert "aarch64" in for_lambda
    assert "aarch64" not in for_host


def test_the_same_requirements_are_fetched_once_and_changed_ones_again(tmp_path: Path) -> None:
    folder, pip = plugin(tmp_path), FakePip()
    assert fetch(folder, tmp_path, pip) == fetch(folder, tmp_path, pip)
    assert len(pip.asked) == 2
    (folder / "requirements.txt").write_text(PINNED.replace("1.2", "1.3"))
    fetch(folder, tmp_path, pip)
    assert len(pip.asked) == 4


def test_a_fetch_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = plugin(tmp_path)
    with pytest.raises(ConfigurationError, match="could not be fetched for lambda"):
        fetch(folder, tmp_path, FakePip(status=1))
    place = fetched_place(folder, tmp_path)
    assert place is not None
    assert list(place.parent.iterdir()) == []


def test_a_plugin_without_requirements_brings_nothing(tmp_path: Path) -> None:
    folder = files.plugin(tmp_path)
    assert brought(folder, tmp_path, "lambda") == {}
    assert fetch(folder, tmp_path, FakePip()) is None


@pytest.mark.parametrize(
    "line",
    [
        "wares",
        "wares==1.2",
        f"wares>=1.2 --hash=sha256:{HASH}",
        "-r other.txt",
        "--index-url https://example.com/simple",
        "-e .",
        f"wares @ https://example.com/wares.whl --hash=sha256:{HASH}",
        f"wares==1.2 --hash=md5:{HASH}",
        f"wares==1.2 --hash=sha256:{HASH} --no-binary wares",
    ],
)
def test_what_is_not_pinned_by_version_and_hash_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigurationError, match="is not pinned by version and hash"):
        check_requirements(line.encode(), "requirements.txt")
    with pytest.raises(ConfigurationError):
        brought(plugin(tmp_path, line), tmp_path, "lambda")


def test_comments_markers_and_long_lines_are_let_pass() -> None:
    check_requirements(PINNED.encode(), "here")
    marked = f"wares==1.2+local ; python_version >= '3.11' --hash=sha256:{HASH}  # why\n\n"
    check_requirements(marked.encode(), "here")


def test_plugins_of_one_process_that_bring_two_versions_are_told_to_part() -> None:
    check_together({"one": {"wares": "a", "deep": "b"}, "two": {"wares": "a"}}, str)
    with pytest.raises(
        ConfigurationError, match=r"two: brings another 'wares' than 'one'.*host = \"function\""
    ):
        check_together({"one": {"wares": "a"}, "two": {"wares": "b"}}, str)


def test_licences_stay_and_compiled_files_and_scripts_go() -> None:
    assert is_needed("wares-1.dist-info/licenses/LICENSE")
    assert not is_needed("wares-1.dist-info/RECORD")
    assert not is_needed("bin/wares")
    assert not is_needed("wares/__pycache__/x.pyc")
