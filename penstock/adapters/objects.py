"""S3: evidence is written once and never overwritten."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Protocol

from penstock.adapters.clients import Clients
from penstock.adapters.failures import error_code, mapped
from penstock.errors import StorageError


class PutOnce(Enum):
    """What `put_once` found."""

    STORED = "stored"
    SAME_ALREADY = "same_already"
    DIFFERENT = "different"


class Objects(Protocol):
    """One bucket. Raises StorageError when S3 does not answer, ConfigurationError when there is no bucket."""

    def put_once(self, key: str, body: bytes) -> PutOnce:
        """Store `body` unless there is something at `key`, which is then compared. Atomic: the first wins."""

    def get(self, key: str) -> bytes | None:
        """The object, None when there is none."""

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[str]:
        """Keys that begin with `prefix`, in order, from after `start_after`; read page by page."""

    def folders(self, prefix: str) -> Iterator[str]:
        """The distinct continuations of `prefix` up to and including the next `/`."""


class S3Objects:
    """A bucket in S3."""

    def __init__(self, clients: Clients, bucket: str) -> None:
        self._clients = clients
        self._bucket = bucket

    def put_once(self, key: str, body: bytes) -> PutOnce:
        # 409: another conditional write was under way and "you can retry" (S3, "Conditional writes").
        for _ in range(3):
            if self._put_new(key, body):
                return PutOnce.STORED
            there = self.get(key)
            if there is not None:
                return PutOnce.SAME_ALREADY if there == body else PutOnce.DIFFERENT
        raise StorageError("store an object")

    def get(self, key: str) -> bytes | None:
        from botocore.exceptions import ClientError

        with mapped("read an object"):
            try:
                answer = self._clients.s3.get_object(Bucket=self._bucket, Key=key)
                return answer["Body"].read()
            except ClientError as error:
                if error_code(error) != "NoSuchKey":
                    raise
                return None

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[str]:
        with mapped("list objects"):
            pages = self._clients.s3.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=prefix, StartAfter=start_after
            )
            for page in pages:
                yield from (item["Key"] for item in page.get("Contents", []))

    def folders(self, prefix: str) -> Iterator[str]:
        with mapped("list objects"):
            pages = self._clients.s3.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=prefix, Delimiter="/"
            )
            for page in pages:
                yield from (item["Prefix"] for item in page.get("CommonPrefixes", []))

    def _put_new(self, key: str, body: bytes) -> bool:
        from botocore.exceptions import ClientError

        with mapped("store an object"):
            try:
                self._clients.s3.put_object(Bucket=self._bucket, Key=key, Body=body, IfNoneMatch="*")
            except ClientError as error:
                if error_code(error) not in {"PreconditionFailed", "ConditionalRequestConflict"}:
                    raise
                return False
        return True


class MemoryObjects:
    """A bucket in memory, for tests."""

    def __init__(self) -> None:
        self._bodies: dict[str, bytes] = {}

    def put_once(self, key: str, body: bytes) -> PutOnce:
        if key not in self._bodies:
            self._bodies[key] = body
            return PutOnce.STORED
        return PutOnce.SAME_ALREADY if self._bodies[key] == body else PutOnce.DIFFERENT

    def get(self, key: str) -> bytes | None:
        return self._bodies.get(key)

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[str]:
        yield from (key for key in sorted(self._bodies) if key.startswith(prefix) and key > start_after)

    def folders(self, prefix: str) -> Iterator[str]:
        inside = (key[len(prefix) :] for key in sorted(self._bodies) if key.startswith(prefix))
        yield from dict.fromkeys(prefix + rest.partition("/")[0] + "/" for rest in inside if "/" in rest)
