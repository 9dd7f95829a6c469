from __future__ import annotations

from typing import Any

from penstock.adapters.keys import LEDGER, TABLES, Table
from tests.infra.template import Template


def tables(template: Template) -> dict[str, Any]:
    return {table["TableName"]: table for table in template.of("DynamoDB::Table").values()}


def key_schema(partition_key: str, sort_key: str | None) -> list[dict[str, str]]:
    names = [(partition_key, "HASH"), *([(sort_key, "RANGE")] if sort_key else [])]
    return [{"AttributeName": name, "KeyType": kind} for name, kind in names]


def indexes(table: Table) -> list[dict[str, Any]]:
    return [
        {
            "IndexName": index.name,
            "KeySchema": key_schema(index.partition_key, index.sort_key),
            "Projection": {"ProjectionType": "ALL"},
        }
        for index in table.indexes
    ]


def test_the_tables_are_those_of_the_key_design_and_no_others(template: Template) -> None:
    assert set(tables(template)) == {f"stacktest-{table.name}" for table in TABLES}


def test_each_table_has_the_keys_and_indexes_that_the_code_asks_by(template: Template) -> None:
    made = tables(template)
    for table in TABLES:
        properties = made[f"stacktest-{table.name}"]
        types = {d["AttributeName"]: d["AttributeType"] for d in properties["AttributeDefinitions"]}
        assert properties["KeySchema"] == key_schema(table.partition_key, table.sort_key)
        assert properties.get("GlobalSecondaryIndexes", []) == indexes(table)
        assert types == dict(table.attributes)


def test_what_expires_is_removed_by_dynamodb(template: Template) -> None:
    made = tables(template)
    for table in TABLES:
        ttl = made[f"stacktest-{table.name}"].get("TimeToLiveSpecification", {})
        assert ttl.get("AttributeName") == table.ttl_attribute
        assert ttl.get("Enabled", False) is (table.ttl_attribute is not None)
    assert LEDGER.ttl_attribute, "or the ledger would grow for ever"


def test_tables_are_on_demand_restorable_and_not_deleted_by_mistake(template: Template) -> None:
    for name, table in tables(template).items():
        assert table["BillingMode"] == "PAY_PER_REQUEST", name
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}, name
        assert table["DeletionProtectionEnabled"] is True, name
