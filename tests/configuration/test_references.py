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
        (
            '[[plugin]]\nname = "a1"\nscope = { team = ["red", "rad"] }\n',
            "gateway.toml:16: plugin[1].scope.team: there is no team 'rad'. Did you mean 'red'?",
        ),
        (
            '[[plugin]]\nname = "a1"\n[plugin.scope]\n[[plugin.scope.except]]\nmodel = ["gtp"]\n',
            "gateway.toml:18: plugin[1].scope.except[1].model: there is no model 'gtp'. Did you mean 'gpt'?",
        ),
        (
            '[[plugin]]\nname = "a1"\nscope = { organisation = ["ac*", "zz*"] }\n',
            "plugin[1].scope.organisation: no organisation matches 'zz*'. Choose from acme, other.",
        ),
        (
            '[[plugin]]\nname = "a1"\nscope = { user = ["ann"] }\n',
            "plugin[1].scope.user: there is no user 'ann'. Add a [[user]], or take it out.",
        ),
    ],
)
def test_a_loose_end_is_answered_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_references(files.source(BASE + text))
    assert message in str(caught.value)


def test_no_plugin_is_called_as_anothers_dead_letter_queue() -> None:
    stanza = '[[plugin]]\nname = "{}"\n[plugin.grant.after_response]\n'
    with pytest.raises(
        ConfigurationError,
        match=r"gateway.toml:2: plugin\[1].name: 'export-dead' is what the dead-letter queue",
    ):
        check_references(files.source(stanza.format("export-dead") + stanza.format("export")))
    check_references(files.source(stanza.format("export-dead") + stanza.format("exports")))


def test_an_api_key_may_be_granted_before_it_is_created() -> None:
    check_references(files.source(BASE + '[[grant]]\napi_keys = ["later"]\nmodels = ["gpt"]\n'))


def test_a_scope_may_name_what_is_there_and_keys_and_tenants_that_come_later() -> None:
    scope = '{ team = ["red"], model = ["g*"], api_key = ["k"], tenant = ["t"], except = [{ team = ["*"] }] }'
    check_references(files.source(BASE + f'[[plugin]]\nname = "a1"\nscope = {scope}\n'))


def test_a_provider_has_headers_that_no_plugin_writes() -> None:
    check_references(
        files.source(
            '[[plugin]]\nname = "a1"\n[plugin.grant.before_upstream]\nwrites = ["request.headers.x-a"]\n'
            '[[provider]]\nid = "q"\nbase_url = "https://q"\nheaders = { x-b = "1" }\n'
        )
    )


def test_a_header_that_a_plugin_writes_is_refused_of_a_provider_with_both_places() -> None:
    text = (
        '[[plugin]]\nname = "a1"\n[plugin.grant.before_upstream]\nwrites = ["request.headers.x-a"]\n'
        '[[provider]]\nid = "q"\nbase_url = "https://q"\nheaders = { X-A = "1" }\n'
    )
    with pytest.raises(ConfigurationError) as caught:
        check_references(files.source(text))
    assert str(caught.value) == (
        "gateway.toml:8: provider[1].headers.X-A: plugin 'a1' writes 'X-A' too "
        "(gateway.toml:4: plugin[1].grant.before_upstream.writes). Take one of them out."
    )
