"""Sends one request for the plugin whose alias was invoked, to a host that it is granted, and to no other.

It holds no secret, and its role may do nothing but write its log.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import httpx

from penstock.background.capabilities import GrantedTransport
from penstock.configuration.settings import Settings
from penstock.configuration.snapshot import Snapshot
from penstock.egress.addresses import is_this_machine
from penstock.egress.deadline import Deadline
from penstock.egress.function import Egress
from penstock.egress.network import PublicTransport
from penstock.evidence import logs


class LambdaContext(Protocol):
    """The part of Lambda's context that is used."""

    invoked_function_arn: str

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the environment."""


class Unkept:
    """Receivers' ids are for the evidence, which the plugin's own side writes."""

    def text(self, _field: str, _value: str) -> str:
        return ""


def egress_of(name: str, settings: Settings) -> Egress:
    """That of the deployment whose snapshot is in this asset."""
    hosts = Snapshot.load(Path(settings.snapshot_path)).sending
    every = {host.rpartition(":")[0] for granted in hosts.values() for host in granted}
    loopback = frozenset(filter(is_this_machine, every)) if settings.local else frozenset[str]()

    def granted(inner: httpx.BaseTransport, to: frozenset[str]) -> httpx.BaseTransport:
        return GrantedTransport(inner, to, Unkept(), local=settings.local)

    context = httpx.create_ssl_context(trust_env=False)  # reads the certificates: once, and not for each

    def sender(deadline: Deadline) -> httpx.BaseTransport:
        return PublicTransport(loopback, verify=context, keeps=False, deadline=deadline)

    return Egress(name, hosts, sender, granted)


@cache
def egress() -> Egress:
    """One per environment."""
    logs.set_up()
    return egress_of(os.environ["AWS_LAMBDA_FUNCTION_NAME"], Settings.read(os.environ))


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    egress()  # in Lambda's init phase: reading the certificates takes longest


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """One request of one plugin."""
    return egress().answer(event, context.invoked_function_arn, context.get_remaining_time_in_millis() / 1000)
