"""The secrets that gateway.toml names, empty of meaning until an operator stores their values."""

from __future__ import annotations

from collections.abc import Iterable

from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.chosen import Chosen
from penstock.adapters.resources import Names

PLACEHOLDER_CHARACTERS = 48


def named_secrets(chosen: Chosen) -> list[str]:
    """Names to be made, of plugins' and upstreams' secrets. Who writes an ARN has the secret already."""
    plugins = {name for plugin in chosen.snapshot.plugins.values() for name in plugin.secrets.values()}
    return sorted(name for name in plugins.union(told_secrets(chosen)) if not name.startswith("arn:"))


def told_secrets(chosen: Chosen) -> list[str]:
    """Upstreams' secrets that the gateway's role must name: those that are not below the operators' prefix.

    Of those the stack makes none: an operator may store one long before the next deployment, which would
    then find its name taken.
    """
    prefix = Names.of(chosen.snapshot.deployment).upstream_secrets
    servers = {server.secret for server in chosen.source.file.mcp_server if server.secret}
    return sorted(name for name in servers.union(chosen.provider_secrets) if not name.startswith(prefix))


class Secrets(Construct):
    """One secret for each name, holding a random text: nothing is signed with what somebody knows."""

    def __init__(self, scope: Construct, construct_id: str, names: Iterable[str]) -> None:
        super().__init__(scope, construct_id)
        for name in names:
            secretsmanager.Secret(
                self,
                name,
                secret_name=name,
                description="Used by Penstock. Store the value with `aws secretsmanager put-secret-value`.",
                generate_secret_string=secretsmanager.SecretStringGenerator(
                    password_length=PLACEHOLDER_CHARACTERS, exclude_punctuation=True
                ),
            )
