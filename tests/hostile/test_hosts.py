"""Hostile plugins in both hosts, by real processes: what is seen of each attack is what is expected of it."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest

from penstock.background.capabilities import GrantedTransport
from penstock.egress.client import AliasTransport
from penstock.egress.deadline import Deadline
from penstock.egress.function import Egress
from penstock.egress.network import PublicTransport, RefusedAddressError
from penstock.evidence.digests import Digester, DigestKey
from tests.hostile.expected import NAMESPACE, Attack, on
from tests.hostile.world import CALLERS, HOSTS, WALLED, Host, World, has_networks, wait_for

CARD = "my card is 4242 4242 4242 4242"
MB = 1024 * 1024
LIMITS = {"memory": resource.RLIMIT_AS, "disk": resource.RLIMIT_FSIZE}
MORE_BYTES = 32 * MB  # than the process has of memory
FILE_BYTES = 4 * MB
DIGESTER = Digester(DigestKey("k", b"k" * 32), "request")
NO_NAMESPACE = "template: this machine makes no network namespaces; see tests/infra/test_egress_network.py"


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


@pytest.fixture(scope="module")
def calls(hostile_world: World) -> World:
    """The same, when every way has been tried."""
    hostile_world.call_all(ways)
    return hostile_world


def ways(host: str) -> Iterator[str]:
    yield from (row.name for row in on("call", host) if row.name != "dns_change")
    yield "granted"


def called() -> list[tuple[str, Attack]]:
    return [(host, row) for host in CALLERS for row in on("call", host) if row.name != "dns_change"]


@pytest.mark.parametrize(("host", "attack"), called(), ids=named)
def test_what_was_not_granted_is_not_called(calls: World, host: str, attack: Attack) -> None:
    if attack.tier(host) == NAMESPACE and not has_networks():
        pytest.skip(NO_NAMESPACE)
    assert calls.came_to(host, attack.name)[0] == attack.seen(host)


def test_nothing_else_arrives_where_nobody_was_granted_to_call(calls: World) -> None:
    if not has_networks():
        pytest.skip(NO_NAMESPACE)
    for host, attack in called():
        calls.came_to(host, attack.name)
    reached = {f"/{CALLERS[host]}/{row.name}" for host, row in called() if row.seen(host) == "reached"}
    asked = {name.encode() for name in ("caller",) if f"/{name}/name_server" in reached}
    assert set(calls.places.inside.seen) == {path for path in reached if not path.endswith("/name_server")}
    assert set(calls.places.names.asked) == asked
    assert "x-forged" not in calls.places.granted.headers


@pytest.mark.parametrize("host", CALLERS)
def test_the_same_plugin_calls_its_granted_host_and_the_evidence_has_it(calls: World, host: str) -> None:
    came_to, record = calls.came_to(host, "granted")
    sent = [(delivery["host"], delivery["status"]) for delivery in record["deliveries"]]
    assert (came_to, sent) == ("reached", [(calls.places.granted.address, 200)])


def test_the_enforced_one_has_no_route_to_anything_and_the_other_has_this_machine_s(calls: World) -> None:
    if not has_networks():
        pytest.skip(NO_NAMESPACE)
    calls.came_to("enforced", "granted")
    own = str(Path("/proc/self/ns/net").readlink())
    others = {(network, routes) for network, routes in calls.networks(WALLED) if network != own}
    assert others
    assert {routes for _, routes in others} == {0}
    assert {network for network, _ in calls.networks("caller")} == {own}


@pytest.mark.allow_hosts(["127.0.0.1"])
@pytest.mark.parametrize("host", CALLERS)
def test_a_granted_name_that_leads_inside_is_not_called(hostile_world: World, host: str) -> None:
    """By the guards alone, the library's and the egress function's: no test asks a real resolver."""
    inside = hostile_world.places.inside
    before, port = len(inside.seen), int(inside.address.rpartition(":")[2])
    granted = frozenset({f"siem.example.com:{port}"})
    network = PublicTransport(resolve=leading_inside)
    sends = network if host == "function" else AliasTransport(partial(by_function, granted))
    transport = GrantedTransport(sends, granted, DIGESTER)
    with httpx.Client(transport=transport, trust_env=False) as client, pytest.raises(RefusedAddressError):
        client.get(f"https://siem.example.com:{port}/")
    network.close()
    (row,) = [row for row in on("call", host) if row.name == "dns_change"]
    assert (len(inside.seen), transport.refused, row.seen(host)) == (before, True, "refused address")


def leading_inside(_host: str, _port: int) -> list[str]:
    return ["127.0.0.1"]


def by_function(granted: frozenset[str], event: bytes) -> bytes:
    """What the egress function makes of it, invoked by the plugin's alias."""

    def sender(deadline: Deadline) -> PublicTransport:
        return PublicTransport(resolve=leading_inside, deadline=deadline)

    def checked(inner: httpx.BaseTransport, hosts: frozenset[str]) -> httpx.BaseTransport:
        return GrantedTransport(inner, hosts, DIGESTER)

    egress = Egress("egress", {WALLED: granted}, sender, checked)
    arn = f"arn:aws:lambda:eu-central-1:123456789012:function:egress:{WALLED}"
    return json.dumps(egress.answer(json.loads(event), arn, 30.0)).encode()


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
        hostile_world.ask("squatter" if host == "function" else "squatter-in", f"{attack.name} undo")


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
