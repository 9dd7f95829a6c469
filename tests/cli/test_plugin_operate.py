from __future__ import annotations

import pytest

from penstock.gates.placement import Mode
from penstock.governance.access import Access
from penstock.governance.directory import Directory
from tests.cli.gateways import APPLIED, Gateway
from tests.configuration import files

OTHER = '[[model]]\nid = "other"\nprovider = "echo"\n'


def test_explain_tells_what_would_run_and_why_the_rest_would_not(applied: Gateway) -> None:
    scoped = files.STANZA + 'scope = { model = ["other"] }\n' + files.GRANT + OTHER
    words = ("plugin", "explain", "--key", "app", "--model", "gpt")
    found = applied.json(*words)
    assert found["granted"] is True
    assert [(row["plugin"], row["runs"], row["mode"]) for row in found["placements"]] == [
        ("guard", "yes", "enforce"),
        ("export", "yes", "enforce"),
    ]
    assert found["placements"][0]["effects"] == ["block"]
    assert found["placements"][0]["stream"] == ""
    applied.deploy(scoped + APPLIED)
    (row,) = applied.json(*words)["placements"]
    assert (row["runs"], row["why"]) == ("no", "its scope does not admit model 'gpt'")
    assert "its scope" in applied.run(*words).out


def test_explain_is_of_the_first_route_that_generates_unless_told_another(applied: Gateway) -> None:
    words = ("plugin", "explain", "--key", "app", "--model", "gpt")
    scoped = (
        files.STANZA + 'scope = { dialect = ["openai"], route = ["/v1/chat/completions"] }\n' + files.GRANT
    )
    applied.deploy(scoped + APPLIED)
    (default,) = applied.json(*words)["placements"]
    (named,) = applied.json(*words, "--route", "/v1/chat/completions")["placements"]
    assert default == named
    assert default["runs"] == "yes"
    refused = applied.run(*words, "--route", "/v1/chat/completion")
    assert refused.status == 2
    assert "Did you mean '/v1/chat/completions'?" in refused.err


def test_explain_says_when_the_request_would_be_refused_before(applied: Gateway) -> None:
    applied.json("keys", "create", "bare", "--organisation", "acme")
    found = applied.run("plugin", "explain", "--key", "bare", "--model", "gpt")
    assert "bare has no grant for gpt" in found.out


SERVER = """
[[mcp_server]]
id = "files"
url = "http://127.0.0.1:1/mcp"
pin = "off"
allowed_tools = ["read"]
blocked_tools = ["delete"]
[[grant]]
teams = ["red"]
mcp_servers = ["files"]
"""


def test_explain_is_of_an_mcp_server_and_its_tools_too(gateway: Gateway) -> None:
    elsewhere = 'scope = { except = [{ dialect = ["mcp"], route = ["/mcp/{server}"] }] }\n'
    gateway.deploy("[deployment.mcp]\n" + files.STANZA + elsewhere + files.GRANT + APPLIED + SERVER)
    assert gateway.run("apply", str(gateway.file)).status == 0
    gateway.json("keys", "create", "app", "--organisation", "acme", "--team", "red")
    words = ("plugin", "explain", "--key", "app", "--mcp-server", "files")
    found = gateway.json(*words, "--tool", "read")
    assert found["granted"] is True
    (row,) = found["placements"]
    assert (row["runs"], "scope" in row["why"]) == ("no", True)
    for tool, why in (("delete", "delete is blocked"), ("write", "write is not allowed")):
        assert gateway.json(*words, "--tool", tool)["granted"] is False
        assert why in gateway.run(*words, "--tool", tool).out
    gateway.json("keys", "create", "bare", "--organisation", "acme")
    bare = gateway.run("plugin", "explain", "--key", "bare", "--mcp-server", "files")
    assert "bare has no grant for files" in bare.out
    both = gateway.run("plugin", "explain", "--key", "app", "--model", "gpt", "--tool", "read")
    assert "Give --mcp-server." in both.err


def test_explain_refuses_a_tenant_that_the_key_does_not_have(applied: Gateway) -> None:
    found = applied.run("plugin", "explain", "--key", "app", "--model", "gpt", "--tenant", "t1")
    assert found.status == 2
    assert "may not act for tenant 't1'" in found.err


def test_an_override_is_in_force_recorded_and_taken_back(gateway: Gateway) -> None:
    gateway.json("plugin", "override", "guard", "--kill", "--reason", "outage 7")
    (killed,) = Access(Directory(gateway.control)).overrides().by_plugin.values()
    assert killed.killed
    (log,) = (entry.document for _, entry in gateway.control.list("override_log#"))
    assert (log["plugin"], log["why"], log["after"]) == ("guard", "outage 7", {"killed": True})
    assert log["who"]
    assert gateway.json("plugin", "override", "guard", "--clear")["override"] == "none"
    assert Access(Directory(gateway.control)).overrides().by_plugin == {}


def test_an_override_may_narrow_a_scope(gateway: Gateway) -> None:
    gateway.json("plugin", "override", "guard", "--scope", "team=red,b*", "--scope", "model=gpt")
    found = Access(Directory(gateway.control)).overrides().by_plugin["guard"].scope
    assert found is not None
    assert found.misses({"team": "blue", "model": "gpt"}) is None
    assert found.misses({"team": "green", "model": "gpt"}) == "team"


def test_an_override_never_exceeds_what_is_deployed(gateway: Gateway) -> None:
    gateway.deploy(files.STANZA + 'mode = "shadow"\n' + files.GRANT)
    found = gateway.run("plugin", "override", "guard", "--mode", "enforce")
    assert found.status == 2
    assert "is deployed as 'shadow'" in found.err


def test_what_is_required_is_lowered_by_break_glass_alone(gateway: Gateway) -> None:
    gateway.deploy(files.STANZA + "required = true\n" + files.GRANT)
    refused = gateway.run("plugin", "override", "guard", "--mode", "off")
    assert refused.status == 2
    assert "--break-glass" in refused.err
    assert gateway.run("plugin", "override", "guard", "--mode", "off", "--break-glass", "").status == 2
    gateway.json("plugin", "override", "guard", "--mode", "off", "--break-glass", "outage 7")
    found = Access(Directory(gateway.control)).overrides().by_plugin["guard"]
    assert (found.mode, found.break_glass) == (Mode.OFF, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("override", "gaurd", "--kill"), "is not deployed. Did you mean 'guard'?"),
        (("override", "guard"), "changes nothing"),
        (("override", "guard", "--kill", "--clear"), "not allowed with"),
        (("override", "guard", "--rollout", "200"), "is no number from 0 to 100"),
        (("redrive", "guard"), "has no queue. These have one: export."),
        (("explain", "--key", "nobody", "--model", "gpt"), "'nobody': does not exist"),
    ],
)
def test_a_mistake_is_answered_with_the_remedy(
    gateway: Gateway, words: tuple[str, ...], message: str
) -> None:
    found = gateway.run("plugin", *words)
    assert found.status == 2
    assert message in found.err


def test_dead_letters_are_sent_again(gateway: Gateway) -> None:
    queue = gateway.resources.plugin_queues["export"]
    gateway.queues.send_batch(queue.dead_url, ["one", "two"])
    assert gateway.json("plugin", "redrive", "export") == {"plugin": "export", "sent_again": 2}
    assert {message.body for message in gateway.queues.receive(queue.url)} == {"one", "two"}
