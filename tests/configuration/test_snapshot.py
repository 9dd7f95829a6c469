from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from penstock.configuration.snapshot import SCHEMA, DeployedPlugin, Snapshot, encode_snapshot
from penstock.errors import ConfigurationError
from penstock.gates.placement import Mode, Placement
from penstock.gates.scope import Scope
from penstock.sdk.context import RecordSpec
from penstock.sdk.contract import Terms

SCOPE: dict[str, tuple[str, ...]] = {"team": ("a*", "b")}
EXCEPT: tuple[dict[str, tuple[str, ...]], ...] = ({"model": ("x",)},)
PLUGIN = DeployedPlugin(
    name="guard",
    folder="guard",
    version="1.0.0",
    digest="sha256:" + "0" * 64,
    config={"word": "bad", "list": [1, 2]},
    hosts=("audit.example.com:443",),
    secrets={"token": "prod/token"},
    moments=("before_upstream", "after_response"),
    scope=SCOPE,
    exceptions=EXCEPT,
    storage=True,
    email_from="bot@acme.example",
    email_to=("*@acme.example",),
)
PLACEMENT = Placement(
    plugin="guard",
    version="1.0.0",
    digest=PLUGIN.digest,
    moment="before_upstream",
    style="ordered",
    host="in_process",
    timeout_ms=70,
    on_error="block",
    order=3,
    scope=Scope.of(SCOPE, EXCEPT),
    mode=Mode.SHADOW,
    rollout=25,
    reads=("request.messages.user",),
    terms=Terms(
        frozenset({"request.tags"}), frozenset({"block"}), frozenset({"bad"}), {"t": frozenset({"a"})}
    ),
    reasons={"bad": "It is bad."},
    records={"words": RecordSpec("count", 0, 10), "kind": RecordSpec(values=("a", "b"))},
    uninspected={"default": "refuse", "image": "allow"},
    required=True,
    stream="window",
    window_chars=64,
)
SETTINGS: dict[str, Any] = {
    "deployment": "penstock",
    "body_limit_bytes": 4_000_000,
    "gate_budget_ms": {"before_upstream": 2000, "after_upstream": 1000},
    "durability": "stored",
    "addresses": ["10.0.0.0/8"],
}


def encoded(*placements: Placement, plugins: tuple[DeployedPlugin, ...] = (PLUGIN,)) -> bytes:
    return encode_snapshot(SETTINGS, plugins, placements)


def test_everything_survives_the_snapshot() -> None:
    background = replace(PLACEMENT, moment="after_response", style="background", host="function")
    found = Snapshot.decode(encoded(PLACEMENT, background))
    assert found.at("before_upstream") == (PLACEMENT,)
    assert found.at("after_response") == (background,)
    assert found.at("after_upstream") == ()
    assert found.plugins == {"guard": PLUGIN}
    assert (found.deployment, found.body_limit_bytes, found.durability) == ("penstock", 4_000_000, "stored")
    assert found.gate_budget_ms["after_upstream"] == 1000
    assert found.addresses == ("10.0.0.0/8",)
    assert found.inline("in_process") == (PLACEMENT,)
    assert found.inline("function") == ()  # after the response nobody calls it
    assert found.plugins["guard"].in_background


def test_who_is_waited_for_after_the_response_is_called_by_the_gateway() -> None:
    later = replace(PLACEMENT, moment="after_response", style="background", host="function")
    assert Snapshot.decode(encoded(later)).called == ()
    found = Snapshot.decode(encoded(PLACEMENT, replace(later, wait=True)))
    assert (list(found.waited), found.called) == (["guard"], ("guard",))
    hosted = Snapshot.decode(encoded(replace(PLACEMENT, host="function"), replace(later, wait=True)))
    assert hosted.called == ("guard",)


def test_placements_come_in_the_order_in_which_they_run() -> None:
    others = [replace(PLUGIN, name=name) for name in ("aa", "bb")]
    first, second = (replace(PLACEMENT, plugin=p.name, order=o) for p, o in zip(others, (9, 1), strict=True))
    found = Snapshot.decode(encoded(first, second, plugins=tuple(others)))
    assert [p.plugin for p in found.at("before_upstream")] == ["bb", "aa"]


def test_the_digest_is_over_the_bytes_and_the_bytes_are_canonical() -> None:
    assert encoded(PLACEMENT) == encoded(PLACEMENT)
    assert Snapshot.decode(encoded(PLACEMENT)).digest != Snapshot.decode(encoded()).digest
    assert Snapshot.decode(encoded()).digest.startswith("sha256:")


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"schema": 1}', b"\xff", encoded()[:-9]])
def test_what_is_no_snapshot_is_refused(raw: bytes) -> None:
    with pytest.raises(ConfigurationError, match="Deploy it again"):
        Snapshot.decode(raw)


def test_a_snapshot_of_another_version_or_of_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="another version"):
        Snapshot.decode(encoded().replace(SCHEMA.encode(), b"penstock.snapshot/9"))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Snapshot.load(tmp_path / "nothing.json")


def test_the_terms_of_a_placement_change_with_all_that_it_sees_may_do_and_is_told_and_with_nothing_else() -> (
    None
):
    def terms(placement: Placement = PLACEMENT, plugin: DeployedPlugin = PLUGIN) -> str:
        snapshot = Snapshot.decode(encoded(placement, plugins=(plugin,)))
        return snapshot.terms(snapshot.at(placement.moment)[0])

    other = (
        terms(replace(PLACEMENT, reads=())),
        terms(replace(PLACEMENT, terms=Terms())),
        terms(replace(PLACEMENT, records={})),
        terms(plugin=replace(PLUGIN, config={"other": 1})),
        terms(plugin=replace(PLUGIN, hosts=("other.example.com:443",))),
        terms(plugin=replace(PLUGIN, storage=False)),
        terms(plugin=replace(PLUGIN, email_from="other@acme.example")),
        terms(plugin=replace(PLUGIN, email_to=("*@other.example",))),
    )
    assert len({terms(), *other}) == 9
    assert terms() == terms(replace(PLACEMENT, order=7, rollout=50, timeout_ms=9))


def test_a_plugins_receivers_are_its_hosts_and_e_mail_where_it_is_granted() -> None:
    assert PLUGIN.receivers == {"audit.example.com:443", "email"}
    quiet = replace(PLUGIN, email_from=None)
    assert (quiet.receivers, quiet.is_capable) == (frozenset({"audit.example.com:443"}), True)
    assert not replace(quiet, hosts=(), secrets={}, storage=False).is_capable
