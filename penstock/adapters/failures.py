"""The seam at which AWS's exceptions become ours. No foreign text passes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from penstock.errors import ConfigurationError, PenstockError, StorageError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

# What DynamoDB, SQS, S3 and Secrets Manager say when the thing itself does not exist (their API references).
_MISSING = frozenset(
    {
        "ResourceNotFoundException",
        "NoSuchBucket",
        "QueueDoesNotExist",
        "AWS.SimpleQueueService.NonExistentQueue",
    }
)
_REMEDY = "Deploy it, or check the names that the function was given."


@contextmanager
def mapped(operation: str) -> Iterator[None]:
    """Run calls to AWS as `operation`, words of ours that may be shown.

    Raises StorageError for what may pass, ConfigurationError for what an operator must mend.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise _of_service(operation, error) from error
    except BotoCoreError as error:
        raise _of_client(operation, error) from error


def error_code(error: ClientError) -> str:
    """The service's own code of an error, as `ConditionalCheckFailedException`; "" when it has none."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_unknown(error: Exception) -> bool:
    """Whether what was asked may have been done all the same, when `error` is what came of asking once."""
    from botocore.exceptions import (
        ClientError,
        ConnectTimeoutError,
        EndpointConnectionError,
        HTTPClientError,
    )

    if isinstance(error, ClientError):
        return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)) >= 500
    never_left = isinstance(error, EndpointConnectionError | ConnectTimeoutError)
    return isinstance(error, HTTPClientError) and not never_left


def old_item(error: Any) -> Mapping[str, Any]:
    """The item that made a condition fail, as DynamoDB returns it with the error."""
    item: Mapping[str, Any] = error.response.get("Item", {})
    return item


def _of_service(operation: str, error: ClientError) -> PenstockError:
    if error_code(error) in _MISSING:
        return ConfigurationError(operation, "the AWS resource does not exist.", _REMEDY)
    return StorageError(operation)


def _of_client(operation: str, error: Exception) -> PenstockError:
    from botocore.exceptions import NoCredentialsError, NoRegionError, ProfileNotFound

    if isinstance(error, NoCredentialsError):
        return ConfigurationError(
            operation, "no AWS credentials were found.", "Sign in to the account first."
        )
    if isinstance(error, NoRegionError):
        return ConfigurationError(operation, "no AWS region is set.", "Set AWS_REGION.")
    if isinstance(error, ProfileNotFound):
        return ConfigurationError(
            operation, "there is no such AWS profile.", "Check --profile or AWS_PROFILE."
        )
    return StorageError(operation)
