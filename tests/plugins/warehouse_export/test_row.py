from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from penstock.evidence.encoding import as_mapping
from penstock.sdk.sample import EVIDENCE
from plugins.warehouse_export.row import COLUMNS, PLACEMENT, SCHEMA, UPSTREAM, row, table
from tests import tree
from tests.evidence import examples

README = (tree.ROOT / "plugins" / "warehouse_export" / "README.md").read_text(encoding="utf-8")
EVIDENCE_SCHEMA = json.loads((tree.ROOT / "docs" / "evidence.schema.json").read_text(encoding="utf-8"))


def test_a_row_is_flat_and_whole() -> None:
    made = row(as_mapping(examples.answered()))
    assert made["request_id"] == examples.REQUEST_ID
    assert (made["organisation"], made["user_id"], made["tenant"]) == ("acme", "u-17", "tenant-a")
    assert (made["input_tokens"], made["output_tokens"], made["cost_nanousd"]) == (120, 34, 640_000)
    upstream = ("provider", "upstream_model", "upstream_status", "upstream_attempts")
    assert [made[name] for name in upstream] == ["openai", "gpt-4o-2024-08-06", 200, 1]
    assert [(each["plugin"], each["action"]) for each in made["placements"]] == [
        ("pii-redactor", "transform"),
        ("audit-export", "dispatched"),
    ]
    assert made["schema"] == SCHEMA


def test_every_row_has_every_column_in_its_order_whatever_the_record_lacks() -> None:
    names = [column.name for column in table()]
    for record in (as_mapping(examples.answered()), as_mapping(examples.unknown()), EVIDENCE, {}):
        assert list(row(record)) == names
    assert row({})["placements"] == []
    assert row({})["tags"] == {}


def at(schema: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    """The part of the evidence's schema that describes `path`. Raises KeyError where there is none."""
    found = schema
    for part in path.split("."):
        options = [found, *found.get("anyOf", ())]
        (name,) = {each["$ref"].rpartition("/")[2] for each in options if "$ref" in each} or {""}
        found = (EVIDENCE_SCHEMA["$defs"][name] if name else found)["properties"][part]
    return found


def test_every_column_is_something_that_the_evidence_has() -> None:
    for column in COLUMNS:
        assert at(EVIDENCE_SCHEMA, column.path), column.name
    for part, columns in (("PlacementRecord", PLACEMENT), ("UpstreamRecord", UPSTREAM)):
        for column in columns:
            assert column.path in EVIDENCE_SCHEMA["$defs"][part]["properties"], column.name


def test_the_table_of_the_readme_is_this_one() -> None:
    (body,) = re.findall(r"CREATE EXTERNAL TABLE penstock_rows \(\n(.*?)\n\)\n", README, re.DOTALL)
    written = [tuple(line.strip().removesuffix(",").split(" ", 1)) for line in body.split("\n")]
    assert written == [(column.name, column.type) for column in table()]


PINNED = "request_id received_at organisation team user_id api_key tenant dialect route stream model"


def test_columns_of_this_version_keep_their_places() -> None:
    """A column that was there once stays; new ones go to the end."""
    assert [column.name for column in table()][:11] == PINNED.split()
    assert len({column.name for column in table()}) == len(list(table()))
