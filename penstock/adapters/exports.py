"""Objects in the deployment's exports bucket, below a plugin's own name."""

from __future__ import annotations

from penstock.adapters.clients import Clients
from penstock.adapters.failures import error_code, mapped
from penstock.errors import StorageError
from penstock.sdk.exports import checked_object

# "You can retry": another write of the same key was under way (S3 User Guide, "Conditional writes").
CONFLICT = "ConditionalRequestConflict"
THERE = "PreconditionFailed"
TRIES = 3


class S3Exports:
    """`penstock.sdk.exports.Exports` of the plugin `name`. What is there is never replaced."""

    def __init__(self, clients: Clients, bucket: str, name: str) -> None:
        self._clients = clients
        self._bucket = bucket
        self._folder = f"{name}/"

    def put(self, key: str, body: bytes) -> bool:
        body = checked_object(key, body)
        for _ in range(TRIES):
            said = self._put(self._folder + key, body)
            if said != CONFLICT:
                return said is None
        raise StorageError("store an export")

    def _put(self, key: str, body: bytes) -> str | None:
        """None when it is stored, else why not."""
        from botocore.exceptions import ClientError

        with mapped("store an export"):
            try:
                self._clients.s3.put_object(Bucket=self._bucket, Key=key, Body=body, IfNoneMatch="*")
            except ClientError as error:
                if error_code(error) not in {THERE, CONFLICT}:
                    raise
                return error_code(error)
        return None
