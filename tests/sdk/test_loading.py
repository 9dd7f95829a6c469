"""Loading a plugin: nothing runs before the digest is right, and nothing that the digest does not cover."""

from __future__ import annotations

import os
import py_compile
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.errors import ConfigurationError
from penstock.sdk import Allow, Context, PluginConfig, Request
from penstock.sdk.loading import NAMESPACE, LoadedPlugin, load_plugin, tree_digest
from penstock.sdk.views import Projection

MANIFEST = """
name = "sample"
version = "1.0.0"
summary = "A plugin of the tests."
purpose = "Use this plugin to transform prompts for tests."
owner = "tests"
contract = 1
entry_point = "main:Sample"
[before_upstream]
"""
SOURCE = """
import builtins
from penstock.sdk import Allow, Plugin, PluginConfig

builtins.plugin_was_imported = "{mark}"
MARK = "{mark}"

class Config(PluginConfig):
    limit: int = 1

class Sample(Plugin):
    config_model = Config

    def prepare(self, config):
        self.limit = config.limit

    def before_upstream(self, request, ctx):
        return Allow()

    def mark(self):
        return MARK
"""


@pytest.fixture(autouse=True)
def unmounted() -> Iterator[None]:
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == NAMESPACE]:
        del sys.modules[name]
    sys.modules["builtins"].__dict__.pop("plugin_was_imported", None)


def write(folder: Path, source: str | None = None, manifest: str = MANIFEST, **modules: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plugin.toml").write_text(manifest)
    (folder / "main.py").write_text(SOURCE.format(mark="a") if source is None else source)
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def imported() -> bool:
    return "plugin_was_imported" in sys.modules["builtins"].__dict__


def mark(loaded: LoadedPlugin) -> str:
    return str(loaded.plugin.mark())  # type: ignore[attr-defined]  # the sample's own


def refusal(folder: Path, **more: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_plugin(folder, **more)  # type: ignore[arg-type]  # `digest` only
    return str(caught.value)


def test_a_plugin_is_loaded_prepared_and_ready_to_run(tmp_path: Path) -> None:
    loaded = load_plugin(write(tmp_path / "sample"), {"limit": 5})
    assert (loaded.manifest.name, loaded.plugin.limit) == ("sample", 5)  # type: ignore[attr-defined]  # same
    assert loaded.digest == tree_digest(tmp_path / "sample")
    assert type(loaded.plugin).__module__ == "penstock_plugins.sample.main"
    decision = loaded.plugin.before_upstream(Request(Projection({})), Context("r", PluginConfig()))
    assert decision == Allow()


def test_a_digest_that_matches_lets_it_load(tmp_path: Path) -> None:
    folder = write(tmp_path / "sample")
    assert load_plugin(folder, digest=tree_digest(folder)).digest.startswith("sha256:")


@pytest.mark.parametrize("change", ["main.py", "plugin.toml", "new.py", "data/new.json"])
def test_after_any_change_nothing_is_imported(tmp_path: Path, change: str) -> None:
    folder = write(tmp_path / "sample")
    digest = tree_digest(folder)
    (folder / "data").mkdir()
    with (folder / change).open("a") as file:
        file.write("\n# changed\n")
    assert "the files are not the ones that were reviewed. Deploy it again." in refusal(folder, digest=digest)
    assert not imported()


def test_a_file_that_was_renamed_removed_or_cut_elsewhere_changes_the_digest(tmp_path: Path) -> None:
    folder = write(tmp_path / "sample", a="xy", b="z")
    digests = [tree_digest(folder)]
    (folder / "a.py").write_text("x")
    (folder / "b.py").write_text("yz")
    digests.append(tree_digest(folder))
    (folder / "b.py").rename(folder / "c.py")
    digests.append(tree_digest(folder))
    (folder / "c.py").unlink()
    digests.append(tree_digest(folder))
    assert len(set(digests)) == 4


def test_a_digest_depends_on_neither_place_nor_time_nor_caches(tmp_path: Path) -> None:
    here, there = write(tmp_path / "here"), write(tmp_path / "__pycache__" / "there")
    os.utime(here / "main.py", (0, 0))
    py_compile.compile(str(here / "main.py"))
    assert tree_digest(here) == tree_digest(there)
    (there / "main.py").write_text("")
    assert tree_digest(here) != tree_digest(there)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such a name themselves")
def test_a_name_that_is_no_text_still_counts(tmp_path: Path) -> None:
    folder = write(tmp_path / "sample")
    before = tree_digest(folder)
    (Path(os.fsdecode(os.fsencode(folder) + b"/\xff"))).write_text("")
    assert tree_digest(folder) != before


@pytest.mark.parametrize("kind", ["file", "folder", "broken"])
def test_a_symbolic_link_is_refused_before_anything_is_imported(tmp_path: Path, kind: str) -> None:
    folder = write(tmp_path / "sample")
    aims = {"file": tmp_path / "secret", "folder": tmp_path, "broken": tmp_path / "none"}
    (tmp_path / "secret").write_text("")
    (folder / "link.py").symlink_to(aims[kind])
    assert "is a symbolic link. Put the file itself into the plugin." in refusal(folder)
    assert not imported()


def test_a_compiled_file_under_a_reviewed_source_is_never_run(tmp_path: Path) -> None:
    folder = write(tmp_path / "sample")
    digest, source = tree_digest(folder), (folder / "main.py").read_text()
    (folder / "main.py").write_text(SOURCE.format(mark="X"))  # as long as the other one
    py_compile.compile(
        str(folder / "main.py"), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
    )
    (folder / "main.py").write_text(source)
    assert mark(load_plugin(folder, digest=digest)) == "a"


def test_loading_writes_no_compiled_file(tmp_path: Path) -> None:
    folder = write(tmp_path / "sample", part="X = 1", main2="from .part import X")
    load_plugin(folder)
    assert not list(folder.rglob("*.pyc"))


def test_a_module_that_is_only_there_compiled_is_not_found(tmp_path: Path) -> None:
    folder = write(tmp_path / "sample", "from .hidden import X\n", hidden="X = 1")
    py_compile.compile(str(folder / "hidden.py"), cfile=str(folder / "hidden.pyc"))
    (folder / "hidden.py").unlink()
    with pytest.raises(ModuleNotFoundError, match="hidden"):
        load_plugin(folder)


def test_modules_import_each_other_relatively_at_every_depth(tmp_path: Path) -> None:
    source = (
        SOURCE.format(mark="a")
        + "\nfrom .words import WORD\nfrom .deep.er.part import PART\nMARK = WORD + PART\n"
    )
    folder = write(tmp_path / "sample", source, words='WORD = "w"')
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "__init__.py").write_text("")
    (folder / "deep" / "er" / "part.py").write_text("from ...words import WORD\nPART = WORD.upper()")
    assert mark(load_plugin(folder)) == "wW"


def test_two_folders_of_the_same_name_do_not_mix(tmp_path: Path) -> None:
    source = SOURCE.format(mark="a") + "\nfrom .words import WORD\nMARK = WORD\n"
    one = load_plugin(write(tmp_path / "one" / "sample", source, words='WORD = "one"'))
    two = load_plugin(write(tmp_path / "two" / "sample", source, words='WORD = "two"'))
    again = load_plugin(tmp_path / "one" / "sample")
    assert (mark(one), mark(two), mark(again)) == ("one", "two", "one")


def test_a_plugin_shadows_no_package_of_ours_or_anybodys(tmp_path: Path) -> None:
    folder = write(tmp_path / "sample", json='LOADED = "the plugin\'s"', penstock="raise SystemError")
    (folder / "main.py").write_text(SOURCE.format(mark="a") + "\nimport json\nMARK = json.__name__\n")
    assert mark(load_plugin(folder)) == "json"


def test_the_folder_may_be_named_by_a_dot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write(tmp_path / "sample"))
    assert mark(load_plugin(Path())) == "a"


@pytest.mark.parametrize("name", ["my-plugin", "a.b", "1st"])
def test_a_folder_that_can_be_no_package_is_refused(tmp_path: Path, name: str) -> None:
    assert "Name the folder after the plugin, with `_` for `-`." in refusal(write(tmp_path / name))


def edited(*changes: tuple[str, str]) -> str:
    source = SOURCE.format(mark="a")
    for old, new in changes:
        assert old in source
        source = source.replace(old, new)
    return source


WRONG: dict[str, tuple[str, str]] = {
    "no such class": ("", "entry_point 'main:Sample' is no subclass of Plugin."),
    "no class at all": ("Sample = 7", "is no subclass of Plugin."),
    "another base": ("class Sample: pass", "is no subclass of Plugin."),
    "an instance": ("from penstock.sdk import Plugin\nSample = Plugin()", "is no subclass of Plugin."),
    "the base itself": (
        "from penstock.sdk import Plugin as Sample",
        "differ in their moments: before_upstream.",
    ),
    "a moment too many": (
        edited(("def mark(self)", "def after_upstream(self, response, ctx)")),
        "class and manifest differ in their moments: after_upstream.",
    ),
    "an asynchronous moment": (
        edited(("    def before", "    async def before")),
        "before_upstream is `async def`.",
    ),
    "a moment without the context": (
        edited(("before_upstream(self, request, ctx)", "before_upstream(self, request)")),
        "before_upstream does not take self, request, ctx.",
    ),
}


@pytest.mark.parametrize(("source", "message"), WRONG.values(), ids=WRONG.keys())
def test_a_class_that_is_not_what_the_manifest_says_is_refused(
    tmp_path: Path, source: str, message: str
) -> None:
    assert message in refusal(write(tmp_path / "sample", source))


def test_an_entry_point_without_its_module_is_refused_by_name(tmp_path: Path) -> None:
    folder = write(tmp_path / "sample", manifest=MANIFEST.replace("main:", "mian:"))
    assert "entry_point names 'mian', and there is no mian.py." in refusal(folder)


def test_what_the_plugins_own_code_raises_comes_out_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        load_plugin(write(tmp_path / "sample", "import no_such_package"))
    with pytest.raises(ZeroDivisionError):
        load_plugin(write(tmp_path / "sample", "1 / 0"))
    with pytest.raises(SyntaxError):
        load_plugin(write(tmp_path / "sample", "def"))


def test_an_import_that_failed_is_tried_anew(tmp_path: Path) -> None:
    folder = write(tmp_path / "sample", "1 / 0")
    with pytest.raises(ZeroDivisionError):
        load_plugin(folder)
    assert mark(load_plugin(write(folder))) == "a"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"limt": 1}, "plugin 'sample': config.limt: Extra inputs are not permitted."),
        ({"limit": "many"}, "plugin 'sample': config.limit: Input should be a valid integer"),
    ],
)
def test_a_configuration_that_does_not_fit_is_refused_by_key(
    tmp_path: Path, config: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_plugin(write(tmp_path / "sample"), config)
    assert message in str(caught.value)
    assert "many" not in str(caught.value)


@pytest.mark.parametrize("key", ["url", "receivers.url"])
def test_a_manifest_that_names_a_setting_which_is_none_is_refused(tmp_path: Path, key: str) -> None:
    folder = write(
        tmp_path / "sample", manifest=MANIFEST.replace("[before", f'hosts_from = ["{key}"]\n[before')
    )
    with pytest.raises(ConfigurationError, match=f"'{key}' is no setting .* It has limit"):
        load_plugin(folder)


def test_a_manifest_may_name_a_setting(tmp_path: Path) -> None:
    load_plugin(
        write(tmp_path / "sample", manifest=MANIFEST.replace("[before", 'hosts_from = ["limit"]\n[before'))
    )


STEPPING = MANIFEST.replace("[before_upstream]", "workflow = true\n[before_upstream]")
LOOK = '[[step]]\nname = "look"\ndo = true\n'
STEP = "\n    def step_look(self, run, ctx):\n        return None\n"


def stepping(folder: Path, steps: str, methods: str = STEP, manifest: str = STEPPING) -> Path:
    write(folder, SOURCE.format(mark="a") + methods, manifest)
    (folder / "workflow.toml").write_text(steps)
    return folder


def test_a_plugin_is_loaded_with_its_steps_filled_from_its_configuration(tmp_path: Path) -> None:
    pause = '[[step]]\nname = "pause"\nwait_s_from = "limit"\n'
    steps = load_plugin(stepping(tmp_path / "sample", LOOK + pause), {"limit": 5}).steps
    assert steps is not None
    assert [(step.name, step.wait_s) for step in steps.step] == [("look", None), ("pause", 5)]


@pytest.mark.parametrize(
    ("steps", "methods", "said"),
    [
        (LOOK, "", "class and workflow differ in their steps: step_look. Each `do = true` is one method"),
        ('[[step]]\nname = "a"\nwait_s = 1\n', STEP, "differ in their steps: step_look."),
        (LOOK, STEP.replace("look(", "see("), "differ in their steps: step_look, step_see."),
        (LOOK, STEP.replace("def", "async def"), "step_look is `async def`. Write it as `def`."),
        (
            LOOK,
            STEP.replace(", ctx", ""),
            "step_look does not take self, run, ctx. Give it these parameters.",
        ),
        (LOOK + '[[step]]\nname = "b"\nwait_s_from = "pause_s"\n', STEP, "'pause_s' is no setting"),
    ],
)
def test_a_class_that_has_other_steps_than_its_workflow_is_refused(
    tmp_path: Path, steps: str, methods: str, said: str
) -> None:
    found = refusal(stepping(tmp_path / "sample", steps, methods))
    assert said in found
    assert "workflow.toml" in found


def test_a_workflow_that_the_manifest_does_not_know_of_is_refused_and_so_is_one_that_is_not_there(
    tmp_path: Path,
) -> None:
    assert "its plugin.toml knows of no workflow" in refusal(stepping(tmp_path / "one", LOOK, STEP, MANIFEST))
    assert "workflow.toml" in refusal(write(tmp_path / "two", manifest=STEPPING))
    assert not imported()
