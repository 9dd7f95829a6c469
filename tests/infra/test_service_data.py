from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.session import Session

from infra.packages import HOST, SERVICES, packages
from infra.service_data import DATA, ENDPOINTS, slimmed

REGIONS = ("eu-west-1", "us-east-1", "us-gov-west-1", "cn-north-1")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the asset has of botocore's data."""
    folder = tmp_path_factory.mktemp("data")
    for name, content in slimmed(packages("core", HOST), frozenset({*SERVICES, "email"})).items():
        if name.startswith(DATA):
            path = folder / name.removeprefix(DATA)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.read_bytes())
    return folder


@cache
def _session(data: Path | None) -> Session:
    session = Session()
    if data is not None:
        loader = Loader(include_default_search_paths=False, extra_search_paths=[str(data)])
        session.register_component("data_loader", loader)
    return session


def _client(service: str, region: str, data: Path | None) -> Any:
    session = _session(data)
    return session.create_client(service, region, aws_access_key_id="a", aws_secret_access_key="b")


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("region", REGIONS)
def test_a_client_calls_the_same_place_in_the_same_words(service: str, region: str, data: Path) -> None:
    ours, theirs = _client(service, region, data), _client(service, region, None)
    assert ours.meta.endpoint_url == theirs.meta.endpoint_url
    assert ours.meta.config.signature_version == theirs.meta.config.signature_version
    assert ours.meta.method_to_api_mapping == theirs.meta.method_to_api_mapping
    told = [made.meta.service_model.client_context_parameters for made in (ours, theirs)]
    assert [one.name for one in told[0]] == [one.name for one in told[1]]


def test_a_model_loses_the_words_of_its_documentation_and_nothing_else(tmp_path: Path) -> None:
    model = {
        "documentation": "long",
        "shapes": {"documentation": {"type": "string", "documentation": "long"}},
        "operations": [{"members": {"documentation": {"shape": "S", "documentation": "long"}}}],
    }
    path = tmp_path / "service-2.json.gz"
    path.write_bytes(gzip.compress(json.dumps(model).encode()))
    found = slimmed({f"{DATA}s/1/service-2.json.gz": path}, frozenset())
    content = found[f"{DATA}s/1/service-2.json"]
    assert isinstance(content, bytes)
    assert json.loads(content) == json.loads(json.dumps(model).replace("long", ""))


def test_addresses_of_other_services_are_left_out_and_no_region_is() -> None:
    files = packages("core", HOST)
    found = slimmed(files, frozenset({"sqs"}))[ENDPOINTS]
    assert isinstance(found, bytes)
    before, after = json.loads(files[ENDPOINTS].read_bytes()), json.loads(found)
    assert {name for one in after["partitions"] for name in one["services"]} == {"sqs"}
    assert [one["regions"] for one in after["partitions"]] == [one["regions"] for one in before["partitions"]]


def test_any_other_file_is_brought_as_it_is() -> None:
    files = packages("core", HOST)
    found = slimmed(files, frozenset())
    changed = {name for name in files if found.get(name) != files[name]}
    assert all(name == ENDPOINTS or name.endswith("/service-2.json.gz") for name in changed)
