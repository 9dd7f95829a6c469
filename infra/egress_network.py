"""The network of plugins' functions under `egress = "enforced"`: it has no route out, only AWS's endpoints.

    subnets        of a VPC with no gateway to the internet and no NAT
    endpoints      of just those services that the functions' roles may call; each has a policy that names
                   this account twice, for who asks and for what is asked, so that credentials of another
                   account lead nowhere
    names          of these services alone are resolved: DNS Firewall answers no other question

Endpoints and groups are read from the roles' statements: what a role is given later brings its endpoint
along. What Lambda does itself, in the role's name, does not come from inside the network: it polls queues,
writes logs and hands over credentials.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from aws_cdk import Aws
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_route53resolver as resolver
from constructs import Construct

from infra.whereabouts import Whereabouts
from penstock.errors import ConfigurationError

ADDRESSES: Final = "10.0.0.0/20"  # joined to no other network, so that it collides with none
NOWHERE: Final = "127.0.0.1/32"  # no packet for it ever comes to the network
ZONES: Final = 2
# Service as IAM calls it → its endpoint's name (PrivateLink guide, "AWS services that integrate").
INTERFACES: Final = {
    "lambda": "lambda",
    "secretsmanager": "secretsmanager",
    "ses": "email",
    "sqs": "sqs",
    "states": "states",
}
GATEWAYS: Final = {"dynamodb": "dynamodb", "s3": "s3"}
# What Lambda asks as the role, from outside of the network (Lambda guide, "Using Lambda with Amazon SQS").
BY_LAMBDA: Final = frozenset({"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"})
POLICY_CHARACTERS: Final = 20_480  # of an endpoint's policy, white space included (VPC quotas)
# What a role must allow Lambda for a function in a VPC (Lambda guide, "Required IAM permissions").
INTERFACE_ACTIONS: Final = tuple(
    f"ec2:{action}"
    for action in (
        "AssignPrivateIpAddresses", "CreateNetworkInterface", "DeleteNetworkInterface",
        "DescribeNetworkInterfaces", "DescribeSubnets", "UnassignPrivateIpAddresses",
    )
)  # fmt: skip
OURS: Final = {"aws:PrincipalAccount": Aws.ACCOUNT_ID, "aws:ResourceAccount": Aws.ACCOUNT_ID}
# DynamoDB's client may take a name that begins with the account's number; the endpoint has the common one.
SDK_VARIABLES: Final = {"AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled"}


class Network(Construct):
    """`given`: plugin → the statements of its role."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        where: Whereabouts,
        given: Mapping[str, Sequence[iam.PolicyStatement]],
    ) -> None:
        super().__init__(scope, construct_id)
        asked = {plugin: Asked(statements) for plugin, statements in given.items()}
        services = sorted({service for each in asked.values() for service in each.services})
        self.vpc = self._vpc()
        self._endpoints = {service: self._endpoint(service) for service in services}
        for service, endpoint in self._endpoints.items():
            endpoint.add_to_policy(_admitted(where, service, asked.values()))
        self._groups: dict[frozenset[str], ec2.SecurityGroup] = {}
        self._used = {plugin: each.services for plugin, each in asked.items()}
        named = {name for each in asked.values() for name in each.resources.get("s3", ())}
        self._answer_only(where, services, named)

    def inside(self, plugin: str) -> dict[str, Any]:
        """Arguments that put a function of CDK's into the network."""
        chosen = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
        group = self._group(self._used[plugin])
        return {"vpc": self.vpc, "vpc_subnets": chosen, "security_groups": [group]}

    def _vpc(self) -> ec2.Vpc:
        walled = ec2.SubnetConfiguration(
            name="Walled", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=24
        )
        return ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(ADDRESSES),
            max_azs=ZONES,
            nat_gateways=0,
            create_internet_gateway=False,
            subnet_configuration=[walled],
            # Nothing is in it: what CDK would empty it with is a function that may change groups.
            restrict_default_security_group=False,
        )

    def _endpoint(self, service: str) -> ec2.InterfaceVpcEndpoint | ec2.GatewayVpcEndpoint:
        if service in GATEWAYS:
            made = ec2.GatewayVpcEndpointAwsService(GATEWAYS[service])
            return self.vpc.add_gateway_endpoint(service, service=made)
        return self.vpc.add_interface_endpoint(
            service,
            service=ec2.InterfaceVpcEndpointAwsService(INTERFACES[service]),
            private_dns_enabled=True,
            open=False,
            security_groups=[self._closed(f"{service}-endpoint", f"Who calls {service}")],
        )

    def _group(self, services: frozenset[str]) -> ec2.SecurityGroup:
        """Of functions that call the same services: together they need fewer network interfaces."""
        if services not in self._groups:
            name = "-".join(("to", *sorted(services))) if services else "to-nothing"
            group = self._groups[services] = self._closed(name, f"Plugins: {name}")
            for service in sorted(services & INTERFACES.keys()):
                group.connections.allow_to(self._endpoints[service], ec2.Port.tcp(443))
            if services & GATEWAYS.keys():
                # Routes to addresses that differ from region to region: the only ones that there are.
                group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "Routed to endpoints alone")
        return self._groups[services]

    def _closed(self, construct_id: str, description: str) -> ec2.SecurityGroup:
        group = ec2.SecurityGroup(
            self, construct_id, vpc=self.vpc, description=description, allow_all_outbound=False
        )
        # A group without a rule of its own in the template gets EC2's default: everything may leave.
        group.add_egress_rule(ec2.Peer.ipv4(NOWHERE), ec2.Port.tcp(443), "Nowhere")
        return group

    def _answer_only(self, where: Whereabouts, services: Sequence[str], objects: Iterable[str]) -> None:
        """DNS would carry data out in the names that are asked for: only the endpoints' are answered."""
        name = f"{where.deployment}-plugins"
        needed = names_of(where, services, objects)
        rules = [_blocking(resolver.CfnFirewallDomainList(self, "Rest", domains=["*"], name=f"{name}-rest"))]
        if needed:
            listed = resolver.CfnFirewallDomainList(self, "Needed", domains=needed, name=f"{name}-needed")
            rules.insert(0, _allowing(listed))
        group = resolver.CfnFirewallRuleGroup(self, "Names", name=name, firewall_rules=rules)
        resolver.CfnFirewallRuleGroupAssociation(
            self,
            "NamesOfVpc",
            name=name,
            firewall_rule_group_id=group.attr_id,
            priority=101,  # the first that is not AWS's own
            vpc_id=self.vpc.vpc_id,
        )


class Asked:
    """What one function calls from inside the network, by its role's statements."""

    def __init__(self, statements: Iterable[iam.PolicyStatement]) -> None:
        """Raises ConfigurationError for a service without an endpoint here."""
        self.actions: dict[str, set[str]] = {}
        self.resources: dict[str, set[str]] = {}
        for statement in statements:
            for action in set(statement.actions) - BY_LAMBDA:
                service = action.partition(":")[0]
                if service not in INTERFACES and service not in GATEWAYS:
                    remedy = 'Write egress = "library", or give the plugin less.'
                    raise ConfigurationError(
                        f"{action}", "cannot be reached from a network without a route out.", remedy
                    )
                self.actions.setdefault(service, set()).add(action)
                self.resources.setdefault(service, set()).update(statement.resources)

    @property
    def services(self) -> frozenset[str]:
        return frozenset(self.actions)


def interface_statements(function_arn: str) -> list[iam.PolicyStatement]:
    """Lambda makes network interfaces as the role, and the function's own code may not.

    Lambda guide, "Using source function ARN to control function access behavior": calls from inside of the
    function bring this key, and those with which Lambda attaches it to a network do not.
    """
    own = {"ArnEquals": {"lambda:SourceFunctionArn": [function_arn]}}
    return [
        iam.PolicyStatement(actions=list(INTERFACE_ACTIONS), resources=["*"]),
        iam.PolicyStatement(
            effect=iam.Effect.DENY, actions=list(INTERFACE_ACTIONS), resources=["*"], conditions=own
        ),
    ]


def names_of(where: Whereabouts, services: Iterable[str], resources: Iterable[str]) -> list[str]:
    """The names that botocore asks for when it calls these services for these resources."""
    named = " ".join(resources)
    buckets = [bucket for bucket in (where.bucket, where.exports_bucket) if bucket in named]
    found = []
    for service in services:
        if service == "s3":
            # In us-east-1 it leaves out the region.
            for bucket in buckets:
                found += [
                    f"{bucket}.s3.{Aws.REGION}.{Aws.URL_SUFFIX}",
                    f"{bucket}.s3.{Aws.URL_SUFFIX}",
                ]
        else:
            endpoint = INTERFACES.get(service) or GATEWAYS[service]
            found.append(f"{endpoint}.{Aws.REGION}.{Aws.URL_SUFFIX}")
    return found


def _admitted(where: Whereabouts, service: str, asked: Iterable[Asked]) -> iam.PolicyStatement:
    """What any of the functions may ask, asked by this account of this account."""
    every = list(asked)
    actions = sorted({action for each in every for action in each.actions.get(service, ())})
    resources = sorted({resource for each in every for resource in each.resources.get(service, ())})
    size = sum(len(text) + 60 for text in (*actions, *resources))
    if size > POLICY_CHARACTERS:
        problem = f"would name {len(resources)} resources in one policy, more than fit."
        where_ = f"the endpoint of {service} in {where.deployment}"
        raise ConfigurationError(where_, problem, "Spread the plugins over several deployments.")
    return iam.PolicyStatement(
        principals=[iam.AnyPrincipal()],
        actions=actions,
        resources=resources,
        conditions={"StringEquals": OURS},
    )


def _allowing(
    names: resolver.CfnFirewallDomainList,
) -> resolver.CfnFirewallRuleGroup.FirewallRuleProperty:
    return resolver.CfnFirewallRuleGroup.FirewallRuleProperty(
        action="ALLOW",
        priority=100,
        firewall_domain_list_id=names.attr_id,
        # S3 answers for a bucket with another name of its own; what that is, AWS decides.
        firewall_domain_redirection_action="TRUST_REDIRECTION_DOMAIN",
    )


def _blocking(
    names: resolver.CfnFirewallDomainList,
) -> resolver.CfnFirewallRuleGroup.FirewallRuleProperty:
    return resolver.CfnFirewallRuleGroup.FirewallRuleProperty(
        action="BLOCK", block_response="NXDOMAIN", priority=200, firewall_domain_list_id=names.attr_id
    )
