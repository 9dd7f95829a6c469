"""Background plugins that no answer leaves without, in real processes and with a real client."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai import APIError, InternalServerError, OpenAI

from penstock.dev.gateway import LocalGateway
from penstock.dev.options import Options
from tests import tree
from tests.e2e.conftest import EvidenceReader
from tests.e2e.stub import StubProvider

CONFIGURATION = """
[deployment]
name = "waiting"

[[plugin]]
name = "kept"
path = "kept"
wait = true
timeout_ms = 8000
config = { url = "http://RECEIVER/kept" }
scope = { model = ["echo"] }

[plugin.grant]
hosts = ["RECEIVER"]

[plugin.grant.after_response]
reads = ["evidence"]
effects = ["emit"]

[[plugin]]
name = "kept-once"
path = "kept_once"
wait = true
timeout_ms = 8000
config = { url = "http://RECEIVER/once" }
scope = { model = ["echo-once"] }

[plugin.grant]
hosts = ["RECEIVER"]

[plugin.grant.after_response]
reads = ["evidence"]
effects = ["emit"]

[[organisation]]
id = "acme"

[[provider]]
id = "echo"
base_url = "http://127.0.0.1:8788/v1"
auth = "none"

[[model]]
id = "echo"
provider = "echo"

[[model]]
id = "echo-once"
provider = "echo"

[[grant]]
organisations = ["acme"]
models = ["echo", "echo-once"]
"""


@pytest.fixture(scope="module")
def hook() -> Iterator[StubProvider]:
    made = StubProvider()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def answering(hook: StubProvider) -> None:
    hook.answer = lambda _: (200, b"{}")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, hook: StubProvider) -> Iterator[LocalGateway]:
    folder: Path = tmp_path_factory.mktemp("waited")
    for plugin in ("kept", "kept_once"):
        shutil.copytree(tree.ROOT / "tests" / "faults" / "plugins" / plugin, folder / plugin)
    (folder / "gateway.toml").write_text(CONFIGURATION.replace("RECEIVER", hook.address))
    options = Options(
        port=0,
        configuration=folder / "gateway.toml",
        folder=folder / ".penstock",
        keep=False,
        warm=1,
        maximum=2,
    )
    with LocalGateway(options, tell=lambda _: None) as running:
        yield running


@pytest.fixture(scope="module")
def client(gateway: LocalGateway) -> Iterator[OpenAI]:
    address = f"{gateway.address}/v1"
    with OpenAI(base_url=address, api_key=gateway.prepared.api_key, max_retries=0, timeout=60) as ordinary:
        yield ordinary


@pytest.fixture(scope="module")
def evidence(gateway: LocalGateway) -> EvidenceReader:
    return EvidenceReader(gateway)


def asking(model: str = "echo") -> Any:
    return {"model": model, "messages": [{"role": "user", "content": "wait"}]}


def told(hook: StubProvider, request_id: str) -> int:
    """How often the receiver was told of a request."""
    return sum(request_id.encode() in body for _, __, body in hook.seen)


@pytest.mark.parametrize("model", ["echo", "echo-once"])
def test_an_answer_is_there_once_its_record_was_taken(
    client: OpenAI, hook: StubProvider, evidence: EvidenceReader, model: str
) -> None:
    answer = client.chat.completions.with_raw_response.create(**asking(model))
    request_id = answer.headers["x-request-id"]
    assert told(hook, request_id) == 1
    (delivery,) = evidence.of(request_id, "delivery")
    assert (delivery["path"], delivery["action"]) == ("response", "emit")
    (terminal,) = evidence.of(request_id)
    (placement,) = [p for p in terminal["placements"] if p["action"] == "dispatched"]
    assert placement["path"] == "response"


def test_a_stream_ends_once_its_record_was_taken(client: OpenAI, hook: StubProvider) -> None:
    with client.chat.completions.with_streaming_response.create(**asking(), stream=True) as answer:
        request_id = answer.headers["x-request-id"]
        lines = list(answer.iter_lines())
    assert "data: [DONE]" in lines
    assert told(hook, request_id) == 1


@pytest.mark.parametrize("model", ["echo", "echo-once"])
def test_without_it_the_caller_gets_503_and_the_record_an_amendment(
    client: OpenAI, hook: StubProvider, evidence: EvidenceReader, model: str
) -> None:
    hook.answer = lambda _: (500, b"")
    with pytest.raises(InternalServerError) as caught:
        client.chat.completions.create(**asking(model))
    assert (caught.value.status_code, caught.value.code) == (503, "plugin_unavailable")
    assert caught.value.response.headers["x-should-retry"] == "false"
    request_id = caught.value.response.headers["x-request-id"]
    (terminal,) = evidence.of(request_id)
    (amendment,) = evidence.of(request_id, "amendment")
    assert (terminal["outcome"], terminal["status"]) == ("answered", 200)
    assert (amendment["outcome"], amendment["status"]) == ("failed", 503)
    failures = [p["failure"] for p in amendment["placements"] if p["action"] == "fail"]
    assert (amendment["cause"], failures) == ("waited_plugin_failed", ["unavailable"])


def test_without_it_a_stream_that_has_begun_ends_with_an_error(client: OpenAI, hook: StubProvider) -> None:
    hook.answer = lambda _: (429, b"")
    stream = client.chat.completions.create(**asking(), stream=True)
    with pytest.raises(APIError) as caught:
        list(stream)
    assert caught.value.code == "plugin_unavailable"


def test_a_receiver_that_hangs_costs_no_more_than_the_deadline(client: OpenAI, hook: StubProvider) -> None:
    def hangs(_: object) -> tuple[int, bytes]:
        time.sleep(15)
        return 200, b"{}"

    hook.answer = hangs
    began = time.monotonic()
    with pytest.raises(InternalServerError):
        client.chat.completions.create(**asking())
    assert time.monotonic() - began < 14


def test_what_could_not_be_brought_then_is_brought_from_the_queue(
    client: OpenAI, hook: StubProvider, evidence: EvidenceReader
) -> None:
    hook.answer = lambda _: (500, b"")
    with pytest.raises(InternalServerError) as caught:
        client.chat.completions.create(**asking())
    hook.answer = lambda _: (200, b"{}")
    request_id = caught.value.response.headers["x-request-id"]
    deliveries = evidence.of(request_id, "delivery", count=3, within_s=90)
    assert sorted((d["path"], d["action"]) for d in deliveries) == [
        ("background", "emit"),  # the record, and that the answer was kept back
        ("background", "emit"),
        ("response", "fail"),
    ]
