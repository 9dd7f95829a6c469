from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from penstock.adapters.clients import Clients, Endpoint
from penstock.dev.gateway import LocalGateway
from penstock.errors import ConfigurationError
from tests.dev.conftest import ROOT
from tests.dev.local_gateway import sample_gateway
from tests.dev.test_processes import eventually


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gateway") / ".penstock"


@pytest.fixture(scope="module")
def gateway(folder: Path) -> Iterator[LocalGateway]:
    with sample_gateway(folder, sweep_every_s=0.5, seal_every_s=0.5) as gateway:
        yield gateway


@pytest.fixture
def clients(gateway: LocalGateway) -> Clients:
    return Clients(Endpoint("eu-central-1", gateway.aws_url, "local", "local"))


def consumed(folder: Path) -> list[str]:
    path = folder / "consumed"
    return path.read_text().splitlines() if path.exists() else []


def test_a_request_goes_through_the_front_into_the_function(gateway: LocalGateway) -> None:
    assert httpx.get(f"{gateway.address}/v1/models", timeout=30).json()["path"] == "/v1/models"


def test_its_route_streams_as_it_does_in_a_deployment(gateway: LocalGateway) -> None:
    response = httpx.get(f"{gateway.address}/v1/models", timeout=30)
    assert response.headers["transfer-encoding"] == "chunked"
    assert response.headers.get_list("x-twice") == ["1", "2"]


def test_what_is_put_into_the_outbox_reaches_the_recorder(
    gateway: LocalGateway, clients: Clients, folder: Path
) -> None:
    clients.sqs.send_message(QueueUrl=gateway.prepared.resources.outbox.url, MessageBody="an outcome")
    assert eventually(lambda: "an outcome" in consumed(folder))


def test_what_a_background_plugin_refuses_is_tried_again(
    gateway: LocalGateway, clients: Clients, folder: Path
) -> None:
    queue = gateway.prepared.resources.plugin_queues["one"]
    clients.sqs.send_message(QueueUrl=queue.url, MessageBody="bad")
    assert eventually(lambda: consumed(folder).count("bad") >= 2)


def test_a_background_plugin_gets_its_messages_one_by_one(
    gateway: LocalGateway, clients: Clients, folder: Path
) -> None:
    queue = gateway.prepared.resources.plugin_queues["one"]
    entries = [{"Id": str(number), "MessageBody": "batched"} for number in range(10)]
    clients.sqs.send_message_batch(QueueUrl=queue.url, Entries=entries)  # type: ignore[arg-type]  # as boto3 takes it
    assert eventually(lambda: sum(line.startswith("batched") for line in consumed(folder)) == 10)
    assert {line for line in consumed(folder) if line.startswith("batched")} == {"batched 1"}


def test_the_sweeper_runs_by_itself(gateway: LocalGateway, folder: Path) -> None:
    assert eventually(lambda: "Scheduled Event" in consumed(folder))


def test_the_sealer_runs_by_itself(gateway: LocalGateway, folder: Path) -> None:
    assert eventually(lambda: "sealing, aws.events" in consumed(folder))


def test_the_command_line_is_told_where_everything_is(gateway: LocalGateway, folder: Path) -> None:
    target = json.loads((folder / "local.json").read_text())
    assert target["address"] == gateway.address
    assert target["endpoint_url"] == gateway.aws_url
    assert target["resources"]["evidence_bucket"] == "sample-evidence"
    assert (folder / "local.json").stat().st_mode & 0o777 == 0o600


def test_a_second_gateway_in_the_same_folder_is_refused(gateway: LocalGateway, folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="another `penstock dev`"), sample_gateway(folder):
        pass


def test_a_taken_port_is_named_before_anything_is_started(gateway: LocalGateway, tmp_path: Path) -> None:
    port = int(gateway.address.rpartition(":")[2])
    with (
        pytest.raises(ConfigurationError, match=f"port {port}"),
        sample_gateway(tmp_path / "other", port=port),
    ):
        pass
    assert list((tmp_path / "other" / "logs").iterdir()) == []


def processes_of(folder: Path) -> set[int]:
    """Every process that has the folder on its command line, in its environment or among its files."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                traces = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                traces += b"".join(bytes(link.readlink()) for link in (entry / "fd").iterdir())
            except OSError:
                continue
            if str(folder).encode() in traces:
                found.add(int(entry.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_however_the_gateway_ends(tmp_path: Path, how: signal.Signals) -> None:
    folder = tmp_path / ".penstock"
    with subprocess.Popen(
        [sys.executable, "-m", "tests.dev.local_gateway", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
    ) as program:
        assert program.stdout is not None
        address = next(line.split()[1] for line in program.stdout if line.startswith("  address "))
        assert httpx.get(address, timeout=30).status_code == 200
        assert len(processes_of(folder)) >= 4  # itself, AWS, the echo upstream, environments
        program.send_signal(how)
        assert program.wait(30) == (-how if how is signal.SIGKILL else 0)
    assert eventually(lambda: not processes_of(folder))
    kept = {"state", "logs", "lock"} | ({"local.json"} if how is signal.SIGKILL else set())
    assert {path.name for path in folder.iterdir()} <= kept
    assert (folder / "state" / "aws.state").exists()
