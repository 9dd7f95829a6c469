"""MCP servers in gateway.toml: nothing is open by itself, no secret in the clear, what is deployed bounds."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock.configuration.applied import applied_documents, approved_tools
from penstock.configuration.references import check_references
from penstock.errors import ConfigurationError
from penstock.mcp.lockfile import lock_path, write_lock
from penstock.mcp.pinning import tool_digest
from tests.configuration import files

SERVED = "[deployment.mcp]\n"
SERVER = '[[mcp_server]]\nid = "files"\nurl = "https://mcp.example.com/mcp"\n'
WHO = '[[organisation]]\nid = "acme"\n'


def said(text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        check_references(files.source(text))
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SERVER, "the deployment does not serve MCP. Add a table [deployment.mcp]."),
        (SERVED + SERVER + 'auth = "bearer"\n', "secret: give it with `auth`"),
        (SERVED + SERVER + 'secret = "s"\n', "secret: give it with `auth`"),
        (SERVED + SERVER + 'auth = "oauth2"\nsecret = "s"\n', "oauth2: give this table"),
        (SERVED + SERVER + 'pin = "off"\n', "allowed_tools: with pin"),
        (SERVED + SERVER + 'headers = { Cookie = "a=b" }\n', "headers: 'Cookie' cannot be set"),
        (SERVED + SERVER + 'headers = { Mcp-Session-Id = "a" }\n', "headers: 'Mcp-Session-Id' cannot be set"),
        (SERVED + SERVER.replace('"files"', '"a/b"'), "string should match pattern"),
        (SERVED + SERVER.replace("https://", "https://user@"), "without user, query or fragment"),
        (
            SERVED + SERVER.replace("https", "http") + 'auth = "bearer"\nsecret = "s"\n',
            "a secret is not sent over plain http",
        ),
        (
            SERVED + SERVER + 'auth = "oauth2"\nsecret = "s"\n'
            'oauth2 = { token_url = "http://idp.example.com/token", client_id = "c" }\n',
            "oauth2.token_url: a secret is not sent over plain http",
        ),
        (
            SERVED + SERVER + 'arguments = [{ tools = ["*"], fits = { format = "email" } }]\n',
            "the keyword 'format' is not one of",
        ),
        (SERVED + SERVER + SERVER, "'files' is there twice"),
        ('[deployment.mcp]\norigins = ["*"]\n', "string should match pattern"),
        (SERVED + SERVER + WHO + '[[grant]]\norganisations = ["acme"]\nmcp_servers = ["fils"]\n', "'files'?"),
        (WHO + '[[grant]]\norganisations = ["acme"]\n', "give `models`, `mcp_servers` or `routes`"),
        (
            WHO + '[[grant]]\norganisations = ["acme"]\nmodels = ["m"]\nblocked_tools = ["x"]\n',
            "are for the tools of `mcp_servers`",
        ),
    ],
)
def test_what_would_be_open_or_mean_nothing_is_refused(text: str, words: str) -> None:
    assert words in said(text)


def test_a_server_is_applied_with_the_tools_that_were_approved(tmp_path: Path) -> None:
    tool = {"name": "read", "description": "Reads."}
    write_lock(lock_path(tmp_path / "gateway.toml"), {"files": {"read": tool}})
    source = files.source(SERVED + SERVER, tmp_path)
    document = applied_documents(source.file, approved_tools(source))["mcp_server#files"]
    assert document["url"] == "https://mcp.example.com/mcp"
    assert document["pins"] == {"read": tool_digest(tool)}


def test_grants_of_one_server_stay_apart() -> None:
    grants = "".join(
        f'[[grant]]\norganisations = ["acme"]\nmcp_servers = ["files"]\n{tools}\n'
        for tools in ('allowed_tools = ["read_*"]', 'blocked_tools = ["delete_*"]')
    )
    found = applied_documents(files.source(SERVED + SERVER + WHO + grants).file)
    assert found["grants#organisation#acme"] == {
        "models": [],
        "mcp_servers": [
            {"server": "files", "allowed_tools": ["read_*"], "blocked_tools": []},
            {"server": "files", "allowed_tools": None, "blocked_tools": ["delete_*"]},
        ],
        "routes": [],
    }


def test_a_deployment_serves_mcp_only_when_it_says_so(tmp_path: Path) -> None:
    assert files.compiled("", tmp_path).snapshot.mcp_origins is None
    text = '[deployment.mcp]\norigins = ["https://app.example.com"]\n'
    assert files.compiled(text, tmp_path).snapshot.mcp_origins == ("https://app.example.com",)


def test_who_has_no_grant_for_a_server_is_told(tmp_path: Path) -> None:
    assert "nobody is granted MCP server 'files'." in files.compiled(SERVED + SERVER, tmp_path).warnings
