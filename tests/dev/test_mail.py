from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from moto import mock_aws

from penstock.adapters.clients import Clients, Endpoint
from penstock.configuration.snapshot import Snapshot
from penstock.dev.mail import take_mail
from tests.background.fakes import PLACEMENT
from tests.background.test_deployed import snapshot

BOT = "bot@acme.example"


@pytest.fixture
def clients() -> Iterator[Clients]:
    with mock_aws():
        yield Clients(Endpoint("eu-central-1", None, "local", "local"))


def with_email(sender: str | None) -> Snapshot:
    found = snapshot(PLACEMENT)
    plugin = replace(found.plugins["audit-export"], email_from=sender, email_to=("*@acme.example",))
    return replace(found, plugins={"audit-export": plugin})


def test_a_granted_sender_is_verified_and_the_operator_told_where_its_mail_is(clients: Clients) -> None:
    (note,) = take_mail(clients, with_email(BOT))
    assert note.endswith("/moto-api/data.json, under ses.Message.")
    assert clients.sesv2.get_email_identity(EmailIdentity=BOT)["VerificationStatus"] == "SUCCESS"
    assert take_mail(clients, with_email(BOT)) == (note,)  # as after a restart


def test_without_e_mail_nothing_is_said_or_made(clients: Clients) -> None:
    assert take_mail(clients, with_email(None)) == ()
    assert clients.sesv2.list_email_identities()["EmailIdentities"] == []
