from __future__ import annotations

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ReadTimeoutError,
)

from penstock.adapters.failures import mapped
from penstock.errors import ConfigurationError, StorageError

CANARY = "canary-4711"


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": CANARY}}, "PutItem")


@pytest.mark.parametrize(
    "error",
    [
        client_error("ProvisionedThroughputExceededException"),
        client_error("InternalServerError"),
        client_error("AccessDeniedException"),
        client_error(""),
        EndpointConnectionError(endpoint_url=f"https://{CANARY}"),
        ReadTimeoutError(endpoint_url=f"https://{CANARY}"),
    ],
)
def test_a_failure_of_aws_becomes_a_storage_error_without_foreign_text(error: Exception) -> None:
    with pytest.raises(StorageError) as caught, mapped("store the intent"):
        raise error
    assert str(caught.value) == "store the intent did not succeed"
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        client_error("ResourceNotFoundException"),
        client_error("NoSuchBucket"),
        client_error("AWS.SimpleQueueService.NonExistentQueue"),
        NoCredentialsError(),
        NoRegionError(),
    ],
)
def test_what_an_operator_must_mend_is_a_configuration_error_that_says_how(error: Exception) -> None:
    with pytest.raises(ConfigurationError) as caught, mapped("read a secret"):
        raise error
    assert caught.value.remedy
    assert CANARY not in str(caught.value)


def test_an_error_of_ours_passes_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError), mapped("read a secret"):
        _ = 1 / 0
