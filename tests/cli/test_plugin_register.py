from __future__ import annotations

import argparse
import tomllib
from pathlib import Path

import pytest

from penstock.adapters.layers import Layers, MemoryLayers
from penstock.cli import plugin_register
from penstock.configuration.lock import NAME, read_lock
from penstock.configuration.requirements import fetch
from penstock.errors import ConfigurationError
from penstock.sdk.loading import load_plugin
from tests.cli.gateways import Gateway, said
from tests.configuration import files
from tests.configuration.test_requirements import FakePip, plugin

ARN = "arn:aws:lambda:eu-central-1:123456789012:layer:penstock-plugin-guard:{}"


@pytest.fixture
def layers(monkeypatch: pytest.MonkeyPatch) -> MemoryLayers:
    made = MemoryLayers()
    monkeypatch.setattr(plugin_register, "layers", lambda _args: made)
    return made


def words(base: Path, *more: str) -> tuple[str, ...]:
    return ("plugin", "register", str(base / "guard"), "--config", str(base / "gateway.toml"), *more)


def test_a_plugin_is_published_locked_and_its_stanza_printed(
    tmp_path: Path, layers: MemoryLayers, capsys: pytest.CaptureFixture[str]
) -> None:
    files.plugin(tmp_path)
    found = said(capsys, *words(tmp_path))
    assert found.status == 0
    assert "registered" in found.out
    assert "[[plugin]]" in found.out
    assert "2/3 publishing penstock-plugin-guard" in found.err
    entry = read_lock(tmp_path / NAME)["guard"]
    assert entry.layer == ARN.format(1)
    assert list(layers.stored) == [ARN.format(1)]
    assert load_plugin(entry.unpacked(tmp_path), digest=entry.digest).manifest == entry.manifest


def test_json_holds_the_same_and_nothing_else_is_said(
    tmp_path: Path, layers: MemoryLayers, capsys: pytest.CaptureFixture[str]
) -> None:
    files.plugin(tmp_path)
    found = said(capsys, *words(tmp_path, "--json"))
    assert (found.status, found.err) == (0, "")
    assert (found.json["layer"], found.json["state"]) == (ARN.format(1), "registered")
    assert tomllib.loads(found.json["stanza"])["plugin"][0]["name"] == "guard"


def test_what_is_registered_is_not_published_again_until_it_changes(
    tmp_path: Path, layers: MemoryLayers, capsys: pytest.CaptureFixture[str]
) -> None:
    files.plugin(tmp_path)
    said(capsys, *words(tmp_path))
    found = said(capsys, *words(tmp_path, "--json")).json
    assert found["state"] == "registered already: nothing was published"
    assert found["layer"] == ARN.format(1)
    files.plugin(tmp_path, source=files.SOURCE + "# changed\n")
    assert said(capsys, *words(tmp_path, "--json")).json["layer"] == ARN.format(2)
    assert len(layers.stored) == 2


def test_a_layer_of_another_region_is_not_the_one_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files.plugin(tmp_path)
    monkeypatch.setattr(plugin_register, "layers", lambda args: MemoryLayers(args.region or "eu-central-1"))
    said(capsys, *words(tmp_path))
    assert said(capsys, *words(tmp_path, "--region", "eu-central-1", "--json")).json["state"] != "registered"
    found = said(capsys, *words(tmp_path, "--region", "eu-west-1", "--json")).json
    assert (found["state"], found["layer"]) == ("registered", ARN.format(1).replace("central", "west"))


def test_a_dry_run_builds_and_prints_and_changes_nothing(
    tmp_path: Path, layers: MemoryLayers, capsys: pytest.CaptureFixture[str]
) -> None:
    files.plugin(tmp_path)
    found = said(capsys, *words(tmp_path, "--dry-run", "--json")).json
    assert (found["layer"], found["state"]) == (None, "dry run: nothing was published")
    assert found["zip_bytes"] > 0
    assert layers.stored == {}
    assert not (tmp_path / NAME).exists()


def test_others_stay_in_the_lock(
    tmp_path: Path, layers: MemoryLayers, capsys: pytest.CaptureFixture[str]
) -> None:
    files.plugin(tmp_path)
    said(capsys, *words(tmp_path))
    files.plugin(tmp_path, files.MANIFEST.replace('name = "guard"', 'name = "other"'))
    said(capsys, *words(tmp_path))
    assert set(read_lock(tmp_path / NAME)) == {"guard", "other"}


def test_what_is_refused_is_said_with_the_remedy_before_anything_is_published(
    tmp_path: Path, layers: MemoryLayers, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = files.plugin(tmp_path)
    (folder / "model.pkl").write_bytes(b"")
    found = said(capsys, *words(tmp_path))
    assert found.status == 2
    assert "model.pkl: is a pickle, which runs code when it is read. Take it out" in found.err
    assert layers.stored == {}


class Refusing:
    """Lambda, when the account is full."""

    def publish(self, name: str, body: bytes, description: str) -> object:
        raise ConfigurationError("the layer", "has no room.", "Make some.")


def test_a_publication_that_fails_leaves_the_lock_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files.plugin(tmp_path)
    monkeypatch.setattr(plugin_register, "layers", lambda _args: Refusing())
    assert said(capsys, *words(tmp_path)).status == 2
    assert not (tmp_path / NAME).exists()


def test_packages_are_fetched_once_and_published_with_the_plugin(
    tmp_path: Path, layers: MemoryLayers, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = plugin(tmp_path)
    (folder / "guard.py").write_text("import wares\n" + files.SOURCE)
    place = fetch(folder, tmp_path, FakePip())
    asked = ("plugin", "fetch", str(folder), "--config", str(tmp_path / "gateway.toml"), "--json")
    assert said(capsys, *asked).json["packages"] == str(place)
    assert said(capsys, *words(tmp_path, "--json")).json["packages_digest"] is not None
    assert set(read_lock(tmp_path / NAME)["guard"].modules) == {"wares"}


def test_a_plugin_without_requirements_has_nothing_to_fetch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files.plugin(tmp_path)
    assert "none" in said(capsys, "plugin", "fetch", str(tmp_path / "guard")).out


def test_it_goes_to_the_account_of_the_credentials_or_to_the_local_gateway(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are moto here; the local gateway's region and credentials are in its file."""
    for name, value in (
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "b"),
    ):
        monkeypatch.setenv(name, value)
    away: Layers = plugin_register.layers(argparse.Namespace(folder=None, region=None, profile=None))
    assert ":eu-west-1:" in away.publish("x", EMPTY_ZIP, "").arn
    here = plugin_register.layers(argparse.Namespace(folder=gateway.folder))
    assert ":eu-central-1:" in here.publish("x", EMPTY_ZIP, "").arn


EMPTY_ZIP = b"PK\x05\x06" + b"\0" * 18
