"""The one asset of all functions: our code, the packages it needs, and the compiled snapshot."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from aws_cdk import AssetHashType
from aws_cdk import aws_lambda as lambda_

from infra.packages import LAMBDA, PACKAGES, ROOT, SERVICES, packages
from infra.service_data import slimmed
from infra.staging import Content, Staged, compiler, stage

TASK: Final = "/var/task"  # where Lambda unpacks it
SNAPSHOT: Final = "snapshot.json"
STAGED: Final = PACKAGES / "staged"

# What is ours and runs in Lambda: not the command line, the local gateway, the compiler of gateway.toml.
OURS: Final = (
    "functions/**/*.py",
    "penstock/*.py",
    "penstock/adapters/*.py",
    "penstock/approvals/*.py",
    "penstock/background/*.py",
    "penstock/configuration/__init__.py",
    "penstock/configuration/settings.py",
    "penstock/configuration/snapshot.py",
    "penstock/dialects/**/*.py",
    "penstock/egress/*.py",
    "penstock/evidence/*.py",
    "penstock/gates/*.py",
    "penstock/gateway/**/*.py",
    "penstock/governance/**/*.py",
    "penstock/mcp/**/*.py",
    "penstock/runtime/*.py",
    "penstock/runtime/exec-wrapper",
    "penstock/sdk/**/*.py",
    "penstock/upstream/**/*.py",
)


def function_files(snapshot: bytes, platform: str = LAMBDA) -> dict[str, Content]:
    """Path in the asset → content."""
    ours = sorted(path for pattern in OURS for path in ROOT.glob(pattern))
    # By their addresses SES is `email` and Step Functions `states`; by their models `sesv2`, `stepfunctions`.
    files: dict[str, Content] = slimmed(packages("core", platform), frozenset({*SERVICES, "email", "states"}))
    files |= {path.relative_to(ROOT).as_posix(): path for path in ours}
    return files | {SNAPSHOT: snapshot}


def function_asset(snapshot: bytes, home: Path = STAGED) -> Staged:
    return stage(function_files(snapshot), home, TASK, compiler())


def code_of(staged: Staged) -> lambda_.Code:
    """For a function or a layer; CDK takes our digest for its own."""
    return lambda_.Code.from_asset(
        str(staged.folder), asset_hash=staged.digest, asset_hash_type=AssetHashType.CUSTOM
    )
