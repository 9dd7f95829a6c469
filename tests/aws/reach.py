"""What there is to reach in the tests' deployment, and who may: what the templates must come to.

Every action of a service that touches a thing is asked for, as botocore's model of the service lists them: no
way is forgotten because nobody thought of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from botocore.loaders import Loader

from tests.aws.account import Account
from tests.aws.policies import ACCOUNT, Context, Request

GATEWAY, RECORDER, SWEEPER = "stacktest-gateway", "stacktest-recorder", "stacktest-sweeper"
SEALER = "stacktest-sealer"
EXPORT = "stacktest-plugin-audit-export"
CARD = "stacktest-plugin-card-guard"
KEEPER = "stacktest-plugin-keeper"
HERE = f"eu-central-1:{ACCOUNT}"
BUCKET = f"arn:aws:s3:::stacktest-evidence-{ACCOUNT}-eu-central-1"
HOUR = "org=acme/dt=2026-11-22/hour=10/019aa9d5-31f4-7cc1-b2a4-3f1f0a9c1d2e"
SECURE: Context = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}
NEW: Context = {**SECURE, "s3:if-none-match": "*"}


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that can be reached: by any of `actions`, on `resource`."""

    resource: str
    actions: tuple[str, ...]
    context: Context


def things() -> Iterator[tuple[str, Thing, set[str]]]:
    """What, how, and who may."""
    yield from _tables()
    yield from _queues()
    yield from _evidence()
    yield from _secrets()
    yield from _storage()
    yield from _email()
    yield from _others()


def _tables() -> Iterator[tuple[str, Thing, set[str]]]:
    reads = ("BatchGetItem", "GetItem", "Query", "Scan", "PartiQLSelect")
    control = f"arn:aws:dynamodb:{HERE}:table/stacktest-control"
    ledger = f"arn:aws:dynamodb:{HERE}:table/stacktest-ledger"
    yield "control: read", _thing(control, "dynamodb", only=reads), {GATEWAY}
    yield "control: all else", _thing(control, "dynamodb", but=reads), set()
    writes = ("PutItem", "UpdateItem")
    request: Context = {"dynamodb:LeadingKeys": ["request#019aa9d5"]}
    delivery: Context = {"dynamodb:LeadingKeys": ["delivery#019aa9d5#audit-export"]}
    newest: Context = {"dynamodb:LeadingKeys": ["seal#newest"]}
    opened: Context = {"dynamodb:LeadingKeys": ["open#01"]}
    yield "ledger: intents", _thing(ledger, "dynamodb", only=("PutItem",), context=request), {GATEWAY}
    settled = _thing(ledger, "dynamodb", only=("UpdateItem",), context=request)
    yield "ledger: settling", settled, {RECORDER, SWEEPER}
    yield "ledger: deliveries", _thing(ledger, "dynamodb", only=writes, context=delivery), set()
    yield "ledger: all else", _thing(ledger, "dynamodb", but=writes, context=request), set()
    noted = _thing(ledger, "dynamodb", only=("GetItem", "UpdateItem"), context=newest)
    yield "ledger: the newest seal", noted, {SEALER}
    rest = ("GetItem", "UpdateItem")
    yield "ledger: the newest seal, all else", _thing(ledger, "dynamodb", but=rest, context=newest), set()
    index = f"{ledger}/index/open"
    yield "ledger: open intents", _thing(index, "dynamodb", only=("Query",), context=opened), {SWEEPER}


def _queues() -> Iterator[tuple[str, Thing, set[str]]]:
    take = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
    for name, senders, takers in (
        ("stacktest-outbox", {GATEWAY}, {RECORDER}),
        ("stacktest-plugin-audit-export", {RECORDER, SWEEPER}, {EXPORT}),
        ("stacktest-plugin-keeper", {RECORDER, SWEEPER}, {KEEPER}),
        ("stacktest-outbox-dead", set[str](), set[str]()),
        ("stacktest-plugin-audit-export-dead", {EXPORT}, set[str]()),
        ("stacktest-plugin-keeper-dead", {KEEPER}, set[str]()),
    ):
        arn = f"arn:aws:sqs:{HERE}:{name}"
        yield f"{name}: send", _thing(arn, "sqs", only=("SendMessage",), context=SECURE), senders
        yield f"{name}: take", _thing(arn, "sqs", only=take, context=SECURE), takers
        rest = _thing(arn, "sqs", but=("SendMessage", *take), context=SECURE)
        yield f"{name}: all else", rest, set()


def _evidence() -> Iterator[tuple[str, Thing, set[str]]]:
    read, write = ("s3:GetObject",), ("s3:PutObject",)
    for kind, owners in (
        ("terminal.json.gz", {RECORDER, SWEEPER}),
        ("amendment.0a1b.json.gz", {RECORDER, SWEEPER}),
        ("delivery.audit-export.m-1.1.json.gz", {EXPORT}),
        ("delivery.keeper.m-1.1.json.gz", {KEEPER}),
        ("delivery.another.m-1.1.json.gz", set[str]()),
        ("amendment.delivery.audit-export.m-1.1.json.gz", {RECORDER, SWEEPER}),
    ):
        key = f"{BUCKET}/{HOUR}.{kind}"
        yield f"{kind}: write", Thing(key, write, NEW), owners
        yield f"{kind}: overwrite", Thing(key, write, SECURE), set()
        yield f"{kind}: read", Thing(key, read, SECURE), owners | {SEALER}
        yield f"{kind}: all else", Thing(key, S3_OBJECT, NEW), set()
    for place in ("chain/000000000001.json.gz", f"{HOUR.rpartition('/')[0]}/000000000001.0a1b.json.gz"):
        yield f"seals, {place}: write", Thing(f"{BUCKET}/seal/{place}", write, NEW), {SEALER}
        yield f"seals, {place}: overwrite", Thing(f"{BUCKET}/seal/{place}", write, SECURE), set()
        yield f"seals, {place}: read", Thing(f"{BUCKET}/seal/{place}", read, SECURE), {SEALER}
        yield f"seals, {place}: all else", Thing(f"{BUCKET}/seal/{place}", S3_OBJECT, NEW), set()
    yield "objects of no kind", Thing(f"{BUCKET}/anything", (*read, *write), NEW), set()
    prefix: Context = {**SECURE, "s3:prefix": f"{HOUR}.delivery.audit-export."}
    yield "evidence: list", Thing(BUCKET, ("s3:ListBucket",), SECURE), {RECORDER, SWEEPER, SEALER}
    listers = {RECORDER, SWEEPER, SEALER, EXPORT}
    yield "evidence: list deliveries", Thing(BUCKET, ("s3:ListBucket",), prefix), listers
    yield "evidence: the bucket itself", Thing(BUCKET, S3_BUCKET, SECURE), set()


def _secrets() -> Iterator[tuple[str, Thing, set[str]]]:
    for name, owners in (
        ("evidence-key", {GATEWAY, EXPORT, KEEPER}),
        ("signing", {EXPORT}),
        ("upstreams/openai", {GATEWAY}),
        ("upstreams", set[str]()),
        ("another", set[str]()),
    ):
        arn = f"arn:aws:secretsmanager:{HERE}:secret:stacktest/{name}-AbCdEf"
        value = ("GetSecretValue",)
        yield f"secret {name}: read", _thing(arn, "secretsmanager", only=value), owners
        yield f"secret {name}: all else", _thing(arn, "secretsmanager", but=value), set()


def _storage() -> Iterator[tuple[str, Thing, set[str]]]:
    """By partition: a plugin's own, another's, its own beside another's, and a request that names none."""
    table = f"arn:aws:dynamodb:{HERE}:table/stacktest-storage"
    use = ("DeleteItem", "GetItem", "PutItem")
    for keys, owners in (
        (["keeper"], {KEEPER}),
        (["audit-export"], set[str]()),
        (["keepers"], set[str]()),
        (["keeper", "audit-export"], set[str]()),
        ([], set[str]()),
    ):
        context: Context = {"dynamodb:LeadingKeys": keys} if keys else {}
        yield f"storage, {keys}: use", _thing(table, "dynamodb", only=use, context=context), owners
        yield f"storage, {keys}: all else", _thing(table, "dynamodb", but=use, context=context), set()


def _email() -> Iterator[tuple[str, Thing, set[str]]]:
    """By who is said to write, and to whom. SES asks for the address as well as for its domain."""
    bot, team = "bot@acme.example", ["soc@acme.example", "a@ops.acme.example"]
    for name, sender, to, owners in (
        ("acme.example", bot, team, {KEEPER}),
        (bot, bot, team, {KEEPER}),
        ("other.example", bot, team, set[str]()),
        ("acme.example", "ceo@acme.example", team, set[str]()),
        ("acme.example", bot, [*team, "eve@evil.example"], set[str]()),
        ("acme.example", bot, ["ops@acme.example"], set[str]()),
        ("acme.example", bot, [], set[str]()),
    ):
        arn, send = f"arn:aws:ses:{HERE}:identity/{name}", ("SendEmail",)
        context: Context = {"ses:FromAddress": sender, **({"ses:Recipients": to} if to else {})}
        yield f"{sender} by {name} to {to}: send", _thing(arn, "ses", only=send, context=context), owners
        yield f"{sender} by {name} to {to}: all else", _thing(arn, "ses", but=send, context=context), set()


def _others() -> Iterator[tuple[str, Thing, set[str]]]:
    for name in (GATEWAY, RECORDER, SWEEPER, SEALER, EXPORT):
        arn = f"arn:aws:lambda:{HERE}:function:{name}"
        yield f"function {name}", _thing(arn, "lambda", more=("InvokeFunction", "InvokeFunctionUrl")), set()
    for name in (CARD, KEEPER):
        arn, call = f"arn:aws:lambda:{HERE}:function:{name}", ("InvokeFunction",)
        yield f"function {name}: call", _thing(arn, "lambda", only=call), {GATEWAY}
        yield f"function {name}: all else", _thing(arn, "lambda", more=("InvokeFunctionUrl",)), set()
        yield f"function {name}: another version", _thing(f"{arn}:1", "lambda", only=call), set()
    yield (
        "the live gateway",
        Thing(f"arn:aws:lambda:{HERE}:function:{GATEWAY}:live", ("lambda:InvokeFunction",), {}),
        set(),
    )
    yield "the key", _thing(f"arn:aws:kms:{HERE}:key/0a1b", "kms"), set()
    yield "the topic", _thing(f"arn:aws:sns:{HERE}:stacktest-alarms", "sns"), set()
    yield "roles", _thing(f"arn:aws:iam::{ACCOUNT}:role/any", "iam", more=("PassRole",)), set()
    yield "other roles", _thing(f"arn:aws:iam::{ACCOUNT}:role/any", "sts"), {"stranger"}


def differences(account: Account) -> dict[str, tuple[set[str], set[str]]]:
    """What is reached by others than declared: name → (who should, who can)."""
    found = {name: (owners, reached(account, thing)) for name, thing, owners in things()}
    return {name: (wanted, who) for name, (wanted, who) in found.items() if wanted != who}


def reached(account: Account, thing: Thing) -> set[str]:
    requests = (Request(action, thing.resource, thing.context) for action in thing.actions)
    return set[str]().union(*(account.who(request) for request in requests))


def _thing(
    resource: str,
    service: str,
    *,
    only: tuple[str, ...] = (),
    but: tuple[str, ...] = (),
    more: tuple[str, ...] = (),
    context: Mapping[str, str | list[str]] | None = None,
) -> Thing:
    names = only or tuple(sorted({*_operations(service), *more} - set(but)))
    return Thing(resource, tuple(f"{service}:{name}" for name in names), context or {})


@cache
def _operations(service: str) -> frozenset[str]:
    """All that a service's API can be asked: IAM's actions have these names, but for S3 and a few more."""
    partiql = ("PartiQLDelete", "PartiQLInsert", "PartiQLSelect", "PartiQLUpdate")
    models = ("ses", "sesv2") if service == "ses" else (service,)
    found = [Loader().load_service_model(model, "service-2")["operations"] for model in models]
    return frozenset((*(name for names in found for name in names), *(partiql * (service == "dynamodb"))))


# Service Authorization Reference, "Amazon S3": what changes, hides or frees an object; what changes a bucket.
S3_OBJECT = tuple(
    f"s3:{name}"
    for name in (
        "AbortMultipartUpload", "BypassGovernanceRetention", "DeleteObject", "DeleteObjectTagging",
        "DeleteObjectVersion", "DeleteObjectVersionTagging", "GetObjectVersion", "PutObjectAcl",
        "PutObjectLegalHold", "PutObjectRetention", "PutObjectTagging", "PutObjectVersionAcl",
        "PutObjectVersionTagging", "ReplicateDelete", "ReplicateObject", "RestoreObject",
    )
)  # fmt: skip
S3_BUCKET = tuple(
    f"s3:{name}"
    for name in (
        "CreateBucket", "DeleteBucket", "DeleteBucketPolicy", "ListBucketVersions", "PutBucketAcl",
        "PutBucketLogging", "PutBucketNotification", "PutBucketObjectLockConfiguration",
        "PutBucketOwnershipControls", "PutBucketPolicy", "PutBucketPublicAccessBlock", "PutBucketVersioning",
        "PutEncryptionConfiguration", "PutLifecycleConfiguration", "PutReplicationConfiguration",
    )
)  # fmt: skip
