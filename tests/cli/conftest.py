from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.gateways import Gateway, running


@pytest.fixture
def gateway(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Gateway]:
    """A gateway to which nothing has been applied yet."""
    with running(tmp_path, capsys, monkeypatch) as made:
        yield made


@pytest.fixture
def applied(gateway: Gateway) -> Gateway:
    """The same, applied, with the key `app` of team red."""
    assert gateway.run("apply", str(gateway.file)).status == 0
    gateway.json("keys", "create", "app", "--organisation", "acme", "--team", "red")
    return gateway
