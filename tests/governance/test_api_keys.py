from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from penstock.adapters.control import Change
from penstock.errors import ConfigurationError, StorageError
from penstock.governance.api_keys import SECRET, ApiKeys, KeyOwner, fingerprint, new_secret
from penstock.governance.authentication import Authentication, Caller
from tests.governance.directories import NOW_S, CountingStore, World


def works(world: World, secret: str) -> bool:
    subject = Authentication(world.directory(), lambda: world.now_s)
    return isinstance(subject.authenticate({"x-api-key": secret}), Caller)


def test_a_secret_is_256_random_bits_with_our_prefix() -> None:
    assert SECRET.fullmatch(new_secret())
    assert new_secret() != new_secret()
    assert new_secret(bytes) == "pk_" + "A" * 43


def test_the_secret_itself_is_stored_nowhere() -> None:
    world = World()
    secret = world.key()
    stored = json.dumps([[key, entry.document] for key, entry in world.store.list("")])
    assert secret not in stored
    assert fingerprint(secret) in stored


def test_a_name_is_given_once_even_after_its_key_is_revoked() -> None:
    world = World()
    world.key("app")
    world.keys.revoke("app", NOW_S)
    with pytest.raises(ConfigurationError, match="exists already"):
        world.key("app")


@pytest.mark.parametrize(
    ("owner", "problem"),
    [
        (KeyOwner("nobody"), "organisation 'nobody': does not exist"),
        (KeyOwner("acme", team="green"), "team 'green': does not exist"),
        (KeyOwner("acme", user="bob"), "user 'bob': does not exist"),
        (KeyOwner("other", team="red"), "team 'red': belongs to organisation 'acme'"),
        (KeyOwner("other", user="ann"), "user 'ann': belongs to organisation 'acme'"),
    ],
)
def test_a_key_belongs_to_what_exists(owner: KeyOwner, problem: str) -> None:
    world = World()
    with pytest.raises(ConfigurationError, match=problem):
        world.keys.create("app", owner, NOW_S)
    assert list(world.keys.list()) == []


def test_the_type_of_a_key_follows_from_its_owner() -> None:
    owners = [KeyOwner("a"), KeyOwner("a", "t"), KeyOwner("a", "t", "u"), KeyOwner("a", None, "u")]
    assert [owner.type for owner in owners] == ["ORGANISATION", "TEAM", "USER", "USER"]


def test_a_key_is_shown_and_listed_with_its_state() -> None:
    world = World()
    world.keys.create("b", KeyOwner("acme", tenants=("t1", "t2")), NOW_S, expires_at_s=NOW_S + 10)
    world.keys.create("a", KeyOwner("acme", team="red"), NOW_S)
    world.keys.revoke("a", NOW_S + 1)
    listed = list(world.keys.list())
    assert [(key.name, key.state(NOW_S)) for key in listed] == [("a", "revoked"), ("b", "active")]
    assert world.keys.show("b") == listed[1]
    assert listed[1].owner.tenants == ("t1", "t2")
    assert listed[1].state(NOW_S + 10) == "expired"


def test_a_key_that_does_not_exist_cannot_be_changed() -> None:
    keys = World().keys
    for call in (lambda: keys.rotate("x", 1), lambda: keys.revoke("x", 1), lambda: keys.show("x")):
        with pytest.raises(ConfigurationError, match="'x': does not exist"):
            call()


def test_the_old_secret_works_through_its_grace_and_no_longer() -> None:
    world = World()
    old = world.key()
    new = world.keys.rotate("app", NOW_S, grace_s=60)
    assert works(world, old)
    assert works(world, new)
    world.now_s = NOW_S + 60
    assert not works(world, old)
    assert works(world, new)


def test_grace_does_not_outlast_the_keys_own_end() -> None:
    world = World()
    old = world.keys.create("app", KeyOwner("acme"), NOW_S, expires_at_s=NOW_S + 5)
    world.keys.rotate("app", NOW_S, grace_s=60)
    world.now_s = NOW_S + 5
    assert not works(world, old)


def test_revoking_a_key_ends_the_secret_in_grace_too() -> None:
    world = World()
    old = world.key()
    new = world.keys.rotate("app", NOW_S, grace_s=600)
    world.keys.revoke("app", NOW_S)
    assert not works(world, old)
    assert not works(world, new)


def test_a_second_rotation_ends_what_the_first_left_in_grace() -> None:
    world = World()
    first = world.key()
    second = world.keys.rotate("app", NOW_S, grace_s=600)
    world.keys.rotate("app", NOW_S)
    assert not works(world, first)
    assert not works(world, second)


def test_a_revoked_key_is_not_rotated() -> None:
    world = World()
    world.key()
    world.keys.revoke("app", NOW_S)
    with pytest.raises(ConfigurationError, match="is revoked"):
        world.keys.rotate("app", NOW_S)


def test_revoking_twice_keeps_the_first_time() -> None:
    world = World()
    world.key()
    world.keys.revoke("app", NOW_S)
    assert world.keys.revoke("app", NOW_S + 9).revoked_at_s == NOW_S


class Contested(CountingStore):
    """A store in which somebody else is always faster."""

    def write(self, changes: Sequence[Change]) -> bool:
        return False if any((change.expects or 0) > 0 for change in changes) else super().write(changes)


def test_two_operators_at_once_do_not_overwrite_each_other() -> None:
    world = World(Contested())
    world.key()
    with pytest.raises(StorageError):
        ApiKeys(world.store).rotate("app", NOW_S)
