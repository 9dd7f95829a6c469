"""What CDK would do otherwise only for new projects of `cdk init` (its developer guide, "Feature flags")."""

from __future__ import annotations

from typing import Final

import aws_cdk as cdk

FLAGS: Final = (
    # A new layer or description is a new version of the function: else `live` would stay on the old one.
    "@aws-cdk/aws-lambda:recognizeLayerVersion",
    "@aws-cdk/aws-lambda:recognizeVersionProps",
    "@aws-cdk/aws-iam:standardizedServicePrincipals",
)


def set_flags(app: cdk.App) -> None:
    """Here rather than in cdk.json, which only the command line reads."""
    for flag in FLAGS:
        app.node.set_context(flag, True)
