"""From the headers of a request to its principal.

    Authorization: Bearer pk_…   or   x-api-key: pk_…      both, if they are the same
    x-penstock-tenant: acme                                only one of the key's own tenants

A wrong secret costs at most one read and is answered as a malformed one is.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from penstock.adapters.keys import control_key
from penstock.governance.api_keys import SECRET, fingerprint
from penstock.governance.denied import Denied, deny
from penstock.governance.directory import Directory
from penstock.governance.principal import Principal

STAGE = "authentication"
TENANT_HEADER = "x-penstock-tenant"


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller. `addresses`: the networks that its key may be used from; none means any."""

    principal: Principal
    addresses: tuple[str, ...] = ()


class Authentication:
    """Recognises keys. `now_s` is Unix time, for what expires."""

    def __init__(self, directory: Directory, now_s: Callable[[], float] = time.time) -> None:
        self._directory = directory
        self._now_s = now_s

    def authenticate(self, headers: Mapping[str, str]) -> Caller | Denied:
        """Who sends these headers (lower-case names). Raises StorageError when that cannot be known."""
        secret = _secret(headers)
        if secret is None:
            return _unauthorized()
        document = self._admission(fingerprint(secret))
        if document is None:
            return _unauthorized()
        principal = Principal(
            document["organisation"], document["api_key"], document["team"], document["user"]
        )
        return self._lapsed(document, principal) or _with_tenant(document, principal, headers)

    def _admission(self, digest: str) -> Mapping[str, Any] | None:
        key = control_key("secret", digest)
        entry = self._directory.read([key]).get(key)
        if entry is None or not hmac.compare_digest(str(entry.document["sha256"]), digest):
            return None
        return entry.document

    def _lapsed(self, document: Mapping[str, Any], principal: Principal) -> Denied | None:
        if document["revoked"]:
            return deny(STAGE, "api_key_revoked", 401, "This API key is revoked.", principal=principal)
        expires_at_s = document["expires_at_s"]
        if expires_at_s is not None and self._now_s() >= expires_at_s:
            return deny(STAGE, "api_key_expired", 401, "This API key has expired.", principal=principal)
        return None


def _secret(headers: Mapping[str, str]) -> str | None:
    """The one secret in the headers; None when there is none, two that differ, or something else."""
    found = {headers["x-api-key"].strip()} if headers.get("x-api-key") else set()
    if headers.get("authorization"):
        scheme, _, rest = headers["authorization"].strip().partition(" ")
        found.add(rest.strip() if scheme.lower() == "bearer" else "")
    secret = found.pop() if len(found) == 1 else ""
    return secret if SECRET.fullmatch(secret) else None


def _unauthorized() -> Denied:
    message = "No valid API key was given. Send it as `Authorization: Bearer …` or as `x-api-key`."
    return deny(STAGE, "unauthorized", 401, message)


def _with_tenant(
    document: Mapping[str, Any], principal: Principal, headers: Mapping[str, str]
) -> Caller | Denied:
    own: list[str] = document["tenants"]
    chosen = headers.get(TENANT_HEADER, "").strip() or (own[0] if len(own) == 1 else None)
    if chosen is None and own:
        message = f"This API key serves several tenants: name one in `{TENANT_HEADER}`."
        return deny(STAGE, "tenant_required", 400, message, kind="invalid_request", principal=principal)
    if chosen is not None and chosen not in own:
        message = "This API key may not act for that tenant."
        return deny(STAGE, "tenant_not_allowed", 403, message, principal=principal)
    served = Principal(principal.organisation, principal.api_key, principal.team, principal.user, chosen)
    return Caller(served, tuple(document["addresses"]))
