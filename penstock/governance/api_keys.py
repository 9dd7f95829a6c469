"""API keys: how they look, and their life as operators lead it. A secret is shown once and never stored.

    pk_<43 characters: 32 random bytes in base64url>

Two documents for each key. `api_key#<id>` is for operators: which hash is in force, when it was made.
`secret#<SHA-256 of the secret>` is what a request finds: the principal and whether it may still come in.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from penstock.adapters.control import ABSENT, Change, ControlStore, Entry
from penstock.adapters.keys import control_key
from penstock.errors import ConfigurationError, StorageError

SECRET = re.compile(r"pk_[A-Za-z0-9_-]{43}")
SECRET_BYTES = 32


def new_secret(entropy: Callable[[int], bytes] = os.urandom) -> str:
    """A new secret: 256 bits, so that neither salt nor slow hash is needed to store it as SHA-256."""
    return "pk_" + base64.urlsafe_b64encode(entropy(SECRET_BYTES)).decode().rstrip("=")


def fingerprint(secret: str) -> str:
    """What is stored of a secret: its SHA-256, in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class KeyOwner:
    """What a key stands for. `tenants`: none, the one it has, or those that its caller chooses from.

    `addresses`: networks in CIDR notation that it may be used from; none given means from anywhere.
    """

    organisation: str
    team: str | None = None
    user: str | None = None
    tenants: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()

    @property
    def type(self) -> str:
        """ORGANISATION, TEAM or USER: whom use is attributed to. It never decides access."""
        return "USER" if self.user else "TEAM" if self.team else "ORGANISATION"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as operators see it. Times are Unix seconds; `expires_at_s` None: it does not expire.

    `previous`: the fingerprint before the last rotation, which may still be in its time of grace.
    """

    name: str
    owner: KeyOwner
    created_at_s: int
    fingerprint: str
    expires_at_s: int | None = None
    rotated_at_s: int | None = None
    revoked_at_s: int | None = None
    previous: str | None = None

    def state(self, now_s: float) -> str:
        """`active`, `expired` or `revoked`."""
        if self.revoked_at_s is not None:
            return "revoked"
        return "expired" if self.expires_at_s is not None and now_s >= self.expires_at_s else "active"


class ApiKeys:
    """The life of keys. Raises ConfigurationError for what an operator must do otherwise."""

    def __init__(self, store: ControlStore, entropy: Callable[[int], bytes] = os.urandom) -> None:
        self._store = store
        self._entropy = entropy

    def create(self, name: str, owner: KeyOwner, now_s: int, expires_at_s: int | None = None) -> str:
        """Make a key and return its secret, which cannot be had again."""
        secret = new_secret(self._entropy)
        key = ApiKey(name, owner, now_s, fingerprint(secret), expires_at_s)
        self._check_owner(owner)
        changes = [
            Change(control_key("api_key", name), _encoded(key), expects=ABSENT),
            Change(_secret_key(key.fingerprint), _admission(key), expects=ABSENT),
        ]
        if not self._store.write(changes):
            raise _error(name, "exists already.", "Rotate it, or choose another id.")
        return secret

    def rotate(self, name: str, now_s: int, grace_s: int = 0) -> str:
        """Give the key a new secret; id and grants stay. The old one works for `grace_s` more seconds.

        At most two secrets work at a time: one that is still in grace from an earlier rotation ends now.
        """
        entry, old = self._found(name)
        if old.revoked_at_s is not None:
            raise _error(name, "is revoked.", "Create another one.")
        secret = new_secret(self._entropy)
        new = replace(
            old,
            fingerprint=fingerprint(secret),
            rotated_at_s=now_s,
            previous=old.fingerprint if grace_s else None,
        )
        until_s = min(now_s + grace_s, old.expires_at_s or now_s + grace_s)
        retiring = {**_admission(old), "expires_at_s": until_s} if grace_s else None
        self._replace(name, entry, new, Change(_secret_key(old.fingerprint), retiring), *_ended(old))
        return secret

    def revoke(self, name: str, now_s: int) -> ApiKey:
        """End the key, and a secret in grace, for good. Its name stays taken."""
        entry, key = self._found(name)
        revoked = replace(key, revoked_at_s=key.revoked_at_s or now_s, previous=None)
        self._replace(name, entry, revoked, *_ended(key))
        return revoked

    def show(self, name: str) -> ApiKey:
        return self._found(name)[1]

    def list(self) -> Iterator[ApiKey]:
        """Every key by name, revoked ones too."""
        yield from (_decoded(entry.document) for _, entry in self._store.list(control_key("api_key", "")))

    def _found(self, name: str) -> tuple[Entry, ApiKey]:
        key = control_key("api_key", name)
        entry = self._store.get([key], fresh=True).get(key)
        if entry is None:
            raise _error(name, "does not exist.", "`penstock keys list` shows those that do.")
        return entry, _decoded(entry.document)

    def _replace(self, name: str, entry: Entry, key: ApiKey, *others: Change) -> None:
        changes = [
            Change(control_key("api_key", name), _encoded(key), expects=entry.revision),
            Change(_secret_key(key.fingerprint), _admission(key)),
            *others,
        ]
        if not self._store.write(changes):
            raise StorageError("change a key that another changed at the same time")

    def _check_owner(self, owner: KeyOwner) -> None:
        """Refuse an owner that `penstock apply` has not made, or that is not what the key says it is in."""
        wanted = {
            control_key(kind, name): (kind, name)
            for kind, name in (
                ("organisation", owner.organisation),
                ("team", owner.team),
                ("user", owner.user),
            )
            if name
        }
        found = self._store.get(list(wanted), fresh=True)
        for key, (kind, name) in wanted.items():
            if key not in found:
                raise ConfigurationError(
                    f"{kind} {name!r}", "does not exist.", "Add it to gateway.toml and run `penstock apply`."
                )
            inside = found[key].document.get("organisation", owner.organisation)
            if inside != owner.organisation:
                raise ConfigurationError(f"{kind} {name!r}", f"belongs to organisation {inside!r}.")


def _secret_key(digest: str) -> str:
    return control_key("secret", digest)


def _ended(key: ApiKey) -> list[Change]:
    """The end of a secret that an earlier rotation left in grace."""
    return [Change(_secret_key(key.previous), None)] if key.previous else []


def _admission(key: ApiKey) -> dict[str, Any]:
    """What a request finds under the hash of its secret."""
    return {
        "sha256": key.fingerprint,
        "api_key": key.name,
        "organisation": key.owner.organisation,
        "team": key.owner.team,
        "user": key.owner.user,
        "tenants": list(key.owner.tenants),
        "addresses": list(key.owner.addresses),
        "expires_at_s": key.expires_at_s,
        "revoked": key.revoked_at_s is not None,
    }


def _encoded(key: ApiKey) -> dict[str, Any]:
    return asdict(key)


def _decoded(document: Mapping[str, Any]) -> ApiKey:
    owner = document["owner"]
    lists = {name: tuple(owner[name]) for name in ("tenants", "addresses")}
    return ApiKey(**{**document, "owner": KeyOwner(**{**owner, **lists})})


def _error(name: str, problem: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(f"API key {name!r}", problem, remedy)
