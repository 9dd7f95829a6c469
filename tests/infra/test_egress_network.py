"""The network of `egress = "enforced"`, read from the template as CloudFormation would make it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infra.egress_network import NOWHERE, Asked, names_of
from infra.whereabouts import Whereabouts
from penstock.errors import ConfigurationError
from tests.infra.template import Assembly, Template, plain

# Whatever could lead out of a VPC, besides its endpoints (EC2, CloudFormation's resource types).
WAYS_OUT = (
    "CarrierGateway", "ClientVpnEndpoint", "EIP", "EgressOnlyInternetGateway", "InternetGateway",
    "NatGateway", "Route", "TransitGatewayAttachment", "TransitGatewayVpcAttachment", "VPCGatewayAttachment",
    "VPCPeeringConnection", "VPNGateway", "VPNGatewayRoutePropagation",
)  # fmt: skip
OURS = {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}, "aws:ResourceAccount": {"Ref": "AWS::AccountId"}}
HOSTED = {"walled-plugin-audit-export", "walled-plugin-asker", "walled-plugin-card-guard"}
Resources = dict[str, Any]


@pytest.fixture(scope="session")
def walled(assemblies: dict[str, Assembly]) -> Template:
    return assemblies["enforced"].stack("walled-gateway")


def holes(resources: Resources) -> Iterator[str]:
    """What in a template could let a plugin out."""
    template = Template({"Resources": resources}, {})
    for kind in WAYS_OUT:
        yield from (f"{kind} {name}" for name in template.of(f"EC2::{kind}"))
    for name, subnet in template.of("EC2::Subnet").items():
        if subnet["MapPublicIpOnLaunch"] is not False or "Ipv6CidrBlock" in subnet:
            yield f"{name} gives public addresses"
    for name, endpoint in template.of("EC2::VPCEndpoint").items():
        yield from (f"{name}: {hole}" for hole in _holes_of(endpoint))
    for name, group in template.of("EC2::SecurityGroup").items():
        if "SecurityGroupIngress" in group:
            yield f"{name} lets in"
        yield from (f"{name}: {hole}" for hole in _open(group.get("SecurityGroupEgress", [])))
    yield from _unwalled(template)
    yield from _answered(template)


def _holes_of(endpoint: dict[str, Any]) -> Iterator[str]:
    for statement in endpoint.get("PolicyDocument", {}).get("Statement", [None]):
        if statement is None:
            yield "no policy"
        elif statement["Condition"].get("StringEquals") != OURS:
            yield "a policy that admits another account"
        elif "*" in str(statement["Action"]):
            yield "a policy that admits every action"


def _open(rules: list[dict[str, Any]]) -> Iterator[str]:
    """EC2 gives a group without rules one that lets everything out."""
    if not rules:
        yield "no rule of its own"
    for rule in rules:
        if (rule["IpProtocol"], rule.get("FromPort"), rule.get("ToPort")) != ("tcp", 443, 443):
            yield "more than https"


def _unwalled(template: Template) -> Iterator[str]:
    subnets = {("Ref", name) for name in template.of("EC2::Subnet")}
    for name, function in template.named("Lambda::Function", "FunctionName").items():
        inside = {item for one in function.get("VpcConfig", {}).get("SubnetIds", []) for item in one.items()}
        if "-plugin-" in name and (not inside or inside - subnets):
            yield f"{name} is outside of the network"


def _answered(template: Template) -> Iterator[str]:
    lists = {
        name: each["Domains"] for name, each in template.of("Route53Resolver::FirewallDomainList").items()
    }
    joined = [
        plain(each["VpcId"]) for each in template.of("Route53Resolver::FirewallRuleGroupAssociation").values()
    ]
    if joined != [f"${{{name}}}" for name in template.of("EC2::VPC")]:
        yield "a network whose questions nobody judges"
    for group in template.of("Route53Resolver::FirewallRuleGroup").values():
        rules = sorted(group["FirewallRules"], key=lambda rule: rule["Priority"])
        last = rules[-1]
        if last["Action"] != "BLOCK" or lists[last["FirewallDomainListId"]["Fn::GetAtt"][0]] != ["*"]:
            yield "names that are no endpoint's are answered"
        for rule in rules[:-1]:
            if any("*" in plain(n) for n in lists[rule["FirewallDomainListId"]["Fn::GetAtt"][0]]):
                yield "a whole zone of names is answered"


def test_nothing_in_the_template_leads_out(walled: Template) -> None:
    assert list(holes(walled.resources)) == []


def test_every_plugin_s_function_is_in_the_network_and_no_other_is(walled: Template) -> None:
    functions = walled.named("Lambda::Function", "FunctionName")
    assert {name for name, function in functions.items() if "VpcConfig" in function} == HOSTED
    for name in HOSTED:
        assert len(functions[name]["VpcConfig"]["SubnetIds"]) == 2


def test_the_two_zones_have_tables_with_no_route_but_their_own_and_the_endpoints(walled: Template) -> None:
    assert len(walled.of("EC2::RouteTable")) == 2
    (gateway,) = [e for e in walled.of("EC2::VPCEndpoint").values() if e["VpcEndpointType"] == "Gateway"]
    assert {table["Ref"] for table in gateway["RouteTableIds"]} == set(walled.of("EC2::RouteTable"))


def test_there_are_endpoints_of_what_the_roles_may_call_and_of_nothing_else(walled: Template) -> None:
    found = walled.named("EC2::VPCEndpoint", "ServiceName")
    services = ("lambda", "s3", "secretsmanager", "sqs")
    assert set(found) == {f"com.amazonaws.eu-central-1.{name}" for name in services}
    for name, endpoint in found.items():
        if not name.endswith(".s3"):
            assert (endpoint["PrivateDnsEnabled"], len(endpoint["SubnetIds"])) == (True, 2)


def test_only_the_names_of_the_endpoints_are_answered_the_bucket_s_among_them(walled: Template) -> None:
    lists = walled.named("Route53Resolver::FirewallDomainList", "Name")
    place, bucket = "eu-central-1.amazonaws.com", "walled-evidence-123456789012-eu-central-1"
    assert set(map(plain, lists["walled-plugins-needed"]["Domains"])) == {
        f"lambda.{place}",
        f"secretsmanager.{place}",
        f"sqs.{place}",
        f"{bucket}.s3.{place}",
        f"{bucket}.s3.amazonaws.com",
    }


def test_a_group_reaches_the_endpoints_that_its_functions_call(walled: Template) -> None:
    functions = walled.named("Lambda::Function", "FunctionName")
    groups = {
        n: f["VpcConfig"]["SecurityGroupIds"][0]["Fn::GetAtt"][0] for n, f in functions.items() if n in HOSTED
    }
    rules = walled.of("EC2::SecurityGroupEgress").values()
    assert {(rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) for rule in rules} == {("tcp", 443, 443)}
    reached: dict[str, int] = dict.fromkeys(groups, 0)
    for name, group in groups.items():
        reached[name] = sum(rule["GroupId"]["Fn::GetAtt"][0] == group for rule in rules)
    assert reached == {
        "walled-plugin-audit-export": 3,
        "walled-plugin-asker": 1,
        "walled-plugin-card-guard": 0,
    }
    only_asks = walled.resources[groups["walled-plugin-asker"]]["Properties"]["SecurityGroupEgress"]
    assert [rule["CidrIp"] for rule in only_asks] == [NOWHERE]


def change(kind: str, edit: Callable[[Any], object]) -> Callable[[Resources], None]:
    def changed(resources: Resources) -> None:
        edit(next(r["Properties"] for r in resources.values() if r["Type"] == f"AWS::{kind}"))

    return changed


def add(kind: str) -> Callable[[Resources], None]:
    return lambda resources: resources.update(New={"Type": f"AWS::EC2::{kind}", "Properties": {}})


def out_of_the_network(resources: Resources) -> None:
    names = {"FunctionName": "walled-plugin-asker"}
    found = next(r["Properties"] for r in resources.values() if r["Properties"].items() >= names.items())
    del found["VpcConfig"]


MISTAKES: dict[str, Callable[[Resources], None]] = {
    "a route": add("Route"),
    "a gateway": add("InternetGateway"),
    "a NAT": add("NatGateway"),
    "a peer": add("VPCPeeringConnection"),
    "public addresses": change("EC2::Subnet", lambda p: p.update(MapPublicIpOnLaunch=True)),
    "no policy": change("EC2::VPCEndpoint", lambda p: p.pop("PolicyDocument")),
    "a policy for everybody": change(
        "EC2::VPCEndpoint", lambda p: p["PolicyDocument"]["Statement"][0].update(Condition={})
    ),
    "a policy for all actions": change(
        "EC2::VPCEndpoint", lambda p: p["PolicyDocument"]["Statement"][0].update(Action="*")
    ),
    "outside": out_of_the_network,
    "the default rule": change("EC2::SecurityGroup", lambda p: p.pop("SecurityGroupEgress")),
    "every protocol": change(
        "EC2::SecurityGroup", lambda p: p["SecurityGroupEgress"][0].update(IpProtocol="-1")
    ),
    "no association": lambda resources: [
        resources.pop(n) for n, r in list(resources.items()) if r["Type"].endswith("GroupAssociation")
    ][:0],  # type: ignore[dict-item]  # popping is all
    "names let pass": change(
        "Route53Resolver::FirewallRuleGroup", lambda p: p["FirewallRules"][-1].update(Action="ALERT")
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_noticed(walled: Template, mistake: str) -> None:
    broken = copy.deepcopy(walled.resources)
    MISTAKES[mistake](broken)
    assert list(holes(broken))


class FakeStatement:
    """What is asked of CDK's PolicyStatement."""

    def __init__(self, *actions: str) -> None:
        self.actions = list(actions)
        self.resources = ["arn:aws:x:::y"]


def test_what_has_no_endpoint_here_is_refused_with_the_remedy() -> None:
    with pytest.raises(
        ConfigurationError, match=r"kms:Decrypt: cannot be reached .* Write egress = \"library\""
    ):
        Asked([FakeStatement("kms:Decrypt")])


def test_what_lambda_asks_as_the_role_needs_no_endpoint() -> None:
    takes = FakeStatement("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
    assert Asked([takes]).services == frozenset()
    assert Asked([takes, FakeStatement("sqs:SendMessage")]).services == {"sqs"}


@pytest.mark.parametrize("exports", [False, True])
def test_the_exports_bucket_is_answered_for_where_somebody_leaves_something_in_it(exports: bool) -> None:
    where = Whereabouts("walled")
    resources = [where.evidence("*"), *([where.exports("keeper")] if exports else [])]
    named = " ".join(names_of(where, ["s3"], resources))
    assert where.bucket in named
    assert (where.exports_bucket in named) is exports
