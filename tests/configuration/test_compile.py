from __future__ import annotations

from pathlib import Path

import pytest

from penstock.configuration.compile import built_in_plugins, compile_file
from penstock.configuration.reading import read_gateway_file
from penstock.configuration.snapshot import Snapshot
from penstock.errors import ConfigurationError
from tests.configuration import files

ROOT = Path(__file__).parent.parent.parent
WHOLE = files.STANZA + files.GRANT


def said(text: str, base: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        files.compiled(text, base)
    return str(caught.value)


def test_a_stanza_becomes_a_placement(tmp_path: Path) -> None:
    files.plugin(tmp_path)
    found = files.compiled(WHOLE, tmp_path)
    (placement,) = found.snapshot.at("before_upstream")
    assert (placement.plugin, placement.version, placement.host) == ("guard", "1.2.3", "in_process")
    assert found.snapshot.plugins["guard"].folder == "guard"
    assert found.plugin_roots == (str(tmp_path),)
    assert found.warnings == ()


def test_equal_configuration_gives_an_equal_digest_wherever_it_stands(tmp_path: Path) -> None:
    for name in ("one", "two"):
        files.plugin(tmp_path / name)
    one, two = (files.compiled(WHOLE, tmp_path / name) for name in ("one", "two"))
    assert one.raw == two.raw
    assert one.snapshot.digest == two.snapshot.digest
    assert str(tmp_path).encode() not in one.raw


def test_a_changed_plugin_or_setting_changes_the_digest(tmp_path: Path) -> None:
    files.plugin(tmp_path)
    before = files.compiled(WHOLE, tmp_path).snapshot.digest
    assert (
        files.compiled("[deployment]\nbody_limit_bytes = 5000\n" + WHOLE, tmp_path).snapshot.digest != before
    )
    files.plugin(tmp_path, source=files.SOURCE + "\n# changed\n")
    assert files.compiled(WHOLE, tmp_path).snapshot.digest != before


def test_the_snapshot_survives_its_file(tmp_path: Path) -> None:
    files.plugin(tmp_path)
    found = files.compiled(WHOLE, tmp_path)
    path = tmp_path / "snapshot.json"
    path.write_bytes(found.raw)
    assert Snapshot.load(path) == found.snapshot


def test_a_built_in_plugin_is_found_by_its_name_and_runs_in_process(tmp_path: Path) -> None:
    files.plugin(tmp_path / "built_in")
    found = files.compiled('[[plugin]]\nname = "guard"\n' + files.GRANT, tmp_path)
    assert found.snapshot.at("before_upstream")[0].host == "in_process"


def test_a_plugin_that_nobody_has_is_answered_with_the_nearest_name(tmp_path: Path) -> None:
    files.plugin(tmp_path / "built_in")
    assert "Did you mean 'guard'?" in said('[[plugin]]\nname = "gaurd"\n', tmp_path)
    assert "gateway.toml:4: plugin[1].path: there is no plugin.toml" in said(files.STANZA, tmp_path)


def test_a_stanza_and_its_manifest_have_one_name(tmp_path: Path) -> None:
    files.plugin(tmp_path)
    assert "the manifest in" in said(WHOLE.replace('name = "guard"', 'name = "other"'), tmp_path)


def test_a_folder_that_cannot_be_imported_is_refused(tmp_path: Path) -> None:
    files.plugin(tmp_path, name="my-guard")
    text = WHOLE.replace('path = "guard"', 'path = "my-guard"')
    assert "the folder 'my-guard' cannot be imported. Call it 'guard'." in said(text, tmp_path)


def test_two_folders_of_one_name_are_refused(tmp_path: Path) -> None:
    files.plugin(tmp_path / "one")
    files.plugin(tmp_path / "two", files.MANIFEST.replace('"guard"', '"second"'))
    first = WHOLE.replace('path = "guard"', 'path = "one/guard"')
    second = WHOLE.replace('path = "guard"', 'path = "two/guard"').replace('"guard"\n', '"second"\n', 1)
    assert "another plugin's folder is called 'guard' too" in said(first + second, tmp_path)


@pytest.mark.parametrize(
    ("added", "message"),
    [
        ('config = { wrod = "x" }\n', "config.wrod"),
        ("config = { word = 1 }\n", "config.word"),
        ('scope = { dialect = ["opanai"] }\n', "there is no dialect 'opanai'. Did you mean 'openai'?"),
        ('scope = { except = [{ route = ["/v2/*"] }] }\n', "there is no route '/v2/*'."),
        (
            'scope = { except = [{ dialect = ["openai", "anthropic"] }] }\n',
            "guard@before_upstream: its scope admits no traffic that carries content.",
        ),
        ('after = ["nobody"]\n', "`after` names 'nobody'"),
        ("sample = 10\n", "gateway.toml:6: plugin[1].sample: at before_upstream it can stop"),
    ],
)
def test_a_mistake_in_a_stanza_is_answered_with_its_place(tmp_path: Path, added: str, message: str) -> None:
    files.plugin(tmp_path)
    text = files.STANZA + added + files.GRANT
    found = said(text, tmp_path)
    assert message in found
    assert "gateway.toml" in found


def test_a_plugin_that_meets_streams_in_windows_is_refused_in_a_function_of_its_own(tmp_path: Path) -> None:
    asked = '[after_upstream]\nreads = ["response.text"]\neffects = ["block"]\n'
    asked += 'stream = "window"\nwindow_chars = 64\n'
    source = (
        files.SOURCE + "\n    def after_upstream(self, response, ctx):\n        return Block('bad_word')\n"
    )
    files.plugin(tmp_path, files.MANIFEST.replace("[reasons]", asked + "[reasons]"), source)
    grant = '[plugin.grant.after_upstream]\nreads = ["response.text"]\neffects = ["block"]\n'
    found = said(files.STANZA.replace('host = "in_process"', "") + grant, tmp_path)
    assert "guard@after_upstream: a function of its own is too far away" in found
    assert 'Have its manifest declare stream = "buffer", or write host = "in_process".' in found
    files.compiled(files.STANZA + grant, tmp_path)


def test_plugins_that_wait_for_each_other_are_refused(tmp_path: Path) -> None:
    files.plugin(tmp_path)
    files.plugin(tmp_path, files.MANIFEST.replace('name = "guard"', 'name = "second"'), name="second")
    first = files.STANZA + 'after = ["second"]\n' + files.GRANT
    second = WHOLE.replace('"guard"', '"second"').replace("guard:", "guard:") + ""
    text = first + second.replace(files.GRANT, 'after = ["guard"]\n' + files.GRANT)
    assert "`after` runs in a circle" in said(text, tmp_path)


def test_code_that_breaks_when_it_is_loaded_is_refused_before_it_is_deployed(tmp_path: Path) -> None:
    files.plugin(tmp_path, source=files.SOURCE + "\nraise OSError('no such thing')\n")
    assert "its code raised OSError when it was loaded: no such thing." in said(WHOLE, tmp_path)


def test_a_class_that_differs_from_its_manifest_is_refused(tmp_path: Path) -> None:
    files.plugin(tmp_path, source=files.SOURCE.replace("def before_upstream", "def after_upstream"))
    assert "class and manifest differ in their moments" in said(WHOLE, tmp_path)


def test_source_and_manifest_that_differ_are_refused(tmp_path: Path) -> None:
    files.plugin(tmp_path, source=files.SOURCE.replace('Block("bad_word")', 'Block("other")'))
    assert "which [reasons] does not declare" in said(WHOLE, tmp_path)


def test_what_can_have_no_effect_is_told(tmp_path: Path) -> None:
    files.plugin(tmp_path)
    text = (
        files.STANZA
        + 'mode = "off"\ntimeout_ms = 9000\n'
        + 'scope = { api_key = ["k", "j", "*"], except = [{ tenant = ["t"] }] }\n'
        + files.GRANT
        + '[[provider]]\nid = "p"\nbase_url = "https://p"\n'
        + '[[provider]]\nid = "q"\nbase_url = "https://p"\n'
        + '[[model]]\nid = "gpt"\nprovider = "p"\n'
        + '[[model]]\nid = "mini"\nprovider = "p"\n'
        + '[[grant]]\napi_keys = ["j"]\nmodels = ["mini"]\n'
    )
    assert files.compiled(text, tmp_path).warnings == (
        "plugin 'guard': its scope names api_key 'k', which this file does not know: is it spelt right?",
        "plugin 'guard': its scope names tenant 't', which this file does not know: is it spelt right?",
        "plugin 'guard' is off: overrides cannot switch on what is deployed off.",
        (
            "guard@before_upstream may take 9000 ms, its whole gate 2000 ms, which ends it first: "
            "raise `deployment.gate_budget_ms`, or lower `timeout_ms`."
        ),
        "no model uses provider 'q'.",
        "nobody is granted model 'gpt'.",
    )


def test_a_capability_that_is_asked_for_and_left_out_of_the_grant_is_warned_of(tmp_path: Path) -> None:
    gate = '[plugin.grant.before_upstream]\nreads = ["identity"]\neffects = ["block"]\n'
    name = '[[plugin]]\nname = "tenant-eligibility"\n'
    left_out = compile_file(files.source(name + gate, tmp_path)).warnings
    said = "plugin 'tenant-eligibility' asks for `storage`, is not granted it, and fails where it uses it"
    assert left_out == (f"{said}: write storage = true into [plugin.grant], or leave it so if you mean it.",)
    granted = f"{name}[plugin.grant]\nstorage = true\n{gate}"
    assert compile_file(files.source(granted, tmp_path)).warnings == ()


def test_the_example_compiles_without_a_warning() -> None:
    found = compile_file(read_gateway_file(ROOT / "examples" / "gateway.toml"))
    assert found.warnings == ()
    assert found.plugin_roots == (str(built_in_plugins()),)


def test_a_grant_under_which_a_plugin_cannot_meet_streams_is_refused_where_it_stands(tmp_path: Path) -> None:
    asked = """
[after_upstream]
reads = ["response.text", "response.tool_calls"]
effects = ["block"]
stream = "window"
window_chars = 9

[reasons]"""
    method = "    def after_upstream(self, response, ctx):\n        return Allow()\n"
    source = files.SOURCE.replace("import Block", "import Allow, Block") + method
    files.plugin(tmp_path, source=source, manifest=files.MANIFEST.replace("\n[reasons]", asked))
    grant = '[plugin.grant.after_upstream]\nreads = ["response.{}"]\neffects = ["block"]\n'
    assert files.compiled(WHOLE + grant.format("text"), tmp_path).snapshot.at("after_upstream")
    problem = said(WHOLE + grant.format("tool_calls"), tmp_path)
    assert "guard@after_upstream" in problem
    assert "needs a text that grows: read response.reasoning or response.text. Grant more" in problem
