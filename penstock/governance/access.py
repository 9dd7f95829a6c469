"""Which models and opened routes a principal may use, and all that is needed to call one.

A model is granted by its exact name, to the key itself, or to its user, team or organisation; nothing else
opens it. So is a route that the operator has opened (403 `route_not_allowed`). A model's name that
configuration does not know is 400 `model_not_found`; one that it knows and that is not granted is 403
`model_not_allowed`. So a key's holder can find out which models a deployment has. That is
meant: these names are in the documentation of every company that has them, and "ask for a grant" and "mend
your spelling" are different remedies.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from penstock.adapters.control import Entry
from penstock.adapters.keys import OVERRIDES, control_key
from penstock.errors import ConfigurationError
from penstock.gates.overrides import Overrides
from penstock.governance.denied import Denied, deny
from penstock.governance.directory import Decoded, Directory
from penstock.governance.overriding import NONE, decode_overrides
from penstock.governance.principal import Principal
from penstock.upstream.target import Target

STAGE = "access"
# As `penstock.evidence.record.Name`; longer or other names cannot be in configuration and are not looked up.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@/+-]{0,127}")


@dataclass(frozen=True, slots=True)
class Model:
    """A model as callers name it, what its provider calls it, and where that is.

    Prices are billionths of a US dollar per token; None when configuration has none.
    """

    name: str
    upstream_model: str
    target: Target
    input_price_nanousd: int | None = None
    output_price_nanousd: int | None = None
    cached_price_nanousd: int | None = None
    stream_usage: Literal["leave", "ask"] = "leave"
    """`ask`: on a stream the gateway asks for a usage chunk, and keeps it from who did not ask."""
    kind: Literal["openai", "anthropic", "both"] = "openai"
    """The dialect that its provider speaks."""

    def speaks(self, dialect: str) -> bool:
        """Whether a request in that dialect can be sent to it: it is passed on, never translated."""
        return self.kind in {dialect, "both"}

    def cost_nanousd(self, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> int | None:
        """What that many tokens cost; `cached_tokens` are among the input. None without prices."""
        if self.input_price_nanousd is None or self.output_price_nanousd is None:
            return None
        cached_price = self.cached_price_nanousd
        if cached_price is None:
            cached_price = self.input_price_nanousd
        fresh = max(0, input_tokens - cached_tokens)
        return (
            fresh * self.input_price_nanousd
            + min(input_tokens, cached_tokens) * cached_price
            + output_tokens * self.output_price_nanousd
        )


class Access:
    """Grants, read with everything else that a request needs, in one round trip."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._models = Decoded(lambda entry: decode_model(entry.document))
        self._granted = Decoded(lambda entry: frozenset[str](entry.document["models"]))
        self._opened = Decoded(decode_opened)
        self._granted_routes = Decoded(lambda entry: frozenset[str](entry.document.get("routes", ())))
        self._overrides = Decoded(decode_overrides)

    def model(self, principal: Principal, name: str) -> Model | Denied:
        """The model that `principal` asks for. Raises StorageError when that cannot be known."""
        key = control_key("model", name)
        found = self._read(principal, key) if _NAME.fullmatch(name) else {}
        entry = found.get(key)
        if entry is None:
            message = "There is no such model here. `GET /v1/models` lists those that your key may use."
            return deny(STAGE, "model_not_found", 400, message, kind="invalid_request", principal=principal)
        if not any(name in granted for granted in self._grants(principal, found)):
            message = "This API key has no grant for that model. Ask who runs the gateway for one."
            return deny(STAGE, "model_not_allowed", 403, message, principal=principal)
        return self._models.of(key, entry)

    def opened(self, principal: Principal, route: str, provider: str) -> Model | Denied:
        """Where the opened `route` leads, which was deployed with `provider`; in a model's place.

        Raises StorageError when that cannot be known, ConfigurationError when another provider was applied.
        """
        key = control_key("route", route)
        found = self._read(principal, key)
        entry = found.get(key)
        granted = (self._granted_routes.of(k, found[k]) for k in principal.grant_keys() if k in found)
        if entry is None or not any(route in names for names in granted):
            message = "This API key has no grant for that route. Ask who runs the gateway for one."
            return deny(STAGE, "route_not_allowed", 403, message, principal=principal)
        model = self._opened.of(key, entry)
        if model.target.provider != provider:
            problem = "was deployed with another provider than was applied."
            raise ConfigurationError(f"route {route!r}", problem, "Deploy it, or apply what is deployed.")
        return model

    def spoken_to(self, principal: Principal, model: Model, dialect: str) -> Denied | None:
        """A refusal unless a request in `dialect` can be sent to `model`."""
        if model.speaks(dialect):
            return None
        message = (
            f"This model is served in the {model.kind} dialect, and requests are not translated: "
            "ask for it with a client of that dialect."
        )
        return deny(STAGE, "model_not_found", 400, message, kind="invalid_request", principal=principal)

    def others(self, principal: Principal, model: Model, names: Sequence[str]) -> Denied | None:
        """A refusal unless `principal` may use each of `names` as well as `model`.

        An upstream reads these names as they are, so they must be its own, and at the same provider.
        """
        for name in names:
            found = self.model(principal, name)
            if isinstance(found, Denied):
                return found
            if found.upstream_model != name or found.target != model.target:
                message = "A model to turn to instead must be at the same provider, and have its name there."
                return deny(STAGE, "model_not_allowed", 403, message, principal=principal)
        return None

    def models(self, principal: Principal) -> tuple[str, ...]:
        """The names of all models that `principal` may use, in order."""
        return tuple(sorted(set[str]().union(*self._grants(principal, self._read(principal)))))

    def overrides(self) -> Overrides:
        """The overrides in force; remembered from the read that `model` or `models` made."""
        entry = self._directory.read((OVERRIDES,)).get(OVERRIDES)
        return NONE if entry is None else self._overrides.of(OVERRIDES, entry)

    def identity(self, principal: Principal) -> Mapping[str, str | None]:
        """The field `identity`: ids, and names where configuration gives any, as `team` and `team_name`."""
        found = self._directory.read(_identity_keys(principal))
        names = {f"{key.partition('#')[0]}_name": entry.document.get("name") for key, entry in found.items()}
        return {**principal.facts(), **names}

    def addresses(self, principal: Principal) -> tuple[str, ...]:
        """The networks that the principal's organisation may be used from; none means any.

        Reads all that is known of the principal, so that only the model is left to be read after it.
        """
        key = control_key("organisation", principal.organisation)
        entry = self._read(principal).get(key)
        return tuple(entry.document.get("addresses", ())) if entry else ()

    def _read(self, principal: Principal, *more: str) -> Mapping[str, Entry]:
        return self._directory.read((*_keys(principal), *more))

    def _grants(self, principal: Principal, found: Mapping[str, Entry]) -> Iterator[frozenset[str]]:
        """The names of models granted to each part of `principal` that has a grant."""
        return (self._granted.of(key, found[key]) for key in principal.grant_keys() if key in found)


def decode_model(document: Mapping[str, Any]) -> Model:
    """A model document of the control table, as `penstock.configuration.applied` compiles it."""
    return Model(
        document["id"],
        document["upstream_model"],
        Target(**document["target"]),
        document.get("input_price_nanousd"),
        document.get("output_price_nanousd"),
        document.get("cached_price_nanousd"),
        document.get("stream_usage", "leave"),
        document.get("kind", "openai"),
    )


def decode_opened(entry: Entry) -> Model:
    """An opened route's document. Its name stands in a model's place; what it costs nobody knows."""
    name = entry.document["id"]
    return Model(name, name, Target(**entry.document["target"]))


@lru_cache(1024)
def _keys(principal: Principal) -> tuple[str, ...]:
    """All that is read of the principal whatever it asks for."""
    return (*principal.grant_keys(), *_identity_keys(principal), OVERRIDES)


@lru_cache(1024)
def _identity_keys(principal: Principal) -> tuple[str, ...]:
    ids = (("organisation", principal.organisation), ("team", principal.team), ("user", principal.user))
    return tuple(control_key(kind, name) for kind, name in ids if name)
