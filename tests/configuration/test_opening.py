"""`[[route]]`: what may be opened, and that no guard is blind to it without saying so."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock.configuration.applied import applied_documents
from penstock.configuration.references import check_references
from penstock.errors import ConfigurationError
from tests.configuration import files

PROVIDERS = """
[[organisation]]
id = "acme"

[[provider]]
id = "openai"
base_url = "https://api.openai.com/v1"
secret = "openai-key"

[[provider]]
id = "odd"
base_url = "https://api.openai.com/v1/chat"
secret = "openai-key"
"""
ROUTE = """
[[route]]
id = "{id}"
method = "{method}"
path = "{path}"
provider = "{provider}"
uninspected = "allow"
"""


def route(
    path: str, *, name: str = "audio", method: str = "POST", provider: str = "openai", more: str = ""
) -> str:
    return ROUTE.format(id=name, method=method, path=path, provider=provider) + more


def refused(text: str) -> str:
    with pytest.raises(ConfigurationError) as error:
        check_references(files.source(PROVIDERS + text))
    return str(error.value)


def test_an_opened_path_may_be_granted_like_a_model() -> None:
    grant = '\n[[grant]]\norganisations = ["acme"]\nroutes = ["audio"]\n'
    source = files.source(PROVIDERS + route("/v1/audio/transcriptions") + grant)
    check_references(source)
    documents = applied_documents(source.file)
    assert documents["grants#organisation#acme"]["routes"] == ["audio"]
    assert documents["route#audio"]["target"]["base_url"] == "https://api.openai.com/v1"
    assert documents["route#audio"]["target"]["provider"] == "openai"


def test_nothing_but_allow_is_an_answer_and_it_must_be_written() -> None:
    text = route("/v1/audio/transcriptions")
    with pytest.raises(ConfigurationError, match="uninspected"):
        files.source(PROVIDERS + text.replace('uninspected = "allow"', ""))
    with pytest.raises(ConfigurationError, match="uninspected"):
        files.source(PROVIDERS + text.replace('"allow"', '"refuse"'))


@pytest.mark.parametrize(
    "path", ["/v2/audio", "/v1/", "/v1/a//b", "/v1/a/", "/v1/%61udio", "/v1/../x", "/v1/a?b=c", "/v1/{a}b"]
)
def test_a_path_has_one_spelling(path: str) -> None:
    with pytest.raises(ConfigurationError, match="path"):
        files.source(PROVIDERS + route(path))


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/Responses", "/v1/{x}", "/v1/models/{model}"])
def test_a_path_that_a_dialect_understands_is_not_opened(path: str) -> None:
    assert "which a dialect understands" in refused(route(path))


def test_a_providers_base_url_cannot_complete_a_dialects_path() -> None:
    assert "/chat/completions" in refused(route("/v1/completions", provider="odd"))


@pytest.mark.parametrize(
    "path", ["/v1/x/{y}/chat/completions", "/v1/openai/deployments/{d}/chat/completions", "/v1/x/{y}"]
)
def test_a_guarded_door_under_a_prefix_is_opened_by_who_says_so_alone(path: str) -> None:
    said = refused(route(path))
    assert "route[1].path" in said
    assert "ends like" in said
    assert "what guards read would pass there unread" in said
    assert 'bypasses_guards = "allow"' in said
    check_references(files.source(PROVIDERS + route(path, more='bypasses_guards = "allow"\n')))


def test_the_statement_that_guards_are_bypassed_is_refused_where_none_is() -> None:
    said = refused(route("/v1/moderations", more='bypasses_guards = "allow"\n'))
    assert "route[1].bypasses_guards" in said
    assert "Take the key out" in said
    with pytest.raises(ConfigurationError, match="bypasses_guards"):
        files.source(PROVIDERS + route("/v1/x/responses", more='bypasses_guards = "refuse"\n'))


def test_what_bypasses_guards_is_told_to_who_reviews_the_file_and_deployed_like_any_other(
    tmp_path: Path,
) -> None:
    text = PROVIDERS + route("/v1/x/responses", more='bypasses_guards = "allow"\n')
    found = files.compiled(text, tmp_path)
    (deployed,) = found.snapshot.routes
    assert deployed.path == "/v1/x/responses"
    said = "route 'audio' ends like /v1/responses, or can: what guards read passes there unread."
    assert said in found.warnings


def test_two_routes_cannot_want_the_same_request() -> None:
    both = route("/v1/files/{file}", method="GET") + route("/v1/files/mine", name="mine", method="GET")
    assert "as well" in refused(both)
    check_references(
        files.source(PROVIDERS + route("/v1/files") + route("/v1/files", name="list", method="GET"))
    )


def test_names_must_be_there() -> None:
    assert "no provider 'opnai'" in refused(route("/v1/moderations", provider="opnai"))
    grant = '\n[[grant]]\norganisations = ["acme"]\nroutes = ["audo"]\n'
    assert "no route 'audo'" in refused(route("/v1/moderations") + grant)


def test_errors_are_in_a_dialect_that_the_provider_speaks() -> None:
    assert "speaks openai" in refused(route("/v1/moderations", more='dialect = "anthropic"\n'))


def test_a_guard_that_would_be_blind_is_refused_and_told_what_to_write(tmp_path: Path) -> None:
    files.plugin(tmp_path)
    text = PROVIDERS + route("/v1/moderations") + files.STANZA
    with pytest.raises(ConfigurationError) as error:
        files.compiled(text + files.GRANT, tmp_path)
    assert "nobody reads what passes through route 'audio'" in str(error.value)
    assert 'scope.except = [{ route = ["/v1/moderations"] }]' in str(error.value)
    for more in (
        'uninspected = "allow"',
        'uninspected = { body = "allow" }',
        'scope = { except = [{ route = ["/v1/moderations"] }] }',
        'scope = { dialect = ["anthropic"] }',
        'mode = "off"',
    ):
        files.compiled(text + more + "\n" + files.GRANT, tmp_path)


def test_what_lets_seals_pass_does_not_let_bodies_pass(tmp_path: Path) -> None:
    files.plugin(tmp_path)
    text = PROVIDERS + route("/v1/moderations") + files.STANZA + 'uninspected = { opaque = "allow" }\n'
    with pytest.raises(ConfigurationError, match="nobody reads"):
        files.compiled(text + files.GRANT, tmp_path)


def test_who_reads_no_content_needs_say_nothing_and_may_be_there_for_opened_routes_alone(
    tmp_path: Path,
) -> None:
    files.plugin(tmp_path)
    scope = 'scope = { route = ["/v1/moderations"] }\n'
    grant = '\n[plugin.grant.before_upstream]\nreads = ["identity"]\neffects = ["block"]\n'
    found = files.compiled(PROVIDERS + route("/v1/moderations") + files.STANZA + scope + grant, tmp_path)
    (deployed,) = found.snapshot.routes
    assert (deployed.id, deployed.method, deployed.path) == ("audio", "POST", "/v1/moderations")


def test_who_only_watches_is_told_that_there_is_nothing_to_see(tmp_path: Path) -> None:
    files.plugin(tmp_path)
    grant = """
[plugin.grant.before_upstream]
reads = ["request.messages.user"]
effects = ["record"]
"""
    found = files.compiled(PROVIDERS + route("/v1/moderations") + files.STANZA + grant, tmp_path)
    assert "guard@before_upstream sees nothing of what passes through route 'audio'." in found.warnings


def test_each_hole_is_said_and_which_guards_do_not_cover_it(tmp_path: Path) -> None:
    files.plugin(tmp_path)
    model = '\n[[model]]\nid = "gpt"\nprovider = "openai"\n'
    scope = 'scope = { model = ["gpt"] }\n'
    text = PROVIDERS + model + route("/v1/moderations") + files.STANZA + scope + files.GRANT
    warnings = files.compiled(text, tmp_path).warnings
    assert "route 'audio': what passes through POST /v1/moderations is read by nobody." in warnings
    assert "nobody is granted route 'audio'." in warnings
    assert any("guard@before_upstream does not apply to route 'audio'" in each for each in warnings)
