"""One local gateway for all end-to-end tests: real processes, moto, a stub, the echo upstream."""

from __future__ import annotations

import gzip
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from anthropic import Anthropic
from openai import OpenAI

from penstock.adapters.clients import Clients, Endpoint
from penstock.dev.environments import REGION
from penstock.dev.gateway import LocalGateway
from penstock.dev.options import Options
from penstock.evidence.layout import request_prefix
from tests.e2e.stub import StubProvider
from tests.fixtures.anthropic import catalogue as messages
from tests.fixtures.openai.catalogue import fixtures

HERE = Path(__file__).parent
SWEEP_AGE_S = 12.0  # well over what the recorder lags behind when two hundred come at once

REDACTED = [
    *(f"request.messages.{role}" for role in ("system", "user", "assistant", "tool")),
    *("request.tools", "request.tool_calls", "request.metadata", "request.parameters"),
]
OWN = [
    *("echo", "echo-guarded", "echo-hostile", "echo-audited", "stub-sensitive"),
    *("stub", "stub-guarded", "echo-exported"),
    *("stub-followed-slowly", "stub-followed-killed"),
]


def configuration(folder: Path, stub: StubProvider, receiver: StubProvider) -> Path:
    """gateway.toml for these tests, and beside it the plugins that it names by path."""
    for plugin in ("hostile", "follow_up"):
        shutil.copytree(HERE / "plugins" / plugin, folder / plugin)
    listed = (*fixtures(), *messages.fixtures())
    names = sorted({name for fixture in listed for name in named(json.loads(fixture.request))})
    filled = (HERE / "gateway.toml").read_text()
    for word, value in {
        "REDACTED_REQUEST": json.dumps(REDACTED),
        "RECEIVER": receiver.address,
        "STUB": stub.address,
        "MODELS": json.dumps(names + OWN),
    }.items():
        filled = filled.replace(word, value)
    path = folder / "gateway.toml"
    path.write_text(filled + "".join(f'\n[[model]]\nid = "{name}"\nprovider = "stub"\n' for name in names))
    return path


def named(value: Any) -> Iterator[str]:
    """Every model that a request names: the one it asks, and those that may be turned to."""
    if isinstance(value, dict) and isinstance(value.get("model"), str):
        yield value["model"]
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from named(inner)


@pytest.fixture(scope="session")
def stub() -> Iterator[StubProvider]:
    provider = StubProvider()
    yield provider
    provider.close()


@pytest.fixture(scope="session")
def receiver() -> Iterator[StubProvider]:
    """Where audit-export sends to."""
    hook = StubProvider()
    hook.answer = lambda _: (200, b"{}")
    yield hook
    hook.close()


@pytest.fixture(scope="session")
def gateway(
    tmp_path_factory: pytest.TempPathFactory, stub: StubProvider, receiver: StubProvider
) -> Iterator[LocalGateway]:
    folder = tmp_path_factory.mktemp("e2e")
    options = Options(
        port=0,
        configuration=configuration(folder, stub, receiver),
        folder=folder / ".penstock",
        keep=False,
        warm=2,
        maximum=6,
        sweep_every_s=3.0,
        sweep_age_s=SWEEP_AGE_S,
    )
    with LocalGateway(options, tell=lambda _: None) as running:
        yield running


@pytest.fixture(scope="session")
def client(gateway: LocalGateway) -> Iterator[OpenAI]:
    """The unmodified client, as an application would make it; it may retry as it likes."""
    with OpenAI(base_url=f"{gateway.address}/v1", api_key=gateway.prepared.api_key, timeout=60) as ordinary:
        yield ordinary


@pytest.fixture(scope="session")
def claude(gateway: LocalGateway) -> Iterator[Anthropic]:
    """Anthropic's unmodified client."""
    with Anthropic(base_url=gateway.address, api_key=gateway.prepared.api_key, timeout=60) as ordinary:
        yield ordinary


def taken_mail(aws_url: str) -> list[dict[str, Any]]:
    """What the local SES has taken. moto answers 500 when something changes while it looks at itself."""
    for _ in range(20):
        answer = httpx.get(f"{aws_url}/moto-api/data.json", timeout=30, trust_env=False)
        if answer.status_code == 200:
            return list(answer.json()["ses"].get("Message", []))
        time.sleep(0.1)
    raise AssertionError("moto does not say what mail it has")


class EvidenceReader:
    """What has been stored, as it lies in the bucket."""

    def __init__(self, gateway: LocalGateway) -> None:
        self._clients = Clients(Endpoint(REGION, gateway.aws_url, "local", "local"))
        self._bucket = gateway.prepared.resources.evidence_bucket

    def stored(self, prefix: str = "") -> list[str]:
        """Every key that begins with `prefix`."""
        pages = self._clients.s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def read(self, key: str) -> dict[str, Any]:
        """One object."""
        packed = self._clients.s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        body = json.loads(gzip.decompress(packed))
        assert isinstance(body, dict)
        return body

    def of(
        self, request_id: str, kind: str = "terminal", *, count: int = 1, within_s: float = 30
    ) -> list[dict[str, Any]]:
        """The objects of one request, once there are `count`; AssertionError when that takes too long."""
        ends = time.monotonic() + within_s
        while True:
            found = [key for key in self.stored(request_prefix("acme", request_id)) if f".{kind}." in key]
            if len(found) >= count or time.monotonic() > ends:
                assert len(found) == count, f"{len(found)} {kind} objects of {request_id}"
                return [self.read(key) for key in found]
            time.sleep(0.1)


@pytest.fixture(scope="session")
def evidence(gateway: LocalGateway) -> EvidenceReader:
    return EvidenceReader(gateway)


@pytest.fixture(scope="session")
def http(gateway: LocalGateway) -> Iterator[httpx.Client]:
    """A plain client with the key, for what the OpenAI client would not send."""
    headers = {"authorization": f"Bearer {gateway.prepared.api_key}"}
    with httpx.Client(base_url=gateway.address, headers=headers, trust_env=False, timeout=60) as plain:
        yield plain
