from __future__ import annotations

from typing import Any

import pytest

from penstock.adapters.control import Change
from penstock.adapters.keys import OVERRIDES
from penstock.errors import StorageError
from penstock.gates.placement import Mode
from penstock.governance.access import Access, Model
from penstock.governance.denied import Denied
from penstock.governance.principal import Principal
from penstock.upstream.target import Target
from tests.governance.directories import World

ANN = Principal("acme", "app", "red", "ann", "t1")


def with_models(*names: str) -> World:
    world = World()
    for name in names:
        target = {"provider": "echo", "base_url": "http://127.0.0.1:1"}
        document: dict[str, Any] = {"id": name, "upstream_model": f"up-{name}", "target": target}
        world.put("model", name, document)
    return world


def code(answer: Model | Denied) -> tuple[int, str]:
    assert isinstance(answer, Denied)
    assert answer.principal == ANN
    assert answer.record.stage == "access"
    return answer.denial.status, answer.denial.code


@pytest.mark.parametrize(
    ("kind", "name"), [("api_key", "app"), ("user", "ann"), ("team", "red"), ("organisation", "acme")]
)
def test_a_grant_to_any_part_of_the_principal_opens_the_model(kind: str, name: str) -> None:
    world = with_models("gpt")
    world.grant(kind, name, "gpt")
    assert Access(world.directory()).model(ANN, "gpt") == Model(
        "gpt", "up-gpt", Target("echo", "http://127.0.0.1:1")
    )


def test_nothing_is_open_without_a_grant_and_a_grant_is_no_pattern() -> None:
    world = with_models("gpt", "gpt-2", "*")
    world.grant("organisation", "acme", "*", "gpt")
    world.grant("api_key", "other", "gpt-2")
    assert code(Access(world.directory()).model(ANN, "gpt-2")) == (403, "model_not_allowed")


@pytest.mark.parametrize(
    ("kind", "dialects"),
    [(None, {"openai"}), ("anthropic", {"anthropic"}), ("both", {"openai", "anthropic"})],
)
def test_a_model_is_only_asked_in_a_dialect_that_its_provider_speaks(
    kind: str | None, dialects: set[str]
) -> None:
    world = with_models()
    target = {"provider": "echo", "base_url": "http://127.0.0.1:1"}
    document = {"id": "gpt", "upstream_model": "gpt", "target": target, "kind": kind}
    world.put("model", "gpt", {name: value for name, value in document.items() if value})
    world.grant("api_key", "app", "gpt")
    access = Access(world.directory())
    model = access.model(ANN, "gpt")
    assert isinstance(model, Model)
    assert {
        name for name in ("openai", "anthropic") if access.spoken_to(ANN, model, name) is None
    } == dialects
    if kind == "anthropic":
        denied = access.spoken_to(ANN, model, "openai")
        assert denied is not None
        assert code(denied) == (400, "model_not_found")
        assert "anthropic dialect" in denied.denial.message


def test_models_to_turn_to_instead_need_a_grant_the_same_provider_and_the_name_they_have_there() -> None:
    world = with_models("gpt", "renamed")
    target = {"provider": "echo", "base_url": "http://127.0.0.1:1"}
    for name, more in (("same", {}), ("closed", {}), ("elsewhere", {"base_url": "http://127.0.0.1:2"})):
        world.put("model", name, {"id": name, "upstream_model": name, "target": target | more})
    world.grant("api_key", "app", "gpt", "renamed", "same", "elsewhere")
    access = Access(world.directory())
    gpt = access.model(ANN, "gpt")
    assert isinstance(gpt, Model)
    assert access.others(ANN, gpt, []) is None
    assert access.others(ANN, gpt, ["same", "same"]) is None
    for refused in ("closed", "renamed", "elsewhere"):
        denied = access.others(ANN, gpt, ["same", refused])
        assert denied is not None
        assert code(denied) == (403, "model_not_allowed")


@pytest.mark.parametrize("name", ["gtp", "", "*", "gpt ", "gpt\n", "ä", "x" * 129, "x" * 1_000_000])
def test_a_model_that_configuration_does_not_know_is_not_found(name: str) -> None:
    world = with_models("gpt")
    assert code(Access(world.directory()).model(ANN, name)) == (400, "model_not_found")


def test_a_grant_of_a_model_that_is_gone_opens_nothing() -> None:
    world = with_models()
    world.grant("api_key", "app", "gpt")
    assert code(Access(world.directory()).model(ANN, "gpt")) == (400, "model_not_found")


def test_a_name_that_cannot_be_configured_is_not_looked_up() -> None:
    world = with_models()
    Access(world.directory()).model(ANN, "x" * 5000)
    assert not any("xxx" in key for read in world.store.reads for key in read)


def test_after_the_principal_only_the_model_is_left_to_be_read() -> None:
    world = with_models("gpt")
    world.grant("team", "red", "gpt")
    access = Access(world.directory())
    access.addresses(ANN)
    access.model(ANN, "gpt")
    access.overrides()
    assert world.store.reads[1:] == [["model#gpt"]]


def test_all_that_a_request_needs_is_one_round_trip() -> None:
    world = with_models("gpt")
    world.grant("team", "red", "gpt")
    access = Access(world.directory())
    access.model(ANN, "gpt")
    access.overrides()
    access.identity(ANN)
    access.addresses(ANN)
    assert len(world.store.reads) == 1


def test_the_models_of_a_principal_are_all_that_are_granted_to_its_parts() -> None:
    world = with_models()
    world.grant("team", "red", "b", "a")
    world.grant("api_key", "app", "c", "a")
    world.grant("api_key", "other", "d")
    assert Access(world.directory()).models(ANN) == ("a", "b", "c")


def test_identity_has_ids_and_the_names_that_configuration_gives() -> None:
    world = with_models()
    assert Access(world.directory()).identity(ANN) == {
        "organisation": "acme",
        "organisation_name": "Acme Ltd",
        "team": "red",
        "team_name": "Red",
        "user": "ann",
        "user_name": None,
        "api_key": "app",
        "tenant": "t1",
    }


def test_overrides_are_read_with_their_version() -> None:
    world = with_models()
    assert Access(world.directory()).overrides().version == "none"
    world.store.write([Change(OVERRIDES, {"plugins": {"guard": {"mode": "shadow"}}})])
    found = Access(world.directory()).overrides()
    assert found.version == "r1"
    assert found.by_plugin["guard"].mode is Mode.SHADOW


def test_an_organisation_may_bound_its_addresses() -> None:
    world = with_models()
    assert Access(world.directory()).addresses(ANN) == ()
    world.put("organisation", "acme", {"id": "acme", "addresses": ["10.0.0.0/8"]})
    assert Access(world.directory()).addresses(ANN) == ("10.0.0.0/8",)


def test_what_cannot_be_read_is_neither_granted_nor_denied() -> None:
    world = with_models("gpt")
    access = Access(world.directory())
    world.store.down = True
    with pytest.raises(StorageError):
        access.model(ANN, "gpt")


def test_cost_counts_cached_tokens_at_their_own_price() -> None:
    model = Model("m", "m", Target("p", "u"), 10, 40, 1)
    assert model.cost_nanousd(100, 10, 30) == 70 * 10 + 30 * 1 + 10 * 40
    assert Model("m", "m", Target("p", "u"), 10, 40).cost_nanousd(100, 10, 30) == 100 * 10 + 10 * 40
    assert Model("m", "m", Target("p", "u")).cost_nanousd(100, 10) is None


def test_a_model_is_decoded_once_for_all_requests_until_it_is_read_anew() -> None:
    world = with_models("gpt")
    world.grant("team", "red", "gpt")
    access = Access(world.directory())
    first = access.model(ANN, "gpt")
    assert access.model(ANN, "gpt") is first
    world.put(
        "model", "gpt", {"id": "gpt", "upstream_model": "new", "target": {"provider": "p", "base_url": "u"}}
    )
    world.clock_s = 30.0
    changed = access.model(ANN, "gpt")
    assert isinstance(changed, Model)
    assert changed.upstream_model == "new"


def test_a_grant_that_is_taken_back_closes_the_model_once_it_is_read_anew() -> None:
    world = with_models("gpt")
    world.grant("team", "red", "gpt")
    access = Access(world.directory())
    assert isinstance(access.model(ANN, "gpt"), Model)
    world.grant("team", "red")
    world.clock_s = 30.0
    assert code(access.model(ANN, "gpt")) == (403, "model_not_allowed")


def test_overrides_are_as_fresh_as_what_is_read() -> None:
    world = with_models()
    access = Access(world.directory())
    world.store.write([Change(OVERRIDES, {"plugins": {"guard": {"mode": "shadow"}}})])
    assert access.overrides().version == "r1"
    world.store.write([Change(OVERRIDES, {"plugins": {"guard": {"killed": True}}})])
    assert access.overrides().version == "r1"
    world.clock_s = 30.0
    assert access.overrides().by_plugin["guard"].killed
