"""The three tables and every key in them. `provision` and the stacks make tables from this and nothing else.

control       read-only for the gateway; written by the command line
    pk                          document
    secret#<sha256 hex>         one API key's principal, state, tenants, addresses    ← by Authorization
    api_key#<id>                the same key by its id: hash in force, made, expires   ← `penstock keys …`
    grants#<kind>#<id>          models, MCP servers, routes granted to one api_key, team, user, organisation
    model#<id>                  a model with all of its provider: one read is enough to call it
    route#<id>                  an opened route's provider, likewise; which path it is, the snapshot says
    organisation#<id>  team#<id>  user#<id>  mcp_server#<id>
    overrides                   every override in force, with a version
    override_log#<time>#<plugin>  who lowered what, when and why

    A cold request takes three round trips: the secret; the principal's grants (four at most), names and the
    overrides, in one batch; the model, which other keys will mostly have brought. Nothing is read again for
    30 s. Every item is `pk`, `document` (JSON) and `revision`.

ledger        read and written by gateway, recorder, sweeper, plugin hosts
    pk                          attributes
    request#<id>                state (open, settled), opened_at_ms, facts (JSON), lease_until_ms,
                                settled_by, expires_at; and, while it is open: open_shard
    delivery#<request>#<plugin> state (claimed, finished), claim, claimed_at_ms, claimed_until_ms,
                                expires_at
    counter#…                   budgets and limits; comes with them
    seal#newest                 number, digest, through_ms: where the chain of seals ends

    index `open`: open_shard (open#00 … open#15) → opened_at_ms. Sparse: settling removes `open_shard`, so
    that the index holds open intents only. Sixteen shards, since every request writes there and one partition
    takes 1000 writes a second (DynamoDB Developer Guide, "Partition key design").

storage       plugins' own; a plugin's role is bound to its pk by `dynamodb:LeadingKeys`
    pk = <plugin>   sk = <the plugin's key>    value, expires_at
    pk = approval#<plugin>  sk = <run>/<step> answers of humans, and who waits for them; no plugin's
"""

from __future__ import annotations

from dataclasses import dataclass

SHARDS = 16
OPEN_INDEX = "open"
EXPIRES = "expires_at"  # Unix seconds: what DynamoDB's TTL reads

SEAL_NOTE = "seal#newest"
OVERRIDES = "overrides"
OVERRIDE_LOG = "override_log"


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index that projects everything."""

    name: str
    partition_key: str
    sort_key: str


@dataclass(frozen=True, slots=True)
class Table:
    """One table, on demand. `attributes`: name → DynamoDB type of every key attribute."""

    name: str
    attributes: tuple[tuple[str, str], ...]
    partition_key: str = "pk"
    sort_key: str | None = None
    indexes: tuple[Index, ...] = ()
    ttl_attribute: str | None = None


CONTROL = Table("control", (("pk", "S"),))
LEDGER = Table(
    "ledger",
    (("pk", "S"), ("open_shard", "S"), ("opened_at_ms", "N")),
    indexes=(Index(OPEN_INDEX, "open_shard", "opened_at_ms"),),
    ttl_attribute=EXPIRES,
)
STORAGE = Table("storage", (("pk", "S"), ("sk", "S")), sort_key="sk", ttl_attribute=EXPIRES)
TABLES = (CONTROL, LEDGER, STORAGE)


def control_key(kind: str, name: str) -> str:
    """The control table's key of one thing; `kind` is one word of the table above."""
    return f"{kind}#{name}"


def grants_key(kind: str, name: str) -> str:
    """The key of what is granted to one api_key, team, user or organisation."""
    return f"grants#{kind}#{name}"


def request_key(request_id: str) -> str:
    return f"request#{request_id}"


def delivery_key(request_id: str, plugin: str) -> str:
    return f"delivery#{request_id}#{plugin}"


def approvals_key(plugin: str) -> str:
    """Where what humans answer in the plugin's workflow is kept: `#` is in no plugin's name."""
    return f"approval#{plugin}"


def shard_name(number: int) -> str:
    return f"open#{number:02d}"


def shard_of(request_id: str) -> str:
    """The shard of an intent: the id's last digits are random in a UUIDv7 (RFC 9562, section 5.7)."""
    return shard_name(int(request_id[-2:], 16) % SHARDS)
