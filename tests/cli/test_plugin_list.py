from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from penstock.adapters.objects import S3Objects
from penstock.cli.plugin_list import Version, differences
from penstock.evidence.archive import Archive
from penstock.evidence.record import now_ms
from penstock.ids import uuid7
from tests.cli.gateways import Gateway
from tests.configuration import files
from tests.configuration.registered import STANZA, register
from tests.evidence import examples


def listed(gateway: Gateway) -> dict[str, dict[str, Any]]:
    """By plugin."""
    found = gateway.json("plugin", "list", "--config", str(gateway.file))["plugins"]
    return {row["plugin"]: row for row in found}


def served(gateway: Gateway, digest: str, ago_s: int = 1) -> None:
    """Evidence of a request that `guard` saw, in a version with this digest."""
    at_ms = now_ms() - ago_s * 1000
    left = examples.placement("guard", version="1.2.3", digest=digest)
    record = replace(examples.answered(), request_id=uuid7(at_ms), placements=[left])
    bucket = gateway.resources.evidence_bucket
    Archive(S3Objects(gateway.clients, bucket)).put_terminal(record)


def test_the_list_shows_every_placement_and_its_override(gateway: Gateway) -> None:
    gateway.json("plugin", "override", "guard", "--mode", "shadow")
    found = {row["plugin"]: row for row in gateway.json("plugin", "list")["placements"]}
    assert found["guard"]["override"] == {"mode": "shadow"}
    assert (found["export"]["style"], found["export"]["host"]) == ("background", "function")
    assert "before_upstream" in gateway.run("plugin", "list").out


def test_what_is_registered_deployed_and_live_is_shown_with_what_differs(gateway: Gateway) -> None:
    before = listed(gateway)
    assert (before["guard"]["registered"], before["guard"]["live"]) == (None, None)
    assert before["guard"]["differs"] == ["not seen in evidence"]

    entry = register(gateway.folder)
    gateway.deploy(STANZA + files.GRANT)
    served(gateway, entry.digest)
    same = listed(gateway)["guard"]
    assert same["registered"]["digest"] == same["deployed"]["digest"] == same["live"]["digest"]
    assert same["differs"] == []

    register(gateway.folder, source=files.SOURCE + "# newer\n")
    served(gateway, "sha256:" + "0" * 64, ago_s=0)
    found = listed(gateway)
    assert found["guard"]["differs"] == [
        "another is registered than is deployed",
        "another was live last than is deployed",
    ]
    table = gateway.run("plugin", "list", "--config", str(gateway.file)).out
    assert "another is registered than is deployed" in table
    assert "1.2.3 000000000000" in table


def test_evidence_is_asked_no_further_back_than_is_said(gateway: Gateway) -> None:
    served(gateway, "sha256:" + "0" * 64, ago_s=7200)
    words = ("plugin", "list", "--config", str(gateway.file))
    rows = {row["plugin"]: row for row in gateway.json(*words, "--since", "10s")["plugins"]}
    assert rows["guard"]["live"] is None
    assert listed(gateway)["guard"]["live"]["version"] == "1.2.3"


ONE, OTHER = Version("1.0.0", "sha256:1"), Version("1.0.0", "sha256:2")


@pytest.mark.parametrize(
    ("three", "words"),
    [
        ((ONE, ONE, ONE), []),
        ((None, ONE, ONE), []),
        ((ONE, None, None), ["registered, not deployed"]),
        ((None, None, ONE), ["was live, is no longer deployed"]),
        ((None, ONE, OTHER), ["another was live last than is deployed"]),
        ((OTHER, ONE, None), ["another is registered than is deployed", "not seen in evidence"]),
    ],
)
def test_what_differs_is_said_in_words(three: tuple[Version | None, ...], words: list[str]) -> None:
    assert list(differences(*three)) == words
