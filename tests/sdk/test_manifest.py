"""`plugin.toml`: what holds together is read; all else is refused with a sentence that says what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from penstock.errors import ConfigurationError
from penstock.sdk.manifest import Manifest, host_of, hosts_by_key, parse_manifest, read_manifest, texts_at

HEAD = """
name = "card-guard"
version = "1.0.0"
summary = "Stops payment cards."
purpose = "Use this plugin to block prompts with cards for every team"
owner = "security@example.com"
contract = 1
entry_point = "card_guard:CardGuard"
"""
BEFORE = '[before_upstream]\nreads = ["request.messages.user"]\n'
AFTER = '[after_upstream]\nreads = ["response.text"]\n'
LATER = '[after_response]\nreads = ["evidence"]\neffects = ["emit"]\n'
BLOCK = 'effects = ["block"]\n'
REASONS = '[reasons]\ncard = "The prompt contains a card."\n'
TRANSFORM = 'writes = ["response.text"]\neffects = ["transform"]\n'
RECORD = 'effects = ["record"]\n'
RECORDS = '[records]\ncards = { unit = "count", minimum = 0, maximum = 9 }\n'
TAGS = '[tags]\nteam = { values = ["red"] }\n'
TAGGING = '[before_upstream]\nwrites = ["request.tags"]\neffects = ["transform"]\n'


def parse(text: str) -> Manifest:
    return parse_manifest(text, "plugin.toml")


def refusal(text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    assert str(caught.value).startswith("plugin.toml: ")
    return str(caught.value)


def test_a_whole_manifest_is_read() -> None:
    manifest = parse(
        HEAD
        + 'secrets = ["siem_token"]\nhosts = ["siem.example:443"]\n'
        + '[before_upstream]\nreads = ["request.messages.user"]\nwrites = ["request.tags"]\n'
        + 'effects = ["block", "transform", "record"]\n'
        + 'timeout_ms = 50\non_error = "block"\nafter = ["other"]\n'
        + AFTER
        + TRANSFORM
        + 'stream = "window"\nwindow_chars = 320\nmax_hold_chars = 640\n'
        + '[after_response]\nreads = ["evidence"]\neffects = ["emit"]\ndelivery = "at_most_once"\n'
        + REASONS
        + RECORDS
        + 'verdict = { values = ["clean", "dirty"] }\n'
        + 'topic = { values_from = "topics.name" }\n'
        + TAGS
        + 'owner = { values_from = "owners" }\n'
    )
    assert list(manifest.moments) == ["before_upstream", "after_upstream", "after_response"]
    assert (manifest.secrets, manifest.hosts) == (("siem_token",), ("siem.example:443",))
    assert manifest.moments["before_upstream"].timeout_ms == 50
    assert manifest.moments["after_response"].delivery == "at_most_once"
    assert manifest.records["verdict"].values == ("clean", "dirty")
    assert manifest.config_keys == ("owners", "topics.name")


def test_what_is_left_out_has_its_default() -> None:
    manifest = parse(HEAD + BEFORE)
    request = manifest.moments["before_upstream"]
    assert (request.timeout_ms, request.on_error, request.effects, request.after) == (None, None, (), ())
    assert request.delivery == "at_least_once"
    assert (manifest.secrets, manifest.hosts, manifest.storage, manifest.email) == ((), (), False, False)


BOTH = '{ values = ["b"], values_from = "c" }\n'
REFUSED: dict[str, tuple[str, str]] = {
    # The file as a whole.
    "no TOML": ("name = ", "is not TOML"),
    "a key twice": (HEAD + 'name = "x"\n', "is not TOML"),
    "nothing": ("", "name: Field required"),
    "no moment": (HEAD, "declare at least one moment: [before_upstream], [after_upstream], [after_response]"),
    "an unknown key": (HEAD + "colour = 1\n" + BEFORE, "colour: is not a key of plugin.toml."),
    "an unknown moment": (HEAD + "[before]\n" + BEFORE, "before: is not a key of plugin.toml."),
    "an unknown key of a moment": (HEAD + BEFORE + "timeout = 5\n", "before_upstream.timeout: is not a key"),
    # Its head.
    "another contract": (
        HEAD.replace("contract = 1", "contract = 2") + BEFORE,
        "contract: Input should be 1",
    ),
    "a name in capitals": (HEAD.replace("card-guard", "Card") + BEFORE, "name 'Card' must match"),
    "a name of one letter": (HEAD.replace("card-guard", "c") + BEFORE, "name 'c' must match"),
    "a name with a line break": (HEAD.replace("card-guard", "card\\n") + BEFORE, "must match"),
    "a version that is none": (HEAD.replace("1.0.0", "1.0") + BEFORE, "version: String should match"),
    "a version with zeros": (HEAD.replace("1.0.0", "01.0.0") + BEFORE, "version: String should match"),
    "a version like a card": (
        HEAD.replace("1.0.0", "1.0.0-20261122120000") + BEFORE,
        "holds 13 digits or more",
    ),
    "a name like a card": (
        HEAD.replace("card-guard", "a4111111111111111") + BEFORE,
        "holds 13 digits or more",
    ),
    "an entry point without a class": (HEAD.replace(":CardGuard", "") + BEFORE, "entry_point: String should"),
    "an entry point that climbs": (
        HEAD.replace("card_guard:", "..os:") + BEFORE,
        "entry_point: String should",
    ),
    "an entry point with dots": (HEAD.replace("card_guard:", "a.b:") + BEFORE, "entry_point: String should"),
    "another purpose": (
        HEAD.replace("Use this plugin to block", "Does") + BEFORE,
        "purpose: String should match",
    ),
    "no purpose": (
        HEAD.replace('purpose = "Use this plugin to block prompts with cards for every team"\n', "") + BEFORE,
        "purpose: Field required",
    ),
    "a short summary": (
        HEAD.replace("Stops payment cards.", "Cards") + BEFORE,
        "summary: String should have",
    ),
    # Fields.
    "an unknown field": (
        HEAD + '[before_upstream]\nreads = ["request.body"]\n',
        "'request.body' is not a field. `penstock docs fields`",
    ),
    "a credential": (
        HEAD + '[before_upstream]\nreads = ["request.headers.authorization"]\n',
        "is not a field",
    ),
    "a credential in capitals": (
        HEAD + '[before_upstream]\nreads = ["request.headers.Authorization"]\n',
        "is not a field",
    ),
    "the placeholder": (HEAD + '[before_upstream]\nreads = ["request.headers.<name>"]\n', "is not a field"),
    "a response before it is there": (
        HEAD + '[before_upstream]\nreads = ["response.text"]\n',
        "'response.text' does not exist at before_upstream: it is there at after_upstream.",
    ),
    "content after the response": (
        HEAD + '[after_response]\nreads = ["response.text"]\n',
        "does not exist at after_response",
    ),
    "evidence before it is there": (
        HEAD + '[after_upstream]\nreads = ["evidence"]\n',
        "does not exist at after_upstream",
    ),
    "a field twice": (
        HEAD + '[before_upstream]\nreads = ["identity", "identity"]\n',
        "`reads` names something twice.",
    ),
    # Writing.
    "writing the model": (
        HEAD + '[before_upstream]\nwrites = ["request.model"]\neffects = ["transform"]\n',
        "'request.model' cannot be written at before_upstream.",
    ),
    "writing identity": (
        HEAD + '[before_upstream]\nwrites = ["identity"]\neffects = ["transform"]\n',
        "cannot be written",
    ),
    "writing the request too late": (
        HEAD + '[after_upstream]\nwrites = ["request.tags"]\neffects = ["transform"]\n',
        "cannot be written at after_upstream",
    ),
    "writing evidence": (
        HEAD + '[after_response]\nreads = ["evidence"]\nwrites = ["evidence"]\n',
        "cannot be written",
    ),
    "writing texts unread": (
        HEAD + '[after_upstream]\nwrites = ["response.text"]\neffects = ["transform"]\n',
        "is written but not read: add it to `reads`.",
    ),
    "writing without the effect": (
        HEAD + AFTER + 'writes = ["response.text"]\n',
        "`writes` and the effect `transform` go together.",
    ),
    "the effect without writing": (
        HEAD + AFTER + 'effects = ["transform"]\n',
        "`writes` and the effect `transform` go together.",
    ),
    # Effects.
    "an unknown effect": (
        HEAD + BEFORE + 'effects = ["delete"]\n',
        "effects.0: Input should be 'block', 'transform'",
    ),
    "blocking after the response": (
        HEAD + LATER.replace("emit", "block") + REASONS,
        "the effect 'block' does not exist here: choose from ['emit', 'record'].",
    ),
    "a block without reasons": (HEAD + BEFORE + BLOCK, "the effect `block` needs [reasons]."),
    "reasons without a block": (
        HEAD + BEFORE + REASONS,
        "[reasons] are declared, but no moment has the effect `block`",
    ),
    "a record without records": (HEAD + BEFORE + RECORD, "the effect `record` needs [records]."),
    "records without a record": (
        HEAD + BEFORE + RECORDS,
        "[records] are declared, but no moment has the effect `record`",
    ),
    "tags that are not written": (HEAD + BEFORE + TAGS, "[tags] and writing `request.tags` go together."),
    "tags that are not declared": (HEAD + TAGGING, "[tags] and writing `request.tags` go together."),
    # Failure, order, time, streams, delivery.
    "a failing looker that blocks": (
        HEAD + BEFORE + 'on_error = "block"\n',
        "is for plugins that can stop or change a request",
    ),
    "after itself": (HEAD + BEFORE + 'after = ["card-guard"]\n', "`after` names the plugin itself."),
    "after no name": (HEAD + BEFORE + 'after = ["Card Guard"]\n', "which is no plugin's name"),
    "an order after the response": (HEAD + LATER + 'after = ["other"]\n', "after the response there is none"),
    "no time": (HEAD + BEFORE + "timeout_ms = 0\n", "timeout_ms: Input should be greater than or equal to 1"),
    "a stream before": (HEAD + BEFORE + 'stream = "buffer"\n', "`stream` belongs to [after_upstream]."),
    "a window without a width": (HEAD + AFTER + TRANSFORM + 'stream = "window"\n', "needs `window_chars`."),
    "a width without a window": (HEAD + AFTER + TRANSFORM + "window_chars = 9\n", "belong to `stream"),
    "a hold without a window": (
        HEAD + AFTER + TRANSFORM + 'stream = "buffer"\nmax_hold_chars = 9\n',
        "belong to `stream",
    ),
    "an answer in a window": (
        HEAD + AFTER + 'effects = ["respond"]\nstream = "window"\nwindow_chars = 9\n',
        '`respond` needs `stream = "buffer"`.',
    ),
    "a hold less than the window": (
        HEAD + AFTER + TRANSFORM + 'stream = "window"\nwindow_chars = 9\nmax_hold_chars = 8\n',
        "`max_hold_chars` is less than `window_chars`",
    ),
    "earlier decisions in a window": (
        HEAD
        + '[after_upstream]\nreads = ["response.text", "decisions"]\nstream = "window"\nwindow_chars = 9\n',
        "`decisions` are not known while pieces pass",
    ),
    "nothing that grows in a window": (
        HEAD + '[after_upstream]\nreads = ["response.tool_calls"]\nstream = "window"\nwindow_chars = 9\n',
        "needs a text that grows: read response.reasoning or response.text.",
    ),
    "a header from a window": (
        HEAD
        + AFTER
        + 'writes = ["response.text", "response.headers.x-a"]\neffects = ["transform"]\n'
        + 'stream = "window"\nwindow_chars = 9\n',
        "'response.headers.x-a' has left before the text comes",
    ),
    "a note from a window": (
        HEAD
        + AFTER
        + 'writes = ["response.metadata"]\neffects = ["transform"]\nstream = "window"\nwindow_chars = 9\n',
        "'response.metadata' has left before the text comes",
    ),
    "a delivery at a gate": (
        HEAD + BEFORE + 'delivery = "at_least_once"\n',
        "`delivery` belongs to [after_response].",
    ),
    # Declarations.
    "a reason in capitals": (HEAD + BEFORE + BLOCK + '[reasons]\nCard = "A card."\n', "reasons.Card"),
    "an empty reason": (HEAD + BEFORE + BLOCK + '[reasons]\ncard = ""\n', "reasons.card"),
    "a reason over two lines": (HEAD + BEFORE + BLOCK + '[reasons]\ncard = "a\\r\\nb"\n', "reasons.card"),
    "a reason without end": (HEAD + BEFORE + BLOCK + f'[reasons]\ncard = "{"x" * 301}"\n', "reasons.card"),
    "a record that is both": (
        HEAD + BEFORE + RECORD + '[records]\na = { unit = "s", maximum = 1, values = ["b"] }\n',
        "give either `unit`",
    ),
    "a record that is neither": (
        HEAD + BEFORE + RECORD + "[records]\na = { maximum = 1 }\n",
        "give either `unit`",
    ),
    "a record without room": (
        HEAD + BEFORE + RECORD + '[records]\na = { unit = "s" }\n',
        "`maximum` must be greater",
    ),
    "a record without bounds": (
        HEAD + BEFORE + RECORD + '[records]\na = { unit = "s", maximum = inf }\n',
        "records.a.maximum",
    ),
    "a record of sentences": (
        HEAD + BEFORE + RECORD + '[records]\na = { values = ["A sentence."] }\n',
        "records.a.values.0",
    ),
    "a record that is two": (HEAD + BEFORE + RECORD + "[records]\na = " + BOTH, "give either `unit`"),
    "a tag that is both": (HEAD + TAGGING + "[tags]\na = " + BOTH, "give either `values`"),
    "a tag of sentences": (HEAD + TAGGING + '[tags]\na = { values = ["A sentence."] }\n', "tags.a.values.0"),
    "a tag like a card": (
        HEAD + TAGGING + '[tags]\na = { values = ["4111-1111-1111-1111"] }\n',
        "holds 13 digits",
    ),
    # Capabilities.
    "a host without a port": (HEAD + 'hosts = ["siem.example"]\n' + BEFORE, "hosts.0: String should match"),
    "a host with a path": (
        HEAD + 'hosts = ["siem.example:443/x"]\n' + BEFORE,
        "hosts.0: String should match",
    ),
    "every host": (HEAD + 'hosts = ["*:443"]\n' + BEFORE, "hosts.0: String should match"),
    "a port that is none": (HEAD + 'hosts = ["siem.example:65536"]\n' + BEFORE, "has no port that exists"),
    "port zero": (HEAD + 'hosts = ["siem.example:0"]\n' + BEFORE, "has no port that exists"),
    "hosts from a URL": (
        HEAD + 'hosts_from = ["https://siem.example"]\n' + BEFORE,
        "hosts_from.0: String should match",
    ),
    "a secret's path": (HEAD + 'secrets = ["prod/key"]\n' + BEFORE, "secrets.0: String should match"),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_does_not_hold_together_is_refused_and_the_key_is_named(text: str, message: str) -> None:
    assert message in refusal(text)


GOOD: dict[str, str] = {
    "a looker that may fail": BEFORE + 'on_error = "allow"\n',
    "a looker in an order": BEFORE + 'on_error = "block"\nafter = ["other"]\n',
    "a reader of decisions": '[before_upstream]\nreads = ["decisions"]\non_error = "block"\n',
    "a header by name": '[before_upstream]\nreads = ["request.headers.x-team"]\n',
    "a header only written": TAGGING.replace("request.tags", "request.headers.x-team"),
    "the request, after": '[after_upstream]\nreads = ["request.messages.user", "response.text"]\n',
    "an answer in a buffer": AFTER + 'effects = ["respond"]\nstream = "buffer"\n',
    "tags": TAGGING + TAGS,
    "records": BEFORE + RECORD + RECORDS,
    "a block": BEFORE + BLOCK + REASONS,
    "a version with a label": BEFORE,
}


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD.keys())
def test_what_holds_together_is_read(text: str) -> None:
    assert parse(HEAD.replace("1.0.0", "1.0.0-rc.1+abc") + text).name == "card-guard"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://siem.example/in?a=b", "siem.example:443"),
        ("HTTPS://Siem.Example", "siem.example:443"),
        ("http://siem.example", "siem.example:80"),
        ("http://127.0.0.1:9009/x", "127.0.0.1:9009"),
        ("https://siem.example:8443", "siem.example:8443"),
        ("https://user:word@siem.example/", None),
        ("https://siem.example:0/", None),
        ("https://siem.example:65536/", None),
        ("https://siem.example:x/", None),
        ("https://[::1]/", None),
        ("https://[::1", None),
        ("https:///path", None),
        ("https://*/", None),
        ("ftp://siem.example/", None),
        ("siem.example:443", None),
        ("", None),
    ],
)
def test_a_url_leads_to_one_host_and_port_or_to_none(url: str, host: str | None) -> None:
    assert host_of(url) == host


def test_hosts_come_from_the_settings_that_the_manifest_names() -> None:
    manifest = parse(HEAD + 'hosts_from = ["url", "receivers.urls"]\n' + LATER)
    assert manifest.config_keys == ("url", "receivers.urls")
    config = {"url": "https://a.example", "receivers": {"urls": ["http://b.example", "nothing"]}, "not": "x"}
    assert hosts_by_key(manifest, config) == {
        "url": ("a.example:443",),
        "receivers.urls": ("b.example:80",),
    }
    assert hosts_by_key(manifest, {"url": None}) == {"url": (), "receivers.urls": ()}


def test_texts_at_a_key_are_one_or_those_of_a_list_or_a_table() -> None:
    config = {"a": {"one": "x", "list": ["y", 1, ""], "table": {"k": "z", "n": None}}}
    assert texts_at(config, "a.one") == ("x",)
    assert texts_at(config, "a.list") == ("y",)
    assert texts_at(config, "a.table") == ("z",)
    assert texts_at(config, "a.one.deeper") == texts_at(config, "b") == ()
    tables = {"topics": [{"name": "x"}, {"name": "y", "more": 1}, {"more": 2}, "none"]}
    assert texts_at(tables, "topics.name") == ("x", "y")
    assert texts_at(tables, "topics.more") == texts_at(tables, "topics.name.deeper") == ()


def test_a_manifest_cannot_be_changed_after_it_was_read() -> None:
    manifest: Any = parse(HEAD + BEFORE)
    with pytest.raises(ValueError, match="frozen"):
        manifest.name = "other"
    with pytest.raises(ValueError, match="frozen"):
        manifest.before_upstream.effects = ("block",)


def test_a_file_that_is_not_there_says_what_a_plugin_is(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "none"):
        with pytest.raises(
            ConfigurationError, match=r"plugin.toml: there is no such file. A plugin is a folder"
        ):
            read_manifest(place)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="there is no such file"):
        read_manifest(tmp_path / "file")


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plugin.toml").write_bytes(HEAD.encode("utf-16"))
    with pytest.raises(ConfigurationError, match="is not UTF-8"):
        read_manifest(tmp_path)
