from __future__ import annotations

from typing import Any

from penstock.adapters.resources import dead_queue
from tests.infra.template import Template, plain


def strings(value: Any) -> list[str]:
    """Every text of a template, as CloudFormation would fill it in."""
    match value:
        case {"Fn::Join": _}:
            return [plain(value)]
        case dict():
            return [found for item in value.values() for found in strings(item)]
        case list():
            return [found for item in value for found in strings(item)]
    return [value] if isinstance(value, str) else []


def named(compute: Template, service: str) -> set[str]:
    prefix = f"arn:aws:{service}:eu-central-1:123456789012:"
    return {
        text.removeprefix(prefix) for text in strings(compute.content["Resources"]) if text.startswith(prefix)
    }


def test_every_queue_that_is_named_is_one_that_the_data_stack_makes(
    compute: Template, template: Template
) -> None:
    made = set(template.named("SQS::Queue", "QueueName"))
    found = named(compute, "sqs")
    # The recorder gives its outbox up by receiving alone; a plugin may send to where its own messages end.
    # Under the data key, who sends to several plugins' queues knows them by a prefix.
    assert found == made - {dead_queue("stacktest-outbox")} | {"stacktest-plugin-*"}


def test_every_table_that_is_named_is_one_that_the_data_stack_makes(
    compute: Template, template: Template
) -> None:
    made = {f"table/{name}" for name in template.named("DynamoDB::Table", "TableName")}
    assert {text.partition("/index/")[0] for text in named(compute, "dynamodb")} <= made


def test_every_secret_that_is_named_is_one_that_the_data_stack_makes_or_an_operator_stores(
    compute: Template, template: Template
) -> None:
    made = {f"secret:{name}-??????" for name in template.named("SecretsManager::Secret", "Name")}
    assert named(compute, "secretsmanager") == made | {"secret:stacktest/upstreams/*"}
