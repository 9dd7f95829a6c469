"""Sizes are those of what would be uploaded."""

from __future__ import annotations

from pathlib import Path

from bench import asset


def test_a_part_s_size_is_told_unpacked_compiled_and_packed(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"x" * 10_000)
    (tmp_path / "a.pyc").write_bytes(b"y" * 500)
    found = asset.size_of(tmp_path)
    assert (found["unpacked"], found["compiled"]) == (10_500, 500)
    assert 0 < found["zip"] < 1_000
