"""What a service asks of a key in the caller's name when somebody uses a thing that is encrypted under it.

Which key that is, the thing's own properties in the template say, not the roles. Services remember what KMS
answers for minutes; here each call asks anew, so that none is missed. Source: the guides that `infra/keys.py`
names; nothing here imitates KMS itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.aws.account import KEY, Account
from tests.aws.policies import Context, Request

DECRYPT, ENCRYPT = "kms:Decrypt", "kms:GenerateDataKey"
ASKED: Mapping[str, tuple[str, ...]] = {
    "s3:GetObject": (DECRYPT,),
    "s3:PutObject": (ENCRYPT,),
    "sqs:SendMessage": (ENCRYPT, DECRYPT),
    "sqs:ReceiveMessage": (DECRYPT,),
    "secretsmanager:GetSecretValue": (DECRYPT,),
}
# Type of resource, and of its properties the key that encrypts it; None for one of AWS's own.
ENCRYPTED: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "dynamodb": (
        "AWS::DynamoDB::Table",
        lambda table: table.get("SSESpecification", {}).get("KMSMasterKeyId"),
    ),
    "s3": ("AWS::S3::Bucket", lambda bucket: _default(bucket).get("KMSMasterKeyID")),
    "sqs": ("AWS::SQS::Queue", lambda queue: queue.get("KmsMasterKeyId")),
    "secretsmanager": ("AWS::SecretsManager::Secret", lambda secret: secret.get("KmsKeyId")),
}


def asked_of_keys(account: Account, request: Request) -> Iterator[Request]:
    """What must be allowed besides; nothing for what no key of the account encrypts."""
    service = request.action.partition(":")[0]
    thing = _thing(service, request.resource)
    key = account.key_of(*ENCRYPTED[service], thing) if service in ENCRYPTED else None
    actions = (DECRYPT,) if service == "dynamodb" else ASKED.get(request.action, ())
    for action in actions if key else ():
        context: Context = {
            "kms:ViaService": f"{service}.eu-central-1.amazonaws.com",
            "kms:ResourceAliases": [f"alias/{str(key).removeprefix(KEY)}"],
            **_context(service, thing),
        }
        yield Request(action, str(key), context)


def _thing(service: str, resource: str) -> str:
    """The table of an index, the bucket of an object: what has the key."""
    if service == "dynamodb":
        return resource.partition("/index/")[0]
    return resource.partition("/")[0] if service == "s3" else resource


def _context(service: str, thing: str) -> dict[str, str]:
    names = {"dynamodb": "aws:dynamodb:tableName", "s3": "aws:s3:arn", "sqs": "aws:sqs:arn"}
    said = thing.rpartition("/")[2] if service == "dynamodb" else thing
    return {f"kms:EncryptionContext:{names.get(service, 'SecretARN')}": said}


def _default(bucket: Mapping[str, Any]) -> Mapping[str, Any]:
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    found: Mapping[str, Any] = rule["ServerSideEncryptionByDefault"]
    # With a Bucket Key the context is the bucket's; without, it would be the object's.
    assert "KMSMasterKeyID" not in found or rule["BucketKeyEnabled"] is True
    return found
