from __future__ import annotations

from penstock.configuration.applied import applied_documents
from penstock.governance.access import Model, decode_model
from penstock.upstream.target import Target
from tests.configuration import files

TEXT = """
[[organisation]]
id = "acme"
name = "Acme"
addresses = ["10.0.0.0/8"]
[[team]]
id = "red"
organisation = "acme"
[[user]]
id = "ann"
organisation = "acme"
[[provider]]
id = "azure"
base_url = "https://x.openai.azure.com/openai"
auth = "api-key"
secret = "azure-key"
headers = { x-a = "1" }
query = { api-version = "2024-10-21" }
read_timeout_ms = 1000
[[model]]
id = "gpt"
provider = "azure"
upstream_model = "gpt-deployment"
input_price_nanousd_per_token = 2500
output_price_nanousd_per_token = 10000
[[model]]
id = "plain"
provider = "azure"
[[grant]]
teams = ["red"]
api_keys = ["app"]
models = ["plain"]
[[grant]]
teams = ["red"]
models = ["gpt", "plain"]
"""


def test_a_model_knows_whether_its_provider_is_asked_for_the_usage_of_a_stream() -> None:
    asked = files.source(TEXT.replace("read_timeout_ms = 1000", 'stream_usage = "ask"')).file
    assert decode_model(applied_documents(asked)["model#gpt"]).stream_usage == "ask"
    assert "stream_usage" not in applied_documents(asked)["model#gpt"]["target"]
    left = applied_documents(files.source(TEXT).file)["model#gpt"]
    assert decode_model(left).stream_usage == "leave"
    del left["stream_usage"]  # as an older version of Penstock wrote it
    assert decode_model(left).stream_usage == "leave"


def test_a_model_holds_all_that_is_needed_to_call_it() -> None:
    found = applied_documents(files.source(TEXT).file)
    target = Target(
        "azure",
        "https://x.openai.azure.com/openai",
        "api-key",
        "azure-key",
        {"x-a": "1"},
        {"api-version": "2024-10-21"},
        read_timeout_ms=1000,
    )
    assert decode_model(found["model#gpt"]) == Model("gpt", "gpt-deployment", target, 2500, 10000)
    assert decode_model(found["model#plain"]) == Model("plain", "plain", target)


def test_grants_of_one_subject_are_joined() -> None:
    found = applied_documents(files.source(TEXT).file)
    assert found["grants#team#red"] == {"models": ["gpt", "plain"], "mcp_servers": [], "routes": []}
    assert found["grants#api_key#app"] == {"models": ["plain"], "mcp_servers": [], "routes": []}


def test_every_stanza_has_its_document() -> None:
    found = applied_documents(files.source(TEXT).file)
    assert set(found) == {
        "organisation#acme",
        "team#red",
        "user#ann",
        "model#gpt",
        "model#plain",
        "grants#team#red",
        "grants#api_key#app",
    }
    assert found["organisation#acme"] == {"id": "acme", "name": "Acme", "addresses": ["10.0.0.0/8"]}
