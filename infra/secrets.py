"""The secrets that gateway.toml names, empty of meaning until an operator stores their values."""

from __future__ import annotations

from collections.abc import Iterable

from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.chosen import Chosen

PLACEHOLDER_CHARACTERS = 48


def named_secrets(chosen: Chosen) -> list[str]:
    """Names to be made, of plugins' and providers' secrets. Who writes an ARN has the secret already."""
    plugins = {name for plugin in chosen.snapshot.plugins.values() for name in plugin.secrets.values()}
    return sorted(name for name in plugins.union(chosen.provider_secrets) if not name.startswith("arn:"))


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
