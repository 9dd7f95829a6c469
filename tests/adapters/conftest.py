"""AWS in this process, and each port in both of its implementations."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from penstock.adapters.clients import Clients
from tests.aws_clients import shared_clients

REGION = "eu-central-1"


@pytest.fixture
def clients() -> Iterator[Clients]:
    with mock_aws():
        yield shared_clients()


@pytest.fixture(params=["memory", "aws"])
def kind(request: pytest.FixtureRequest) -> str:
    """Which of a port's two implementations a test runs on."""
    return str(request.param)


class Failing:
    """A client of an AWS that does not answer as it should: every call raises `error`."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> object:
        def call(*args: object, **kwargs: object) -> object:
            raise self._error

        return call


@pytest.fixture
def broken(clients: Clients) -> object:
    """Makes `clients` fail: `broken(service, error)`."""

    def breaks(service: str, error: Exception) -> Clients:
        clients._made[service] = Failing(error)
        return clients

    return breaks
