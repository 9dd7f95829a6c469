"""What holds for every test: no network, no account, no clock of its own for hypothesis."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

TESTS = Path(__file__).parent
SYNTHESISES = TESTS / "aws" / "test_templates.py"
LOOPBACK_TIERS = ("aws", "dev", "e2e", "hostile")
LOOPBACK = ["127.0.0.1", "::1", "localhost"]

# No test may find an account, a provider's key or a proxy that happens to be on the machine.
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_PROXY": "127.0.0.1,::1,localhost",
}
ABSENT = ("AWS_PROFILE", "AWS_ENDPOINT_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY")


def pytest_configure() -> None:
    # A shared machine pauses at will: an example that took long says nothing about the code.
    hypothesis.settings.register_profile("penstock", deadline=None)
    hypothesis.settings.load_profile("penstock")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tiers that run processes use this machine's own sockets, and nothing beyond it."""
    items.sort(key=_turn)
    for item in items:
        if item.get_closest_marker("loopback") or _tier(item.path) in LOOPBACK_TIERS:
            item.add_marker(pytest.mark.allow_hosts(LOOPBACK))


def _turn(item: pytest.Item) -> int:
    """One process synthesises while another tests what needs no stack; then what needs them; then the rest.

    The hostile and the end-to-end tests come last: their gateways live in threads of this process, whose use
    of `random` hypothesis would take for that of its own tests. The longest file is among the hostile ones.
    """
    if item.path == SYNTHESISES:
        return 0
    return {"aws": 2, "infra": 2, "hostile": 3, "e2e": 4}.get(_tier(item.path), 1)


def _tier(path: Path) -> str:
    return path.relative_to(TESTS).parts[0] if path.is_relative_to(TESTS) else ""


@pytest.fixture(scope="session", autouse=True)
def hermetic_environment() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        for name in ABSENT:
            patch.delenv(name, raising=False)
        yield
