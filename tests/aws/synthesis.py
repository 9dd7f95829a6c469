"""Synthesises several configurations in one process, since starting CDK is what takes the time.

    python -m tests.aws.synthesis <folder> <name>=<gateway.toml> …

Assets are linked into the assembly from where they were staged: CDK would copy them, and what is staged is
forgotten in time.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import aws_cdk as cdk

from app import build


def main(folder: str, *chosen: str) -> None:
    for one in chosen:
        name, _, path = one.partition("=")
        context = {"config": path, "aws:cdk:disable-asset-staging": True}
        build(cdk.App(outdir=f"{folder}/{name}", context=context, analytics_reporting=False))
        for manifest in Path(folder, name).glob("*.assets.json"):
            link_assets(manifest)


def link_assets(manifest: Path) -> None:
    """Have the folders of a stack's assets beside its manifest, under the names that CDK would give them."""
    content = json.loads(manifest.read_text())
    for digest, asset in content["files"].items():
        staged = manifest.parent / asset["source"]["path"]
        if staged.is_dir():
            own = manifest.parent / f"asset.{digest}"
            if not own.is_dir():
                shutil.copytree(staged, own, copy_function=os.link)
            asset["source"]["path"] = own.name
    manifest.write_text(json.dumps(content, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
