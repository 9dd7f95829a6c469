"""What botocore brings along to know services by, without what a function never reads of it.

Half of a client's making is reading that data: the documentation of every operation, and where some four
hundred other services are. The loader of botocore finds a file by its name, packed or not.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

DATA: Final = "botocore/data/"
PACKED: Final = ".json.gz"
MODEL: Final = "service-2"
ENDPOINTS: Final = f"{DATA}endpoints.json"


def slimmed(files: Mapping[str, Path], services: frozenset[str]) -> dict[str, Path | bytes]:
    """Path in the import path → content: `files`, with botocore's data as small as `services` let it be."""
    return dict(_slimmed(name, path, services) for name, path in files.items())


@cache
def _slimmed(name: str, path: Path, services: frozenset[str]) -> tuple[str, Path | bytes]:
    if name == ENDPOINTS:
        return name, _written(_endpoints(json.loads(path.read_bytes()), services))
    if name.startswith(DATA) and name.endswith(f"/{MODEL}{PACKED}"):
        model = json.loads(gzip.decompress(path.read_bytes()))
        return name.removesuffix(".gz"), _written(_undocumented(model))
    return name, path


def _endpoints(known: dict[str, Any], services: frozenset[str]) -> dict[str, Any]:
    """Every partition and region; of the services only these. The others' addresses are by rule."""
    partitions = [
        {**one, "services": {name: told for name, told in one["services"].items() if name in services}}
        for one in known["partitions"]
    ]
    return {**known, "partitions": partitions}


def _undocumented(value: Any) -> Any:
    """With empty texts called `documentation`; a member or a shape of that name is an object, and stays.

    Empty and not gone: of a service's own parameters (S3 has some) botocore asks for it by name.
    """
    if isinstance(value, list):
        return [_undocumented(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: "" if name == "documentation" and isinstance(below, str) else _undocumented(below)
        for name, below in value.items()
    }


def _written(value: Any) -> bytes:
    """The order is botocore's own: it is part of the protocol of some services."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
