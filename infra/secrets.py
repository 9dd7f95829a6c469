"""The secrets that gateway.toml names, empty of meaning until an operator stores their values."""

from __future__ import annotations

from collections.abc import Iterable

from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.chosen import Chosen
from infra.keys import CUSTOMER_MANAGED, KeyUse
from infra.whereabouts import Whereabouts
from penstock.adapters.resources import Names, link_secret

PLACEHOLDER_CHARACTERS = 48


def named_secrets(chosen: Chosen) -> list[str]:
    """Names to be made, of plugins' and upstreams' secrets. Who writes an ARN has the secret already."""
    plugins = {name for plugin in chosen.snapshot.plugins.values() for name in plugin.secrets.values()}
    snapshot = chosen.snapshot
    links = {
        link_secret(snapshot.deployment, each.name) for each in snapshot.plugins.values() if each.asks_humans
    }
    return sorted(name for name in plugins.union(told_secrets(chosen), links) if not name.startswith("arn:"))


def told_secrets(chosen: Chosen) -> list[str]:
    """Upstreams' secrets that the gateway's role must name: those that are not below the operators' prefix.

    Of those the stack makes none: an operator may store one long before the next deployment, which would
    then find its name taken.
    """
    prefix = Names.of(chosen.snapshot.deployment).upstream_secrets
    servers = {server.secret for server in chosen.source.file.mcp_server if server.secret}
    return sorted(name for name in servers.union(chosen.provider_secrets) if not name.startswith(prefix))


def key_use(chosen: Chosen, where: Whereabouts) -> KeyUse:
    """Under which keys this deployment's things are. Raises ConfigurationError.

    A secret that nothing in the file reads is refused: it is a name that was mistyped, and its reader would
    be denied only when somebody waits for it. So is one that the stack makes, under a key of its own.
    """
    file = chosen.source.file
    plugins = {name for stanza in file.plugin for name in stanza.secrets.values()}
    read = plugins.union(server.secret for server in file.mcp_server if server.secret)
    read = read.union(chosen.provider_secrets)
    made, own = named_secrets(chosen), dict[str, str]()
    for index, stanza in enumerate(chosen.options.secret_key):
        for secret in stanza.secrets:
            wrong = (
                "nothing in this file reads"
                if secret not in read
                else "the stack makes, under a key of its own"
                if secret in made
                else "has a key already"
                if where.secret(secret) in own
                else ""
            )
            if wrong:
                remedy = (
                    "Name secrets that exist already, each once: by ARN, or as it is stored for upstreams."
                )
                place = ("deployment", "secret_key", index, "secrets")
                raise chosen.source.error(place, f"names {secret!r}, which {wrong}.", remedy)
            own[where.secret(secret)] = stanza.kms_key
    return KeyUse(where, chosen.options.encryption == CUSTOMER_MANAGED, own)


class Secrets(Construct):
    """One secret for each name, holding a random text: nothing is signed with what somebody knows."""

    def __init__(
        self, scope: Construct, construct_id: str, names: Iterable[str], *, key: kms.IKey | None
    ) -> None:
        super().__init__(scope, construct_id)
        for name in names:
            secretsmanager.Secret(
                self,
                name,
                secret_name=name,
                encryption_key=key,
                description="Used by Penstock. Store the value with `aws secretsmanager put-secret-value`.",
                generate_secret_string=secretsmanager.SecretStringGenerator(
                    password_length=PLACEHOLDER_CHARACTERS, exclude_punctuation=True
                ),
            )
