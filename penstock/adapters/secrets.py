"""Secrets Manager: values by name or ARN, kept for five minutes."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from penstock.adapters.clients import Clients
from penstock.adapters.failures import error_code, mapped
from penstock.errors import ConfigurationError, StorageError
from penstock.evidence.digests import DigestKey

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters import SecretsProvider

# A rotated secret is in use everywhere after this; who is refused by its receiver asks again with `fresh`.
MAX_AGE_S = 300
KEY_BYTES = 32


class Secrets(Protocol):
    """Raises StorageError when the store does not answer, ConfigurationError when there is no such secret."""

    def get(self, name: str, *, fresh: bool = False) -> str:
        """The value of a secret, by name or ARN; at most five minutes old, or read now when `fresh`."""


class SecretsManager:
    """Secrets in AWS, through Powertools' Parameters and its cache."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._provider: SecretsProvider | None = None

    def get(self, name: str, *, fresh: bool = False) -> str:
        from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
        from botocore.exceptions import ClientError

        with mapped("read a secret"):
            provider = self._made()
            try:
                value = provider.get(name, max_age=MAX_AGE_S, force_fetch=fresh)
            except GetParameterError as error:
                cause = error.__cause__ or error.__context__
                if isinstance(cause, ClientError) and error_code(cause) == "ResourceNotFoundException":
                    raise _missing(name) from error
                raise StorageError("read a secret") from error
        if not isinstance(value, str):
            raise ConfigurationError(f"secret {name!r}", "holds bytes.", "Store it as text.")
        return value

    def _made(self) -> SecretsProvider:
        if self._provider is None:
            from aws_lambda_powertools.utilities.parameters import SecretsProvider

            self._provider = SecretsProvider(boto3_client=self._clients.secretsmanager)
        return self._provider


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
