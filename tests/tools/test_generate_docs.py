"""Generated pages: a stale one is found, and none is written when only checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import generate_docs


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(generate_docs, "DOCS", tmp_path)
    return tmp_path


def test_pages_are_written_once_and_then_fresh(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["generate_docs"])
    assert generate_docs.main() == 0
    assert sorted(p.name for p in folder.iterdir()) == sorted(generate_docs.PAGES)
    monkeypatch.setattr("sys.argv", ["generate_docs", "--check"])
    assert generate_docs.main() == 0


def test_a_stale_page_fails_the_check_and_stays_as_it_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "fields.md").write_text("old")
    monkeypatch.setattr("sys.argv", ["generate_docs", "--check"])
    assert generate_docs.main() == 1
    assert "docs/fields.md is stale" in capsys.readouterr().out
    assert (folder / "fields.md").read_text() == "old"


def test_every_error_of_the_tree_has_its_row() -> None:
    page = generate_docs.errors_page()
    assert all(name in page for name in ("PenstockError", "UpstreamTimeoutError", "FieldNotGrantedError"))
