from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from penstock.adapters.clients import Endpoint
from penstock.adapters.objects import PutOnce
from penstock.cli.target import find_target
from penstock.errors import ConfigurationError
from tests.cli.gateways import Gateway, deployed, on_stack


def test_a_target_reaches_everything_of_its_gateway(gateway: Gateway) -> None:
    target = find_target(argparse.Namespace(folder=gateway.folder))
    assert target.resources == gateway.resources
    assert list(target.control.list("")) == []
    assert target.objects.put_once("a", b"") is PutOnce.STORED
    assert target.queues.receive(target.resources.outbox.url) == []
    assert target.secrets.get(target.resources.evidence_key_secret)
    assert set(target.snapshot.plugins) == {"guard", "export"}
    assert target.endpoint == Endpoint("eu-central-1", None, "testing", "testing")
    assert target.echo_url == "http://127.0.0.1:4711"


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"region": 1}', "\x00"])
def test_a_file_that_is_not_ours_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "local.json").write_text(text)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        find_target(argparse.Namespace(folder=tmp_path))


def test_a_deployed_gateway_is_found_by_its_name(gateway: Gateway) -> None:
    deployed(gateway)
    target = find_target(argparse.Namespace(stack="test", region=None, profile=None))
    made = gateway.resources
    assert target.resources.control_table == made.control_table
    assert target.resources.evidence_bucket == made.evidence_bucket
    assert target.resources.outbox == made.outbox
    assert dict(target.resources.plugin_queues) == made.plugin_queues
    assert len(target.resources.plugin_queues) == 1
    assert set(target.snapshot.plugins) == {"guard", "export"}
    assert target.endpoint.access_key_id is None, "the operator's own credentials are used"
    assert target.echo_url is None


def test_every_command_works_on_a_deployed_gateway(gateway: Gateway) -> None:
    deployed(gateway)
    assert on_stack(gateway, "apply", str(gateway.file)).status == 0
    made = on_stack(gateway, "keys", "create", "app", "--organisation", "acme", "--team", "red", "--json")
    assert made.json["secret"].startswith("pk_")
    assert "guard" in on_stack(gateway, "plugin", "list").out
    explained = on_stack(gateway, "plugin", "explain", "--key", "app", "--model", "gpt")
    assert (explained.status, explained.err) == (0, "")
    assert on_stack(gateway, "plugin", "redrive", "export").status == 0
    assert on_stack(gateway, "evidence", "redrive").status == 0
    assert on_stack(gateway, "evidence", "tail").status == 0
    assert "Nothing has been sealed yet" in on_stack(gateway, "evidence", "verify").out


def test_a_deployment_that_is_not_there_is_said_to_be_missing(gateway: Gateway) -> None:
    answer = on_stack(gateway, "keys", "list")
    assert answer.status == 2
    assert "'test-data' is" not in answer.out
    assert "is not in this account and region" in answer.err


@pytest.mark.parametrize(("region", "profile"), [("eu-central-1", None), (None, "production")])
def test_an_account_without_a_deployment_is_never_the_local_gateway(
    gateway: Gateway, region: str | None, profile: str | None
) -> None:
    asked = argparse.Namespace(folder=gateway.folder, stack=None, region=region, profile=profile)
    with pytest.raises(ConfigurationError, match=r"is of a deployed gateway.*--stack"):
        find_target(asked)


def test_a_stack_of_another_version_is_to_be_deployed_again(gateway: Gateway) -> None:
    deployed(gateway)
    gateway.stacks.outputs["test-data"].clear()
    assert "Deploy it again." in on_stack(gateway, "keys", "list").err
