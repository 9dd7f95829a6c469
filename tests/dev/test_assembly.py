from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from penstock.dev.assembly import CloudAssembly
from penstock.errors import ConfigurationError
from tests.dev.assemblies import CODE, LAYER, function, joined, resources, write


def test_a_function_is_its_code_its_layers_its_role_and_its_filled_environment(tmp_path: Path) -> None:
    (found,) = CloudAssembly(write(tmp_path, resources())).functions()
    assert (found.name, found.handler, found.timeout_s) == ("sample-gateway", "sample.handler", 900.0)
    assert (found.runtime, found.architecture) == ("python3.13", "arm64")
    assert found.role == "arn:aws:iam::123456789012:role/GatewayRole"
    assert found.variables["PENSTOCK_EVIDENCE_BUCKET"] == "sample-evidence-123456789012"
    assert (found.code.name, [layer.name for layer in found.layers]) == (f"asset.{CODE}", [f"asset.{LAYER}"])


def test_the_bucket_has_the_name_that_it_will_have(tmp_path: Path) -> None:
    assert CloudAssembly(write(tmp_path, resources())).bucket() == "sample-evidence-123456789012"


def test_a_folder_without_an_assembly_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"manifest.json .* `make synth`"):
        CloudAssembly(tmp_path)


def test_an_asset_that_is_gone_is_named(tmp_path: Path) -> None:
    shutil.rmtree(write(tmp_path, resources()) / f"asset.{CODE}")
    with pytest.raises(ConfigurationError, match=f"lacks the asset {CODE}"):
        CloudAssembly(tmp_path).functions()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"Layers": ["arn:aws:lambda:eu-central-1:1:layer:x:1"]}, "a layer whose content is in AWS alone"),
        ({"Role": {"Fn::ImportValue": "x"}}, "which only a deployment knows"),
        ({"FunctionName": {"Ref": "Bundle"}}, "which only a deployment knows"),
    ],
)
def test_what_only_aws_knows_is_refused(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    template = resources(Gateway=("AWS::Lambda::Function", function(**changed)))
    with pytest.raises(ConfigurationError, match=said):
        CloudAssembly(write(tmp_path, template)).functions()


def test_a_registered_layer_is_what_was_registered_here(tmp_path: Path) -> None:
    arn = "arn:aws:lambda:eu-central-1:123456789012:layer:penstock-plugin-guard:1"
    template = resources(Gateway=("AWS::Lambda::Function", function(Layers=[arn])))
    (found,) = CloudAssembly(write(tmp_path, template), {arn: tmp_path / "layer"}).functions()
    assert found.layers == (tmp_path / "layer",)


def test_stacks_without_a_function_of_ours_are_refused(tmp_path: Path) -> None:
    template = resources(Gateway=("AWS::SNS::Topic", {}))
    with pytest.raises(ConfigurationError, match="no function of Penstock"):
        CloudAssembly(write(tmp_path, template)).functions()


def test_the_machines_of_workflows_are_read_with_what_they_name_filled_in(tmp_path: Path) -> None:
    states = joined('{"Resource": "arn:', {"Ref": "AWS::Partition"}, ':states:::lambda:invoke"}')
    machine = {"StateMachineName": "sample-plugin-gate", "DefinitionString": states}
    template = resources(Gate=("AWS::StepFunctions::StateMachine", machine))
    found = CloudAssembly(write(tmp_path, template)).machines()
    assert found == {"sample-plugin-gate": '{"Resource": "arn:aws:states:::lambda:invoke"}'}


def test_stacks_without_a_workflow_have_no_machines(tmp_path: Path) -> None:
    assert CloudAssembly(write(tmp_path, resources())).machines() == {}
