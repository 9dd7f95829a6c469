"""That each role can use the keys for its own things, tests/aws evaluates; here, what is read from what."""

from __future__ import annotations

from typing import Any

import pytest

from infra.egress_network import interface_statements
from infra.keys import KeyUse
from infra.statements import Statements, _allow
from infra.whereabouts import Whereabouts

WHERE = Whereabouts("d")
GIVE = Statements(WHERE)
OURS = KeyUse(WHERE, managed=True, own={})
OWN_KEY = "arn:aws:kms:eu-central-1:123456789012:key/0a1b"
OWN_SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:siem-a1B2c3"


def said(use: KeyUse, *given: Any) -> list[tuple[set[str], list[str]]]:
    """Actions and encryption contexts of the statements that these need."""
    return [(set(statement.actions), contexts(statement)) for statement in use.statements(given)]


def contexts(statement: Any) -> list[str]:
    conditions: dict[str, dict[str, Any]] = statement.conditions
    return [
        value
        for keys in conditions.values()
        for name, values in keys.items()
        if name.startswith("kms:EncryptionContext:")
        for value in values
    ]


def test_a_role_without_anything_that_is_encrypted_needs_no_key() -> None:
    call = _allow(["lambda:InvokeFunction"], ["*"])
    assert said(OURS, call, GIVE.list_evidence()) == []


def test_reading_decrypts_storing_encrypts_and_sending_needs_both() -> None:
    queue = WHERE.queue("q")
    assert said(OURS, GIVE.store_seals()) == [({"kms:GenerateDataKey"}, [WHERE.evidence()])]
    assert said(OURS, GIVE.read_evidence()) == [({"kms:Decrypt"}, [WHERE.evidence()])]
    assert said(OURS, GIVE.send(["q"])) == [({"kms:Decrypt", "kms:GenerateDataKey"}, [queue])]
    assert said(OURS, GIVE.consume("q")) == [({"kms:Decrypt"}, [queue])]
    assert said(OURS, GIVE.open_intents()) == [({"kms:Decrypt"}, ["d-ledger"])]
    assert said(OURS, GIVE.find_open_intents()) == [({"kms:Decrypt"}, ["d-ledger"])]


def test_each_use_is_by_one_service_and_of_one_key() -> None:
    (secret,) = OURS.statements([GIVE.read_secrets(["d/x"])])
    assert secret.resources == [WHERE.arn("kms", "key/*")]
    conditions: dict[str, dict[str, Any]] = secret.conditions
    region = WHERE.arn("kms", "").split(":")[3]
    assert conditions["StringEquals"]["kms:ViaService"].startswith(f"secretsmanager.{region}.")
    assert set(conditions["StringEquals"]) == {"kms:ViaService"}
    assert conditions["ForAnyValue:StringEquals"] == {"kms:ResourceAliases": "alias/d-secrets"}


def test_queues_of_several_plugins_are_one_prefix_and_one_plugin_s_is_named() -> None:
    names = ["d-plugin-a", "d-plugin-b"]
    assert contexts(*OURS.statements([GIVE.send(names)])) == [f"{WHERE.queue('d-plugin-')}*"]
    assert contexts(*OURS.statements([GIVE.send(names[:1])])) == [WHERE.queue("d-plugin-a")]


def test_what_is_denied_needs_no_key() -> None:
    denied = _allow(["s3:GetObject"], [WHERE.evidence("*")])
    assert said(OURS, denied)
    denied.effect = interface_statements("any")[1].effect
    assert said(OURS, denied) == []


def test_another_s_bucket_and_a_secret_by_arn_are_not_under_the_stack_s_keys() -> None:
    other = _allow(["s3:PutObject"], ["arn:aws:s3:::another/*"])
    assert said(OURS, other, GIVE.read_secrets([OWN_SECRET])) == []


def test_who_reads_a_secret_under_its_operator_s_key_may_decrypt_with_that_one_for_it() -> None:
    for managed in (True, False):
        use = KeyUse(WHERE, managed, {OWN_SECRET: OWN_KEY})
        (statement,) = use.statements([GIVE.read_secrets([OWN_SECRET])])
        assert (statement.resources, contexts(statement)) == ([OWN_KEY], [OWN_SECRET])
        assert use.statements([GIVE.read_secrets([OWN_SECRET.replace("siem", "other")])]) == []


def test_the_gateway_may_decrypt_an_upstream_s_secret_under_its_operator_s_key() -> None:
    secret = WHERE.secret("d/upstreams/openai")
    use = KeyUse(WHERE, managed=False, own={secret: OWN_KEY})
    (statement,) = use.statements([GIVE.read_upstream_secrets()])
    assert (statement.resources, contexts(statement)) == ([OWN_KEY], [secret])


def test_under_keys_of_aws_s_own_nobody_needs_any() -> None:
    assert said(KeyUse(WHERE, managed=False, own={}), GIVE.store_records(), GIVE.send(["q"])) == []


def test_an_action_that_nobody_has_looked_up_is_refused() -> None:
    unknown = _allow(["sqs:ChangeMessageVisibility"], [WHERE.queue("q")])
    with pytest.raises(KeyError, match="ChangeMessageVisibility"):
        OURS.statements([unknown])
