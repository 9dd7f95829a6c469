from __future__ import annotations

from pathlib import Path

import pytest

from penstock.dev.options import Options, occupied, write_private
from penstock.errors import ConfigurationError


def put(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")


def test_a_folder_is_made_and_belongs_to_one_gateway_at_a_time(tmp_path: Path) -> None:
    options = Options(folder=tmp_path / "a" / ".penstock")
    with occupied(options):
        assert options.logs.is_dir()
        with pytest.raises(ConfigurationError, match="--folder"), occupied(options):
            pass
    with occupied(options):
        pass


def test_logs_begin_anew_and_the_state_is_kept(tmp_path: Path) -> None:
    options = Options(folder=tmp_path)
    for path in (options.logs / "gateway.log", options.state, options.api_key):
        put(path)
    with occupied(options):
        assert list(options.logs.iterdir()) == []
        assert options.state.exists()
        assert options.api_key.exists()


def test_a_fresh_start_throws_the_state_away(tmp_path: Path) -> None:
    options = Options(folder=tmp_path, fresh=True)
    put(options.state)
    put(options.api_key)
    with occupied(options):
        assert not options.state.exists()
        assert not options.api_key.exists()


def test_the_command_lines_target_ends_with_the_gateway(tmp_path: Path) -> None:
    options = Options(folder=tmp_path)
    with occupied(options):
        put(options.target)
    assert not options.target.exists()


def test_a_private_file_is_its_owners(tmp_path: Path) -> None:
    write_private(tmp_path / "key", "secret")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "key").read_text() == "secret"
