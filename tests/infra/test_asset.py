from __future__ import annotations

from pathlib import Path

from infra.asset import function_files
from infra.staging import digest_of
from tests import tree
from tests.infra.template import Assembly

SNAPSHOT = b'{"schema": "test"}'


def test_the_asset_holds_what_runs_in_lambda_and_nothing_else_of_ours() -> None:
    ours = {
        name for name in function_files(SNAPSHOT) if name.startswith(("penstock/", "functions/", "infra/"))
    }
    assert "functions/gateway/handler.py" in ours
    assert "penstock/runtime/exec-wrapper" in ours
    for absent in ("penstock/cli/", "penstock/dev/", "penstock/configuration/compile.py", "infra/"):
        assert not [name for name in ours if name.startswith(absent)], absent


def test_everything_that_the_functions_import_of_ours_is_in_it() -> None:
    """Followed from the handlers, through every import, those inside functions too."""
    files = function_files(SNAPSHOT)
    waiting = [name for name in files if name.startswith("functions/") and name.endswith("handler.py")]
    waiting += ["penstock/runtime/__main__.py"]
    reached: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [found for module, _ in tree.imported(Path(name)) if (found := file_of(module))]
    missing = {name for name in reached if name not in files}
    assert not missing


def file_of(module: str) -> str | None:
    """The file of ours that a dotted name leads to; the last part may be something inside it."""
    parts = module.split(".")
    if parts[0] not in {"penstock", "functions"}:
        return None
    for end in (len(parts), len(parts) - 1):
        path = Path(*parts[:end])
        for candidate in (path.with_suffix(".py"), path / "__init__.py"):
            if (tree.ROOT / candidate).is_file():
                return str(candidate)
    raise AssertionError(f"{module} is no module of ours")


def test_the_snapshot_is_part_of_the_asset_and_of_its_digest() -> None:
    files = function_files(SNAPSHOT)
    assert files["snapshot.json"] == SNAPSHOT
    assert digest_of(files, compiled=False) != digest_of(function_files(b"{}"), compiled=False)


def test_the_asset_leaves_room_for_plugins(assemblies: dict[str, Assembly]) -> None:
    """250 MB are the most with all layers; what is downloaded at a cold start counts too."""
    for folder in assemblies["default"].assets().values():
        size_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        assert size_bytes < 50 * 1024 * 1024
