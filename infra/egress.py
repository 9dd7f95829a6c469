"""`egress = "enforced"`: plugins' functions in a network without a route out, and who sends for them.

The egress function is outside of that network. Each plugin that is granted hosts has an alias of it, named
like the plugin, and its role may invoke exactly this one: the alias says whose allow-list counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra import placed
from infra.chosen import Chosen
from infra.egress_network import SDK_VARIABLES, Network, interface_statements
from infra.functions import Foundation, Lambda, PenstockFunction
from infra.statements import Statements
from infra.whereabouts import Whereabouts
from penstock.configuration.settings import EGRESS_ALIAS

ENFORCED = "enforced"
MAX_EVENT_AGE_S = 60  # the least that Lambda offers


@dataclass(frozen=True, slots=True)
class Wall:
    """What one plugin's function has besides: statements, variables, arguments of CDK's Function."""

    statements: Sequence[iam.PolicyStatement] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


class Egress(Construct):
    """`given`: plugin → the statements of its role. `sender` is None when nobody is granted a host."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        chosen: Chosen,
        where: Whereabouts,
        foundation: Foundation,
        given: Mapping[str, Sequence[iam.PolicyStatement]],
    ) -> None:
        """Raises ConfigurationError for what such a network makes impossible."""
        super().__init__(scope, construct_id)
        _check_secrets(chosen, given)
        self._where = where
        self._sending = sorted(chosen.snapshot.sending.keys() & given.keys())
        whole = {plugin: [*statements, *self._invoking(plugin)] for plugin, statements in given.items()}
        self.network = Network(self, "Network", where=where, given=whole)
        self.sender: PenstockFunction | None = None
        if self._sending:
            longest_s = max(
                placed.function_timeout_s(chosen.snapshot, chosen.snapshot.plugins[plugin])
                for plugin in given
            )
            self.sender = self._sender(foundation, longest_s, chosen.options.egress_concurrency)

    def wall(self, plugin: str) -> Wall:
        """Of the function of `plugin`."""
        own = self._where.function(self._where.plugin_function(plugin))
        alias = {EGRESS_ALIAS: alias_of(self._where, plugin)} if plugin in self._sending else {}
        return Wall(
            statements=[*self._invoking(plugin), *interface_statements(own)],
            environment={**SDK_VARIABLES, **alias},
            extra=self.network.inside(plugin),
        )

    def _invoking(self, plugin: str) -> list[iam.PolicyStatement]:
        if plugin not in self._sending:
            return []
        return [Statements(self._where).invoke([alias_of(self._where, plugin)])]

    def _sender(self, foundation: Foundation, longest_s: int, at_once: int | None) -> PenstockFunction:
        own = Lambda(
            name=egress_function(self._where),
            package="egress",
            statements=[],
            timeout_s=longest_s,
            extra={"reserved_concurrent_executions": at_once},
        )
        made = PenstockFunction(self, "Sender", foundation, own)
        version = made.function.current_version
        for plugin in self._sending:
            lambda_.Alias(
                self,
                f"Alias-{plugin}",
                alias_name=plugin,
                version=version,
                # IAM has no permission to invoke and wait: what code past `ctx.http` leaves for later is sent
                # at most once, and soon or not at all.
                retry_attempts=0,
                max_event_age=Duration.seconds(MAX_EVENT_AGE_S),
            )
        return made


def egress_function(where: Whereabouts) -> str:
    """Its name."""
    return f"{where.deployment}-egress"


def alias_of(where: Whereabouts, plugin: str) -> str:
    """What a plugin's function invokes: the function's name, and the plugin's."""
    return f"{egress_function(where)}:{plugin}"


def _check_secrets(chosen: Chosen, given: Mapping[str, object]) -> None:
    """An ARN may lead to another account or region, where no endpoint of this network leads."""
    for index, stanza in enumerate(chosen.source.file.plugin):
        for name, secret in stanza.secrets.items():
            if stanza.name in given and secret.startswith("arn:"):
                problem = f'gives {name!r} by ARN, which egress = "enforced" cannot reach for certain.'
                remedy = "Store it in the gateway's account and region, and write its name."
                raise chosen.source.error(("plugin", index, "secrets"), problem, remedy)
