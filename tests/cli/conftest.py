from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws

from penstock.adapters.provision import provision
from penstock.cli.target import Target
from tests.aws_clients import shared_clients
from tests.cli.gateways import APPLIED, BACKGROUND, BACKGROUND_SOURCE, BACKGROUND_STANZA, Gateway
from tests.configuration import files


@pytest.fixture
def gateway(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Gateway]:
    """A gateway with one guard and one background plugin, nothing applied yet."""
    files.plugin(tmp_path)
    files.plugin(tmp_path, BACKGROUND, BACKGROUND_SOURCE, name="export", module="export")
    with mock_aws():
        clients = shared_clients()
        monkeypatch.setattr(Target, "clients", property(lambda _: shared_clients()))
        made = Gateway(tmp_path, clients, provision(clients, "test", plugins=["export"]), capsys)
        made.deploy(files.STANZA + files.GRANT + BACKGROUND_STANZA + APPLIED)
        yield made


@pytest.fixture
def applied(gateway: Gateway) -> Gateway:
    """The same, applied, with the key `app` of team red."""
    assert gateway.run("apply", str(gateway.file)).status == 0
    gateway.json("keys", "create", "app", "--organisation", "acme", "--team", "red")
    return gateway
