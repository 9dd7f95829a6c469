from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws

from penstock.adapters.clients import Clients
from penstock.adapters.control import DynamoControlStore
from penstock.adapters.secrets import SecretsManager
from penstock.configuration.settings import Settings
from penstock.configuration.snapshot import Snapshot
from penstock.dev.options import Options
from penstock.dev.preparation import OPENAI_KEY_NAME, Prepared, prepare
from penstock.errors import ConfigurationError
from penstock.governance.api_keys import ApiKeys

CONFIGURATION = """
[[organisation]]
id = "acme"
[[provider]]
id = "echo"
base_url = "http://127.0.0.1:8788/v1"
auth = "none"
[[model]]
id = "echo"
provider = "echo"
[[model]]
id = "not-granted"
provider = "echo"
[[grant]]
organisations = ["acme"]
models = ["echo"]
"""


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.fixture
def options(tmp_path: Path) -> Options:
    configuration = tmp_path / "gateway.toml"
    configuration.write_text(CONFIGURATION)
    return Options(folder=tmp_path, configuration=configuration)


def prepared(options: Options, echo_url: str = "http://127.0.0.1:4711") -> Prepared:
    return prepare(options, Clients, echo_url)


def control(found: Prepared) -> DynamoControlStore:
    return DynamoControlStore(Clients(), found.resources.control_table)


def test_the_example_runs_as_it_is(tmp_path: Path) -> None:
    found = prepared(Options(folder=tmp_path))
    assert "echo" in found.models
    assert Snapshot.load(tmp_path / "snapshot.json").plugins


def test_a_function_can_read_what_it_is_told(options: Options) -> None:
    found = prepared(options)
    settings = Settings.read({**found.environment, "AWS_REGION": "eu-central-1"})
    assert settings.local
    assert settings.control_table == found.resources.control_table
    assert Path(settings.snapshot_path).is_absolute()
    assert float(found.environment["PENSTOCK_SWEEP_AGE_S"]) == options.sweep_age_s


def test_the_echo_provider_is_where_it_listens_in_this_run(options: Options) -> None:
    found = prepared(options, "http://127.0.0.1:4711")
    document = control(found).get(["model#echo"])["model#echo"].document
    assert document["target"]["base_url"] == "http://127.0.0.1:4711/v1"


def test_the_key_may_use_what_its_organisation_is_granted(options: Options) -> None:
    assert prepared(options).models == ("echo",)


def test_the_key_is_kept_for_the_next_run_and_is_its_owners(options: Options) -> None:
    first = prepared(options).api_key
    assert prepared(options).api_key == first
    assert options.api_key.stat().st_mode & 0o777 == 0o600


def test_a_key_whose_secret_was_lost_gets_another(options: Options) -> None:
    first = prepared(options).api_key
    options.api_key.unlink()
    second = prepared(options)
    assert second.api_key != first
    assert len(list(ApiKeys(control(second)).list())) == 1


def test_openai_is_offered_to_whoever_has_a_key_for_it(options: Options) -> None:
    with_key = Options(folder=options.folder, configuration=options.configuration, openai_api_key="sk-test")
    found = prepared(with_key)
    assert any(name.startswith("gpt-") for name in found.models)
    assert SecretsManager(Clients()).get(OPENAI_KEY_NAME) == "sk-test"


def test_a_mistake_in_the_file_is_found_before_aws_is_waited_for(options: Options) -> None:
    assert options.configuration is not None
    options.configuration.write_text(CONFIGURATION + "[[modle]]\n")

    def connect() -> Clients:
        raise AssertionError("not needed yet")

    with pytest.raises(ConfigurationError, match="model"):
        prepare(options, connect, "http://127.0.0.1:1")


def test_a_file_without_an_organisation_cannot_have_the_local_key(options: Options) -> None:
    assert options.configuration is not None
    options.configuration.write_text("")
    with pytest.raises(ConfigurationError, match="organisation"):
        prepared(options)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"absent\.toml"):
        prepared(Options(folder=tmp_path, configuration=tmp_path / "absent.toml"))


def test_state_that_the_file_contradicts_can_be_thrown_away(options: Options) -> None:
    prepared(options)
    assert options.configuration is not None
    options.configuration.write_text(CONFIGURATION.replace("acme", "other"))
    with pytest.raises(ConfigurationError, match="--fresh"):
        prepared(options)
