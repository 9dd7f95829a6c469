"""A cloud assembly as CDK writes it, small enough to read: one function of ours, one of CDK's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CODE = "c0de"
LAYER = "1a4e5"


def function(**properties: Any) -> dict[str, Any]:
    """Properties of a function, as a template has them."""
    variables = {
        "PENSTOCK_SNAPSHOT": "/var/task/snapshot.json",
        "PENSTOCK_EVIDENCE_BUCKET": joined("sample-evidence-", {"Ref": "AWS::AccountId"}),
    }
    return {
        "FunctionName": "sample-gateway",
        "Handler": "sample.handler",
        "Runtime": "python3.13",
        "Architectures": ["arm64"],
        "Timeout": 900,
        "Role": {"Fn::GetAtt": ["GatewayRole", "Arn"]},
        "Code": {"S3Bucket": "anywhere", "S3Key": f"{CODE}.zip"},
        "Layers": [{"Ref": "Bundle"}],
        "Environment": {"Variables": variables},
    } | properties


def joined(*parts: Any) -> dict[str, Any]:
    return {"Fn::Join": ["", list(parts)]}


def resources(**changed: Any) -> dict[str, Any]:
    of = {
        "Gateway": ("AWS::Lambda::Function", function()),
        "Cdk": ("AWS::Lambda::Function", {"Runtime": "nodejs22.x"}),
        "Bundle": ("AWS::Lambda::LayerVersion", {"Content": {"S3Key": f"{LAYER}.zip"}}),
        "GatewayRole": ("AWS::IAM::Role", {}),
        "Bucket": ("AWS::S3::Bucket", {"BucketName": joined("sample-evidence-", {"Ref": "AWS::AccountId"})}),
    } | changed
    return {name: {"Type": kind, "Properties": properties} for name, (kind, properties) in of.items()}


def write(folder: Path, template: dict[str, Any]) -> Path:
    """The assembly's files; its assets are there, with one file each."""
    stack = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "sample.template.json"}}
    files = {digest: {"source": {"path": f"asset.{digest}", "packaging": "zip"}} for digest in (CODE, LAYER)}
    (folder / "manifest.json").write_text(json.dumps({"artifacts": {"sample": stack, "tree": {"type": "x"}}}))
    (folder / "sample.template.json").write_text(json.dumps({"Resources": template}))
    (folder / "sample.assets.json").write_text(json.dumps({"files": files}))
    for digest, name in ((CODE, "sample.py"), (LAYER, "python/plugin.py")):
        path = folder / f"asset.{digest}" / name
        path.parent.mkdir(parents=True)
        path.write_text(f"# {digest}\n")
    return folder
