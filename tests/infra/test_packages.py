from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from infra.packages import HOST, SERVICES, is_needed, packages, top_levels
from penstock.errors import ConfigurationError
from tests import tree


def test_what_functions_bring_is_for_their_platform_and_their_python() -> None:
    binaries = [name for name in packages("core") if name.endswith(".so")]
    assert binaries
    assert all("cpython-313-aarch64-linux-gnu" in name for name in binaries)


def test_the_same_packages_are_there_to_run_on_this_machine() -> None:
    assert top_levels("core", HOST) - {"runtime_client"} == top_levels("core") - {"runtime_client"}


def test_the_runtime_is_brought_along_so_that_aws_cannot_change_what_we_build_on() -> None:
    assert {"awslambdaric", "runtime_client"} <= top_levels("core")


def test_botocore_brings_the_services_that_our_clients_speak_to() -> None:
    source = (tree.ROOT / "penstock" / "adapters" / "clients.py").read_text()
    spoken = set(re.findall(r'self\._client\("(\w+)"\)', source))
    spoken -= {"cloudformation"}  # which the command line asks, and no function
    assert spoken
    assert spoken <= set(SERVICES)
    data = {
        name.split("/")[2]
        for name in packages("core")
        if name.startswith("botocore/data/") and name.count("/") > 2
    }
    assert data == set(SERVICES)


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("boto3/__init__.py", True),
        ("boto3-1.0.dist-info/METADATA", True),
        ("boto3-1.0.dist-info/licenses/LICENSE", True),
        ("boto3-1.0.dist-info/RECORD", False),  # differs from machine to machine
        ("bin/jp.py", False),
        (".lock", False),
        ("pydantic/py.typed", False),
        ("certifi/tests/test_certify.py", False),
        ("certifi/cacert.pem", True),
        ("botocore/data/endpoints.json", True),
        ("botocore/data/sqs/2012-11-05/service-2.json.gz", True),
        ("botocore/data/ec2/2016-11-15/service-2.json.gz", False),
    ],
)
def test_only_what_a_function_can_use_is_brought(name: str, needed: bool) -> None:
    assert is_needed(name) is needed


def test_packages_of_another_lock_are_refused_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text(json.dumps("another"))
    with pytest.raises(ConfigurationError, match="Run `make setup`"):
        packages("core", home=tmp_path)
