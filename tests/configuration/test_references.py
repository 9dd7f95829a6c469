from __future__ import annotations

import pytest

from penstock.configuration.references import check_references
from penstock.errors import ConfigurationError
from tests.configuration import files

BASE = """\
[[organisation]]
id = "acme"
[[organisation]]
id = "other"
[[team]]
id = "red"
organisation = "acme"
[[provider]]
id = "p"
base_url = "https://p/v1"
[[model]]
id = "gpt"
provider = "p"
"""


def test_a_whole_file_has_no_loose_end() -> None:
    check_references(
        files.source(
            BASE
            + '[[user]]\nid = "u"\norganisation = "acme"\nteam = "red"\n'
            + '[[grant]]\nteams = ["red"]\nmodels = ["gpt"]\n'
        )
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '[[team]]\nid = "blue"\norganisation = "acne"\n',
            "gateway.toml:16: team[2].organisation: there is no organisation 'acne'. Did you mean 'acme'?",
        ),
        ('[[model]]\nid = "m"\nprovider = "q"\n', "there is no provider 'q'. Choose from p."),
        ('[[grant]]\nteams = ["red"]\nmodels = ["gtp"]\n', "there is no model 'gtp'. Did you mean 'gpt'?"),
        ('[[grant]]\nteams = ["rad"]\nmodels = ["gpt"]\n', "grant[1].teams: there is no team 'rad'."),
        ('[[grant]]\nusers = ["ann"]\nmodels = ["gpt"]\n', "there is no user 'ann'."),
        ('[[grant]]\norganisations = ["x"]\nmodels = ["gpt"]\n', "there is no organisation 'x'."),
        ('[[user]]\nid = "u"\norganisation = "acme"\nteam = "rot"\n', "there is no team 'rot'."),
        (
            '[[user]]\nid = "u"\norganisation = "other"\nteam = "red"\n',
            "team 'red' belongs to organisation 'acme'.",
        ),
        ('[[team]]\nid = "red"\norganisation = "other"\n', "gateway.toml:14: team[2]: 'red' is there twice."),
        ('[[plugin]]\nname = "a1"\n[[plugin]]\nname = "a1"\n', "plugin[2]: 'a1' is there twice."),
    ],
)
def test_a_loose_end_is_answered_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_references(files.source(BASE + text))
    assert message in str(caught.value)


def test_an_api_key_may_be_granted_before_it_is_created() -> None:
    check_references(files.source(BASE + '[[grant]]\napi_keys = ["later"]\nmodels = ["gpt"]\n'))
