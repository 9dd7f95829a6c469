from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.validate import ParamValidationDecorator

from penstock.adapters.clients import Clients, Endpoint
from penstock.errors import ConfigurationError

CHECK = """
import sys
import penstock.adapters.control, penstock.adapters.ledger, penstock.adapters.objects
import penstock.adapters.queues, penstock.adapters.secrets, penstock.adapters.provision
print([name for name in ("boto3", "botocore", "aws_lambda_powertools") if name in sys.modules])
"""


MAKE = """
from penstock.adapters.clients import Clients, Endpoint
from penstock.adapters.secrets import SecretsManager
clients = Clients(Endpoint("eu-west-1", "http://127.0.0.1:9", "id", "key"))
clients.dynamodb, clients.sqs, clients.secretsmanager, SecretsManager(clients)
"""


def imported(script: str) -> str:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_importing_the_ports_does_not_import_boto3() -> None:
    assert imported(CHECK) == "[]"


def test_the_clients_of_a_gateway_import_what_they_need_and_not_what_is_around_it() -> None:
    assert imported(MAKE + CHECK) == "['botocore']"


def test_a_client_is_made_once() -> None:
    clients = Clients()
    with ThreadPoolExecutor(8) as threads:
        made = set(threads.map(lambda _: id(clients.sqs), range(8)))
    assert len(made) == 1


def test_a_client_gives_up_in_time_and_tries_twice() -> None:
    config: Any = Clients().dynamodb.meta.config  # the stubs do not know its options
    assert (config.connect_timeout, config.read_timeout) == (1.0, 3.0)
    assert config.retries == {"total_max_attempts": 2, "mode": "standard"}


def test_a_call_says_who_calls_and_its_arguments_are_not_checked_a_second_time() -> None:
    client: Any = Clients().sqs
    assert client.meta.config.user_agent.startswith("penstock/")
    assert not isinstance(client._serializer, ParamValidationDecorator)


def test_an_endpoint_given_is_the_endpoint_used_and_its_secret_is_not_shown() -> None:
    endpoint = Endpoint("us-east-1", "http://127.0.0.1:9999", "id", "hidden")
    client = Clients(endpoint).s3
    assert client.meta.endpoint_url == "http://127.0.0.1:9999"
    assert client.meta.region_name == "us-east-1"
    assert "hidden" not in repr(endpoint)


def test_a_profile_that_is_not_there_is_the_operator_s_to_mend() -> None:
    with pytest.raises(ConfigurationError, match="no such AWS profile"):
        _ = Clients(Endpoint("eu-central-1", profile="nobody")).cloudformation
