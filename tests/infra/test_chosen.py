from __future__ import annotations

from pathlib import Path

import pytest

from infra.chosen import chosen_configuration
from penstock.errors import ConfigurationError
from tests import tree


@pytest.mark.parametrize("config", [None, ""])
def test_without_a_choice_the_example_is_deployed(config: str | None) -> None:
    assert chosen_configuration(config) == chosen_configuration(str(tree.ROOT / "examples" / "gateway.toml"))


def test_what_is_wrong_in_the_file_is_refused_before_anything_is_deployed(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text('[deployment]\nnam = "penstock"\n', encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"gateway\.toml.*name"):
        chosen_configuration(str(file))
