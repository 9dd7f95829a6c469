"""Hostile plugins in both hosts, by real processes: what is seen of each attack is what is expected of it."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from penstock.background.capabilities import GrantedTransport
from penstock.egress.network import PublicTransport, RefusedAddressError
from penstock.evidence.digests import Digester, DigestKey
from tests.hostile.expected import Attack, on
from tests.hostile.world import HOSTS, Host, World, wait_for

CARD = "my card is 4242 4242 4242 4242"
MB = 1024 * 1024
LIMITS = {"memory": resource.RLIMIT_AS, "disk": resource.RLIMIT_FSIZE}
MORE_BYTES = 32 * MB  # than the process has of memory
FILE_BYTES = 4 * MB
PLUGINS = {"read": "spy", "forge": "forger", "break": "breaker", "stay": "squatter"}


def rows(*groups: str) -> list[tuple[Host, Attack]]:
    return [(host, attack) for group in groups for host in HOSTS for attack in on(group, host)]


def named(value: object) -> str:
    return value.name if isinstance(value, Attack) else str(value)


def require_all_is_well(world: World, host: Host) -> None:
    """Other plugins still do what they do, and the gateway answers."""
    answer = world.ask("witness", CARD)
    assert answer.json()["error"]["code"] == "card-guard.card_number", f"after an attack in {host}"


@pytest.mark.parametrize(("host", "attack"), rows("read"), ids=named)
def test_what_was_not_granted_is_not_read(hostile_world: World, host: Host, attack: Attack) -> None:
    assert hostile_world.attack("spy", host, attack.name).text == attack.seen(host)


@pytest.mark.parametrize(
    "attack", [row for row in on("call", "function") if row.name != "dns_change"], ids=named
)
def test_what_was_not_granted_is_not_called(hostile_world: World, attack: Attack) -> None:
    inside, granted = hostile_world.inside, hostile_world.granted
    inside.seen.clear()
    assert hostile_world.call(attack.name).text == attack.seen("function")
    assert bool(inside.seen) == (attack.seen("function") == "reached")
    assert "x-forged" not in granted.headers


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_a_granted_name_that_leads_inside_is_not_called(hostile_world: World) -> None:
    """Here by the library alone: no process of the tests asks a real resolver."""
    inside = hostile_world.inside
    inside.seen.clear()
    port = int(inside.address.rpartition(":")[2])
    network = PublicTransport(resolve=lambda _host, _port: ["127.0.0.1"])
    digester = Digester(DigestKey("k", b"k" * 32), "request")
    transport = GrantedTransport(network, frozenset({f"siem.example.com:{port}"}), digester)
    with httpx.Client(transport=transport, trust_env=False) as client, pytest.raises(RefusedAddressError):
        client.get(f"https://siem.example.com:{port}/")
    network.close()
    (row,) = [row for row in on("call", "function") if row.name == "dns_change"]
    assert (inside.seen, transport.refused, row.seen("function")) == ([], True, "refused address")


@pytest.mark.parametrize(("host", "attack"), rows("forge"), ids=named)
def test_what_is_not_its_to_say_is_not_believed(hostile_world: World, host: Host, attack: Attack) -> None:
    hostile_world.provider.seen.clear()
    seen = hostile_world.attack("forger", host, attack.name).text
    forged = f'"forged": "{attack.name}"' in hostile_world.log("forger", host)
    assert ("in the log" if forged else seen) == attack.seen(host)
    assert not any("x-forged" in headers for _, headers, _ in hostile_world.provider.seen)
    require_all_is_well(hostile_world, host)


@pytest.mark.parametrize(("host", "attack"), rows("stay"), ids=named)
def test_what_stays_stays_with_its_own(hostile_world: World, host: Host, attack: Attack) -> None:
    try:
        hostile_world.attack("squatter", host, "words of the first tenant", f"{attack.name} set")
        hostile_world.provider.seen.clear()
        seen = hostile_world.attack("squatter", host, "words of the second", f"{attack.name} look")
        assert seen.text == attack.seen(host)
        rewritten = any(b"rewritten by a plugin" in body for *_, body in hostile_world.provider.seen)
        assert rewritten == (seen.text == "transform")
        if host == "function":
            require_all_is_well(hostile_world, host)
    finally:
        hostile_world.ask("squatter" if host == "function" else "squatter-in", "exit")


@pytest.mark.parametrize(("host", "attack"), rows("break"), ids=named)
def test_what_takes_too_much_costs_its_own(hostile_world: World, host: Host, attack: Attack) -> None:
    # What the attack before has ended starts anew, which may take longer than the deadline.
    assert wait_for(lambda: hostile_world.attack("breaker", host, "nothing").text == "nothing")
    with limited(hostile_world, attack.name):
        assert hostile_world.attack("breaker", host, attack.name).text == attack.seen(host)
    require_all_is_well(hostile_world, host)
    assert "words-of-an-exception" not in hostile_world.log("breaker", host)


@contextmanager
def limited(world: World, name: str) -> Iterator[None]:
    """The plugin's processes with less than Lambda would give them, where the attack is after that."""
    if name not in LIMITS:
        yield
        return
    before = {pid: resource.prlimit(pid, LIMITS[name]) for pid in world.pids("breaker")}
    assert before
    for pid, (_, most) in before.items():
        limit_bytes = size_bytes(pid) + MORE_BYTES if name == "memory" else FILE_BYTES
        resource.prlimit(pid, LIMITS[name], (limit_bytes, most))
    yield
    for pid, bounds in before.items():
        resource.prlimit(pid, LIMITS[name], bounds)


def size_bytes(pid: int) -> int:
    """What the process has of addresses."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()
