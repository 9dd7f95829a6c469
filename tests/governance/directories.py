"""A control table in memory with one organisation in it, and a clock that tests turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from penstock.adapters.control import Change, Entry, MemoryControlStore
from penstock.adapters.keys import control_key, grants_key
from penstock.errors import StorageError
from penstock.governance.api_keys import ApiKeys, KeyOwner
from penstock.governance.directory import Directory

NOW_S = 1_800_000_000


class CountingStore(MemoryControlStore):
    """Counts reads, and can be down."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[list[str]] = []
        self.down = False

    def get(self, keys: Sequence[str], *, fresh: bool = False) -> Mapping[str, Entry]:
        if self.down:
            raise StorageError("read configuration")
        self.reads.append(list(keys))
        return super().get(keys, fresh=fresh)


@dataclass
class World:
    """What most tests of controls need."""

    store: CountingStore = field(default_factory=CountingStore)
    clock_s: float = 0.0
    now_s: float = NOW_S

    def __post_init__(self) -> None:
        self.put("organisation", "acme", {"id": "acme", "name": "Acme Ltd"})
        self.put("organisation", "other", {"id": "other"})
        self.put("team", "red", {"id": "red", "name": "Red", "organisation": "acme"})
        self.put("user", "ann", {"id": "ann", "organisation": "acme"})

    @property
    def keys(self) -> ApiKeys:
        return ApiKeys(self.store)

    def directory(self) -> Directory:
        self.store.reads.clear()
        return Directory(self.store, lambda: self.clock_s)

    def put(self, kind: str, name: str, document: dict[str, object]) -> None:
        self.store.write([Change(control_key(kind, name), document)])

    def grant(self, kind: str, name: str, *models: str) -> None:
        self.store.write([Change(grants_key(kind, name), {"models": list(models), "mcp_servers": []})])

    def key(self, name: str = "app", **owner: object) -> str:
        """A new key of acme, and its secret."""
        return self.keys.create(name, KeyOwner("acme", **owner), int(self.now_s))  # type: ignore[arg-type]  # tests say what they mean
