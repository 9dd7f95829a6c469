"""What a plugin is given besides its view: who is asking, how long is left, where to leave a record."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol

from pydantic import BaseModel, SecretStr
from typing_extensions import TypeVar

from penstock.errors import FailureClass, FieldNotGrantedError, PluginError

if TYPE_CHECKING:
    import httpx

    from penstock.sdk.email import Email
    from penstock.sdk.exports import Exports
    from penstock.sdk.storage import Storage
    from penstock.sdk.workflow import Workflow

T = TypeVar("T")
ConfigT = TypeVar("ConfigT", bound=BaseModel, default=Any)

MAX_DELIVERY_S: Final = 10.0  # of a receiver that says nothing; where a plugin has no deadline of its own


@dataclass(frozen=True, slots=True)
class RecordSpec:
    """What one recorded name may hold: a number of `unit` within bounds, or one of `values`."""

    unit: str = ""
    minimum: float = 0
    maximum: float = 0
    values: tuple[str, ...] = ()

    def admits(self, value: object) -> bool:
        """Whether `value` may be recorded under this name."""
        # Exact types: a subclass could compare as it likes, and what is recorded goes to the evidence.
        if self.values:
            return type(value) is str and value in self.values
        return (type(value) is int or type(value) is float) and self.minimum <= value <= self.maximum


class Capabilities(Protocol):
    """What reaches outside the gate. Each is granted by name; without the grant, asking raises."""

    def http(self) -> httpx.Client:
        """A client that reaches the granted hosts and no other."""

    def secret(self, name: str, *, fresh: bool = False) -> str:
        """The value of one granted secret, by its logical name; read now when `fresh`."""

    def storage(self) -> Storage:
        """The plugin's own space."""

    def email(self) -> Email:
        """E-mail from the deployment's address to the granted recipients."""

    def exports(self) -> Exports:
        """The plugin's own place in the exports bucket."""

    def workflow(self) -> Workflow:
        """Starts runs of the plugin's own workflow."""


class NoCapabilities:
    """Nothing granted: every capability raises FieldNotGrantedError."""

    def http(self) -> httpx.Client:
        raise FieldNotGrantedError("hosts")

    def secret(self, name: str, *, fresh: bool = False) -> str:  # noqa: ARG002  # it may be words of the prompt
        raise FieldNotGrantedError("secrets")

    def storage(self) -> Storage:
        raise FieldNotGrantedError("storage")

    def email(self) -> Email:
        raise FieldNotGrantedError("email")

    def exports(self) -> Exports:
        raise FieldNotGrantedError("exports")

    def workflow(self) -> Workflow:
        raise FieldNotGrantedError("workflow")


_NO_CAPABILITIES: Final = NoCapabilities()


class Context(Generic[ConfigT]):
    """One run of one plugin. `config` is the plugin's own pydantic model, validated at load."""

    __slots__ = (
        "_capabilities",
        "_clock",
        "_deadline",
        "_recorded",
        "_refused",
        "_specs",
        "config",
        "request_id",
    )

    def __init__(
        self,
        request_id: str,
        config: ConfigT,
        *,
        deadline: float = float("inf"),
        specs: Mapping[str, RecordSpec] | None = None,
        capabilities: Capabilities | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.request_id = request_id
        self.config = config
        self._recorded: dict[str, float | str] = {}
        self._refused: list[str] = []
        self._deadline = deadline
        self._specs = specs or {}
        self._capabilities = capabilities or _NO_CAPABILITIES
        self._clock = clock

    @property
    def recorded(self) -> Mapping[str, float | str]:
        """What was recorded so far. Only `record` adds to it."""
        return MappingProxyType(self._recorded)

    @property
    def refused(self) -> tuple[str, ...]:
        """What was asked for, or tried to record, beyond the grant."""
        return tuple(self._refused)

    @property
    def remaining_ms(self) -> float:
        """Milliseconds until the gateway stops waiting; never negative."""
        return max(0.0, (self._deadline - self._clock()) * 1000)

    def record(self, name: str, value: float | str) -> None:
        """Leave a number or an enumerated value in the evidence.

        `name` and its bounds are declared in the manifest's `[records]`. Numbers recorded twice add up;
        of enumerated values the last one stays. Raises PluginError (`contract`) for anything undeclared.
        """
        spec = self._specs.get(name) if type(name) is str else None
        if spec is None:
            raise self._breach("records")  # without the name: it may be words of the prompt
        # Of a `StrEnum`'s member, the plain str that it is.
        plain = str.__str__(value) if isinstance(value, str) else value
        if not spec.admits(plain):
            raise self._breach(f"records.{name}")
        before = self._recorded.get(name)
        if not isinstance(plain, str) and not isinstance(before, str | None):
            plain += before
            if not spec.admits(plain):
                raise self._breach(f"records.{name}")
        self._recorded[name] = plain

    def _breach(self, what: str) -> PluginError:
        self._refused.append(what)
        return PluginError(FailureClass.CONTRACT, "a record is not declared or out of its bounds")

    @property
    def http(self) -> httpx.Client:
        """An httpx client for the granted hosts. Each answer is kept in the evidence as a delivery."""
        return self._granted(self._capabilities.http)

    def deliver(self, url: str, content: bytes, headers: Mapping[str, str] | None = None) -> int:
        """POST `content` to a granted host; the status of the answer, which is not read, however long it is.

        In the evidence: host, status, and an HMAC of the id under which the receiver took it. Raises httpx's
        errors when nobody answers in the time that is left.
        """
        seconds = min(MAX_DELIVERY_S, max(0.001, self.remaining_ms / 1000))
        with self.http.stream(
            "POST", url, content=content, headers=headers, timeout=seconds, follow_redirects=False
        ) as answer:
            return answer.status_code

    def secret(self, name: str, *, fresh: bool = False) -> SecretStr:
        """The value of the granted secret `name`, as what does not print: `.get_secret_value()` has it.

        At most five minutes old; with `fresh` read now, as when a receiver refuses the one that was known.
        """
        return SecretStr(self._granted(lambda: self._capabilities.secret(name, fresh=fresh)))

    @property
    def storage(self) -> Storage:
        """The plugin's own space of keys and values (`penstock.sdk.storage`)."""
        return self._granted(self._capabilities.storage)

    @property
    def email(self) -> Email:
        """Sends e-mail to the granted recipients (`penstock.sdk.email`)."""
        return self._granted(self._capabilities.email)

    @property
    def exports(self) -> Exports:
        """Stores objects in the plugin's own place of the exports bucket (`penstock.sdk.exports`)."""
        return self._granted(self._capabilities.exports)

    @property
    def workflow(self) -> Workflow:
        """Starts runs of the plugin's own workflow (`penstock.sdk.workflow`)."""
        return self._granted(self._capabilities.workflow)

    def _granted(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except FieldNotGrantedError as error:
            self._refused.append(error.field)
            raise
