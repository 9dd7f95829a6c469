"""Plugins in processes of their own, called as Lambda is: harm costs their process, not the gateway's."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from openai import OpenAI, PermissionDeniedError

from penstock.dev.gateway import LocalGateway
from penstock.dev.options import Options
from tests import tree
from tests.e2e.conftest import HERE, EvidenceReader

CONFIGURATION = """
[deployment]
name = "hosted"

[[plugin]]
name = "hostile"
path = "hostile"
timeout_ms = 4000
scope = { model = ["echo-hostile"] }
uninspected = "allow"

[plugin.grant.before_upstream]
reads = ["request.messages.user"]
writes = ["request.messages.user"]
effects = ["block", "transform", "record"]

[[plugin]]
name = "card-guard"
path = "card_guard"
timeout_ms = 8000

[plugin.grant.before_upstream]
reads = ["request.messages.user"]
writes = ["request.messages.user"]
effects = ["block", "transform"]

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
id = "echo-hostile"
provider = "echo"

[[grant]]
organisations = ["acme"]
models = ["echo", "echo-hostile"]
"""
CARD = "my card is 4242 4242 4242 4242"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalGateway]:
    folder: Path = tmp_path_factory.mktemp("hosted")
    shutil.copytree(HERE / "plugins" / "hostile", folder / "hostile")
    shutil.copytree(tree.ROOT / "examples" / "card_guard", folder / "card_guard")
    (folder / "gateway.toml").write_text(CONFIGURATION)
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
    with OpenAI(base_url=f"{gateway.address}/v1", api_key=gateway.prepared.api_key, timeout=60) as ordinary:
        yield ordinary


@pytest.fixture(scope="module")
def evidence(gateway: LocalGateway) -> EvidenceReader:
    return EvidenceReader(gateway)


def ask(gateway: LocalGateway, text: str) -> httpx.Response:
    body = {"model": "echo-hostile", "messages": [{"role": "user", "content": text}]}
    headers = {"authorization": f"Bearer {gateway.prepared.api_key}"}
    url = f"{gateway.address}/v1/chat/completions"
    return httpx.post(url, json=body, headers=headers, timeout=60, trust_env=False)


def test_the_official_client_sees_blocks_and_edits_unary_and_streamed(client: OpenAI) -> None:
    with pytest.raises(PermissionDeniedError) as caught:
        client.chat.completions.create(model="echo", messages=[{"role": "user", "content": CARD}])
    assert caught.value.code == "card-guard.card_number"
    stream = client.chat.completions.create(
        model="echo", messages=[{"role": "user", "content": "I am a@b.co"}], stream=True
    )
    said = "".join(choice.delta.content or "" for chunk in stream for choice in chunk.choices)
    assert said == "You said: I am <email>"


@pytest.mark.parametrize(
    ("wish", "failure"),
    [("raise", "exception"), ("rubbish", "contract"), ("ungranted", "contract"), ("exit", "exception")],
)
def test_harm_in_a_function_is_a_503_and_a_record_even_when_its_process_ends(
    wish: str, failure: str, gateway: LocalGateway, evidence: EvidenceReader
) -> None:
    response = ask(gateway, wish)
    assert (response.status_code, response.json()["error"]["code"]) == (503, "plugin_unavailable")
    (record,) = evidence.of(response.headers["x-request-id"])
    (placement,) = [p for p in record["placements"] if p["plugin"] == "hostile"]
    assert (placement["host"], placement["action"], placement["failure"]) == ("function", "fail", failure)
    assert record.get("upstream", []) == []


@pytest.mark.parametrize("wish", ["loop", "swallow"])
def test_what_does_not_end_is_given_up_in_time_and_the_gateway_lives_on(
    wish: str, gateway: LocalGateway, evidence: EvidenceReader
) -> None:
    response = ask(gateway, wish)
    assert (response.status_code, response.json()["error"]["code"]) == (503, "plugin_unavailable")
    (record,) = evidence.of(response.headers["x-request-id"])
    (placement,) = [p for p in record["placements"] if p["plugin"] == "hostile"]
    assert (placement["failure"], placement["ms"] < 20_000) == ("timeout", True)


def test_its_words_are_in_no_log(gateway: LocalGateway) -> None:
    ask(gateway, "raise")
    logs = list(gateway._options.logs.glob("*.log"))
    assert any(log.name == "plugin-hostile.log" for log in logs)
    assert not [log.name for log in logs if "canary-in-an-exception" in log.read_text(errors="replace")]
