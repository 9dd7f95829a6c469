"""Storage, e-mail and exports in processes of their own: kept in the local AWS, granted, seen in evidence."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from penstock.cli import main
from penstock.dev.gateway import LocalGateway
from penstock.dev.options import Options
from tests.e2e.conftest import HERE, EvidenceReader, taken_mail
from tests.e2e.stub import StubProvider
from tests.plugins.dlp_http.peers import OwnFormat

CONFIGURATION = """
[deployment]
name = "keeping"
gate_budget_ms = { before_upstream = 30000, after_upstream = 30000 }

[[plugin]]
name = "keeper"
path = "keeper"
timeout_ms = 30000

[plugin.grant]
storage = true
email = { from = "bot@acme.example", to = ["*@acme.example"] }
exports = true

[plugin.grant.before_upstream]
reads = ["request.model"]
effects = ["emit", "record"]

[plugin.grant.after_response]
reads = ["evidence"]
effects = ["emit", "record"]

[[plugin]]
name = "tenant-eligibility"
scope = { model = ["echo-entitled"] }
config = { cache_s = 0 }
timeout_ms = 30000

[plugin.grant]
storage = true

[plugin.grant.before_upstream]
reads = ["identity", "request.model", "request.mcp.server"]
effects = ["block", "record"]

[[plugin]]
name = "dlp-http"
scope = { model = ["echo-judged"] }
uninspected = "allow"
timeout_ms = 30000
secrets = { token = "keeping/dlp-token" }
config = { url = "http://DLP/v1/inspect" }

[plugin.grant]
hosts = ["DLP"]
secrets = ["token"]

[plugin.grant.before_upstream]
reads = ["request.messages.user"]
writes = ["request.messages.user"]
effects = ["block", "transform", "emit", "record"]

[plugin.grant.after_upstream]
reads = ["response.text"]
effects = ["block", "emit", "record"]

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
id = "echo-urgent"
provider = "echo"

[[model]]
id = "echo-leak"
provider = "echo"

[[model]]
id = "echo-entitled"
provider = "echo"

[[model]]
id = "echo-judged"
provider = "echo"

[[grant]]
organisations = ["acme"]
models = ["echo", "echo-urgent", "echo-leak", "echo-entitled", "echo-judged"]
"""
AT_ONCE = 4


@pytest.fixture(scope="module")
def dlp() -> Iterator[StubProvider]:
    """A DLP of the plugin's own format, on loopback."""
    stub = StubProvider()
    stub.answer = lambda body: (200, OwnFormat().judged(json.loads(body)).content)
    yield stub
    stub.close()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, dlp: StubProvider) -> Iterator[LocalGateway]:
    folder: Path = tmp_path_factory.mktemp("keeping")
    shutil.copytree(HERE / "plugins" / "keeper", folder / "keeper")
    (folder / "gateway.toml").write_text(CONFIGURATION.replace("DLP", dlp.address))
    options = Options(
        port=0,
        configuration=folder / "gateway.toml",
        folder=folder / ".penstock",
        keep=False,
        warm=1,
        maximum=AT_ONCE,
    )
    with LocalGateway(options, tell=lambda _: None) as running:
        yield running


@pytest.fixture(scope="module")
def evidence(gateway: LocalGateway) -> EvidenceReader:
    return EvidenceReader(gateway)


def ask(gateway: LocalGateway, model: str) -> str:
    """The request's id; the answer was a good one."""
    answer = answered(gateway, model)
    assert answer.status_code == 200
    return answer.headers["x-request-id"]


def answered(gateway: LocalGateway, model: str, said: str = "Hello") -> httpx.Response:
    body = {"model": model, "messages": [{"role": "user", "content": said}]}
    headers = {"authorization": f"Bearer {gateway.prepared.api_key}"}
    url = f"{gateway.address}/v1/chat/completions"
    return httpx.post(url, json=body, headers=headers, timeout=60, trust_env=False)


def inline(evidence: EvidenceReader, request_id: str) -> dict[str, Any]:
    """What keeper's placement before the upstream left."""
    (record,) = evidence.of(request_id)
    placed = [p for p in record["placements"] if p["moment"] == "before_upstream"]
    (placement,) = [p for p in placed if p["plugin"] == "keeper"]
    assert placement["host"] == "function"
    return dict(placement)


def subjects(gateway: LocalGateway) -> list[str]:
    """Of all e-mail that the local SES has taken."""
    return [message["subject"] for message in taken_mail(gateway.aws_url)]


def test_requests_that_come_together_are_each_counted_once_and_told_of_when_they_are_over(
    gateway: LocalGateway, evidence: EvidenceReader
) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        ids = list(pool.map(lambda _: ask(gateway, "echo"), range(AT_ONCE)))
    counted = [inline(evidence, request_id)["recorded"]["counted"] for request_id in ids]
    assert sorted(counted) == list(range(1, AT_ONCE + 1))
    told = [evidence.of(request_id, "delivery", within_s=60)[0] for request_id in ids]
    assert {each["action"] for each in told} == {"emit"}
    assert {(d["host"], d["status"]) for each in told for d in each["deliveries"]} == {
        ("email", 200),
        ("exports", 200),
    }
    assert all(each["deliveries"][0]["delivery_id"].startswith("hmac") for each in told)
    left = evidence._clients.s3.list_objects_v2(Bucket="keeping-exports", Prefix="keeper/requests/")
    assert {f"keeper/requests/{request_id}" for request_id in ids} <= {o["Key"] for o in left["Contents"]}
    assert {f"Request {number}" for number in range(1, AT_ONCE + 1)} <= set(subjects(gateway))


def test_an_e_mail_from_a_gate_is_a_delivery_in_the_request_s_own_record(
    gateway: LocalGateway, evidence: EvidenceReader
) -> None:
    placement = inline(evidence, ask(gateway, "echo-urgent"))
    assert (placement["action"], placement["also"]) == ("emit", ["record"])
    ((delivery),) = placement["deliveries"]
    assert (delivery["host"], delivery["status"]) == ("email", 200)
    assert delivery["delivery_id"].startswith("hmac")
    assert "Urgent" in subjects(gateway)


def test_an_e_mail_to_whom_nobody_has_granted_does_not_leave_and_is_recorded(
    gateway: LocalGateway, evidence: EvidenceReader
) -> None:
    placement = inline(evidence, ask(gateway, "echo-leak"))
    assert (placement["action"], placement["failure"]) == ("fail", "contract")
    assert placement["refused"] == ["email"]
    assert "Leak" not in subjects(gateway)


def test_no_word_of_an_e_mail_is_in_evidence_or_logs(gateway: LocalGateway, evidence: EvidenceReader) -> None:
    request_id = ask(gateway, "echo-urgent")
    found = f"{evidence.of(request_id)} {evidence.of(request_id, 'delivery', within_s=60)}"
    logs = "".join(log.read_text(errors="replace") for log in gateway._options.logs.glob("*.log"))
    assert not [word for word in ("soc@acme", "urgent things", "It was") if word in found + logs]


def test_what_an_operator_stores_is_what_the_plugin_goes_by(gateway: LocalGateway, tmp_path: Path) -> None:
    def load(table: str) -> None:
        file = tmp_path / "table.csv"
        file.write_text(table)
        where = ("--folder", str(gateway._options.folder), "--config", str(gateway._options.configuration))
        words = ("plugin", "storage", "load", "tenant-eligibility", str(file), "--prune", *where)
        assert main(list(words)) == 0

    refused = answered(gateway, "echo-entitled")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "tenant-eligibility.not_eligible")
    load("key,allow_models\norganisation/acme,echo-*\n")
    ask(gateway, "echo-entitled")
    load("key,deny_models\norganisation/acme,echo-entitled\n")
    assert answered(gateway, "echo-entitled").status_code == 403


def test_a_dlp_judges_both_ways_and_while_it_does_not_answer_nothing_passes(
    gateway: LocalGateway, evidence: EvidenceReader, dlp: StubProvider
) -> None:
    good = answered(gateway, "echo-judged", "Write to jane@corp.test")
    assert good.json()["choices"][0]["message"]["content"] == "You said: Write to <email>"
    paths = [(path, headers["authorization"].partition(" ")[0]) for path, headers, _ in dlp.seen]
    assert paths == [("/v1/inspect", "Bearer")] * 2
    stopped = answered(gateway, "echo-judged", "It is top secret")
    assert (stopped.status_code, stopped.json()["error"]["code"]) == (403, "dlp-http.sensitive_data")
    working, dlp.answer = dlp.answer, lambda _: (500, b"{}")
    down = answered(gateway, "echo-judged")
    dlp.answer = working
    assert (down.status_code, down.json()["error"]["code"]) == (503, "plugin_unavailable")
    (record,) = evidence.of(down.headers["x-request-id"])
    (placement,) = [p for p in record["placements"] if p["action"] == "fail"]
    assert (placement["plugin"], placement["host"]) == ("dlp-http", "function")
    assert [(each["host"], each["status"]) for each in placement["deliveries"]] == [(dlp.address, 500)]
    assert "upstream" not in record or not record["upstream"]
