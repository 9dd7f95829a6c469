from __future__ import annotations

from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from penstock.adapters.clients import Clients
from penstock.adapters.secrets import (
    MemorySecrets,
    Secrets,
    SecretsManager,
    decode_digest_key,
    encode_digest_key,
)
from penstock.errors import ConfigurationError, StorageError
from penstock.evidence.digests import DigestKey


@pytest.fixture
def secrets(kind: str, clients: Clients) -> Secrets:
    if kind == "memory":
        return MemorySecrets({"openai": "sk-1"})
    clients.secretsmanager.create_secret(Name="openai", SecretString="sk-1")
    return SecretsManager(clients)


def test_a_secret_is_read_by_name(secrets: Secrets) -> None:
    assert secrets.get("openai") == "sk-1"


def test_a_secret_that_does_not_exist_is_a_configuration_error_that_names_it(secrets: Secrets) -> None:
    with pytest.raises(ConfigurationError, match="'nothing': does not exist"):
        secrets.get("nothing")


def test_a_secret_is_kept_until_it_is_asked_for_fresh(clients: Clients) -> None:
    arn = clients.secretsmanager.create_secret(Name="openai", SecretString="sk-1")["ARN"]
    secrets = SecretsManager(clients)
    assert secrets.get(arn) == "sk-1"
    clients.secretsmanager.put_secret_value(SecretId="openai", SecretString="sk-2")
    assert secrets.get(arn) == "sk-1"
    assert secrets.get(arn, fresh=True) == "sk-2"
    assert secrets.get(arn) == "sk-2"


def test_a_secret_is_read_again_after_five_minutes_and_not_before(clients: Clients) -> None:
    clients.secretsmanager.create_secret(Name="openai", SecretString="sk-1")
    now = [100.0]
    secrets = SecretsManager(clients, lambda: now[0])
    assert secrets.get("openai") == "sk-1"
    clients.secretsmanager.put_secret_value(SecretId="openai", SecretString="sk-2")
    now[0] = 399.9
    assert secrets.get("openai") == "sk-1"
    now[0] = 400.0
    assert secrets.get("openai") == "sk-2"


@pytest.mark.parametrize(
    "error",
    [
        ReadTimeoutError(endpoint_url="x"),
        ClientError({"Error": {"Code": "AccessDeniedException", "Message": "canary-4711"}}, "GetSecretValue"),
    ],
)
def test_a_store_that_does_not_answer_is_a_storage_error(
    broken: Callable[[str, Exception], Clients], error: Exception
) -> None:
    with pytest.raises(StorageError) as caught:
        SecretsManager(broken("secretsmanager", error)).get("openai")
    assert str(caught.value) == "read a secret did not succeed"


def test_a_secret_of_bytes_is_refused(clients: Clients) -> None:
    clients.secretsmanager.create_secret(Name="odd", SecretBinary=b"\x00")
    with pytest.raises(ConfigurationError, match="holds bytes"):
        SecretsManager(clients).get("odd")


def test_the_evidence_key_survives_its_encoding() -> None:
    key = DigestKey("k1", bytes(range(32)))
    assert decode_digest_key(encode_digest_key(key)) == key


@pytest.mark.parametrize(
    "text", ["", "canary-4711", "[]", '{"key_id": "k1"}', '{"key_id": "k1", "key": "canary-4711!"}']
)
def test_a_broken_evidence_key_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        decode_digest_key(text)
    assert "canary" not in str(caught.value)


def test_a_short_evidence_key_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="shorter than 32 bytes"):
        decode_digest_key(encode_digest_key(DigestKey("k1", b"short")))
