"""Secrets Manager: values by name or ARN, kept for five minutes."""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from penstock.adapters.clients import Clients
from penstock.adapters.failures import error_code, mapped
from penstock.errors import ConfigurationError
from penstock.evidence.digests import DigestKey

# A rotated secret is in use everywhere after this; who is refused by its receiver asks again with `fresh`.
MAX_AGE_S = 300
KEY_BYTES = 32


class Secrets(Protocol):
    """Raises StorageError when the store does not answer, ConfigurationError when there is no such secret."""

    def get(self, name: str, *, fresh: bool = False) -> str:
        """The value of a secret, by name or ARN; at most five minutes old, or read now when `fresh`."""


class SecretsManager:
    """Secrets in AWS. `clock` in seconds, monotonic."""

    def __init__(self, clients: Clients, clock: Callable[[], float] = time.monotonic) -> None:
        self._clients = clients
        self._clock = clock
        self._known: dict[str, tuple[str, float]] = {}
        """Name → value, and until when it counts. Configuration bounds the names."""

    def get(self, name: str, *, fresh: bool = False) -> str:
        known = self._known.get(name)
        if known is not None and not fresh and self._clock() < known[1]:
            return known[0]
        value = self._read(name)
        self._known[name] = (value, self._clock() + MAX_AGE_S)
        return value

    def _read(self, name: str) -> str:
        from botocore.exceptions import ClientError

        with mapped("read a secret"):
            try:
                value = self._clients.secretsmanager.get_secret_value(SecretId=name).get("SecretString")
            except ClientError as error:
                if error_code(error) == "ResourceNotFoundException":
                    raise _missing(name) from error
                raise
        if value is None:
            raise ConfigurationError(f"secret {name!r}", "holds bytes.", "Store it as text.")
        return value


class MemorySecrets:
    """The same in memory, for tests."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    def get(self, name: str, *, fresh: bool = False) -> str:  # noqa: ARG002 - nothing is kept here
        if name not in self._values:
            raise _missing(name)
        return self._values[name]


def encode_digest_key(key: DigestKey) -> str:
    """The evidence key as its secret holds it: JSON, the key in base64."""
    return json.dumps({"key_id": key.key_id, "key": base64.b64encode(key.key).decode()})


def decode_digest_key(text: str) -> DigestKey:
    """The evidence key in a secret's value. Raises ConfigurationError that holds no part of the value."""
    try:
        fields = json.loads(text)
        key = DigestKey(str(fields["key_id"]), base64.b64decode(fields["key"], validate=True))
    except (ValueError, TypeError, KeyError, binascii.Error):
        raise ConfigurationError("the evidence key", 'is not JSON as {"key_id": …, "key": base64}.') from None
    if len(key.key) < KEY_BYTES:
        raise ConfigurationError(
            "the evidence key", f"is shorter than {KEY_BYTES} bytes.", "Store a longer one."
        )
    return key


def _missing(name: str) -> ConfigurationError:
    return ConfigurationError(f"secret {name!r}", "does not exist.", "Store it in Secrets Manager first.")
