"""boto3 clients for tests on moto in this process. Making one takes 0.1 s: they are made once and shared."""

from __future__ import annotations

from functools import cache

from penstock.adapters.clients import Clients

SERVICES = ("dynamodb", "s3", "sqs", "secretsmanager")


def shared_clients() -> Clients:
    """Clients of its own for one test, made of those that all tests share."""
    clients = Clients()
    clients._made.update(_warm()._made)
    return clients


@cache
def _warm() -> Clients:
    clients = Clients()
    for service in SERVICES:
        getattr(clients, service)
    return clients
