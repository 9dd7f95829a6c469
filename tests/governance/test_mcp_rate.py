"""A key that makes too many requests to one server waits, and no other with it."""

from __future__ import annotations

from penstock.governance.mcp_access import McpServer
from penstock.governance.mcp_rate import MAX_COUNTED, McpRate
from penstock.governance.principal import Principal
from penstock.mcp.rules import ToolAccess, ToolRules
from penstock.upstream.mcp_target import McpAuth
from penstock.upstream.target import Target


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def server(name: str = "files", limit: int | None = 60) -> McpServer:
    access = ToolAccess(ToolRules(), ())
    return McpServer(name, Target(name, "https://x"), McpAuth(), access, calls_per_minute=limit)


APP = Principal("acme", "app")


def test_as_many_pass_as_are_allowed_and_more_come_back_with_time() -> None:
    clock = Clock()
    rate = McpRate(clock)
    assert [rate.take(APP, server()) for _ in range(60)] == [None] * 60
    denied = rate.take(APP, server())
    assert denied is not None
    assert (denied.denial.status, denied.denial.retry_after_s, denied.record.limit) == (429, 1, 60)
    clock.now = 1.0
    assert rate.take(APP, server()) is None
    assert rate.take(APP, server()) is not None


def test_keys_and_servers_are_counted_apart() -> None:
    rate = McpRate(Clock())
    assert rate.take(APP, server(limit=1)) is None
    assert rate.take(APP, server(limit=1)) is not None
    assert rate.take(APP, server("other", limit=1)) is None
    assert rate.take(Principal("acme", "more"), server(limit=1)) is None
    assert rate.take(Principal("other", "app"), server(limit=1)) is None


def test_a_batch_counts_as_many_as_it_holds() -> None:
    rate = McpRate(Clock())
    assert rate.take(APP, server(limit=3), 4) is not None
    assert rate.take(APP, server(limit=3), 3) is None


def test_without_a_limit_nothing_is_counted_and_what_is_counted_is_bounded() -> None:
    rate = McpRate(Clock())
    assert all(rate.take(APP, server(limit=None)) is None for _ in range(100))
    for number in range(MAX_COUNTED + 10):
        rate.take(Principal("acme", f"k{number}"), server())
    assert len(rate._buckets) == MAX_COUNTED
