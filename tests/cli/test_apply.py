from __future__ import annotations

import pytest

from tests.cli.gateways import APPLIED, Gateway, deployed, on_stack


def test_apply_makes_the_table_what_the_file_says_and_a_second_run_does_nothing(gateway: Gateway) -> None:
    first = gateway.run("apply", str(gateway.file))
    assert first.status == 0
    assert all(name in first.out for name in ("acme", "red", "gpt", "team#red", "models: gpt", "Applied"))
    assert gateway.run("apply", str(gateway.file)).out == "Nothing to do: everything is as the file says.\n"


def test_a_dry_run_shows_everything_and_changes_nothing(gateway: Gateway) -> None:
    found = gateway.json("apply", str(gateway.file), "--dry-run")
    assert found["applied"] is False
    assert {(d["action"], d["kind"], d["name"]) for d in found["differences"]} == {
        ("add", "organisation", "acme"),
        ("add", "team", "red"),
        ("add", "model", "gpt"),
        ("add", "grants", "team#red"),
    }
    assert list(gateway.control.list("")) == []


def test_a_change_is_shown_with_old_and_new_value(applied: Gateway) -> None:
    applied.file.write_text(APPLIED + 'api_keys = ["app"]\n' + '[[organisation]]\nid = "new"\n')
    applied.file.write_text(APPLIED.replace('id = "gpt"\n', 'id = "gpt"\nupstream_model = "gpt-2"\n'))
    assert 'upstream_model: "gpt" → "gpt-2"' in applied.run("apply", str(applied.file)).out


def test_what_is_gone_is_shown_and_removed(applied: Gateway) -> None:
    applied.file.write_text(APPLIED.partition("[[provider]]")[0])
    found = applied.json("apply", str(applied.file))
    assert [(d["action"], d["kind"]) for d in found["differences"]] == [
        ("remove", "grants"),
        ("remove", "model"),
    ]
    assert dict(applied.control.list("model#")) == {}


def test_an_unknown_name_is_refused_and_nothing_is_applied(gateway: Gateway) -> None:
    gateway.file.write_text(APPLIED.replace('teams = ["red"]', 'teams = ["rad"]'))
    found = gateway.run("apply", str(gateway.file))
    assert found.status == 2
    assert "there is no team 'rad'. Did you mean 'red'?" in found.err
    assert list(gateway.control.list("")) == []


def test_a_team_with_a_working_key_is_not_removed(applied: Gateway) -> None:
    applied.file.write_text('[[organisation]]\nid = "acme"\n')
    found = applied.run("apply", str(applied.file))
    assert found.status == 2
    assert "penstock keys revoke app" in found.err
    assert dict(applied.control.list("team#"))


def test_a_grant_to_a_key_that_does_not_exist_yet_is_noted(gateway: Gateway) -> None:
    gateway.file.write_text(APPLIED + '[[grant]]\napi_keys = ["later"]\nmodels = ["gpt"]\n')
    found = gateway.run("apply", str(gateway.file))
    assert found.status == 0
    assert "note: a grant names the API key 'later', which does not exist yet" in found.err


def test_the_local_echo_provider_is_where_it_listens_now(gateway: Gateway) -> None:
    gateway.json("apply", str(gateway.file))
    model = gateway.control.get(["model#gpt"])["model#gpt"].document
    assert model["target"]["base_url"] == "http://127.0.0.1:4711/v1"


def test_a_file_that_is_not_there_is_a_mistake_and_no_crash(gateway: Gateway) -> None:
    found = gateway.run("apply", str(gateway.folder / "none.toml"))
    assert found.status == 2
    assert "none.toml: cannot be read" in found.err


SECRET = """
[[provider]]
id = "other"
base_url = "https://api.example.com/v1"
secret = "{}"
"""


@pytest.mark.parametrize("name", ["test/upstreams/other", "told/at-deployment"])
def test_a_secret_that_the_deployed_gateway_may_read_is_applied_at_once(gateway: Gateway, name: str) -> None:
    deployed(gateway, UpstreamSecrets="told/at-deployment,told/too")
    gateway.file.write_text(gateway.file.read_text() + SECRET.format(name))
    assert on_stack(gateway, "apply", str(gateway.file)).status == 0


def test_a_secret_that_the_deployed_gateway_may_not_read_is_refused_with_the_remedy(gateway: Gateway) -> None:
    deployed(gateway)
    gateway.file.write_text(gateway.file.read_text() + SECRET.format("team/other"))
    answer = on_stack(gateway, "apply", str(gateway.file))
    assert answer.status == 2
    assert "may not read the secret 'team/other'. Name it test/upstreams/" in answer.err
    assert list(gateway.control.list("")) == []


def test_the_local_gateway_reads_any_secret(gateway: Gateway) -> None:
    gateway.file.write_text(gateway.file.read_text() + SECRET.format("team/other"))
    assert gateway.run("apply", str(gateway.file)).status == 0


def test_the_file_of_another_deployment_is_not_applied_to_a_stack(gateway: Gateway) -> None:
    deployed(gateway)
    assert on_stack(gateway, "apply", str(gateway.file)).status == 0
    before = list(gateway.control.list(""))
    gateway.file.write_text('[deployment]\nname = "staging"\n')
    answer = on_stack(gateway, "apply", str(gateway.file))
    assert answer.status == 2
    assert "is 'staging', and --stack names 'test'" in answer.err
    assert list(gateway.control.list("")) == before
    assert gateway.run("apply", str(gateway.file)).status == 0  # on the local gateway any file may be tried
