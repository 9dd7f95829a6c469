"""cdk-nag's AwsSolutions, run with every synthesis; what it finds that is meant so, each with its reason."""

from __future__ import annotations

from typing import Final

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks
from constructs import IConstruct

from infra import bedrock, workflows
from infra.approvals import ANSWERS
from infra.compute import ComputeStack
from infra.data import DataStack
from infra.statements import DELIVERIES, RECORDS, SEALS, WHOLE_HOUR
from infra.whereabouts import Whereabouts

OWN_KEYS: Final = "Callers have keys of Penstock's own, which the function checks before it does anything."
API: Final = {
    "APIG2": "The function checks each dialect's requests, and answers in the shape of the client's errors.",
    "APIG3": "A WAF is a choice of gateway.toml: [deployment.firewall].",
    "APIG4": OWN_KEYS,
    "APIG6": "Execution logs hold bodies, which are content. Access logs, which do not, are on.",
    "COG4": OWN_KEYS,
    "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]": (
        "What API Gateway asks of the one role that it logs with, for all APIs of an account."
    ),
}
EVIDENCE: Final = {
    "S1": "Each object is itself a log entry, never overwritten; reads are CloudTrail's data events to log.",
}
EXPORTS: Final = {
    "S1": "Evidence has a record of each object that is left; reads are CloudTrail's data events to log.",
}
EVIDENCE_KEY: Final = {
    "SMG4": "Its digests must stay comparable: a new key is a decision, not a date.",
}
SECRETS: Final = {
    "SMG4": "Who issued it rotates it: a provider, a receiver. Penstock reads it anew within 5 minutes.",
}
FUNCTION: Final = {
    "L1": "3.13 is what the packages are built for and the tests run with; newer ones come with a release.",
}
NETWORK: Final = {
    "VPC7": "Nothing leaves it but calls of AWS by its endpoints, which roles and policies bound.",
}
INTERFACES: Final = {
    "IAM5[Resource::*]": "Lambda makes network interfaces as the role; a denial keeps its code from them.",
}
SEALED: Final = "It reads every object to digest it, and adds below seal/, where names are numbers that come."
ANY_KEY: Final = (
    "A key's id comes when it is made: alias, service and encryption context say which, and for what."
)
UPSTREAMS: Final = "A provider's key that is stored later is to work at once. Nothing else is stored there."
OWN_PLACE: Final = "A plugin's own place in the exports bucket: it names what it leaves there."
OBJECTS: Final = "Names of objects begin with organisation, day and hour, which come; their kind is fixed."


def check(app: cdk.App, data: DataStack, compute: ComputeStack) -> None:
    """Have the synthesis fail for a finding without a reason."""
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    _acknowledge(data.evidence, EVIDENCE)
    if data.exports:
        _acknowledge(data.exports, EXPORTS)
    _acknowledge(data.evidence_key, EVIDENCE_KEY)
    _acknowledge(data.delivery_key, EVIDENCE_KEY)
    _acknowledge(data.secrets, SECRETS)
    _acknowledge(compute.api, API)
    for made in (compute.recorder.made, compute.sweeper.made):
        _acknowledge(made.role, {_objects(compute.where, pattern): OBJECTS for pattern in RECORDS})
    sealer = compute.sealer.made
    _acknowledge(sealer.role, {_objects(compute.where, pattern): SEALED for pattern in (WHOLE_HOUR, SEALS)})
    _acknowledge(compute.gateway.made.role, {_upstream_secrets(compute.where): UPSTREAMS})
    _acknowledge(compute.gateway.made.role, bedrock.findings(compute.gateway.bedrock))
    for made in compute.approvals.made:
        patterns = [ANSWERS.format(plugin=plugin) for plugin in compute.approvals.asking]
        _acknowledge(made.role, {_objects(compute.where, pattern): OBJECTS for pattern in patterns})
    for plugin, function in compute.plugins.functions.items():
        pattern = DELIVERIES.format(plugin=plugin)
        _acknowledge(function.role, {_objects(compute.where, pattern): OBJECTS})
        _acknowledge(function.role, {_exports(compute.where, plugin): OWN_PLACE})
        if compute.plugins.egress:
            _acknowledge(function.role, INTERFACES)
    for machine in compute.workflows.machines.values():
        _acknowledge(machine, workflows.FINDINGS)
    if compute.plugins.egress:
        _acknowledge(compute.plugins.egress.network.vpc, NETWORK)
    any_key = "IAM5[Resource::arn:<AWS::Partition>:kms:<AWS::Region>:<AWS::AccountId>:key/*]"
    for made in compute.functions():
        _acknowledge(made.role, {any_key: ANY_KEY})
        _acknowledge(made.function, FUNCTION)


def _objects(where: Whereabouts, pattern: str) -> str:
    """The name of the finding that a statement names objects by a pattern."""
    bucket = f"{where.names.evidence_bucket}-<AWS::AccountId>-<AWS::Region>"
    return f"IAM5[Resource::arn:<AWS::Partition>:s3:::{bucket}/{pattern}]"


def _exports(where: Whereabouts, plugin: str) -> str:
    bucket = f"{where.names.exports_bucket}-<AWS::AccountId>-<AWS::Region>"
    return f"IAM5[Resource::arn:<AWS::Partition>:s3:::{bucket}/{plugin}/*]"


def _upstream_secrets(where: Whereabouts) -> str:
    place = "arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret"
    return f"IAM5[Resource::{place}:{where.names.upstream_secrets}*]"


def _acknowledge(scope: IConstruct, reasons: dict[str, str]) -> None:
    found = cdk.Validations.of(scope)
    for rule, reason in reasons.items():
        found.acknowledge(cdk.Acknowledgment(id=f"AwsSolutions-{rule}", reason=reason))
