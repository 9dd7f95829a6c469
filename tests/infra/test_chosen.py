from __future__ import annotations

from pathlib import Path

import pytest

from infra.chosen import chosen_configuration
from penstock.errors import ConfigurationError
from tests import tree


@pytest.mark.parametrize("config", [None, ""])
def test_without_a_choice_the_example_is_deployed(
    config: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert chosen_configuration(config) == chosen_configuration(str(tree.ROOT / "examples" / "gateway.toml"))


def test_without_a_choice_the_file_of_this_folder_is_deployed_as_all_commands_take_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gateway.toml").write_text('[deployment]\nname = "ours"\n', encoding="utf-8")
    assert chosen_configuration(None).snapshot.deployment == "ours"


def test_what_is_wrong_in_the_file_is_refused_before_anything_is_deployed(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text('[deployment]\nnam = "penstock"\n', encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"gateway\.toml.*name"):
        chosen_configuration(str(file))
