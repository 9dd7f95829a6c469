"""Synthesises several configurations in one process, since starting CDK is what takes the time.

    python -m tests.aws.synthesis <folder> <name>=<gateway.toml> …

Assets stay where they were staged: the manifest names them there.
"""

from __future__ import annotations

import sys

import aws_cdk as cdk

from app import build


def main(folder: str, *chosen: str) -> None:
    for one in chosen:
        name, _, path = one.partition("=")
        context = {"config": path, "aws:cdk:disable-asset-staging": True}
        build(cdk.App(outdir=f"{folder}/{name}", context=context, analytics_reporting=False))


if __name__ == "__main__":
    main(*sys.argv[1:])
