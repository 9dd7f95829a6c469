"""All that one plugin has stored, for operators: plugins' own roles may not query."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from penstock.adapters.clients import Clients
from penstock.adapters.failures import mapped
from penstock.adapters.keys import EXPIRES
from penstock.sdk.storage import Stored


def all_stored(
    clients: Clients, table: str, plugin: str, *, now_s: Callable[[], float] = time.time
) -> dict[str, Stored]:
    """Key → value, in the order of keys, without what has expired. Raises StorageError."""
    pages = clients.dynamodb.get_paginator("query").paginate(
        TableName=table,
        ConsistentRead=True,
        KeyConditionExpression="pk = :plugin",
        ExpressionAttributeValues={":plugin": {"S": plugin}},
    )
    with mapped("list a plugin's storage"):
        items = [item for page in pages for item in page["Items"]]
    return {
        item["sk"]["S"]: Stored(json.loads(item["value"]["S"]), item["version"]["S"])
        for item in items
        if EXPIRES not in item or int(item[EXPIRES]["N"]) > now_s()
    }
