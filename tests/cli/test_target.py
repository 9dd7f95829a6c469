from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from penstock.adapters.clients import Endpoint
from penstock.adapters.objects import PutOnce
from penstock.cli.target import find_target
from penstock.errors import ConfigurationError
from tests.cli.gateways import Gateway


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
