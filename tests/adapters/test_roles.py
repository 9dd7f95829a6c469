from __future__ import annotations

from collections.abc import Callable

import pytest
from botocore.exceptions import EndpointConnectionError

from penstock.adapters.clients import Clients
from penstock.adapters.roles import assume
from penstock.errors import StorageError

ROLE = "arn:aws:iam::123456789012:role/gateway"


def test_a_role_s_credentials_are_temporary_and_its_own(clients: Clients) -> None:
    first, second = assume(clients, ROLE, "one"), assume(clients, ROLE, "two")
    assert first.access_key_id != second.access_key_id
    assert first.access_key_id.startswith("ASIA")
    assert set(first.environment()) == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}


def test_credentials_do_not_show_their_secrets(clients: Clients) -> None:
    given = assume(clients, ROLE, "one")
    assert given.secret_access_key not in repr(given)
    assert given.session_token not in repr(given)


def test_an_sts_that_does_not_answer_is_a_storage_error(broken: Callable[[str, Exception], Clients]) -> None:
    clients = broken("sts", EndpointConnectionError(endpoint_url="http://127.0.0.1:9"))
    with pytest.raises(StorageError):
        assume(clients, ROLE, "one")
