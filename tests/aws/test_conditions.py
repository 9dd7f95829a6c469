"""Grants under conditions: what the questions vary is noticed, and what they do not is refused.

A grant under a condition that nobody asks with would pass in AWS, and be overlooked here.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.aws.account import Account
from tests.aws.policies import UnknownPolicyError
from tests.aws.reach import BUCKET, CARD, differences
from tests.aws.test_iam import SENDS, a_secret_of_another_plugin, give, open_policy, statements

Resources = dict[str, Any]


def secret_under(condition: dict[str, dict[str, str]]) -> Callable[[Resources], None]:
    """A secret for another plugin, under a condition that is always true, or might be."""

    def mistake(resources: Resources) -> None:
        a_secret_of_another_plugin(resources)
        statements(resources, CARD)[-1]["Condition"] = condition

    return mistake


def a_queue_for_an_organisation(resources: Resources) -> None:
    condition = {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}
    open_policy(resources, "AWS::SQS::QueuePolicy", {**SENDS, "Condition": condition})


@pytest.mark.parametrize(
    ("mistake", "key"),
    [
        (secret_under({"StringEquals": {"aws:RequestedRegion": "eu-central-1"}}), "aws:RequestedRegion"),
        (secret_under({"Bool": {"aws:SecureTransport": "true"}}), "aws:SecureTransport"),
        (secret_under({"StringEquals": {"aws:PrincipalAccount": "123456789012"}}), "aws:PrincipalAccount"),
        (secret_under({"StringEquals": {"aws:SourceAccount": "123456789012"}}), "aws:SourceAccount"),
        (secret_under({"StringLike": {"S3:prefix": "*"}}), "S3:prefix"),
        (a_queue_for_an_organisation, "aws:PrincipalOrgID"),
    ],
)
def test_a_grant_under_a_key_that_nobody_asks_with_is_refused(
    resources: Resources, mistake: Callable[[Resources], None], key: str
) -> None:
    broken = copy.deepcopy(resources)
    mistake(broken)
    with pytest.raises(UnknownPolicyError, match=key):
        differences(Account(broken))


def test_evidence_that_is_listed_below_a_prefix_is_noticed(resources: Resources) -> None:
    broken = copy.deepcopy(resources)
    give(broken, CARD, "s3:ListBucket", BUCKET)
    statements(broken, CARD)[-1]["Condition"] = {"StringLike": {"s3:prefix": ["seal/*"]}}
    assert set(differences(Account(broken))) == {"evidence: list seal/chain/"}
