from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from penstock.sdk.storage import MemoryStorage, Stored
from plugins.tenant_eligibility.table import MAX_REMEMBERED, Row, Table, keys_of


class Counted(MemoryStorage):
    """Counts what is read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []

    def get(self, key: str) -> Stored | None:
        self.read.append(key)
        return super().get(key)


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_row_is_read_again_when_its_time_is_over_and_not_before() -> None:
    storage, clock = Counted(), Clock()
    table = Table(30, clock)
    storage.put("tenant/a", {"allow_models": ["one"]})
    assert table.row("tenant/a", storage) == Row(allow_models=("one",))
    storage.put("tenant/a", {"deny_models": ["*"]})
    clock.now_s = 29.9
    assert table.row("tenant/a", storage) == Row(allow_models=("one",))
    clock.now_s = 30.0
    assert table.row("tenant/a", storage) == Row(deny_models=("*",))
    assert len(storage.read) == 2


def test_that_there_is_no_row_is_remembered_for_as_long() -> None:
    storage, clock = Counted(), Clock()
    table = Table(30, clock)
    assert [table.row("team/x", storage) for _ in range(3)] == [None] * 3
    assert len(storage.read) == 1
    storage.put("team/x", {})
    clock.now_s = 30.0
    assert table.row("team/x", storage) == Row()


def test_without_a_cache_every_request_reads() -> None:
    storage = Counted()
    table = Table(0, Clock())
    for _ in range(3):
        table.row("team/x", storage)
    assert len(storage.read) == 3


def test_no_more_rows_are_remembered_than_fit() -> None:
    storage = Counted()
    table = Table(30, Clock())
    for number in range(MAX_REMEMBERED + 1):
        table.row(f"tenant/{number}", storage)
    table.row(f"tenant/{MAX_REMEMBERED}", storage)
    assert len(storage.read) == MAX_REMEMBERED + 1
    table.row("tenant/0", storage)
    assert len(storage.read) == MAX_REMEMBERED + 2, "the oldest had to go"


@pytest.mark.parametrize(
    "value", [[], "allow", {"allow": ["*"]}, {"allow_models": "*"}, {"allow_models": [1]}, None]
)
def test_what_is_no_row_is_not_guessed_and_not_remembered(value: Any) -> None:
    storage = Counted()
    storage.put("team/x", value)
    table = Table(30, Clock())
    for _ in range(2):
        with pytest.raises(ValidationError):
            table.row("team/x", storage)
    assert len(storage.read) == 2


def test_denials_go_before_and_globs_are_of_whole_names_in_their_case() -> None:
    row = Row(allow_models=("gpt-*",), deny_models=("gpt-5*",), allow_mcp_servers=("files",))
    said = [row.says("models", name) for name in ("gpt-4o", "gpt-5-mini", "GPT-4o", "my-gpt-4o")]
    assert said == [True, False, None, None]
    assert (row.says("mcp_servers", "files"), row.says("mcp_servers", "gpt-4o")) == (True, None)


def test_a_request_is_held_to_the_rows_of_all_that_it_has() -> None:
    identity = {"organisation": "acme", "team": None, "user": "u", "api_key": "k", "tenant": "t"}
    assert list(keys_of(identity)) == [
        ("api_key", "api_key/k"),
        ("tenant", "tenant/t"),
        ("organisation", "organisation/acme"),
    ]
