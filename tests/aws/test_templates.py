"""What the templates say, as sentences; and what cfn-lint says of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.egress_network import INTERFACE_ACTIONS
from infra.workflows import LOG_SETUP
from tests.infra.conftest import CONFIGURATIONS
from tests.infra.template import Assembly, Template, plain

# Wildcards that stand for something other than "all", each with its reason.
MEANT = {
    "-??????": "what Secrets Manager adds to a name",
    "/upstreams/*": "what an operator stores there for providers and MCP servers is to work at once",
    "key/*": "a key's id comes when it is made: alias, service and encryption context say which",
    "-exports-123456789012-eu-central-1/keeper/*": "a plugin names what it leaves in its own place",
    "-exports-123456789012-eu-central-1/warehouse-export/*": "the same",
    "/seal/*": "seals are numbers that come; nothing else is there",
    "arn:aws:bedrock:*::foundation-model/": "a model behind a granted profile, wherever that sends to",
    "org=*": "organisation, day, hour and request of an evidence object, whose kind is fixed",
}


@pytest.fixture(params=CONFIGURATIONS)
def stacks(request: pytest.FixtureRequest, assemblies: dict[str, Assembly]) -> list[Template]:
    return list(assemblies[request.param].stacks().values())


def granted(stacks: list[Template]) -> Iterator[tuple[str, dict[str, Any]]]:
    for stack in stacks:
        for identity, role in stack.of("IAM::Role").items():
            for policy in role.get("Policies", []):
                for statement in policy["PolicyDocument"]["Statement"]:
                    # Lambda's own, and denied to the functions: test_egress_iam.py. And Step Functions'
                    # own, for the log of a workflow: these actions know no resources.
                    if set(_many(statement["Action"])) not in (set(INTERFACE_ACTIONS), set(LOG_SETUP)):
                        yield identity, statement


def linted(paths: Iterable[Path]) -> list[str]:
    """What cfn-lint says. W3005: CDK says twice that a function depends on its role."""
    program = str(Path(sys.executable).with_name("cfn-lint"))
    asked = [program, "--format", "json", "--regions", "eu-central-1", "--ignore-checks", "W3005", "--"]
    done = subprocess.run([*asked, *map(str, paths)], capture_output=True, check=False, text=True)
    assert done.stdout, done.stderr
    return [
        f"{found['Filename']} {found['Rule']['Id']} {found['Message']}" for found in json.loads(done.stdout)
    ]


def test_cfn_lint_finds_nothing(assemblies: dict[str, Assembly]) -> None:
    paths = [path for assembly in assemblies.values() for path in assembly.folder.glob("*.template.json")]
    assert len(paths) == 2 * len(CONFIGURATIONS)
    assert linted(paths) == []


def test_cfn_lint_finds_what_cloudformation_would_refuse(
    assemblies: dict[str, Assembly], tmp_path: Path
) -> None:
    good = (assemblies["default"].folder / "penstock-gateway.template.json").read_text()
    broken = tmp_path / "broken.template.json"
    broken.write_text(good.replace('"python3.13"', '"python9.9"'))
    assert any(" E3030 " in said for said in linted([broken]))


def test_no_role_is_given_a_wildcard_without_a_reason(stacks: list[Template]) -> None:
    for identity, statement in granted(stacks):
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert not [action for action in actions if "*" in action], identity
        found = statement["Resource"]
        for resource in map(plain, found if isinstance(found, list) else [found]):
            rest = resource
            for meant in MEANT:
                rest = rest.partition(meant)[0]
            assert "*" not in rest, (identity, resource)


def test_no_role_may_touch_roles_policies_or_code(stacks: list[Template]) -> None:
    services = {str(action).partition(":")[0] for _, s in granted(stacks) for action in _many(s["Action"])}
    models = {"bedrock", "bedrock-mantle"}  # where a deployment names them
    stores = {"dynamodb", "kms", "sqs", "s3", "secretsmanager"}
    assert services <= {*stores, "logs", "lambda", "ses", "states", *models}
    assert {a for _, s in granted(stacks) for a in _many(s["Action"]) if a.startswith("lambda:")} <= {
        "lambda:InvokeFunction"
    }


def test_the_gateway_cannot_write_the_control_table(stacks: list[Template]) -> None:
    on_control = [s for _, s in granted(stacks) if "-control" in str(s["Resource"])]
    assert [s["Action"] for s in on_control] == ["dynamodb:BatchGetItem"]


def test_nothing_is_public_but_the_api(stacks: list[Template]) -> None:
    for stack in stacks:
        assert not stack.of("Lambda::Url")
        for permission in stack.of("Lambda::Permission").values():
            assert permission["Principal"] in {"apigateway.amazonaws.com", "events.amazonaws.com"}
        for bucket in stack.of("S3::Bucket").values():
            assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}


def test_no_role_is_shared_and_each_trusts_one_service(stacks: list[Template]) -> None:
    for stack in stacks:
        used = [f["Role"]["Fn::GetAtt"][0] for f in stack.of("Lambda::Function").values()]
        assert len(set(used)) == len(used)
        for role in stack.of("IAM::Role").values():
            (trusting,) = role["AssumeRolePolicyDocument"]["Statement"]
            assert set(trusting["Principal"]) == {"Service"}


def test_no_secret_stands_in_a_template(stacks: list[Template]) -> None:
    for stack in stacks:
        for secret in stack.of("SecretsManager::Secret").values():
            assert "SecretString" not in secret
        for function in stack.of("Lambda::Function").values():
            names = set(function["Environment"]["Variables"])
            assert not {n for n in names if "TOKEN" in n or "PASSWORD" in n}


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
