from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from penstock.adapters.clients import Clients
from penstock.adapters.exports import TRIES, S3Exports
from penstock.adapters.provision import create_bucket
from penstock.errors import ConfigurationError, StorageError

BUCKET = "test-exports"


def exports(clients: Clients, name: str = "warehouse-export") -> S3Exports:
    create_bucket(clients, BUCKET, locked=False)
    return S3Exports(clients, BUCKET, name)


def body(clients: Clients, key: str) -> bytes:
    return clients.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()


def test_an_object_lies_below_the_plugin_s_name_and_stays_as_it_was(clients: Clients) -> None:
    ours = exports(clients)
    assert ours.put("dt=2026-11-22/a.json.gz", b"first")
    assert not ours.put("dt=2026-11-22/a.json.gz", b"second")
    assert body(clients, "warehouse-export/dt=2026-11-22/a.json.gz") == b"first"
    assert exports(clients, "another").put("dt=2026-11-22/a.json.gz", b"third")


def test_no_key_leads_out_of_it(clients: Clients) -> None:
    with pytest.raises(ValueError, match="a key has"):
        exports(clients).put("../another/a", b"")


def test_a_bucket_that_is_not_there_says_what_to_do(clients: Clients) -> None:
    with pytest.raises(ConfigurationError, match="Deploy it"):
        S3Exports(clients, "nowhere", "warehouse-export").put("a", b"")


def test_a_bucket_that_does_not_answer_is_a_failure_that_may_pass(
    broken: Callable[[str, Exception], Clients],
) -> None:
    silent = broken("s3", ReadTimeoutError(endpoint_url="x"))
    with pytest.raises(StorageError):
        S3Exports(silent, BUCKET, "warehouse-export").put("a", b"")


class Busy:
    """Answers as S3 does while another write of the same key is under way."""

    def __init__(self, times: int) -> None:
        self.times, self.asked = times, 0

    def put_object(self, **_: Any) -> None:
        self.asked += 1
        if self.asked <= self.times:
            raise ClientError({"Error": {"Code": "ConditionalRequestConflict"}}, "PutObject")


@pytest.mark.parametrize(("times", "is_stored"), [(1, True), (TRIES, False)])
def test_a_write_in_another_s_way_is_tried_again_a_few_times(
    clients: Clients, times: int, is_stored: bool
) -> None:
    busy = clients._made["s3"] = Busy(times)
    if is_stored:
        assert S3Exports(clients, BUCKET, "warehouse-export").put("a", b"")
    else:
        with pytest.raises(StorageError):
            S3Exports(clients, BUCKET, "warehouse-export").put("a", b"")
    assert busy.asked == min(times + 1, TRIES)
