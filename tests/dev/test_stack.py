"""What `--stack` makes of an assembly; tests/aws/test_asset_run.py runs the real one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws

from penstock.adapters.clients import Clients
from penstock.configuration.compile import compile_file
from penstock.configuration.reading import parse_gateway_file
from penstock.dev.options import Options
from penstock.dev.preparation import Prepared
from penstock.dev.stack import prepare_stack
from penstock.errors import ConfigurationError
from tests.dev.assemblies import CODE, function, joined, resources, write
from tests.dev.test_preparation import CONFIGURATION

ECHO = "http://127.0.0.1:5"
DEPLOYED = '[deployment]\nname = "sample"\n'
WRAPPED = {
    **function()["Environment"]["Variables"],
    "AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrapper",
    "PENSTOCK_PLUGIN_ROOTS": "/opt/python/penstock_plugins",
    "PYTHONPATH": "/opt/packages",
    "PENSTOCK_OUTBOX_URL": joined("https://sqs.", {"Ref": "AWS::Region"}, ".amazonaws.com/outbox"),
}
TWO = {
    "Gateway": ("AWS::Lambda::Function", function(Environment={"Variables": WRAPPED})),
    "Recorder": (
        "AWS::Lambda::Function",
        function(
            FunctionName="sample-recorder",
            Role={"Fn::GetAtt": ["RecorderRole", "Arn"]},
            Layers=[],
            Timeout=60,
        ),
    ),
    "RecorderRole": ("AWS::IAM::Role", {}),
}


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.fixture
def clients() -> Clients:
    return Clients()


@pytest.fixture
def options(tmp_path: Path) -> Options:
    (tmp_path / "gateway.toml").write_text(DEPLOYED + CONFIGURATION)
    return Options(folder=tmp_path, configuration=tmp_path / "gateway.toml", warm=1, maximum=3)


@pytest.fixture
def assembly(tmp_path: Path) -> Path:
    (tmp_path / "cdk.out").mkdir()
    written = write(tmp_path / "cdk.out", resources(**TWO))
    compiled = compile_file(parse_gateway_file((DEPLOYED + CONFIGURATION).encode(), Path("gateway.toml")))
    (written / f"asset.{CODE}" / "snapshot.json").write_bytes(compiled.raw)
    return written


def prepared(assembly: Path, options: Options, clients: Clients) -> Prepared:
    return prepare_stack(assembly, options, lambda: clients, ECHO, through=lambda _: "http://127.0.0.1:7")


def test_each_function_has_its_template_s_environment_where_its_files_are_here(
    assembly: Path, options: Options, clients: Clients
) -> None:
    gateway, recorder = prepared(assembly, options, clients).functions
    variables = gateway.environment
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == "sample-gateway"
    assert variables["PENSTOCK_SNAPSHOT"] == str(gateway.folder / "snapshot.json")
    assert Path(variables["PENSTOCK_PLUGIN_ROOTS"]).parent.joinpath("plugin.py").is_file()
    assert variables["PENSTOCK_OUTBOX_URL"] == "https://sqs.eu-central-1.amazonaws.com/outbox"
    assert variables["AWS_ENDPOINT_URL"] == "http://127.0.0.1:7"
    assert (gateway.name, gateway.timeout_s, gateway.warm, gateway.maximum) == ("gateway", 900.0, 1, 3)
    assert (recorder.name, recorder.timeout_s, recorder.folder) == ("recorder", 60.0, gateway.folder)


def test_a_function_starts_by_its_wrapper_or_else_by_the_runtime_that_it_brings(
    assembly: Path, options: Options, clients: Clients
) -> None:
    gateway, recorder = prepared(assembly, options, clients).functions
    assert gateway.command[0] == str(gateway.folder / "wrapper")
    assert gateway.streams
    assert recorder.command[1:] == ("-m", "awslambdaric", "sample.handler")
    assert not recorder.streams


def test_each_function_has_credentials_of_its_own_role(
    assembly: Path, options: Options, clients: Clients
) -> None:
    gateway, recorder = prepared(assembly, options, clients).functions
    keys = {function.environment["AWS_ACCESS_KEY_ID"] for function in (gateway, recorder)}
    assert len(keys) == 2
    assert all(key.startswith("ASIA") for key in keys)


def test_the_resources_have_the_stack_s_names_and_the_key_opens_the_models(
    assembly: Path, options: Options, clients: Clients
) -> None:
    made = prepared(assembly, options, clients)
    assert made.resources.evidence_bucket == "sample-evidence-123456789012"
    assert clients.s3.head_bucket(Bucket=made.resources.evidence_bucket)
    assert made.resources.control_table == "sample-control"
    assert made.models == ("echo",)


def test_it_says_what_is_not_as_in_aws_and_when_the_configuration_has_changed_since(
    assembly: Path, options: Options, clients: Clients
) -> None:
    said = " ".join(prepared(assembly, options, clients).notes)
    assert "policies are not enforced here" in said
    assert "made of another gateway.toml" not in said
    assert options.configuration is not None
    options.configuration.write_text(DEPLOYED + 'addresses = ["10.0.0.0/8"]\n' + CONFIGURATION)
    assert "made of another gateway.toml" in " ".join(prepared(assembly, options, clients).notes)


def test_who_sends_by_an_alias_does_so_here_and_it_is_said_that_no_network_holds_it(
    assembly: Path, options: Options, clients: Clients
) -> None:
    walled = {**WRAPPED, "PENSTOCK_EGRESS_ALIAS": "sample-egress:exporter"}
    changed = {
        **TWO,
        "Gateway": ("AWS::Lambda::Function", function(Environment={"Variables": walled})),
        "Sender": ("AWS::Lambda::Function", function(FunctionName="sample-egress")),
        "Alias": ("AWS::Lambda::Alias", {"FunctionName": {"Ref": "Sender"}, "Name": "exporter"}),
        "Live": ("AWS::Lambda::Alias", {"FunctionName": {"Ref": "Gateway"}, "Name": "live"}),
    }
    template = json.dumps({"Resources": resources(**changed)})
    (assembly / "sample.template.json").write_text(template)
    made = prepared(assembly, options, clients)
    egress, gateway, recorder = made.functions
    assert gateway.environment["PENSTOCK_EGRESS_ALIAS"] == "sample-egress:exporter"
    assert (egress.aliases, gateway.aliases, recorder.aliases) == (("exporter",), ("live",), ())
    assert (egress.warm, egress.arn.rpartition(":")[2]) == (1, "sample-egress")
    assert "no network holds plugins here" in " ".join(made.notes)


def test_what_the_snapshot_names_can_be_somewhere_else_here(
    assembly: Path, options: Options, clients: Clients
) -> None:
    places = {b'"durability":"stored"': b'"durability":"log"'}
    made = prepare_stack(assembly, options, lambda: clients, ECHO, places=places)
    raw = (made.functions[0].folder / "snapshot.json").read_bytes()
    assert b'"durability":"log"' in raw
    assert "made of another gateway.toml" not in " ".join(made.notes)


def test_code_without_a_snapshot_is_refused(assembly: Path, options: Options, clients: Clients) -> None:
    (assembly / f"asset.{CODE}" / "snapshot.json").unlink()
    with pytest.raises(ConfigurationError, match=r"snapshot\.json"):
        prepared(assembly, options, clients)


def test_a_snapshot_of_another_version_is_to_be_synthesised_anew(
    assembly: Path, options: Options, clients: Clients
) -> None:
    (assembly / f"asset.{CODE}" / "snapshot.json").write_bytes(b"{}")
    with pytest.raises(ConfigurationError, match="`make synth`"):
        prepared(assembly, options, clients)
