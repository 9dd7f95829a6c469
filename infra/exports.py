"""Where plugins leave what others pick up: a warehouse, a lake."""

from __future__ import annotations

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct


class ExportsBucket(Construct):
    """Made where a plugin is granted `exports`. What is there is not replaced; its owner removes it."""

    def __init__(
        self, scope: Construct, construct_id: str, *, name: str, key: kms.IKey | None = None
    ) -> None:
        super().__init__(scope, construct_id)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            bucket_name=f"{name}-{Aws.ACCOUNT_ID}-{Aws.REGION}",
            versioned=True,
            encryption=s3.BucketEncryption.KMS if key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=key,
            bucket_key_enabled=True if key else None,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
        )
        # S3 User Guide, "Enforce conditional writes on Amazon S3 buckets": no plugin rewrites what it left.
        self.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="OnlyNewObjects",
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["s3:PutObject"],
                resources=[self.bucket.arn_for_objects("*")],
                conditions={"Null": {"s3:if-none-match": "true"}},
            )
        )
