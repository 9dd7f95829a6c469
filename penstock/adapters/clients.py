"""boto3's clients, made when they are first asked for, once per environment."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from penstock import __version__
from penstock.adapters.failures import mapped

if TYPE_CHECKING:
    from botocore.config import Config
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sts import STSClient

# In-region calls of these services answer in milliseconds: one second without a connection, or three
# without a byte, is an outage, and the caller is waiting. boto3's own default of 60 s would outlast API
# Gateway's 29 s. (botocore `Config`; API Gateway quotas.)
CONNECT_TIMEOUT_S = 1.0
READ_TIMEOUT_S = 3.0
# One retry hides a dropped keep-alive connection or a throttled call; more would spend the caller's time.
TOTAL_ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where AWS is. All None: what the environment says (AWS_REGION, AWS_ENDPOINT_URL, the role)."""

    region: str | None = None
    url: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None
    session_token: str | None = None
    """With a role's temporary credentials."""
    profile: str | None = None
    """Of the AWS command line's configuration; None for what the environment says."""

    def __repr__(self) -> str:
        return f"Endpoint({self.region}, {self.url})"


class Clients:
    """The clients of one environment. Making one imports botocore (a quarter of a second, once)."""

    def __init__(self, endpoint: Endpoint | None = None) -> None:
        self._endpoint = endpoint or Endpoint()
        self._made: dict[str, Any] = {}
        self._session: Any = None
        self._lock = threading.Lock()

    def functions(self, read_timeout_s: float, at_once: int) -> LambdaClient:
        """Invokes functions, and never a second time: what is asked twice may be done twice.

        `read_timeout_s` only ends what nobody waits for any more; `at_once`: how many calls keep connections.
        """
        from botocore.config import Config

        own = Config(
            read_timeout=read_timeout_s,
            retries={"total_max_attempts": 1, "mode": "standard"},
            max_pool_connections=at_once,
        )
        return cast("LambdaClient", self._client("lambda", _config().merge(own)))

    @property
    def dynamodb(self) -> DynamoDBClient:
        return cast("DynamoDBClient", self._client("dynamodb"))

    @property
    def dynamodb_once(self) -> DynamoDBClient:
        """Sends each request once: what is asked on a condition may find its own doing the second time."""
        return cast("DynamoDBClient", self._client("dynamodb", _once(), "dynamodb_once"))

    @property
    def s3(self) -> S3Client:
        return cast("S3Client", self._client("s3"))

    @property
    def sqs(self) -> SQSClient:
        return cast("SQSClient", self._client("sqs"))

    @property
    def secretsmanager(self) -> SecretsManagerClient:
        return cast("SecretsManagerClient", self._client("secretsmanager"))

    @property
    def sts(self) -> STSClient:
        return cast("STSClient", self._client("sts"))

    @property
    def stepfunctions(self) -> Any:
        """Starts runs of workflows and answers their approvals. (There are no types of it here.)"""
        return self._client("stepfunctions")

    @property
    def machines(self) -> Any:
        """Makes state machines: moto reads its interpreter first, which takes seconds."""
        from botocore.config import Config

        return self._client("stepfunctions", _config().merge(Config(read_timeout=60.0)))

    @property
    def sesv2(self) -> Any:
        """Sends each message once: what is asked twice may be sent twice. (There are no types of it here.)"""
        return self._client("sesv2", _once())

    @property
    def cloudformation(self) -> Any:
        """Tells the command line where a stack's things are. (There are no types of it here.)"""
        return self._client("cloudformation")

    def _client(self, service: str, config: Config | None = None, name: str | None = None) -> Any:
        """`name`: of one that stands beside another of the same service."""
        found = self._made.get(name or service)
        return found if found is not None else self._make(service, config, name or service)

    def _make(self, service: str, config: Config | None, name: str) -> Any:
        # boto3 would import its transfers of files besides, and adds nothing to these clients but its name.
        from botocore.session import Session

        # A session may not make two clients at once (boto3 guide, "Multithreading").
        with self._lock, mapped(f"connect to {service}"):
            if name not in self._made:
                # One session: what it has read of botocore's data serves the next client too.
                self._session = self._session or Session(profile=self._endpoint.profile)
                self._made[name] = self._session.create_client(
                    service,
                    region_name=self._endpoint.region,
                    endpoint_url=self._endpoint.url,
                    aws_access_key_id=self._endpoint.access_key_id,
                    aws_secret_access_key=self._endpoint.secret_access_key,
                    aws_session_token=self._endpoint.session_token,
                    config=config or _config(),
                )
            return self._made[name]


def _once() -> Config:
    from botocore.config import Config

    return _config().merge(Config(retries={"total_max_attempts": 1, "mode": "standard"}))


def _config() -> Config:
    import botocore
    from botocore.config import Config

    return Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"total_max_attempts": TOTAL_ATTEMPTS, "mode": "standard"},
        tcp_keepalive=True,
        # botocore puts its own name together twice for every call: a seventh of the call's CPU.
        user_agent=f"penstock/{__version__} Botocore/{botocore.__version__}",
        # Typed code builds ours, no caller does: to check them anew takes up to a twentieth of a call's CPU.
        parameter_validation=False,
    )
