from __future__ import annotations

from pathlib import Path

import pytest

from penstock.configuration.plugin_source import check_source
from penstock.errors import ConfigurationError
from penstock.sdk.manifest import parse_manifest
from tests.configuration import files


def check(tmp_path: Path, source: str, manifest: str = files.MANIFEST) -> None:
    check_source(files.plugin(tmp_path, manifest, source), parse_manifest(manifest, "plugin.toml"))


def test_a_plugin_that_says_what_its_manifest_says_passes(tmp_path: Path) -> None:
    check(tmp_path, files.SOURCE)


@pytest.mark.parametrize(
    "call",
    [
        'Block("other")',
        'sdk.Block(reason="other")',
        'Block("bad_word" if x else "other")',
        'Block("other", at=s)',
    ],
)
def test_an_undeclared_reason_is_refused(tmp_path: Path, call: str) -> None:
    with pytest.raises(ConfigurationError, match=r"uses 'other', which \[reasons\] does not declare"):
        check(tmp_path, files.SOURCE + f"\ndef more(x, s):\n    return {call}\n")


def test_an_undeclared_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"uses 'other', which \[records\] does not declare"):
        check(tmp_path, files.SOURCE + "\ndef more(ctx):\n    ctx.record('other', 1)\n")


def test_a_declared_code_that_is_never_used_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"\[reasons\] declares 'bad_word', which the source never"):
        check(tmp_path, files.SOURCE.replace('"bad_word"', 'str("x")'))
    with pytest.raises(ConfigurationError, match=r"\[records\] declares 'words'"):
        check(tmp_path, files.SOURCE.replace('ctx.record("words", 1)', "pass"))


def test_a_code_that_stands_in_a_table_counts_as_used(tmp_path: Path) -> None:
    table = files.SOURCE.replace('Block("bad_word")', "Block(REASONS[0])") + '\nREASONS = ("bad_word",)\n'
    check(tmp_path, table)


def test_the_source_is_read_and_not_run(tmp_path: Path) -> None:
    check(tmp_path, "raise SystemExit\n" + files.SOURCE)


def test_what_is_not_python_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"guard\.py:2: is not Python"):
        check(tmp_path, "x = 1\ndef (:\n")
