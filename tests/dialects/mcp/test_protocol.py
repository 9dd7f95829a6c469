"""What the specifications fix, against each other."""

from __future__ import annotations

from penstock.dialects.mcp import protocol


def test_headers_are_in_lower_case_as_requests_have_them() -> None:
    names = [value for name, value in vars(protocol).items() if name.endswith(("_HEADER", "_PREFIX"))]
    assert len(names) == 6
    assert all(name == name.lower() for name in names)


def test_versions_are_the_released_ones_oldest_first() -> None:
    assert protocol.VERSIONS == ("2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28")
    assert protocol.UNSAID_VERSION == protocol.BATCH_VERSION == protocol.VERSIONS[0]
