"""Where evidence is kept, and the keys of its digests.

Evidence holds no content, by type. Without keys of the stack's, S3's own and the account's one for Secrets
Manager encrypt.
"""

from __future__ import annotations

import json

from aws_cdk import Aws, Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

# Letters and digits alone are base64, by four characters three bytes: 48 of them, and over 380 random bits.
KEY_CHARACTERS = 64


class EvidenceBucket(Construct):
    """Written once: nothing in it is overwritten, hidden or, for `held_days`, removed.

    Until then only who has `s3:BypassGovernanceRetention` removes it.

    Object Lock is in governance mode: under compliance mode nobody could ever delete the stack, or heed a
    court that orders an erasure.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, name: str, held_days: int, key: kms.IKey | None
    ) -> None:
        super().__init__(scope, construct_id)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            # Bucket names are one for all of AWS: the account and the region make it ours. At most 58 of 63.
            bucket_name=f"{name}-{Aws.ACCOUNT_ID}-{Aws.REGION}",
            versioned=True,
            object_lock_enabled=True,
            object_lock_default_retention=s3.ObjectLockRetention.governance(Duration.days(held_days)),
            encryption=s3.BucketEncryption.KMS if key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=key,
            # One call of KMS for many objects, not one for each (S3 User Guide, "Bucket Keys").
            bucket_key_enabled=True if key else None,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
        )
        # S3 User Guide, "Enforce conditional writes on Amazon S3 buckets". Its exception for the parts of a
        # multipart upload is left out on purpose: evidence is small, and no part can carry the header.
        self._refuse("OnlyNewObjects", "s3:PutObject", {"Null": {"s3:if-none-match": "true"}})
        # A delete marker hides an object and lets `If-None-Match: *` pass again. Erasing names the version.
        self._refuse("NoDeleteMarkers", "s3:DeleteObject", {})

    def _refuse(self, sid: str, action: str, conditions: dict[str, object]) -> None:
        """Whoever asks: an explicit denial is stronger than any role's grant."""
        self.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid=sid,
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=[action],
                resources=[self.bucket.arn_for_objects("*")],
                conditions=conditions,
            )
        )


class EvidenceKey(Construct):
    """A secret under which digests are made, in the form of `penstock.adapters.secrets.decode_digest_key`.

    Two of them: the gateway's own, from which it derives its seals of MCP's ids too, and that of plugins'
    functions, which digest what receivers call their deliveries.

    Made by Secrets Manager, so that it stands in no template. Any change to how it is generated makes a new
    one, and with it digests that match no earlier evidence.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, name: str, key_id: str, key: kms.IKey | None
    ) -> None:
        super().__init__(scope, construct_id)
        self.secret = secretsmanager.Secret(
            self,
            "Secret",
            secret_name=name,
            encryption_key=key,
            description="Key of the digests in Penstock's evidence",
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template=json.dumps({"key_id": key_id}),
                generate_string_key="key",
                password_length=KEY_CHARACTERS,
                exclude_punctuation=True,
                include_space=False,
            ),
        )
