from __future__ import annotations

import gzip
from dataclasses import replace

import pytest

from penstock.adapters.objects import MemoryObjects
from penstock.errors import StorageError
from penstock.evidence import layout
from penstock.evidence.archive import Archive, Stored
from penstock.evidence.encoding import encode
from penstock.evidence.schema import read_record
from tests.evidence import examples


def test_a_record_is_stored_once_and_the_same_again_is_success() -> None:
    objects = MemoryObjects()
    archive = Archive(objects)
    assert archive.put_terminal(examples.answered())[0] is Stored.NEW
    assert archive.put_terminal(examples.answered())[0] is Stored.SAME
    (key,) = objects.list("")
    assert read_record(layout.unpack(objects.get(key) or b"")) == examples.answered()


def test_the_first_record_of_a_request_stays() -> None:
    objects = MemoryObjects()
    archive = Archive(objects)
    archive.put_terminal(examples.unknown())
    stored, key = archive.put_terminal(examples.answered())
    assert stored is Stored.OTHER
    assert read_record(layout.unpack(objects.get(key) or b"")).outcome == "outcome_unknown"


def test_equal_records_are_the_same_however_they_were_packed() -> None:
    objects = MemoryObjects()
    key = layout.terminal_key("acme", examples.REQUEST_ID)
    objects.put_once(key, gzip.compress(encode(examples.answered()), 1, mtime=77))
    assert Archive(objects).put_terminal(examples.answered())[0] is Stored.SAME


def test_amendments_lie_beside_each_other() -> None:
    objects = MemoryObjects()
    archive = Archive(objects)
    later = replace(examples.answered(), status=502)
    for record in (examples.answered(), later, examples.answered()):
        archive.put_amendment(record)
    assert len(list(objects.list(""))) == 2


def test_something_foreign_under_a_key_of_ours_is_a_failure_and_not_a_success() -> None:
    objects = MemoryObjects()
    objects.put_once(layout.terminal_key("acme", examples.REQUEST_ID), b"not packed")
    with pytest.raises(StorageError):
        Archive(objects).put_terminal(examples.answered())
