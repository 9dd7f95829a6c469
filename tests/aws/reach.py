"""What there is to reach in a deployment, and who may: what the templates must come to.

Every action of a service that touches a thing is asked for, as botocore's model of the service lists them: no
way is forgotten because nobody thought of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from botocore.loaders import Loader

from tests.aws.account import KEY, Account
from tests.aws.deployed import HERE, STACKTEST, Deployed
from tests.aws.policies import ACCOUNT, Context, Request

HOUR = "org=acme/dt=2026-11-22/hour=10/019aa9d5-31f4-7cc1-b2a4-3f1f0a9c1d2e"
SECURE: Context = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}
NEW: Context = {**SECURE, "s3:if-none-match": "*"}
GATEWAY, RECORDER, SWEEPER, SEALER = map(STACKTEST.role, ("gateway", "recorder", "sweeper", "sealer"))
EXPORT, CARD, KEEPER = (f"stacktest-plugin-{name}" for name in ("audit-export", "card-guard", "keeper"))
BUCKET = STACKTEST.bucket
EXPORTS = f"arn:aws:s3:::stacktest-exports-{ACCOUNT}-eu-central-1"


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that can be reached: by any of `actions`, on `resource`."""

    resource: str
    actions: tuple[str, ...]
    context: Context


Things = Iterator[tuple[str, Thing, set[str]]]


def things(of: Deployed = STACKTEST) -> Things:
    """What, how, and who may."""
    yield from _tables(of)
    yield from _queues(of)
    yield from _evidence(of)
    yield from _exports(of)
    yield from _secrets(of)
    yield from _others(of)
    yield from key_things(of)
    if of is STACKTEST:
        yield from _storage()
        yield from _email()


def _tables(of: Deployed) -> Things:
    gateway, recorder, sweeper, sealer = map(of.role, ("gateway", "recorder", "sweeper", "sealer"))
    reads = ("BatchGetItem", "GetItem", "Query", "Scan", "PartiQLSelect")
    control = f"arn:aws:dynamodb:{HERE}:table/{of.name}-control"
    ledger = f"arn:aws:dynamodb:{HERE}:table/{of.name}-ledger"
    yield "control: read", _thing(control, "dynamodb", only=reads), {gateway}
    yield "control: all else", _thing(control, "dynamodb", but=reads), set()
    writes = ("PutItem", "UpdateItem")
    request: Context = {"dynamodb:LeadingKeys": ["request#019aa9d5"]}
    newest: Context = {"dynamodb:LeadingKeys": ["seal#newest"]}
    opened: Context = {"dynamodb:LeadingKeys": ["open#01"]}
    yield "ledger: intents", _thing(ledger, "dynamodb", only=("PutItem",), context=request), {gateway}
    settled = _thing(ledger, "dynamodb", only=("UpdateItem",), context=request)
    yield "ledger: settling", settled, {recorder, sweeper}
    for plugin in (*of.background, "another"):
        delivery: Context = {"dynamodb:LeadingKeys": [f"delivery#019aa9d5#{plugin}"]}
        claimed = _thing(ledger, "dynamodb", only=writes, context=delivery)
        yield f"ledger: deliveries of {plugin}", claimed, of.roles(*({plugin} & {*of.once}))
    yield "ledger: all else", _thing(ledger, "dynamodb", but=writes, context=request), set()
    noted = _thing(ledger, "dynamodb", only=("GetItem", "UpdateItem"), context=newest)
    yield "ledger: the newest seal", noted, {sealer}
    rest = ("GetItem", "UpdateItem")
    yield "ledger: the newest seal, all else", _thing(ledger, "dynamodb", but=rest, context=newest), set()
    index = f"{ledger}/index/open"
    yield "ledger: open intents", _thing(index, "dynamodb", only=("Query",), context=opened), {sweeper}
    storage = f"arn:aws:dynamodb:{HERE}:table/{of.name}-storage"
    yield "storage, all of it", _thing(storage, "dynamodb"), set()


def _queues(of: Deployed) -> Things:
    take = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
    for name, senders, takers in queues_of(of):
        arn = f"arn:aws:sqs:{HERE}:{name}"
        yield f"{name}: send", _thing(arn, "sqs", only=("SendMessage",), context=SECURE), senders
        yield f"{name}: take", _thing(arn, "sqs", only=take, context=SECURE), takers
        rest = _thing(arn, "sqs", but=("SendMessage", *take), context=SECURE)
        yield f"{name}: all else", rest, set()


def queues_of(of: Deployed) -> Iterator[tuple[str, set[str], set[str]]]:
    """Queue, who sends to it, who takes from it."""
    yield f"{of.name}-outbox", {of.role("gateway")}, {of.role("recorder")}
    yield f"{of.name}-outbox-dead", set(), set()
    for plugin in of.background:
        own = of.roles(plugin)
        yield f"{of.name}-plugin-{plugin}", {of.role("recorder"), of.role("sweeper")}, own
        yield f"{of.name}-plugin-{plugin}-dead", own, set()


def _evidence(of: Deployed) -> Things:
    read, write = ("s3:GetObject",), ("s3:PutObject",)
    recorder, sweeper, sealer = map(of.role, ("recorder", "sweeper", "sealer"))
    for kind, owners in (
        ("terminal.json.gz", {recorder, sweeper}),
        ("amendment.0a1b.json.gz", {recorder}),
        *((f"delivery.{plugin}.m-1.1.json.gz", of.roles(plugin)) for plugin in of.delivering),
        ("delivery.another.m-1.1.json.gz", set[str]()),
        ("amendment.delivery.audit-export.m-1.1.json.gz", {recorder}),
    ):
        key = f"{of.bucket}/{HOUR}.{kind}"
        yield f"{kind}: write", Thing(key, write, NEW), owners
        yield f"{kind}: overwrite", Thing(key, write, SECURE), set()
        yield f"{kind}: read", Thing(key, read, SECURE), owners | {sealer}
        yield f"{kind}: all else", Thing(key, S3_OBJECT, NEW), set()
    for place in ("chain/000000000001.json.gz", f"{HOUR.rpartition('/')[0]}/000000000001.0a1b.json.gz"):
        yield f"seals, {place}: write", Thing(f"{of.bucket}/seal/{place}", write, NEW), {sealer}
        yield f"seals, {place}: overwrite", Thing(f"{of.bucket}/seal/{place}", write, SECURE), set()
        yield f"seals, {place}: read", Thing(f"{of.bucket}/seal/{place}", read, SECURE), {sealer}
        yield f"seals, {place}: all else", Thing(f"{of.bucket}/seal/{place}", S3_OBJECT, NEW), set()
    yield "objects of no kind", Thing(f"{of.bucket}/anything", (*read, *write), NEW), set()
    listers = {recorder, sweeper, sealer}
    yield "evidence: list", Thing(of.bucket, ("s3:ListBucket",), SECURE), listers
    for plugin in (*of.delivering, "another"):
        prefix: Context = {**SECURE, "s3:prefix": f"{HOUR}.delivery.{plugin}."}
        looking = listers | of.roles(*({plugin} & {*of.once, *of.workflows}))
        yield f"evidence: list deliveries of {plugin}", Thing(of.bucket, ("s3:ListBucket",), prefix), looking
    for begun in ("", "seal/chain/", f"{HOUR}.terminal"):
        names: Context = {**SECURE, "s3:prefix": begun}
        yield f"evidence: list {begun}", Thing(of.bucket, ("s3:ListBucket",), names), listers
    yield "evidence: the bucket itself", Thing(of.bucket, S3_BUCKET, SECURE), set()


def _exports(of: Deployed) -> Things:
    bucket = f"arn:aws:s3:::{of.name}-exports-{ACCOUNT}-eu-central-1"
    for plugin in dict.fromkeys(
        (*of.exports, *of.background, "another", *(f"{name}s" for name in of.exports))
    ):
        key, owners = f"{bucket}/{plugin}/dt=2026-11-22/a.json.gz", of.roles(*({plugin} & {*of.exports}))
        yield f"exports of {plugin}: leave", Thing(key, ("s3:PutObject",), NEW), owners
        yield f"exports of {plugin}: replace", Thing(key, ("s3:PutObject",), SECURE), set()
        yield f"exports of {plugin}: all else", Thing(key, ("s3:GetObject", *S3_OBJECT), NEW), set()
    yield "exports: the bucket itself", Thing(bucket, ("s3:ListBucket", *S3_BUCKET), SECURE), set()


def _secrets(of: Deployed) -> Things:
    for name, owners in secrets_of(of):
        arn, value = of.secret(name), ("GetSecretValue",)
        yield f"secret {name}: read", _thing(arn, "secretsmanager", only=value), owners
        yield f"secret {name}: all else", _thing(arn, "secretsmanager", but=value), set()


def secrets_of(of: Deployed) -> Iterator[tuple[str, set[str]]]:
    """Name or ARN of a secret, who reads it."""
    gateway = {of.role("gateway")}
    yield f"{of.name}/evidence-key", gateway
    yield f"{of.name}/delivery-key", of.roles(*of.delivering) | of.approvals
    for plugin in of.asking:
        yield f"{of.name}/approvals/{plugin}", of.roles(plugin) | of.approvals
    for name, plugins in of.secrets.items():
        yield name, of.roles(*plugins)
    for name in (f"{of.name}/upstreams/openai", *of.told):
        yield name, gateway
    for name in (f"{of.name}/upstreams", f"{of.name}/another", "another/upstreams/openai"):
        yield name, set()


# What a service asks of a key in somebody's name, and the rest, which nobody asks.
KEY_ACTIONS = ("Decrypt", "GenerateDataKey")


def key_things(of: Deployed) -> Things:
    """Who can use the keys: by which service, for which thing; and that nobody can any other way."""
    data, secrets = f"{of.name}-data", f"{of.name}-secrets"
    for service, said, decrypting, encrypting in _uses(of):
        key, other = (secrets, data) if service == "secretsmanager" else (data, secrets)
        what = f"key {key}, {service} {said[1]}"
        context = _asked_of(key, service, *said)
        yield f"{what}: decrypt", _key(key, "Decrypt", context=context), decrypting
        yield f"{what}: encrypt", _key(key, "GenerateDataKey", context=context), encrypting
        yield f"{what}: all else", _thing(f"{KEY}{key}", "kms", but=KEY_ACTIONS, context=context), set()
        elsewhere = {**context, "kms:ViaService": "lambda.eu-central-1.amazonaws.com"}
        yield f"{what}: by another service", _key(key, *KEY_ACTIONS, context=elsewhere), set()
        itself = {name: value for name, value in context.items() if name != "kms:ViaService"}
        yield f"{what}: by itself", _key(key, *KEY_ACTIONS, context=itself), set()
        yield f"{what}: of the other key", _key(other, *KEY_ACTIONS, context=context | _named(other)), set()
        unnamed = {**context, "kms:ResourceAliases": ["alias/another"]}
        yield f"{what}: of somebody's key", _key("0a1b", *KEY_ACTIONS, context=unnamed), set()
    for key, service in ((data, "dynamodb"), (data, "s3"), (data, "sqs"), (secrets, "secretsmanager")):
        bare: Context = {**_named(key), "kms:ViaService": f"{service}.eu-central-1.amazonaws.com"}
        yield f"key {key}, {service} nothing", _key(key, *KEY_ACTIONS, context=bare), set()


def _uses(of: Deployed) -> Iterator[tuple[str, tuple[str, str], set[str], set[str]]]:
    """Service, what it says of the thing, who decrypts, who encrypts."""
    gateway, recorder, sweeper, sealer = map(of.role, ("gateway", "recorder", "sweeper", "sealer"))
    table, nobody = "aws:dynamodb:tableName", set[str]()
    yield "dynamodb", (table, f"{of.name}-control"), {gateway}, nobody
    ledger = {gateway, recorder, sweeper, sealer} | of.roles(*of.once)
    yield "dynamodb", (table, f"{of.name}-ledger"), ledger, nobody
    yield "dynamodb", (table, f"{of.name}-storage"), _storing(of), nobody
    yield "dynamodb", (table, "another"), nobody, nobody
    store = {recorder, sweeper, sealer} | of.roles(*of.delivering) | of.approvals
    yield "s3", ("aws:s3:arn", of.bucket), store, store
    left = f"arn:aws:s3:::{of.name}-exports-{ACCOUNT}-eu-central-1"
    yield "s3", ("aws:s3:arn", left), nobody, of.roles(*of.exports)
    yield "s3", ("aws:s3:arn", "arn:aws:s3:::another"), nobody, nobody
    # Where there are several, the two that send to all of them know plugins' queues by a prefix.
    several = {recorder, sweeper} if len(of.background) > 1 else nobody
    for name, senders, takers in (*queues_of(of), (f"{of.name}-plugin-another", nobody, nobody)):
        sending = senders | (several if name.startswith(f"{of.name}-plugin-") else nobody)
        yield "sqs", ("aws:sqs:arn", f"arn:aws:sqs:{HERE}:{name}"), sending | takers, sending
    for name, readers in secrets_of(of):
        reading = nobody if name.startswith("arn:") else readers  # its operator's key, which is not this one
        yield "secretsmanager", ("SecretARN", of.secret(name)), reading, nobody


def _storing(of: Deployed) -> set[str]:
    return of.roles(*of.storage, *of.workflows) | of.approvals


def _asked_of(key: str, service: str, name: str, value: str) -> dict[str, str | list[str]]:
    via = f"{service}.eu-central-1.amazonaws.com"
    return {**_named(key), "kms:ViaService": via, f"kms:EncryptionContext:{name}": value}


def _named(key: str) -> dict[str, str | list[str]]:
    return {"kms:ResourceAliases": [f"alias/{key}"]}


def _key(name: str, *actions: str, context: Context) -> Thing:
    return _thing(f"{KEY}{name}", "kms", only=actions, context=context)


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


def _others(of: Deployed) -> Things:
    parts = [of.role(part) for part in ("gateway", "recorder", "sweeper", "sealer")]
    for name in (*parts, *of.roles(*({*of.background} - {*of.called} - {*of.workflows}))):
        arn = f"arn:aws:lambda:{HERE}:function:{name}"
        yield f"function {name}", _thing(arn, "lambda", more=("InvokeFunction", "InvokeFunctionUrl")), set()
    for name, callers in _callers(of):
        arn, call = f"arn:aws:lambda:{HERE}:function:{name}", ("InvokeFunction",)
        yield f"function {name}: call", _thing(arn, "lambda", only=call), callers
        yield f"function {name}: all else", _thing(arn, "lambda", more=("InvokeFunctionUrl",)), set()
        yield f"function {name}: another version", _thing(f"{arn}:1", "lambda", only=call), set()
    yield (
        "the live gateway",
        Thing(f"arn:aws:lambda:{HERE}:function:{of.role('gateway')}:live", ("lambda:InvokeFunction",), {}),
        set(),
    )
    for name in ("data", "secrets", "operations"):
        yield f"the key of {name}", _thing(f"{KEY}{of.name}-{name}", "kms"), set()
    yield "another key", _thing(f"{KEY}0a1b", "kms"), set()
    yield "the topic", _thing(f"arn:aws:sns:{HERE}:{of.name}-alarms", "sns"), set()
    yield "roles", _thing(f"arn:aws:iam::{ACCOUNT}:role/any", "iam", more=("PassRole",)), set()
    yield "other roles", _thing(f"arn:aws:iam::{ACCOUNT}:role/any", "sts"), {"stranger"}


def _callers(of: Deployed) -> Iterator[tuple[str, set[str]]]:
    """Functions that somebody calls, and who."""
    for plugin in dict.fromkeys((*of.called, *of.workflows)):
        (name,) = of.roles(plugin)
        gateway = {of.role("gateway")} if plugin in of.called else set()
        yield name, gateway | of.machines(plugin)
    for name in of.approvals:
        yield name, of.machines(*of.asking)


def differences(account: Account, of: Deployed = STACKTEST) -> dict[str, tuple[set[str], set[str]]]:
    """What is reached by others than declared: name → (who should, who can)."""
    found = {name: (owners, reached(account, thing)) for name, thing, owners in things(of)}
    return {name: (wanted, who) for name, (wanted, who) in found.items() if wanted != who}


def reached(account: Account, thing: Thing) -> set[str]:
    return account.who_any(thing.actions, Request("", thing.resource, thing.context))


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
