from __future__ import annotations

import pytest

from penstock.errors import StorageError
from penstock.governance.api_keys import KeyOwner
from penstock.governance.authentication import Authentication, Caller
from penstock.governance.denied import Denied
from penstock.governance.directory import Directory
from penstock.governance.principal import Principal
from tests.governance.directories import NOW_S, World


def authentication(world: World, directory: Directory | None = None) -> Authentication:
    return Authentication(directory or world.directory(), lambda: world.now_s)


def bearer(secret: str, **more: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}", **{k.replace("_", "-"): v for k, v in more.items()}}


def code(answer: Caller | Denied) -> tuple[int, str]:
    assert isinstance(answer, Denied)
    assert answer.record.code == answer.denial.code
    assert answer.record.stage == "authentication"
    assert answer.record.decision == "deny"
    return answer.denial.status, answer.denial.code


def test_a_key_is_recognised_in_either_header_and_in_both() -> None:
    world = World()
    secret = world.key(team="red", user="ann")
    wanted = Caller(Principal("acme", "app", "red", "ann"))
    for headers in (
        bearer(secret),
        {"authorization": f"bearer   {secret} "},
        {"x-api-key": secret},
        bearer(secret, x_api_key=secret),
    ):
        assert authentication(world).authenticate(headers) == wanted


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer " + "pk_" + "A" * 43},
        {"authorization": "Bearer sk-something"},
        {"authorization": "Basic dXNlcjpwYXNz"},
        {"x-api-key": "pk_" + "A" * 43 + "\n"},
        {"x-api-key": "ä" * 46},
        {"x-api-key": "x" * 100_000},
    ],
)
def test_what_is_no_key_is_unauthorized_and_attributed_to_nobody(headers: dict[str, str]) -> None:
    answer = authentication(World()).authenticate(headers)
    assert code(answer) == (401, "unauthorized")
    assert isinstance(answer, Denied)
    assert answer.principal is None


def test_two_different_keys_are_no_key() -> None:
    world = World()
    first, second = world.key("one"), world.key("two")
    assert code(authentication(world).authenticate(bearer(first, x_api_key=second))) == (401, "unauthorized")
    basic = {"authorization": "Basic dXNlcjpwYXNz", "x-api-key": first}
    assert code(authentication(world).authenticate(basic)) == (401, "unauthorized")


def test_what_cannot_be_a_key_costs_no_read() -> None:
    world = World()
    authentication(world).authenticate(bearer("sk-something"))
    assert world.store.reads == []


def test_a_revoked_key_is_told_so_and_its_record_names_it() -> None:
    world = World()
    secret = world.key()
    world.keys.revoke("app", NOW_S)
    answer = authentication(world).authenticate(bearer(secret))
    assert code(answer) == (401, "api_key_revoked")
    assert isinstance(answer, Denied)
    assert answer.principal == Principal("acme", "app")


def test_a_key_expires_on_the_second_even_while_it_is_remembered() -> None:
    world = World()
    secret = world.keys.create("app", KeyOwner("acme"), NOW_S, expires_at_s=NOW_S + 5)
    subject = authentication(world)
    world.now_s = NOW_S + 4.9
    assert isinstance(subject.authenticate(bearer(secret)), Caller)
    world.now_s = NOW_S + 5
    assert code(subject.authenticate(bearer(secret))) == (401, "api_key_expired")


def test_a_rotated_key_keeps_its_name_and_the_old_secret_ends() -> None:
    world = World()
    old = world.key()
    new = world.keys.rotate("app", NOW_S)
    assert code(authentication(world).authenticate(bearer(old))) == (401, "unauthorized")
    assert authentication(world).authenticate(bearer(new)) == Caller(Principal("acme", "app"))


def test_a_fixed_tenant_needs_no_header_and_takes_no_other() -> None:
    world = World()
    secret = world.key(tenants=("t1",))
    subject = authentication(world)
    wanted = Caller(Principal("acme", "app", tenant="t1"))
    assert subject.authenticate(bearer(secret)) == wanted
    assert subject.authenticate(bearer(secret, x_penstock_tenant="t1")) == wanted
    assert code(subject.authenticate(bearer(secret, x_penstock_tenant="t2"))) == (403, "tenant_not_allowed")


def test_a_tenant_is_chosen_from_the_keys_own_list_only() -> None:
    world = World()
    secret = world.key(tenants=("t1", "t2"))
    subject = authentication(world)
    assert subject.authenticate(bearer(secret, x_penstock_tenant="t2")) == Caller(
        Principal("acme", "app", tenant="t2")
    )
    assert code(subject.authenticate(bearer(secret, x_penstock_tenant="t3"))) == (403, "tenant_not_allowed")
    assert code(subject.authenticate(bearer(secret))) == (400, "tenant_required")


def test_a_key_without_tenants_acts_for_none() -> None:
    world = World()
    secret = world.key()
    answer = authentication(world).authenticate(bearer(secret, x_penstock_tenant="t1"))
    assert code(answer) == (403, "tenant_not_allowed")


def test_a_warm_key_works_for_its_thirty_seconds_while_the_store_is_down() -> None:
    world = World()
    secret = world.key()
    subject = authentication(world)
    assert isinstance(subject.authenticate(bearer(secret)), Caller)
    world.store.down = True
    world.clock_s = 29.9
    assert isinstance(subject.authenticate(bearer(secret)), Caller)
    world.clock_s = 30.0
    with pytest.raises(StorageError):
        subject.authenticate(bearer(secret))


def test_a_revocation_holds_after_thirty_seconds_and_a_new_key_works_after_ten() -> None:
    world = World()
    secret = world.key()
    directory = world.directory()
    subject = authentication(world, directory)
    subject.authenticate(bearer(secret))
    late = "pk_" + "B" * 43
    assert code(subject.authenticate(bearer(late))) == (401, "unauthorized")
    world.keys.revoke("app", NOW_S)
    assert isinstance(subject.authenticate(bearer(secret)), Caller)
    world.clock_s = 30.0
    assert code(subject.authenticate(bearer(secret))) == (401, "api_key_revoked")


def test_a_denial_shows_no_part_of_the_secret() -> None:
    answer = authentication(World()).authenticate(bearer("pk_" + "C" * 43))
    assert "CCC" not in repr(answer)
