"""Tests mirror the packages in both directions: a module's tests are found by its name; none are missing."""

from __future__ import annotations

from pathlib import Path

from tests import tree

# What mirrors no source file: tiers, and rules over the whole tree.
UNMIRRORED = (
    "aws",
    "bench",
    "docs",
    "e2e",
    "hostile",
    "test_architecture.py",
    "test_mirror.py",
    "test_sizes.py",
)
# One suite for every plugin, whichever there are.
SUITES = (
    "test_every_plugin.py",
    "test_every_door.py",
    "test_every_exporter.py",
    "test_every_receiver.py",
)

# Modules over the bound without a test file of their own, and why that is right.
TESTED_ELSEWHERE: dict[str, str] = {
    "penstock/streams.py": "protocols alone; the dialects' streams and the gates' guard are tested by them",
    "penstock/sdk/storage.py": "held to the same tests as DynamoDB's, tests/adapters/test_plugin_storage.py",
    "penstock/gateway/http.py": "values alone; every request of the gateway's tests is made of them",
    "penstock/gateway/parts.py": "values alone; every test of the gateway puts them together",
}
SMALL_LINES = 40


def sources() -> dict[Path, Path]:
    """Each source file by its place in the mirror: `penstock/a/b.py` at `a/b`, others where they are.

    A plugin's main module stands at its folder too, so that `plugins/test_card_guard.py` tests the plugin.
    """
    paths = tree.python_files("functions", "infra", "penstock", "plugins", "tools")
    mains = {folder: tree.main_module(folder) for folder in tree.plugin_folders()}
    return {place(path): path for path in paths} | mains


def place(path: Path) -> Path:
    found = path.parent if path.name == "__init__.py" else path.with_suffix("")
    return found.relative_to("penstock") if found.is_relative_to("penstock") else found


def tested() -> dict[Path, Path | None]:
    """The source file that each test file is about; None for a test file that has none.

    `a/test_b_c.py` tests `a/b_c` where that exists; else it is one part of the tests of `a/b`.
    """
    known = sources()
    mirroring = [
        path.relative_to("tests")
        for path in tree.python_files("tests")
        if path.name.startswith("test_") and path.parts[1] not in UNMIRRORED and path.name not in SUITES
    ]
    return {path: next((known[p] for p in candidates(path) if p in known), None) for path in mirroring}


def candidates(test_file: Path) -> list[Path]:
    words = test_file.stem.removeprefix("test_").split("_")
    return [test_file.parent / "_".join(words[:count]) for count in range(len(words), 0, -1)]


def test_every_test_file_has_the_source_that_it_tests() -> None:
    strays = [f"tests/{path} mirrors no source file" for path, source in tested().items() if source is None]
    assert not strays, "\n".join(strays)


def test_every_source_file_that_is_not_small_has_its_test_file() -> None:
    bare = set(sources().values()) - set(tested().values())
    not_small = {str(path) for path in bare if tree.line_count(path) > SMALL_LINES}
    missing = [f"{path} has no test file" for path in sorted(not_small - TESTED_ELSEWHERE.keys())]
    assert not missing, "\n".join(missing)
    assert not TESTED_ELSEWHERE.keys() - not_small, "listed without need"
