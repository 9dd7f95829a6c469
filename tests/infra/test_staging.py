from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from infra.staging import KEPT, LIMIT_BYTES, YOUNG_S, check_size, compiler, digest_of, forget, stage
from penstock.errors import ConfigurationError

FILES = {"penstock/x.py": b"x = 1\n", "penstock/runtime/exec-wrapper": b"#!/bin/sh\n"}


def test_the_same_files_have_the_same_digest_wherever_and_whenever_they_are_staged(tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere.py"
    copy.write_bytes(b"x = 1\n")
    os.utime(copy, (time.time() - 1e6, time.time() - 1e6))
    copy.chmod(0o600)
    again = stage(
        {"penstock/x.py": copy} | {k: v for k, v in FILES.items() if k != "penstock/x.py"},
        tmp_path / "b",
        "/var/task",
        None,
    )
    assert stage(FILES, tmp_path / "a", "/var/task", None).digest == again.digest


@pytest.mark.parametrize(
    "other",
    [
        {**FILES, "penstock/x.py": b"x = 2\n"},
        {**FILES, "penstock/y.py": b""},
        {"penstock/y.py": b"x = 1\n", "penstock/runtime/exec-wrapper": b"#!/bin/sh\n"},
    ],
)
def test_any_other_content_name_or_file_has_another(other: dict[str, bytes]) -> None:
    assert digest_of(other, compiled=False) != digest_of(FILES, compiled=False)
    assert digest_of(FILES, compiled=True) != digest_of(FILES, compiled=False)


def test_only_the_wrapper_can_be_executed_and_no_file_has_a_date_of_its_own(tmp_path: Path) -> None:
    folder = stage(FILES, tmp_path, "/var/task", None).folder
    assert (folder / "penstock/runtime/exec-wrapper").stat().st_mode & 0o777 == 0o755
    assert (folder / "penstock/x.py").stat().st_mode & 0o777 == 0o644
    assert {path.stat().st_mtime for path in folder.rglob("*")} == {315_532_800}


def test_compiled_files_are_used_whatever_date_the_upload_gives_their_sources(tmp_path: Path) -> None:
    found = compiler()
    if found is None:
        pytest.skip("no Python 3.13 here")
    folder = stage(FILES, tmp_path, "/var/task", found).folder
    (compiled,) = folder.rglob("*.pyc")
    # PEP 552: bit 0 of the flags says that a hash takes the place of the date, bit 1 that it is checked.
    assert int.from_bytes(compiled.read_bytes()[4:8], "little") == 0b01
    assert b"/var/task/penstock/x.py" in compiled.read_bytes()
    assert compiled.name == "x.cpython-313.pyc"


def test_a_function_that_lambda_could_not_unpack_is_refused_with_what_it_is_made_of() -> None:
    check_size("the gateway", {"core": LIMIT_BYTES})
    with pytest.raises(
        ConfigurationError, match=r"unpacks to 251 MB.*core 250 MB, layer 1 MB.*function of its own"
    ):
        check_size("the gateway", {"core": LIMIT_BYTES, "layer": 1024 * 1024})


def test_what_was_needed_long_ago_is_forgotten_and_nothing_that_may_be_in_use(tmp_path: Path) -> None:
    folders = [
        stage({"x": f"{number}".encode()}, tmp_path, "/opt", None).folder for number in range(KEPT + 3)
    ]
    forget(tmp_path, time.time())
    assert all(folder.is_dir() for folder in folders), "a synthesis of many plugins needs all of them"
    later_s = time.time() + YOUNG_S + 60
    stage({"x": b"0"}, tmp_path, "/opt", None)
    forget(tmp_path, later_s)
    assert len(list(tmp_path.iterdir())) == KEPT
    assert folders[0].is_dir(), "it was needed again"
