from __future__ import annotations

import json

import pytest

from penstock.governance.api_keys import SECRET
from penstock.governance.authentication import Authentication, Caller
from penstock.governance.denied import Denied
from penstock.governance.directory import Directory
from tests.cli.gateways import Gateway


def answer(gateway: Gateway, secret: str) -> Caller | Denied:
    return Authentication(Directory(gateway.control)).authenticate({"x-api-key": secret})


def test_a_created_key_opens_the_gateway_and_its_secret_is_stored_nowhere(applied: Gateway) -> None:
    found = applied.run(
        "keys", "create", "new", "--organisation", "acme", "--tenant", "t1", "--expires", "1d"
    )
    match = SECRET.search(found.out)
    assert match
    caller = answer(applied, match[0])
    assert isinstance(caller, Caller)
    assert (caller.principal.api_key, caller.principal.tenant) == ("new", "t1")
    stored = json.dumps([entry.document for _, entry in applied.control.list("")])
    assert match[0] not in stored


def test_keys_are_listed_with_their_state_and_without_anything_secret(applied: Gateway) -> None:
    applied.json("keys", "create", "second", "--organisation", "acme")
    applied.json("keys", "revoke", "second")
    found = applied.json("keys", "list")
    assert [(key["api_key"], key["type"], key["state"]) for key in found] == [
        ("app", "TEAM", "active"),
        ("second", "ORGANISATION", "revoked"),
    ]
    table = applied.run("keys", "list").out
    assert "app" in table
    assert "revoked" in table
    assert "sha256" not in json.dumps(found)
    assert not SECRET.search(json.dumps(found))


def test_rotating_gives_a_new_secret_and_ends_the_old_one(applied: Gateway) -> None:
    old = applied.json("keys", "create", "new", "--organisation", "acme")["secret"]
    new = applied.json("keys", "rotate", "new")["secret"]
    assert isinstance(answer(applied, old), Denied)
    assert isinstance(answer(applied, new), Caller)


def test_grace_keeps_the_old_secret_for_a_while(applied: Gateway) -> None:
    old = applied.json("keys", "create", "new", "--organisation", "acme")["secret"]
    applied.json("keys", "rotate", "new", "--grace", "1h")
    assert isinstance(answer(applied, old), Caller)


def test_revoking_ends_a_key(applied: Gateway) -> None:
    secret = applied.json("keys", "create", "new", "--organisation", "acme")["secret"]
    assert applied.json("keys", "revoke", "new")["state"] == "revoked"
    denied = answer(applied, secret)
    assert isinstance(denied, Denied)
    assert denied.denial.code == "api_key_revoked"


def test_showing_a_key_tells_when_it_ends(applied: Gateway) -> None:
    applied.json(
        "keys", "create", "new", "--organisation", "acme", "--address", "10.0.0.0/8", "--expires", "90d"
    )
    found = applied.json("keys", "show", "new")
    assert found["expires"] > found["created"]
    assert found["addresses"] == ["10.0.0.0/8"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("keys", "create", "x y", "--organisation", "acme"), "is no name"),
        (("keys", "create", "ann@example.com", "--organisation", "acme"), "is no name"),
        (("keys", "create", "new"), "--organisation"),
        (("keys", "create", "new", "--organisation", "acne"), "organisation 'acne': does not exist"),
        (("keys", "create", "app", "--organisation", "acme"), "'app': exists already"),
        (("keys", "create", "new", "--organisation", "acme", "--expires", "soon"), "is no time"),
        (("keys", "create", "new", "--organisation", "acme", "--address", "here"), "is no network"),
        (("keys", "rotate", "nobody"), "'nobody': does not exist"),
    ],
)
def test_a_mistake_is_answered_and_makes_no_key(
    applied: Gateway, words: tuple[str, ...], message: str
) -> None:
    found = applied.run(*words)
    assert found.status == 2
    assert message in found.err
    assert [key["api_key"] for key in applied.json("keys", "list")] == ["app"]
