from __future__ import annotations

from collections.abc import Callable

import pytest
from botocore.exceptions import ReadTimeoutError

from penstock.adapters.clients import Clients
from penstock.adapters.keys import LEDGER
from penstock.adapters.provision import create_table
from penstock.adapters.seal_note import DynamoSealNotes, MemorySealNotes, SealNote, SealNotes
from penstock.errors import StorageError

DIGEST = "sha256:" + "a" * 64


@pytest.fixture
def notes(kind: str, clients: Clients) -> SealNotes:
    if kind == "memory":
        return MemorySealNotes()
    create_table(clients, LEDGER, "ledger")
    return DynamoSealNotes(clients, "ledger")


def test_there_is_none_before_the_first(notes: SealNotes) -> None:
    assert notes.latest() is None


def test_the_newest_is_kept(notes: SealNotes) -> None:
    notes.write(SealNote(1, DIGEST, None))
    assert notes.latest() == SealNote(1, DIGEST, None)
    notes.write(SealNote(2, DIGEST, 1_795_338_000_000))
    assert notes.latest() == SealNote(2, DIGEST, 1_795_338_000_000)


@pytest.mark.parametrize("number", [1, 2])
def test_it_never_goes_back_nor_is_it_replaced(notes: SealNotes, number: int) -> None:
    notes.write(SealNote(2, DIGEST, None))
    notes.write(SealNote(number, "sha256:" + "b" * 64, 5))
    assert notes.latest() == SealNote(2, DIGEST, None)


def test_a_ledger_that_does_not_answer_is_a_storage_error(
    broken: Callable[[str, Exception], Clients],
) -> None:
    notes = DynamoSealNotes(broken("dynamodb", ReadTimeoutError(endpoint_url="x")), "ledger")
    for call in (notes.latest, lambda: notes.write(SealNote(1, DIGEST, None))):
        with pytest.raises(StorageError):
            call()
