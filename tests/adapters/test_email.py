from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends

from penstock.adapters.clients import Clients
from penstock.adapters.email import SesEmail
from penstock.errors import FieldNotGrantedError, StorageError, UndeliverableError
from tests.adapters.conftest import REGION

SENDER = "penstock@acme.example"


def received() -> list[Any]:
    return list(ses_backends[DEFAULT_ACCOUNT_ID][REGION].sent_messages)


def verified(clients: Clients) -> Clients:
    clients.sesv2.create_email_identity(EmailIdentity=SENDER)
    return clients


def test_a_message_leaves_from_the_one_address_and_its_id_is_told(clients: Clients) -> None:
    ids: list[str] = []
    email = SesEmail(verified(clients), SENDER, ["*@acme.example"], ids.append)
    email.send(["soc@acme.example"], "Blöcke", "Drei in einer Stunde.", "<p>Drei</p>")
    (message,) = received()
    assert (message.source, message.destinations["ToAddresses"]) == (SENDER, ["soc@acme.example"])
    assert (message.subject, ids) == ("Blöcke", [message.id])


@pytest.mark.parametrize("to", [["soc@evil.example"], ["soc@acme.example", "soc@evil.example"]])
def test_who_was_not_granted_gets_nothing_and_neither_does_anybody_with_them(
    clients: Clients, to: list[str]
) -> None:
    with pytest.raises(FieldNotGrantedError):
        SesEmail(verified(clients), SENDER, ["*@acme.example"]).send(to, "s", "t")
    assert received() == []


def test_a_sender_that_ses_does_not_know_is_for_good_and_is_told_without_its_words(clients: Clients) -> None:
    with pytest.raises(UndeliverableError, match="verify the sender") as raised:
        SesEmail(clients, "nobody@acme.example", ["*@acme.example"]).send(["soc@acme.example"], "s", "t")
    assert "nobody" not in str(raised.value)


def test_a_service_that_does_not_answer_is_asked_once(
    broken: Callable[[str, Exception], Clients],
) -> None:
    failing = broken("sesv2", ReadTimeoutError(endpoint_url="x"))
    with pytest.raises(StorageError):
        SesEmail(failing, SENDER, ["*@acme.example"]).send(["soc@acme.example"], "s", "t")


def test_a_message_is_never_sent_a_second_time_by_the_client_itself(clients: Clients) -> None:
    assert clients.sesv2.meta.config.retries["total_max_attempts"] == 1
