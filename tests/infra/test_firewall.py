from __future__ import annotations

from typing import Any

from tests.infra.template import Assembly, plain


def acl(assemblies: dict[str, Assembly]) -> Any:
    return assemblies["private"].stack("private-gateway").only("WAFv2::WebACL")


def test_a_firewall_stands_before_the_stage_only_when_it_is_asked_for(
    assemblies: dict[str, Assembly],
) -> None:
    stack = assemblies["private"].stack("private-gateway")
    association = stack.only("WAFv2::WebACLAssociation")
    assert plain(association["ResourceArn"]).endswith("/stages/live") or "stages/" in plain(
        association["ResourceArn"]
    )
    assert not assemblies["default"].stack("penstock-gateway").of("WAFv2::WebACL")


def test_no_rule_looks_at_a_body_and_no_request_is_sampled(assemblies: dict[str, Assembly]) -> None:
    """A prompt may hold code, markup, SQL; and a sample holds a caller's key."""
    found = acl(assemblies)
    groups = [
        rule["Statement"]["ManagedRuleGroupStatement"]["Name"]
        for rule in found["Rules"]
        if "ManagedRuleGroupStatement" in rule["Statement"]
    ]
    assert groups == ["AWSManagedRulesAmazonIpReputationList"]
    views = [found["VisibilityConfig"], *(rule["VisibilityConfig"] for rule in found["Rules"])]
    assert {view["SampledRequestsEnabled"] for view in views} == {False}


def test_one_address_may_send_as_much_as_gateway_toml_says(assemblies: dict[str, Assembly]) -> None:
    (rate,) = [
        rule["Statement"]["RateBasedStatement"]
        for rule in acl(assemblies)["Rules"]
        if "RateBasedStatement" in rule["Statement"]
    ]
    assert (rate["Limit"], rate["AggregateKeyType"], rate["EvaluationWindowSec"]) == (10_000, "IP", 300)
