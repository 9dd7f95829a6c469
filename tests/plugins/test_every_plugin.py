"""What every built-in plugin and every example must pass. A new one is found by its folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from penstock.configuration.compile import compile_file
from penstock.configuration.plugin_source import check_source
from penstock.configuration.reading import parse_gateway_file
from penstock.sdk.conformance import conformance
from penstock.sdk.manifest import read_manifest
from tests import tree
from tests.plugins.dlp_http.peers import TOKEN as DLP_TOKEN
from tests.plugins.dlp_http.peers import OwnFormat

# What each needs to run at all.
SETTINGS: dict[str, dict[str, Any]] = {
    "request_tags": {"config": {"cost_centers": ["cc-1"], "by_team": {"payments": "cc-1"}}},
    "approval_gate": {"config": {"channel": "email", "approvers": {"anna": "anna@acme.example"}}},
    "audit_export": {
        "config": {"url": "https://audit.example.com/hook"},
        "secrets": {"signing_key": "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
        "transport": httpx.MockTransport(lambda _: httpx.Response(202)),
    },
    "siem_export": {
        "config": {"url": "https://splunk.example.com:8088/services/collector/event"},
        "secrets": {"token": "b5a79aad-d822-46cc-80d1-819f80d7bfb0"},
        "transport": httpx.MockTransport(lambda _: httpx.Response(200)),
    },
    "dlp_http": {
        "config": {"url": "https://dlp.example.com/v1/inspect"},
        "secrets": {"token": DLP_TOKEN},
        "transport": OwnFormat(),
    },
    "topic_signals": {
        "config": {
            "url": "https://recommender.example.com/signals",
            "topics": [{"name": "filler", "words": ["lorem ipsum", "dolor"]}],
        },
        "secrets": {"signing_key": "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
        "transport": httpx.MockTransport(lambda _: httpx.Response(202)),
    },
    "email_notify": {
        "config": {"to": ["soc@acme.example"], "rules": [{"name": "answered", "outcomes": ["answered"]}]},
    },
    "webhook_notify": {
        "config": {
            "url": "https://hooks.example.com/hook",
            "rules": [{"name": "answered", "outcomes": ["answered"]}],
        },
        "secrets": {"signing_key": "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
        "transport": httpx.MockTransport(lambda _: httpx.Response(202)),
    },
}
FOLDERS = [tree.ROOT / folder for folder in tree.plugin_folders()]

pytestmark = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


def test_it_conforms(folder: Path) -> None:
    assert conformance(folder, **SETTINGS.get(folder.name, {})) == []


def test_source_and_manifest_name_the_same_reasons_and_records(folder: Path) -> None:
    check_source(folder, read_manifest(folder))


def test_its_folder_is_named_as_the_plugin(folder: Path) -> None:
    assert read_manifest(folder).name.replace("-", "_") == folder.name


def test_its_readme_shows_the_grant_that_its_manifest_asks_for(folder: Path) -> None:
    text, manifest = (folder / "README.md").read_text(encoding="utf-8"), read_manifest(folder)
    assert f'name = "{manifest.name}"' in text
    for moment, asked in manifest.moments.items():
        assert f"[plugin.grant.{moment}]" in text
        assert all(f'"{name}"' in text for name in (*asked.reads, *asked.writes, *asked.effects))


def test_its_readme_s_stanza_can_be_deployed_as_it_stands(folder: Path) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", (folder / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    text = "\n".join(['[deployment]\nname = "try-out"', *blocks])
    source = parse_gateway_file(text.encode(), tree.ROOT / "gateway.toml")
    placed = compile_file(source).snapshot.placements
    moments = {moment for moment, placements in placed.items() if placements}
    assert moments == set(read_manifest(folder).moments)


def test_its_readme_names_every_reason_and_record(folder: Path) -> None:
    text, manifest = (folder / "README.md").read_text(encoding="utf-8"), read_manifest(folder)
    absent = [
        name for name in (*manifest.reasons, *manifest.records, *manifest.tags) if f"`{name}`" not in text
    ]
    assert not absent
