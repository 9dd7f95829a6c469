"""A WAF before the API: addresses with a bad name, and too many requests from one address.

No rule looks at a body: a prompt may hold whatever a pattern for attacks looks for, and AWS's common rules
refuse bodies over 8 KB, which a conversation soon has. No sample of requests is kept: headers hold keys.
"""

from __future__ import annotations

from aws_cdk import aws_wafv2 as waf
from constructs import Construct

from penstock.configuration.deployment import Firewall as FirewallOptions

REPUTATION = "AWSManagedRulesAmazonIpReputationList"


class Firewall(Construct):
    """`stage_arn`: the stage of the API that it stands before."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        deployment: str,
        options: FirewallOptions,
        stage_arn: str,
    ) -> None:
        super().__init__(scope, construct_id)
        acl = waf.CfnWebACL(
            self,
            "Acl",
            name=deployment,
            scope="REGIONAL",
            default_action=waf.CfnWebACL.DefaultActionProperty(allow={}),
            visibility_config=_counted(deployment),
            rules=[_reputation(0), _rate(1, options.requests_per_5_minutes)],
        )
        waf.CfnWebACLAssociation(self, "Association", resource_arn=stage_arn, web_acl_arn=acl.attr_arn)


def _reputation(priority: int) -> waf.CfnWebACL.RuleProperty:
    group = waf.CfnWebACL.ManagedRuleGroupStatementProperty(vendor_name="AWS", name=REPUTATION)
    return waf.CfnWebACL.RuleProperty(
        name="reputation",
        priority=priority,
        override_action=waf.CfnWebACL.OverrideActionProperty(none={}),
        statement=waf.CfnWebACL.StatementProperty(managed_rule_group_statement=group),
        visibility_config=_counted("reputation"),
    )


def _rate(priority: int, limit: int) -> waf.CfnWebACL.RuleProperty:
    rate = waf.CfnWebACL.RateBasedStatementProperty(
        limit=limit, aggregate_key_type="IP", evaluation_window_sec=300
    )
    return waf.CfnWebACL.RuleProperty(
        name="rate",
        priority=priority,
        action=waf.CfnWebACL.RuleActionProperty(block={}),
        statement=waf.CfnWebACL.StatementProperty(rate_based_statement=rate),
        visibility_config=_counted("rate"),
    )


def _counted(name: str) -> waf.CfnWebACL.VisibilityConfigProperty:
    return waf.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=False
    )
