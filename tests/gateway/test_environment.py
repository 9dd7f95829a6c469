"""Building a gateway: plugins that break stop only themselves, the evidence key is decoded once."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from penstock.adapters.clients import Clients, Endpoint
from penstock.adapters.functions import MemoryFunctions
from penstock.adapters.queues import MemoryQueues
from penstock.adapters.secrets import MemorySecrets, encode_digest_key
from penstock.configuration.compile import compile_file
from penstock.configuration.reading import parse_gateway_file
from penstock.configuration.settings import Settings
from penstock.configuration.snapshot import Snapshot
from penstock.errors import ConfigurationError
from penstock.evidence.digests import DigestKey
from penstock.evidence.record import EvidenceRecord
from penstock.gates.overrides import Overrides
from penstock.gateway.environment import (
    build,
    digest_key,
    gates,
    hosted_plugins,
    import_ahead,
    load_plugins,
    outbox,
    plugin_functions,
    waiting,
)
from tests.gates.fakes import exchange_of
from tests.gateway.world import World

HOSTILE = Path(__file__).parent.parent / "e2e" / "plugins" / "hostile"
CONFIGURATION = f"""
[[plugin]]
name = "hostile"
path = "{HOSTILE.resolve()}"
host = "in_process"
uninspected = "allow"
[plugin.grant.before_upstream]
reads = ["request.messages.user"]
effects = ["block"]
"""


def compiled(tmp_path: Path) -> tuple[Snapshot, Settings]:
    found = compile_file(parse_gateway_file(CONFIGURATION.encode(), tmp_path / "gateway.toml"))
    return found.snapshot, settings(found.plugin_roots)


def settings(roots: tuple[str, ...]) -> Settings:
    return Settings("c", "l", "s", "b", "o", "q-{plugin}", "k", "snapshot.json", "eu-central-1", "d", roots)


def test_plugins_are_loaded_from_their_folder_into_their_gates(tmp_path: Path) -> None:
    snapshot, told = compiled(tmp_path)
    plugins = load_plugins(snapshot, told)
    before, after = gates(snapshot, plugins)
    assert list(plugins) == ["hostile"]
    assert [p.plugin for p in before.placements] == ["hostile"]
    assert after.placements == ()


def hosted(tmp_path: Path) -> tuple[Snapshot, Settings]:
    text = CONFIGURATION.replace('host = "in_process"', 'host = "function"')
    found = compile_file(parse_gateway_file(text.encode(), tmp_path / "gateway.toml"))
    return found.snapshot, settings(found.plugin_roots)


def test_a_plugin_with_a_function_of_its_own_is_never_loaded_here_and_is_called(tmp_path: Path) -> None:
    snapshot, told = hosted(tmp_path)
    assert load_plugins(snapshot, told) == {}
    before, _ = gates(snapshot, {}, MemoryFunctions({}))
    (record,) = before.run(exchange_of(), Overrides()).records
    assert (record.host, record.failure) == ("function", "unavailable")
    known = hosted_plugins(snapshot)["hostile"]
    assert known.terms == {"before_upstream": snapshot.terms(before.placements[0])}


def test_what_calls_functions_is_made_only_when_there_are_some_and_knows_their_names(tmp_path: Path) -> None:
    clients = Clients(Endpoint("eu-central-1", "http://127.0.0.1:9", "id", "key"))
    assert plugin_functions(compiled(tmp_path)[0], clients, "") is None
    snapshot, _ = hosted(tmp_path)
    with pytest.raises(ConfigurationError, match="PENSTOCK_PLUGIN_FUNCTION not set"):
        plugin_functions(snapshot, clients, "")
    made = plugin_functions(snapshot, clients, "acme-plugin-{plugin}")
    assert made is not None
    client: Any = clients._made["lambda"]
    assert client.meta.config.read_timeout == 1.5


def test_what_waits_is_made_only_when_a_deployment_waits_for_somebody(tmp_path: Path) -> None:
    snapshot, _ = hosted(tmp_path)
    assert waiting(snapshot, MemoryFunctions({})) is None
    (placement,) = snapshot.at("before_upstream")
    later = replace(placement, moment="after_response", style="background", wait=True)
    waits = replace(snapshot, placements={**snapshot.placements, "after_response": (later,)})
    assert waiting(waits, MemoryFunctions({})) is not None
    assert waiting(waits, None) is None


def test_a_plugin_whose_files_are_not_the_reviewed_ones_is_left_out_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    changed = tmp_path / "hostile"
    changed.mkdir()
    for source in HOSTILE.glob("*.*"):
        (changed / source.name).write_bytes(source.read_bytes())
    (changed / "hostile.py").write_text("raise SystemExit('must not run')\n")
    snapshot, _ = compiled(tmp_path)
    assert load_plugins(snapshot, settings((str(tmp_path),))) == {}
    assert "could not be loaded" in caplog.text


def test_a_plugin_that_is_not_there_is_left_out(tmp_path: Path) -> None:
    snapshot, _ = compiled(tmp_path)
    assert load_plugins(snapshot, settings((str(tmp_path / "nowhere"),))) == {}


@pytest.mark.parametrize(("kind", "times"), [("snap-start", 1), ("on-demand", 0), ("", 0)])
def test_what_some_request_may_need_is_imported_before_a_snapshot_alone(kind: str, times: int) -> None:
    imported: list[str] = []
    import_ahead({"AWS_LAMBDA_INITIALIZATION_TYPE": kind}, lambda: imported.append("streams"))
    assert len(imported) == times


def test_a_function_that_is_told_nothing_says_what_is_missing() -> None:
    with pytest.raises(ConfigurationError, match="PENSTOCK_CONTROL_TABLE"):
        build({})


def test_the_evidence_key_follows_its_secret() -> None:
    class Changing(MemorySecrets):
        value = encode_digest_key(DigestKey("k1", b"1" * 32))

        def get(self, name: str, *, fresh: bool = False) -> str:
            del name, fresh
            return self.value

    secrets = Changing({})
    get = digest_key(secrets, "evidence-key")
    first = get()
    assert get() is first
    secrets.value = encode_digest_key(DigestKey("k2", b"2" * 32))
    assert get().key_id == "k2"


def test_an_outcome_is_one_message_with_its_receivers() -> None:
    world = World()
    world.chat("hi")
    record: EvidenceRecord = world.record
    queues = MemoryQueues()
    outbox(queues, "the-outbox")(record, ["export"])
    (message,) = queues.receive("the-outbox")
    body = json.loads(message.body)
    assert (body["dispatch"], body["record"]["request_id"]) == (["export"], record.request_id)
