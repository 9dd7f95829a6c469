"""What a plugin is given besides its view: who is asking, how long is left, where to leave a record."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol

from pydantic import BaseModel
from typing_extensions import TypeVar

from penstock.errors import FailureClass, FieldNotGrantedError, PluginError

if TYPE_CHECKING:
    import httpx

ConfigT = TypeVar("ConfigT", bound=BaseModel, default=Any)


@dataclass(frozen=True, slots=True)
class RecordSpec:
    """What one recorded name may hold: a number of `unit` within bounds, or one of `values`."""

    unit: str = ""
    minimum: float = 0
    maximum: float = 0
    values: tuple[str, ...] = ()

    def admits(self, value: object) -> bool:
        """Whether `value` may be recorded under this name."""
        if self.values:
            return isinstance(value, str) and value in self.values
        return (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and self.minimum <= value <= self.maximum
        )


class Capabilities(Protocol):
    """What reaches outside the gate. Each is granted by name; without the grant, asking raises."""

    def http(self) -> httpx.Client:
        """A client that reaches the granted hosts and no other."""

    def secret(self, name: str) -> str:
        """The value of one granted secret, by its logical name."""


class NoCapabilities:
    """Nothing granted: every capability raises FieldNotGrantedError."""

    def http(self) -> httpx.Client:
        raise FieldNotGrantedError("hosts")

    def secret(self, name: str) -> str:
        raise FieldNotGrantedError(f"secrets.{name}")


class Context(Generic[ConfigT]):
    """One run of one plugin. `config` is the plugin's own pydantic model, validated at load."""

    __slots__ = (
        "_capabilities",
        "_clock",
        "_deadline",
        "_specs",
        "config",
        "recorded",
        "refused",
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
        self.recorded: dict[str, float | str] = {}
        self.refused: list[str] = []
        self._deadline = deadline
        self._specs = specs or {}
        self._capabilities = capabilities or NoCapabilities()
        self._clock = clock

    @property
    def remaining_ms(self) -> float:
        """Milliseconds until the gateway stops waiting; never negative."""
        return max(0.0, (self._deadline - self._clock()) * 1000)

    def record(self, name: str, value: float | str) -> None:
        """Leave a number or an enumerated value in the evidence.

        `name` and its bounds are declared in the manifest's `[records]`. Numbers recorded twice add up;
        of enumerated values the last one stays. Raises PluginError (`contract`) for anything undeclared.
        """
        spec = self._specs.get(name)
        total = value
        if isinstance(value, int | float) and name in self.recorded:
            total = value + float(self.recorded[name])
        if spec is None or not spec.admits(total):
            self.refused.append(f"records.{name if spec else '<undeclared>'}")
            raise PluginError(FailureClass.CONTRACT, "a record is not declared or out of its bounds")
        self.recorded[name] = total

    @property
    def http(self) -> httpx.Client:
        """An httpx client for the granted hosts. Each answer is kept in the evidence as a delivery."""
        return self._capabilities.http()

    def secret(self, name: str) -> str:
        """The current value of the granted secret `name`."""
        return self._capabilities.secret(name)
