from __future__ import annotations

from penstock.sdk.storage import MemoryStorage
from plugins.email_notify.digest import subject, text
from plugins.email_notify.window import add
from tests.plugins.email_notify.test_window import match


def test_a_window_is_told_by_rule_and_code_the_most_frequent_first() -> None:
    storage = MemoryStorage()
    add(storage, match(1, "dear", cost=2_000_000_000), 1_795_338_900.0, 1)
    add(storage, match(2, "blocked", code="secret-scanner.developer_token"), 1_795_338_901.0, 1)
    window = add(storage, match(3, "blocked", code="budget_exceeded"), 1_795_338_902.0, 1)
    assert subject(window, "Acme gateway") == "Acme gateway: 3 requests to look at"
    assert text(window, 900).splitlines() == [
        "Since 2026-11-22 09:15:00 UTC, for 15 minutes: 3 requests that a rule matches.",
        "Together they cost 2.0000 US dollars.",
        "",
        "blocked: 2",
        "  01a20289-929b-7000-8000-000000000002",
        "  and 1 more",
        "",
        "dear: 1",
        "  01a20289-929b-7000-8000-000000000001",
        "",
        "What the callers were told:",
        "  budget_exceeded: 1",
        "  secret-scanner.developer_token: 1",
        "",
        "Everything of one request: penstock evidence show <id>",
        f"Digest 1795338900-{1:016x}. The same one may come twice.",
    ]


def test_one_request_is_one_and_costs_that_nobody_knows_are_left_out() -> None:
    window = add(MemoryStorage(), match(1, cost=0), 0.0, 20)
    assert subject(window, "Penstock") == "Penstock: 1 request to look at"
    assert "dollars" not in text(window, 61)
    assert "for 61 seconds: 1 request that" in text(window, 61)
    assert "for 1 minute:" in text(window, 60)
