from __future__ import annotations

from pathlib import Path

from penstock.configuration.requirements import fetch
from tests.cli.gateways import Gateway, said
from tests.configuration import files
from tests.configuration.registered import STANZA, register
from tests.configuration.test_requirements import FakePip, plugin
from tests.configuration.test_stream_check import masker
from tests.functions.plugin_host.test_stepping import FOLDER


def test_a_plugin_is_checked_by_its_folder(gateway: Gateway) -> None:
    found = said(gateway.capsys, "plugin", "check", str(gateway.folder / "guard"), "--json").json
    assert (found["plugin"], found["moments"], found["settings"]) == ("guard", ["before_upstream"], ["word"])
    assert found["digest"].startswith("sha256:")
    assert found["windows"] == "none"
    assert found["steps"] == []


def test_a_plugin_with_a_workflow_is_checked_with_its_steps(gateway: Gateway) -> None:
    found = said(gateway.capsys, "plugin", "check", str(FOLDER), "--json").json
    assert found["steps"] == ["look", "which", "pause", "settle", "give_up"]


def test_a_plugin_that_meets_streams_in_windows_is_tried(gateway: Gateway) -> None:
    found = said(gateway.capsys, "plugin", "check", "examples/card_guard", "--json").json
    assert found["windows"] == "tried on texts in pieces"
    folder = masker(gateway.folder)
    found = said(gateway.capsys, "plugin", "check", str(folder), "--json").json
    assert found["windows"].startswith("not tried: it needs settings")


def test_a_plugin_that_differs_from_its_manifest_is_refused(gateway: Gateway) -> None:
    files.plugin(gateway.folder, source=files.SOURCE.replace('Block("bad_word")', 'Block("other")'))
    found = said(gateway.capsys, "plugin", "check", str(gateway.folder / "guard"))
    assert found.status == 2
    assert "'other'" in found.err


def test_a_whole_file_is_checked(gateway: Gateway) -> None:
    found = said(gateway.capsys, "plugin", "check", "--config", str(gateway.file), "--json").json
    assert found["plugins"] == ["export", "guard"]
    assert found["windows"] == []
    assert found["warnings"] == []


def test_a_review_asks_the_seven_questions_of_what_is_granted(gateway: Gateway) -> None:
    words = ("plugin", "review", "guard", "--config", str(gateway.file))
    found = said(gateway.capsys, *words, "--json").json
    assert len(found["answers"]) == 7
    reads, hidden = found["answers"]["Which fields?"].splitlines()
    assert reads == "before_upstream reads: request.messages.user"
    assert hidden.startswith("before_upstream does not see, so will refuse: request.metadata")
    (placement,) = found["placements"]
    assert placement.startswith("before_upstream: ordered, order 0, mode enforce")
    assert found["risk"].startswith("It CAN affect the response path: it may block")
    table = said(gateway.capsys, *words).out
    assert "Which moments?" in table
    assert placement in table
    assert "It CAN affect" in table


def test_a_review_of_a_folder_is_of_what_it_asks_for(gateway: Gateway) -> None:
    found = said(gateway.capsys, "plugin", "review", str(gateway.folder / "guard"), "--json").json
    assert "request.messages.system" in found["answers"]["Which fields?"]


def test_a_review_of_what_is_built_in_and_not_placed_is_of_what_it_asks_for(gateway: Gateway) -> None:
    found = said(gateway.capsys, "plugin", "review", "approval-gate", "--config", str(gateway.file))
    assert "What approval-gate" in found.out
    assert "asks for" in found.out
    assert "a human answers" in found.out


def test_a_review_of_what_is_nowhere_says_what_there_is(gateway: Gateway) -> None:
    found = said(gateway.capsys, "plugin", "review", "gaurd", "--config", str(gateway.file))
    assert found.status == 2
    assert "Did you mean 'guard'?" in found.err


def test_a_file_that_no_layer_holds_is_found_by_the_check(gateway: Gateway) -> None:
    (gateway.folder / "guard" / ".env").write_text("KEY=1")
    found = said(gateway.capsys, "plugin", "check", str(gateway.folder / "guard"))
    assert found.status == 2
    assert "Take .env out" in found.err


def test_a_plugin_is_checked_with_what_it_brings(gateway: Gateway) -> None:
    folder = plugin(gateway.folder)
    (folder / "guard.py").write_text("import wares\n" + files.SOURCE)
    words = ("plugin", "check", str(folder), "--config", str(gateway.file))
    assert "penstock plugin fetch" in said(gateway.capsys, *words).err
    fetch(folder, gateway.folder, FakePip())
    assert said(gateway.capsys, *words, "--json").json["plugin"] == "guard"


def test_a_registered_plugin_is_checked_and_reviewed_by_the_lock_alone(
    gateway: Gateway, tmp_path: Path
) -> None:
    register(gateway.folder)
    gateway.file.write_text(STANZA + files.GRANT)
    found = said(gateway.capsys, "plugin", "check", "--config", str(gateway.file), "--json").json
    assert (found["plugins"], found["windows"]) == (["guard"], [])
    words = ("plugin", "review", "guard", "--config", str(gateway.file), "--json")
    assert "request.messages.user" in said(gateway.capsys, *words).json["answers"]["Which fields?"]
