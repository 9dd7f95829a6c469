"""Servers are granted by name, to the key or whom it belongs to; what is not known is not found."""

from __future__ import annotations

from typing import Any

from penstock.adapters.control import Change
from penstock.adapters.keys import grants_key
from penstock.configuration.applied import applied_documents
from penstock.configuration.model import GatewayFile
from penstock.governance.denied import Denied
from penstock.governance.mcp_access import McpAccess, McpServer
from penstock.governance.principal import Principal
from tests.governance.directories import World

APP = Principal("acme", "app", "red", "ann")
SERVER: dict[str, Any] = {
    "id": "files",
    "url": "https://mcp.example.com/mcp/",
    "auth": "oauth2",
    "secret": "mcp/files",
    "oauth2": {"token_url": "https://idp.example.com/token", "client_id": "gw", "scope": "read"},
    "blocked_tools": ["delete"],
    "arguments": [{"tools": ["*"], "fits": {"required": ["q"]}}],
    "listen": True,
    "max_result_bytes": 2048,
}


def world(*grants: tuple[str, str, dict[str, Any]]) -> World:
    made = World()
    documents = applied_documents(
        GatewayFile.model_validate({"mcp_server": [SERVER]}), {"files": {"read": "sha256:1"}}
    )
    made.store.write([Change(key, document) for key, document in documents.items()])
    for kind, name, tools in grants:
        item = {"server": "files", "allowed_tools": None, "blocked_tools": [], **tools}
        made.store.write([Change(grants_key(kind, name), {"models": [], "mcp_servers": [item]})])
    return made


def asked(made: World, name: str = "files", who: Principal = APP) -> McpServer | Denied:
    return McpAccess(made.directory()).server(who, name)


def code(found: McpServer | Denied) -> tuple[int, str]:
    assert isinstance(found, Denied)
    return found.denial.status, found.denial.code


def test_a_granted_server_comes_with_all_that_is_needed_to_call_it() -> None:
    found = asked(world(("team", "red", {})))
    assert isinstance(found, McpServer)
    assert found.target.base_url == "https://mcp.example.com/mcp/"
    assert found.target.max_response_bytes == 2048
    assert found.auth.oauth2 is not None
    assert (found.auth.secret, found.auth.oauth2.scope) == ("mcp/files", "read")
    assert found.listen
    assert found.tools.refusal("read") is None
    assert found.tools.refusal("Delete") == "blocked"
    assert found.tools.violation("read", {}) == "arguments.q"


def test_nothing_is_granted_by_itself() -> None:
    assert code(asked(world())) == (403, "mcp_not_allowed")
    assert code(asked(world(("team", "blue", {})))) == (403, "mcp_not_allowed")


def test_a_name_that_no_server_can_have_is_not_looked_up() -> None:
    made = world(("team", "red", {}))
    for name in ("other", "../files", "Files", "a" * 65, ""):
        assert code(asked(made, name)) == (404, "mcp_server_not_found")
    assert not [key for read in made.store.reads for key in read if ".." in key]


def test_the_grants_of_key_user_team_and_organisation_add_up_and_their_blocks_too() -> None:
    made = world(
        ("api_key", "app", {"allowed_tools": ["read"]}),
        ("organisation", "acme", {"blocked_tools": ["read"]}),
    )
    found = asked(made)
    assert isinstance(found, McpServer)
    assert found.tools.refusal("read") == "blocked"


def test_two_keys_of_one_server_do_not_share_their_grants() -> None:
    made = world(("api_key", "app", {"allowed_tools": ["read"]}), ("api_key", "more", {"allowed_tools": []}))
    access = McpAccess(made.directory())
    first, second = (access.server(Principal("acme", name), "files") for name in ("app", "more"))
    assert isinstance(first, McpServer)
    assert isinstance(second, McpServer)
    assert (first.tools.refusal("read"), second.tools.refusal("read")) == (None, "not_granted")
    assert first.target is second.target
