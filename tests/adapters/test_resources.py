from __future__ import annotations

import pytest

from penstock.adapters.resources import Names, QueuePair, Resources
from penstock.configuration.settings import Settings

PAIR = QueuePair("https://sqs/1/p-outbox", "arn:outbox", "https://sqs/1/p-outbox-dead", "arn:dead")
RESOURCES = Resources(
    deployment="p",
    region="eu-central-1",
    control_table="p-control",
    ledger_table="p-ledger",
    storage_table="p-storage",
    evidence_bucket="p-evidence",
    outbox=PAIR,
    plugin_queue_pattern="https://sqs/1/p-plugin-{plugin}",
    plugin_queues={"audit": PAIR},
    evidence_key_secret="p/evidence-key",
)


def test_resources_survive_the_file() -> None:
    assert Resources.decode(RESOURCES.encoded()) == RESOURCES


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"plugin_queues": {"a": {}}}'])
def test_another_file_is_refused(text: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        Resources.decode(text)


def test_a_function_is_told_what_it_needs() -> None:
    settings = RESOURCES.settings("/snapshot.json", ("/plugins",), local=True)
    assert Settings.read(settings.environment()) == settings
    assert settings.outbox_url == PAIR.url
    assert settings.local


def test_the_longest_name_of_a_plugin_makes_a_name_that_sqs_takes() -> None:
    name = Names.of("a" * 20).plugin_queue_pattern.replace("{plugin}", "p" * 39) + "-dead"
    assert len(name) <= 80
