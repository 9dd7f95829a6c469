"""Lambda layers: a plugin's zip becomes a layer version, which nobody can change afterwards."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

from penstock.adapters.clients import Endpoint
from penstock.adapters.failures import error_code, mapped
from penstock.errors import ConfigurationError, PenstockError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_lambda import LambdaClient

# Fifty megabytes go up, and nobody waits but the person who publishes.
CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 300.0
# A second version by accident does no harm, but nobody asked for it.
TOTAL_ATTEMPTS = 1

_REFUSED = {
    "AccessDeniedException": (
        "these credentials may not.",
        "They need lambda:PublishLayerVersion on the layer's name.",
    ),
    "CodeStorageExceededException": (
        "the account has no more room for code in this region.",
        "Delete old versions of functions and layers, or raise the quota.",
    ),
    "InvalidParameterValueException": (
        "Lambda does not take it.",
        "Is it under 250 MB unpacked, and is Python 3.13 offered in this region?",
    ),
    "RequestEntityTooLargeException": ("its zip is too large.", "50 MB are the most."),
}


class Published(NamedTuple):
    """A layer version: its ARN, which ends with its number."""

    arn: str
    number: int


class Layers(Protocol):
    """Raises ConfigurationError for what an operator must mend, StorageError for what may pass."""

    def publish(self, name: str, body: bytes, description: str) -> Published:
        """Make `body`, a zip, the newest version of the layer `name`."""


class LambdaLayers:
    """Layers in AWS, for Python 3.13 on arm64. `endpoint`: where; without one, as the environment says."""

    def __init__(self, endpoint: Endpoint | None = None) -> None:
        self._endpoint = endpoint or Endpoint()

    def publish(self, name: str, body: bytes, description: str) -> Published:
        from botocore.exceptions import ClientError

        with mapped("publish the layer"):
            try:
                made = self._client().publish_layer_version(
                    LayerName=name,
                    Description=description[:256],
                    Content={"ZipFile": body},
                    CompatibleRuntimes=["python3.13"],
                    CompatibleArchitectures=["arm64"],
                )
            except ClientError as error:
                raise _explained(name, error) from error
        if made["Content"].get("CodeSha256") != sha256_of(body):
            problem = "what Lambda has stored is not what was sent."
            raise ConfigurationError(f"layer {name!r}", problem, "Delete that version and register again.")
        return Published(made["LayerVersionArn"], made["Version"])

    def _client(self) -> LambdaClient:
        from botocore.config import Config
        from botocore.session import Session

        made = Session(profile=self._endpoint.profile).create_client(
            "lambda",
            region_name=self._endpoint.region,
            endpoint_url=self._endpoint.url,
            aws_access_key_id=self._endpoint.access_key_id,
            aws_secret_access_key=self._endpoint.secret_access_key,
            aws_session_token=self._endpoint.session_token,
            config=Config(
                connect_timeout=CONNECT_TIMEOUT_S,
                read_timeout=READ_TIMEOUT_S,
                retries={"total_max_attempts": TOTAL_ATTEMPTS, "mode": "standard"},
            ),
        )
        return cast("LambdaClient", made)


class MemoryLayers:
    """The same in memory, for tests. `stored`: ARN → zip."""

    def __init__(self, region: str = "eu-central-1") -> None:
        self.stored: dict[str, bytes] = {}
        self._prefix = f"arn:aws:lambda:{region}:123456789012:layer"

    def publish(self, name: str, body: bytes, description: str) -> Published:  # noqa: ARG002 - words for a console
        number = 1 + sum(arn.startswith(f"{self._prefix}:{name}:") for arn in self.stored)
        arn = f"{self._prefix}:{name}:{number}"
        self.stored[arn] = body
        return Published(arn, number)


def sha256_of(body: bytes) -> str:
    """As Lambda writes it: base64."""
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def _explained(name: str, error: ClientError) -> PenstockError | ClientError:
    """What an operator can mend, in our words; anything else as it is, for `mapped`."""
    if (found := _REFUSED.get(error_code(error))) is None:
        return error
    return ConfigurationError(f"layer {name!r}", *found)
