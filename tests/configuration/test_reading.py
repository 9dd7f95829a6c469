from __future__ import annotations

from pathlib import Path

import pytest

from penstock.configuration.model import GatewayFile
from penstock.configuration.reading import meant, parse_gateway_file, read_gateway_file
from penstock.errors import ConfigurationError
from tests.configuration import files

PROVIDER = '[[provider]]\nid = "p"\nbase_url = "https://p/v1"\n'


def said(text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        files.source(text)
    return str(caught.value)


def test_an_empty_file_has_every_default() -> None:
    assert files.source("").file == GatewayFile()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[deploymnt]\n", "gateway.toml:1: deploymnt: is not a key. Did you mean 'deployment'?"),
        (
            '[[plugin]]\nname = "aa"\n[plugin.grant.before_upstream]\nraeds = []\n',
            "gateway.toml:4: plugin[1].grant.before_upstream.raeds: is not a key. Did you mean 'reads'?",
        ),
        (
            '[[plugin]]\nname = "aa"\n\n[[plugin]]\nname = "bb"\nmod = "off"\n',
            "gateway.toml:6: plugin[2].mod: is not a key. Did you mean 'mode'?",
        ),
        (
            '[[plugin]]\nname = "aa"\nscope = { teem = ["x"] }\n',
            "gateway.toml:3: plugin[1].scope.teem: is not a key. Did you mean 'team'?",
        ),
        (
            '[[plugin]]\nname = "aa"\nscope = { exept = [] }\n',
            "gateway.toml:3: plugin[1].scope.exept: is not a key. Did you mean 'except'?",
        ),
        ("[deployment]\nquux = 1\n", "is not a key. Choose from addresses, api, bedrock, body_limit_bytes,"),
        ('[[plugin]]\npath = "x"\n', "gateway.toml:1: plugin[1].name: is missing. Add it."),
        (
            '[[plugin]]\nname = "aa"\nmode = "enforced"\n',
            "gateway.toml:3: plugin[1].mode: input should be 'off', 'shadow' or 'enforce'.",
        ),
        (
            '[[plugin]]\nname = "aa"\nuninspected = { imgae = "drop" }\n',
            "gateway.toml:1: plugin[1]: uninspected: 'imgae' is neither a content field nor",
        ),
        (
            '[[plugin]]\nname = "aa"\nuninspected = { "request.messages.user" = "drop" }\n',
            "only response.reasoning can",
        ),
        (
            '[[plugin]]\nname = "aa"\nrollout = 101\n',
            "plugin[1].rollout: input should be less than or equal to 100",
        ),
        ('[[mcp_server]]\nid = "x"\n', "mcp_server[1].url: is missing. Add it."),
        ("[deployment\n", "is not TOML: "),
        ('[[grant]]\nmodels = ["m"]\n', "grant[1]: give `api_keys`, `users`, `teams` or `organisations`."),
        (PROVIDER.replace("https", "ftp"), "base_url: give https://host/path"),
        (PROVIDER.replace("//p", "//user:pw@p"), "base_url: give https://host/path"),
        (PROVIDER.replace("https", "http") + 'secret = "s"\n', "a key is not sent over plain http"),
        (PROVIDER + 'headers = { Authorization = "x" }\n', "headers: 'Authorization' cannot be set here"),
        (PROVIDER + 'headers = { x-a = "1\\r\\nb: 2" }\n', "headers: 'x-a' cannot be set here"),
        ('[deployment]\naddresses = ["10.0.0.1/8"]\n', "is no network in CIDR notation"),
    ],
)
def test_a_mistake_is_answered_with_file_line_key_and_what_was_meant(text: str, message: str) -> None:
    assert message in said(text)


@pytest.mark.parametrize("name", ["", "a b", "*", "ann@example.com", "4111 1111 1111 1111", "x" * 129, "-a"])
def test_a_name_that_could_not_stand_in_evidence_is_refused(name: str) -> None:
    assert "organisation[1].id" in said(f'[[organisation]]\nid = "{name}"\n')


def test_a_message_never_repeats_the_value_that_was_written() -> None:
    assert "canary" not in said('[[provider]]\nid = "p"\nbase_url = "https://p"\nsecret = "canary canary"\n')


def test_plain_http_is_allowed_without_a_key_or_to_this_machine() -> None:
    files.source(PROVIDER.replace("https", "http"))
    files.source(PROVIDER.replace("https://p", "http://127.0.0.1:1") + 'secret = "s"\n')


def test_a_file_that_is_not_there_or_no_text_is_answered_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"gateway\.toml: cannot be read"):
        read_gateway_file(tmp_path / "gateway.toml")
    with pytest.raises(ConfigurationError, match=r"gateway\.toml: is not UTF-8"):
        parse_gateway_file(b"\xff", Path("gateway.toml"))
    with pytest.raises(ConfigurationError, match="too large"):
        parse_gateway_file(b" " * 4_000_001, Path("gateway.toml"))


def test_deep_nesting_is_answered_and_does_not_break_the_reader() -> None:
    with pytest.raises(ConfigurationError, match="is not TOML"):
        parse_gateway_file(b"a = " + b"[" * 100_000, Path("gateway.toml"))


def test_a_guess_is_made_only_when_it_is_near() -> None:
    assert meant("teem", ["team", "user"]) == "Did you mean 'team'?"
    assert meant("zzz", ["team", "user"]) == "Choose from team, user."
    assert meant("zzz", []) == ""
