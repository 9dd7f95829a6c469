from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from penstock.configuration.model import EmailGrant, PluginStanza
from penstock.configuration.placing import BACKGROUND_TIMEOUT_MS, Installed, PlacingError, place
from penstock.dialects.openai.paths import request_table, response_table
from penstock.gates.placement import Mode, Placement
from penstock.sdk import fields
from penstock.sdk.context import RecordSpec
from penstock.sdk.contract import Terms
from penstock.sdk.manifest import Manifest

EMAIL = {"from": "bot@acme.example", "to": ["soc@acme.example", "*@ops.acme.example"]}
BEFORE = {"reads": ["request.messages.user"], "effects": ["block"]}
MANIFEST: dict[str, Any] = {
    "name": "guard",
    "version": "1.2.3",
    "summary": "Stops what a test says.",
    "purpose": "Use this plugin to block bad prompts for tests.",
    "owner": "tests@example.com",
    "contract": 1,
    "entry_point": "guard:Guard",
    "before_upstream": {
        "reads": ["request.messages.user", "identity", "decisions"],
        "writes": ["request.messages.user", "request.tags"],
        "effects": ["block", "transform", "record"],
        "timeout_ms": 70,
    },
    "after_upstream": {
        "reads": ["response.text"],
        "writes": ["response.text"],
        "effects": ["transform", "record"],
        "on_error": "block",
        "stream": "window",
        "window_chars": 64,
        "max_hold_chars": 128,
    },
    "after_response": {"reads": ["evidence"], "effects": ["emit"], "delivery": "at_most_once"},
    "reasons": {"bad_word": "A bad word."},
    "records": {"words": {"unit": "count", "minimum": 0, "maximum": 10}},
    "tags": {"kind": {"values": ["a", "b"]}, "cost": {"values_from": "centers.by_team"}},
    "secrets": ["token"],
    "hosts": ["audit.example.com:443"],
    "storage": True,
}


def installed(built_in: bool = False, config: dict[str, Any] | None = None, **asked: Any) -> Installed:
    manifest = Manifest.model_validate({**MANIFEST, **asked})
    return Installed(Path("guard"), manifest, "sha256:" + "0" * 64, config or {}, built_in)


def placed(
    grant: dict[str, Any], *, built_in: bool = True, config: dict[str, Any] | None = None, **stanza: Any
) -> list[Placement]:
    made = PluginStanza.model_validate({"name": "guard", "grant": grant, **stanza})
    return place(made, installed(built_in, config))


def refused(grant: dict[str, Any], **more: Any) -> PlacingError:
    with pytest.raises(PlacingError) as caught:
        placed(grant, **more)
    return caught.value


def test_a_stanza_with_nothing_but_a_grant_has_every_default() -> None:
    (found,) = placed({"before_upstream": BEFORE})
    assert (found.moment, found.style, found.host) == ("before_upstream", "ordered", "in_process")
    assert (found.timeout_ms, found.on_error, found.mode) == (70, "block", Mode.ENFORCE)
    assert found.reads == ("request.messages.user",)
    assert found.terms.effects == {"block"}
    assert found.terms.reasons == {"bad_word"}
    assert found.reasons == {"bad_word": "A bad word."}
    assert found.terms.writes == frozenset()
    assert found.records == {}
    assert found.uninspected == {"default": "refuse"}
    assert found.name == "guard@before_upstream"


def test_what_is_not_granted_is_denied() -> None:
    (found,) = placed({"before_upstream": {}})
    assert found.style == "independent"
    assert found.on_error == "allow"
    assert (found.reads, found.terms) == ((), Terms())


def test_a_declared_moment_without_a_grant_has_no_placement() -> None:
    grant = {"before_upstream": {}, "after_response": {"reads": ["evidence"], "effects": ["emit"]}}
    assert [p.moment for p in placed(grant)] == ["before_upstream", "after_response"]


def test_a_plugin_that_is_granted_nothing_is_refused() -> None:
    assert refused({}).key == ("grant",)


@pytest.mark.parametrize(
    ("grant", "style"),
    [
        ({"reads": ["request.messages.user"], "effects": ["record"]}, "independent"),
        ({"reads": ["decisions"]}, "ordered"),
        ({"effects": ["block"]}, "ordered"),
    ],
)
def test_the_style_follows_from_the_grant(grant: dict[str, Any], style: str) -> None:
    assert placed({"before_upstream": grant})[0].style == style


def test_naming_another_plugin_makes_it_ordered() -> None:
    (found,) = placed({"before_upstream": {}}, after=["other"])
    assert (found.style, found.after) == ("ordered", ("other",))


@pytest.mark.parametrize(
    ("grant", "key", "problem"),
    [
        (
            {"before_upstream": {"reads": ["request.tools"]}},
            "reads",
            "'request.tools' is more than the manifest",
        ),
        ({"before_upstream": {"reads": ["nonsense"]}}, "reads", "'nonsense' is more than the manifest"),
        ({"before_upstream": {"writes": ["request.tools"]}}, "writes", "'request.tools' is more"),
        ({"before_upstream": {"effects": ["respond"]}}, "effects", "'respond' is more"),
        ({"before_upstream": {"writes": ["request.tags"]}}, "before_upstream", "`writes` and the effect"),
        (
            {"before_upstream": {"writes": ["request.messages.user"], "effects": ["transform"]}},
            "before_upstream",
            "is written but not read",
        ),
        (
            {"before_upstream": {}, "hosts": ["evil.example.com:443"]},
            "hosts",
            "'evil.example.com:443' is more",
        ),
        ({"before_upstream": {}, "secrets": ["other"]}, "secrets", "'other' is more"),
        ({"after_response": {"effects": ["emit"]}, "email": EMAIL}, "email", "is more than the manifest"),
        ({"after_response": {"effects": ["emit"]}, "exports": True}, "exports", "is more than the manifest"),
    ],
)
def test_a_grant_beyond_the_manifest_or_against_the_rules_is_refused(
    grant: dict[str, Any], key: str, problem: str
) -> None:
    error = refused(grant)
    assert error.key[-1] == key
    assert problem in error.problem


def test_on_error_block_is_refused_where_nothing_can_be_stopped() -> None:
    assert refused({"before_upstream": {}}, on_error="block").key == ("on_error",)
    assert placed({"before_upstream": BEFORE}, on_error="allow")[0].on_error == "allow"


def test_a_manifests_on_error_counts_only_while_the_placement_can_stop_something() -> None:
    grant = {"reads": ["response.text"], "writes": ["response.text"], "effects": ["transform"]}
    assert placed({"after_upstream": grant})[0].on_error == "block"
    assert placed({"after_upstream": {"reads": ["response.text"]}})[0].on_error == "allow"


def test_sampling_is_refused_for_what_can_stop_or_change_a_request() -> None:
    assert refused({"before_upstream": BEFORE}, sample=10).key == ("sample",)
    assert placed({"before_upstream": {}}, sample=10)[0].sample == 10


def test_anybody_elses_plugin_runs_in_its_own_function_but_by_the_operators_word() -> None:
    assert placed({"before_upstream": BEFORE}, built_in=False)[0].host == "function"
    assert placed({"before_upstream": BEFORE}, built_in=False, host="in_process")[0].host == "in_process"
    assert placed({"before_upstream": BEFORE}, host="function")[0].host == "function"


@pytest.mark.parametrize("capability", [{"hosts": ["audit.example.com:443"]}, {"storage": True}])
def test_a_capability_keeps_a_plugin_out_of_the_gateways_process(capability: dict[str, Any]) -> None:
    grant = {"before_upstream": BEFORE, **capability}
    assert "does not run in the gateway's process" in refused(grant, host="in_process").problem
    assert placed(grant)[0].host == "function"


@pytest.mark.parametrize(
    ("asked_ms", "given_ms", "found_ms"), [(50, {}, 1500), (4000, {}, 4000), (50, 70, 70)]
)
def test_the_way_to_a_function_takes_longer_than_a_manifest_can_know(
    asked_ms: int, given_ms: Any, found_ms: int
) -> None:
    manifest = {**MANIFEST, "before_upstream": {**MANIFEST["before_upstream"], "timeout_ms": asked_ms}}
    plugin = Installed(
        Path("guard"), Manifest.model_validate(manifest), "sha256:" + "0" * 64, {}, built_in=False
    )
    given = {"timeout_ms": given_ms} if given_ms else {}
    stanza = PluginStanza.model_validate({"name": "guard", "grant": {"before_upstream": BEFORE}, **given})
    assert place(stanza, plugin)[0].timeout_ms == found_ms


def test_a_background_plugin_runs_in_its_own_function_and_may_have_capabilities() -> None:
    grant = {
        "after_response": {"reads": ["evidence"], "effects": ["emit"]},
        "hosts": ["audit.example.com:443"],
        "secrets": ["token"],
    }
    (found,) = placed(grant, built_in=False, secrets={"token": "prod/token"})
    assert (found.host, found.style, found.delivery) == ("function", "background", "at_most_once")
    assert found.timeout_ms == BACKGROUND_TIMEOUT_MS


def test_storage_that_the_manifest_does_not_ask_for_is_refused() -> None:
    stanza = PluginStanza.model_validate(
        {"name": "guard", "grant": {"before_upstream": BEFORE, "storage": True}}
    )
    with pytest.raises(PlacingError, match="more than the manifest asks for"):
        place(stanza, installed(storage=False))


@pytest.mark.parametrize(
    "grant",
    [
        {"from": "bot@acme.example", "to": []},
        {"from": "*@acme.example", "to": ["a@acme.example"]},
        {"from": "Bot <bot@acme.example>", "to": ["a@acme.example"]},
        {"from": "bot@acme.example", "to": ["*"]},
        {"from": "bot@acme.example", "to": ["a@*.acme.example"]},
        {"from": "bot@acme.example", "to": ["${aws:username}@acme.example"]},
        {"from": "bot@acme.example", "to": ["?@acme.example"]},
        {"from": "bot@acme.example", "to": ["a@ACME.example"]},
        {"from": "bot@acme.example\n", "to": ["a@acme.example"]},
    ],
)
def test_addresses_that_iam_could_read_in_another_way_are_refused(grant: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        EmailGrant.model_validate(grant)


@pytest.mark.parametrize("secrets", [{}, {"other": "x"}, {"token": "x", "other": "y"}])
def test_a_secret_is_both_granted_and_given_a_place(secrets: dict[str, str]) -> None:
    grant = {"after_response": {"reads": ["evidence"]}, "secrets": ["token"]}
    assert refused(grant, secrets=secrets).key == ("secrets",)


def exported(hosts: list[str], *, config: dict[str, Any], effects: tuple[str, ...] = ("emit",)) -> None:
    """Place a plugin that asks for one fixed host, and for those that `url` and `more` lead to."""
    grant = {"after_response": {"reads": ["evidence"], "effects": effects}, "hosts": hosts}
    stanza = PluginStanza.model_validate({"name": "guard", "grant": grant, "config": config})
    place(stanza, installed(config=config, hosts=["fixed.example.com:443"], hosts_from=["url", "more"]))


HOOK = {"url": "https://hook.example.com/in", "more": ["http://127.0.0.1:9009/x"]}


@pytest.mark.parametrize("fixed", [[], ["fixed.example.com:443"]])
def test_hosts_may_come_from_the_configuration_when_the_grant_names_them(fixed: list[str]) -> None:
    exported(["hook.example.com:443", "127.0.0.1:9009", *fixed], config=HOOK)


def test_a_host_that_no_setting_leads_to_is_refused_with_the_line_to_write() -> None:
    for host in ("evil.example.com:443", "hook.example.com:8443", "hook.example.com:80"):
        with pytest.raises(PlacingError) as caught:
            exported([host], config=HOOK)
        assert caught.value.key == ("grant", "hosts")
        assert caught.value.problem == (
            f"{host!r} is neither in the manifest's `hosts` nor where `config.url` or `config.more` leads."
        )
        assert caught.value.remedy == (
            'Write hosts = ["127.0.0.1:9009", "fixed.example.com:443", "hook.example.com:443"] '
            "into [plugin.grant]."
        )


def test_a_setting_that_leads_where_nothing_is_granted_is_refused_with_the_line_to_write() -> None:
    with pytest.raises(PlacingError) as caught:
        exported(["127.0.0.1:9009"], config=HOOK)
    assert caught.value.problem == "`config.url` leads to 'hook.example.com:443', which is not granted."
    assert caught.value.remedy == (
        'Write hosts = ["127.0.0.1:9009", "hook.example.com:443"] into [plugin.grant].'
    )
    exported([], config=HOOK, effects=())  # what may not emit reaches no host anyway


def test_a_stanza_overrules_the_manifests_numbers() -> None:
    (found,) = placed(
        {"before_upstream": BEFORE},
        timeout_ms=5,
        order=7,
        mode="shadow",
        rollout=25,
        required=True,
        scope={"team": ["a*"], "except": [{"model": ["x"]}]},
    )
    assert (found.timeout_ms, found.order, found.mode, found.rollout) == (5, 7, Mode.SHADOW, 25)
    assert found.required
    assert found.scope.misses({"team": "ab", "model": "y"}) is None
    assert found.scope.misses({"team": "ab", "model": "x"}) == "except"
    assert found.scope.misses({"team": "b"}) == "team"


def test_how_it_meets_a_stream_comes_from_the_manifest() -> None:
    text = ["response.text"]
    (found,) = placed({"after_upstream": {"reads": text, "writes": text, "effects": ["transform"]}})
    assert (found.stream, found.window_chars, found.max_hold_chars) == ("window", 64, 128)


def test_who_may_change_an_answer_and_says_nothing_of_streams_takes_them_whole() -> None:
    asked = {name: value for name, value in MANIFEST["after_upstream"].items() if "_chars" not in name}
    manifest = {**MANIFEST, "after_upstream": {**asked, "stream": None}}
    text = ["response.text"]
    grant = {"after_upstream": {"reads": text, "writes": text, "effects": ["transform"]}}
    stanza = PluginStanza.model_validate({"name": "guard", "grant": grant, "host": "in_process"})
    plugin = Installed(Path("guard"), Manifest.model_validate(manifest), "sha256:0", {}, built_in=False)
    assert place(stanza, plugin)[0].stream == "buffer"


def test_who_only_looks_sees_a_stream_when_it_has_passed() -> None:
    (found,) = placed({"after_upstream": {"reads": ["response.text"]}})
    assert (found.style, found.stream, found.window_chars, found.max_hold_chars) == (
        "independent",
        None,
        None,
        None,
    )
    assert placed({"before_upstream": BEFORE})[0].stream is None


def test_records_are_bounded_as_declared() -> None:
    (found,) = placed({"before_upstream": {"effects": ["record"]}})
    assert found.records == {"words": RecordSpec("count", 0, 10)}


TOPICS = {"records": {"topic": {"values_from": "topics.name"}}}


def test_records_have_their_values_from_the_configuration_and_never_a_sentence() -> None:
    def placed_with(name: str) -> Placement:
        plugin = installed(True, {"topics": [{"name": "billing"}, {"name": name}]}, **TOPICS)
        grant = {"before_upstream": {"effects": ["record"]}}
        return place(PluginStanza.model_validate({"name": "guard", "grant": grant}), plugin)[0]

    assert placed_with("refunds").records == {"topic": RecordSpec(values=("billing", "refunds"))}
    with pytest.raises(PlacingError, match="no code"):
        placed_with("my card is 4111")


TAGS = {"before_upstream": {"writes": ["request.tags"], "effects": ["transform"]}}


def test_tags_have_their_values_from_the_manifest_and_the_configuration() -> None:
    (found,) = placed(TAGS, config={"centers": {"by_team": {"red": "cc-1", "blue": "cc-2"}}})
    assert found.terms.tags == {"kind": frozenset({"a", "b"}), "cost": frozenset({"cc-1", "cc-2"})}
    assert placed(TAGS, config={"centers": {"by_team": ["x", 1, ""]}})[0].terms.tags["cost"] == {"x"}
    assert placed(TAGS)[0].terms.tags["cost"] == frozenset()


def test_a_tag_that_could_carry_a_sentence_is_refused() -> None:
    assert refused(TAGS, config={"centers": {"by_team": ["my card is 4111"]}}).key == ("config",)


def test_dropping_by_default_drops_parts_and_never_fields() -> None:
    (found,) = placed({"before_upstream": BEFORE}, uninspected="drop")
    assert found.policy("image") == "drop"
    assert found.policy("response.reasoning") == "drop"
    assert {found.policy(name) for name in fields.CONTENT_FIELDS - {"response.reasoning"}} == {"refuse"}
    (found,) = placed(
        {"before_upstream": BEFORE},
        uninspected={"default": "drop", "request.tools": "allow", "image": "refuse"},
    )
    assert (found.policy("request.tools"), found.policy("image")) == ("allow", "refuse")


def test_every_kind_of_media_that_a_dialect_hides_can_have_its_policy() -> None:
    rules = [rule for _, rule in (*request_table(), *response_table())]
    kinds = sorted({rule.name for rule in rules if rule.kind == "media"})
    (found,) = placed({"before_upstream": BEFORE}, uninspected=dict.fromkeys(kinds, "allow"))
    assert {found.policy(kind) for kind in kinds} == {"allow"}
