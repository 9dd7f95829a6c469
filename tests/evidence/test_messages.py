from __future__ import annotations

import json

import pytest

from penstock.evidence import messages
from penstock.evidence.encoding import encode
from penstock.evidence.schema import UnreadableEvidenceError, decode
from tests.evidence import examples

KEY = f"org=acme/dt=2026-11-22/hour=09/{examples.REQUEST_ID}.terminal.json.gz"


def test_an_outbox_message_holds_the_record_and_whom_to_dispatch() -> None:
    body = messages.outbox_message(examples.full(), ["audit-export"])
    assert json.loads(body)["record"] == json.loads(encode(examples.full()))
    message = decode(messages.OutboxMessage, body)
    assert (message.record, message.dispatch) == (examples.full(), ["audit-export"])


def test_a_delivery_message_names_plugin_object_and_idempotency_key() -> None:
    body = messages.delivery_message(examples.full(), "audit-export", KEY, amends=False)
    message = decode(messages.DeliveryMessage, body)
    assert (message.plugin, message.key, message.amends) == ("audit-export", KEY, None)
    assert message.idempotency_key == f"{examples.REQUEST_ID}:audit-export"
    assert message.record == examples.full()


def test_an_amended_record_has_an_idempotency_key_of_its_own() -> None:
    first = decode(
        messages.DeliveryMessage, messages.delivery_message(examples.full(), "p2", KEY, amends=False)
    )
    second = decode(
        messages.DeliveryMessage, messages.delivery_message(examples.full(), "p2", KEY, amends=True)
    )
    assert first.idempotency_key != second.idempotency_key
    assert second.amends == "terminal"


@pytest.mark.parametrize("name", ["A sentence.", "../other-queue", "UPPER", ""])
def test_only_a_plugins_name_is_dispatched_to(name: str) -> None:
    with pytest.raises(UnreadableEvidenceError):
        decode(messages.OutboxMessage, messages.outbox_message(examples.answered(), [name]))


def test_the_largest_record_fits_a_message_with_room_to_spare() -> None:
    body = messages.outbox_message(examples.full(), [f"plugin-{n}" for n in range(50)])
    assert len(body) < 256 * 1024
