from __future__ import annotations

import pickle
import threading
from pathlib import Path

import pytest
from moto import backends, mock_aws

from penstock.adapters.clients import Clients
from penstock.dev import aws_process


@mock_aws
def test_a_dumped_state_loads_into_empty_backends() -> None:
    clients = Clients()
    clients.sqs.create_queue(QueueName="outbox")
    content = aws_process.dump_state()
    clients.sqs.delete_queue(QueueUrl=clients.sqs.get_queue_url(QueueName="outbox")["QueueUrl"])
    assert aws_process.load_state(content)
    assert clients.sqs.list_queues()["QueueUrls"][0].endswith("/outbox")


def test_a_state_of_another_version_is_not_even_unpickled() -> None:
    content = pickle.dumps((("penstock.state/1", "0.0.1", "3.11.0"), b"would raise if it were read"))
    assert not aws_process.load_state(content)


def test_a_lock_is_pickled_as_a_free_one() -> None:
    lock = threading.Lock()
    with lock:
        copy = pickle.loads(aws_process._pickled({"lock": lock, "condition": threading.Condition()}))
    assert copy["lock"].acquire(blocking=False)
    with copy["condition"]:
        pass


@mock_aws
def test_saving_replaces_the_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "aws.state"
    aws_process.save(path)
    before = path.read_bytes()

    def fail() -> bytes:
        raise MemoryError

    monkeypatch.setattr(aws_process, "dump_state", fail)
    with pytest.raises(MemoryError):
        aws_process.save(path)
    assert path.read_bytes() == before


def test_the_names_of_motos_modules_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    names = list(backends.list_of_moto_modules())
    monkeypatch.setattr(backends, "list_of_moto_modules", backends.list_of_moto_modules)  # to put it back
    aws_process.read_modules_once()
    monkeypatch.setattr(backends, "os", None)
    assert list(backends.list_of_moto_modules()) == names
    assert "sqs" in names
