"""A deployed gateway found by its name: what its stacks say of themselves in their outputs.

<deployment>-data       ControlTable LedgerTable StorageTable EvidenceBucket OutboxUrl OutboxDeadUrl
                        PluginQueuePattern EvidenceKeySecret
<deployment>-gateway    Snapshot: where the compiled configuration of this deployment is, as s3://…
                        UpstreamSecrets: what its role may read besides what is below its prefix
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urlsplit

from penstock.adapters.clients import Clients
from penstock.adapters.failures import error_code, mapped
from penstock.adapters.resources import QueuePair, Resources, dead_queue
from penstock.configuration.settings import PLUGIN
from penstock.errors import ConfigurationError

NOT_HERE = "Deploy it; or name its account and region: --profile, --region, as for the AWS command line."


def data_stack(deployment: str) -> str:
    return f"{deployment}-data"


def gateway_stack(deployment: str) -> str:
    return f"{deployment}-gateway"


def outputs(clients: Clients, stack: str) -> dict[str, str]:
    """What a stack tells. Raises ConfigurationError when there is none, StorageError."""
    from botocore.exceptions import ClientError

    with mapped("read the stack's outputs"):
        try:
            (found,) = clients.cloudformation.describe_stacks(StackName=stack)["Stacks"]
        except ClientError as error:
            if error_code(error) != "ValidationError":  # what CloudFormation calls a stack that is not there
                raise
            raise ConfigurationError(
                f"stack {stack!r}", "is not in this account and region.", NOT_HERE
            ) from error
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}


def deployed_resources(
    clients: Clients, deployment: str, background_plugins: Callable[[], list[str]]
) -> Resources:
    """The resources of a deployment; `background_plugins` is asked when somebody asks for their queues."""
    stack = data_stack(deployment)
    told, region = outputs(clients, stack), str(clients.cloudformation.meta.region_name)
    try:
        pattern = told["PluginQueuePattern"]
        return Resources(
            deployment=deployment,
            region=region,
            control_table=told["ControlTable"],
            ledger_table=told["LedgerTable"],
            storage_table=told["StorageTable"],
            evidence_bucket=told["EvidenceBucket"],
            outbox=_pair(told["OutboxUrl"], region),
            plugin_queue_pattern=pattern,
            plugin_queues=_PluginQueues(pattern, region, background_plugins),
            evidence_key_secret=told["EvidenceKeySecret"],
        )
    except KeyError as error:
        raise ConfigurationError(
            f"stack {stack!r}", f"does not tell its {error}.", "Deploy it again."
        ) from None


def download(clients: Clients, url: str) -> bytes:
    """The object at an `s3://bucket/key`. Raises StorageError."""
    parts = urlsplit(url)
    with mapped("read the deployed configuration"):
        answer = clients.s3.get_object(Bucket=parts.netloc, Key=parts.path.removeprefix("/"))
        return answer["Body"].read()


class _PluginQueues(Mapping[str, QueuePair]):
    """By plugin. Which plugins there are is read from the deployed configuration, once."""

    def __init__(self, pattern: str, region: str, names: Callable[[], list[str]]) -> None:
        self._pattern = pattern
        self._region = region
        self._names = names
        self._known: list[str] | None = None

    def __getitem__(self, plugin: str) -> QueuePair:
        if plugin not in list(self):
            raise KeyError(plugin)
        return _pair(self._pattern.replace(PLUGIN, plugin), self._region)

    def __iter__(self) -> Iterator[str]:
        if self._known is None:
            self._known = self._names()
        return iter(self._known)

    def __len__(self) -> int:
        return len(list(iter(self)))


def _pair(url: str, region: str) -> QueuePair:
    """A queue and its dead-letter queue, told by an address `https://sqs.…/<account>/<name>`."""
    here, account, name = url.rsplit("/", 2)
    partition = "aws-cn" if here.endswith(".cn") else "aws"
    arn = f"arn:{partition}:sqs:{region}:{account}:"
    dead = dead_queue(name)
    return QueuePair(url, arn + name, f"{here}/{account}/{dead}", arn + dead)
