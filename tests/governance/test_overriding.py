from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from penstock.adapters.control import Change, Entry, MemoryControlStore
from penstock.errors import ConfigurationError
from penstock.gates.overrides import Override, Overrides
from penstock.gates.placement import Mode, Placement
from penstock.gates.scope import Scope
from penstock.governance.overriding import Author, Overriding, Wish, decode_overrides


def test_no_document_means_no_override() -> None:
    assert decode_overrides(None) == Overrides()


def test_every_part_of_an_override_is_read() -> None:
    document = {
        "plugins": {
            "a": {
                "mode": "off",
                "rollout": 5,
                "scope": {"team": ["x*"]},
                "killed": True,
                "break_glass": True,
            },
            "b": {},
        }
    }
    found = decode_overrides(Entry(document, 3))
    assert found.version == "r3"
    assert found.by_plugin["a"] == Override(Mode.OFF, 5, Scope.of({"team": ("x*",)}), True, True)
    assert found.by_plugin["b"] == Override()


GUARD = Placement(
    plugin="guard",
    version="1.0.0",
    digest="sha256:0",
    moment="before_upstream",
    style="ordered",
    host="in_process",
    timeout_ms=1,
    on_error="block",
    mode=Mode.SHADOW,
    rollout=50,
)
REQUIRED = replace(GUARD, mode=Mode.ENFORCE, required=True)
ANN = Author("ann", 1_800_000_000_000)


@pytest.fixture
def store() -> MemoryControlStore:
    return MemoryControlStore()


def in_force(store: MemoryControlStore) -> Override | None:
    return decode_overrides(store.get(["overrides"]).get("overrides")).by_plugin.get("guard")


def test_an_override_lowers_what_was_deployed_and_adds_to_what_is_in_force(store: MemoryControlStore) -> None:
    overriding = Overriding(store)
    overriding.set([GUARD], Wish(rollout=10), ANN)
    overriding.set([GUARD], Wish(mode="off", scope={"team": ("a*",)}), replace(ANN, at_ms=ANN.at_ms + 1))
    assert in_force(store) == Override(Mode.OFF, 10, Scope.of({"team": ("a*",)}))


@pytest.mark.parametrize("wish", [Wish(mode="enforce"), Wish(rollout=51)])
def test_an_override_never_exceeds_what_was_deployed(store: MemoryControlStore, wish: Wish) -> None:
    with pytest.raises(ConfigurationError, match=r"Change gateway\.toml and deploy it"):
        Overriding(store).set([GUARD], wish, replace(ANN, why="because", break_glass=True))
    assert in_force(store) is None


@pytest.mark.parametrize(
    "wish", [Wish(mode="shadow"), Wish(killed=True), Wish(rollout=0), Wish(scope={"team": ("a",)})]
)
def test_what_is_required_is_lowered_by_break_glass_alone(store: MemoryControlStore, wish: Wish) -> None:
    overriding = Overriding(store)
    with pytest.raises(ConfigurationError, match="is required"):
        overriding.set([GUARD, REQUIRED], wish, ANN)
    with pytest.raises(ConfigurationError, match="needs a reason"):
        overriding.set([REQUIRED], wish, replace(ANN, why="  ", break_glass=True))
    overriding.set([REQUIRED], wish, replace(ANN, why="outage 7", break_glass=True))
    found = in_force(store)
    assert found is not None
    assert found.break_glass
    assert Overrides({"guard": found}).of(REQUIRED) is found


def test_every_change_is_logged_with_who_when_and_why(store: MemoryControlStore) -> None:
    overriding = Overriding(store)
    overriding.set([GUARD], Wish(killed=True), replace(ANN, why="outage 7"))
    assert overriding.clear("guard", replace(ANN, at_ms=ANN.at_ms + 1, who="bob"))
    first, second = overriding.log()
    assert (first["who"], first["why"], first["at_ms"]) == ("ann", "outage 7", ANN.at_ms)
    assert (first["before"], first["after"]) == (None, {"killed": True})
    assert (second["who"], second["before"], second["after"]) == ("bob", {"killed": True}, None)


def test_clearing_returns_to_what_was_deployed_and_counts_as_a_version(store: MemoryControlStore) -> None:
    overriding = Overriding(store)
    assert not overriding.clear("guard", ANN)
    overriding.set([GUARD], Wish(killed=True), ANN)
    overriding.clear("guard", replace(ANN, at_ms=ANN.at_ms + 1))
    assert overriding.in_force() == {}
    assert decode_overrides(store.get(["overrides"])["overrides"]).version == "r2"


class Contested(MemoryControlStore):
    """A store in which somebody else is always faster."""

    def write(self, changes: Sequence[Change]) -> bool:
        return False


def test_two_operators_at_once_do_not_overwrite_each_other() -> None:
    with pytest.raises(ConfigurationError, match="somebody else"):
        Overriding(Contested()).set([GUARD], Wish(killed=True), ANN)
