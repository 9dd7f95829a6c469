from __future__ import annotations

from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from penstock.adapters.clients import Clients
from penstock.adapters.objects import MemoryObjects, Objects, PutOnce, S3Objects
from penstock.errors import ConfigurationError, StorageError

BUCKET = "evidence"


@pytest.fixture
def objects(kind: str, clients: Clients) -> Objects:
    if kind == "memory":
        return MemoryObjects()
    clients.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    return S3Objects(clients, BUCKET)


def test_the_first_body_stays_and_every_later_one_is_compared(objects: Objects) -> None:
    assert objects.put_once("a", b"one") is PutOnce.STORED
    assert objects.put_once("a", b"one") is PutOnce.SAME_ALREADY
    assert objects.put_once("a", b"two") is PutOnce.DIFFERENT
    assert objects.get("a") == b"one"


def test_an_absent_object_is_none(objects: Objects) -> None:
    assert objects.get("a") is None


def test_keys_are_listed_in_order_from_where_one_left_off(objects: Objects) -> None:
    for key in ("org=a/2", "org=b/1", "org=a/1", "org=a/3"):
        objects.put_once(key, b"")
    assert list(objects.list("org=a/")) == ["org=a/1", "org=a/2", "org=a/3"]
    assert list(objects.list("org=a/", start_after="org=a/1")) == ["org=a/2", "org=a/3"]
    assert list(objects.list("org=c/")) == []


def test_folders_are_listed_once_each(objects: Objects) -> None:
    for key in ("org=a/dt=1/x", "org=a/dt=1/y", "org=a/dt=2/x", "org=b/dt=1/x", "top"):
        objects.put_once(key, b"")
    assert list(objects.folders("")) == ["org=a/", "org=b/"]
    assert list(objects.folders("org=a/")) == ["org=a/dt=1/", "org=a/dt=2/"]


class Paged:
    """S3 that lists two pages."""

    def get_paginator(self, name: str) -> Paged:
        return self

    def paginate(self, **request: object) -> list[dict[str, object]]:
        return [
            {"Contents": [{"Key": "a"}], "CommonPrefixes": [{"Prefix": "a/"}]},
            {},
            {"Contents": [{"Key": "b"}], "CommonPrefixes": [{"Prefix": "b/"}]},
        ]


def test_every_page_is_read(clients: Clients) -> None:
    clients._made["s3"] = Paged()
    assert list(S3Objects(clients, BUCKET).list("")) == ["a", "b"]
    assert list(S3Objects(clients, BUCKET).folders("")) == ["a/", "b/"]


class Contested:
    """S3 in which another write of the same key is under way, and comes to nothing."""

    def __init__(self) -> None:
        self.puts = 0

    def put_object(self, **request: object) -> None:
        self.puts += 1
        if self.puts == 1:
            raise ClientError({"Error": {"Code": "ConditionalRequestConflict"}}, "PutObject")

    def get_object(self, **request: object) -> None:
        raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")


def test_a_contested_write_is_tried_again(clients: Clients) -> None:
    clients._made["s3"] = contested = Contested()
    assert S3Objects(clients, BUCKET).put_once("a", b"one") is PutOnce.STORED
    assert contested.puts == 2


def test_a_bucket_that_does_not_exist_is_a_configuration_error(clients: Clients) -> None:
    with pytest.raises(ConfigurationError):
        S3Objects(clients, "nowhere").put_once("a", b"one")


def test_a_bucket_that_does_not_answer_is_a_storage_error(
    broken: Callable[[str, Exception], Clients],
) -> None:
    objects = S3Objects(broken("s3", ReadTimeoutError(endpoint_url="x")), BUCKET)
    for call in (
        lambda: objects.put_once("a", b""),
        lambda: objects.get("a"),
        lambda: list(objects.list("a")),
        lambda: list(objects.folders("a")),
    ):
        with pytest.raises(StorageError):
            call()
