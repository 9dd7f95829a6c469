"""What is expected of each attack (expected.toml), and the page that is made of it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

HERE: Final = Path(__file__).parent
ABSENT: Final = "-"
NOT_STOPPED: Final = "not stopped"
RUN: Final = "run"
NAMESPACE: Final = "namespace"

# What stops an attack, or why nothing does: each is explained once, below the tables.
WALLS: Final = {
    "projection": "The gateway hands over the granted fields alone: what was not granted is not there.",
    "contract check": "What a plugin returns, records or raises is held to its grant, by exact types. The "
    "function host's answer is checked again by the gateway, which believes nothing that it says of itself.",
    "deadline": "The placement's deadline; in the gateway's process an interrupting timer.",
    "deadline, with its environment": "Code that cannot be interrupted ends with its environment, one second "
    "after its deadline: the caller gets a 502 that says not to retry, the sweeper closes the record.",
    "process": "The plugin's process holds nothing of the gateway's or of another plugin's. In Lambda each "
    "environment is a machine of its own; locally only a process.",
    "process limits": "Lambda's quotas of memory, `/tmp` and time of a function. Locally RLIMIT_AS and "
    "RLIMIT_FSIZE, set by the test, stand in for the first two.",
    "capability check": "The SDK gives nothing that was not granted, and the run fails. Behind it is the "
    "role.",
    "egress guard": "The checks of `ctx.http` (`penstock/background/capabilities.py`, `penstock/egress/`).",
    "egress function": "The egress function checks again, outside of the plugin's process: it goes by the "
    "alias that Lambda says was invoked, and by the allow-list in its own code "
    "(`penstock/egress/function.py`).",
    "no route": "No way leads out of the plugin's network. *(namespace)*: shown by a run whose process is in "
    "a Linux network namespace that has nothing but its own loopback, from which it reaches Lambda's API and "
    "AWS's endpoint. Where a machine makes no namespaces that run is skipped, and the template alone shows "
    "it (`tests/infra/test_egress_network.py`).",
    "names": "DNS Firewall answers for the endpoints and for nothing else, in the template.",
    "endpoint policy": "The network's endpoints let pass this account's principals and its resources alone.",
    "own output": "The function keeps standard output for Penstock's own lines (`penstock/output.py`).",
    "role": "The IAM role, as evaluated from the synthesised templates (`tests/aws/`).",
    "signed link": "A link is signed over all that it is good for, with a key that the plugin's function and "
    "the approvals function alone may read (`penstock/approvals/links.py`).",
    "approval page": "Only a POST with the mark of the page decides, in time and from that page "
    "(`penstock/approvals/door.py`).",
    "package refusal": "Check, register and synth refuse the package; the loader imports only what was "
    "digested.",
    "configuration": "gateway.toml is refused.",
    "nothing there": "The attack finds nothing where it looks; the same process has it elsewhere.",
    "not stopped: trusted code": "Code in the gateway's process can do what the gateway can. "
    '`host = "in_process"` is the operator\'s statement of trust.',
    "not stopped: library check": "The guard is a library; code in the same process goes around it. "
    'What stops it is the network: `egress = "enforced"` ([what it costs and how it holds](egress.md)).',
    "not stopped: its own process": "It changes only its own function's process, within Lambda's quotas; "
    "that process serves all tenants in turn: a plugin can carry what it was granted from one to the "
    "next.",
    "not stopped: its own log": "Code that looks for the log's descriptor, or calls CloudWatch Logs with its "
    "function's role, writes into its own log group, where a line of EMF makes a metric of any name. Metrics "
    "can be added to by it, never taken from; evidence is what proves.",
    "not stopped: its own question": "Who makes the links can follow them: a plugin can answer what it has "
    "asked. The evidence says which approver's link it was, not who held it. Whoever reviews a plugin with "
    "an approval step trusts it with the answer; no other plugin can give it.",
    "not stopped: no secret": "The snapshot lies in the code of every function: names, grants, configuration "
    "of plugins. It holds no secret, and a plugin's configuration is no place for one.",
    "not stopped: background digests": "The functions of background plugins digest the ids of their own "
    "deliveries, so they have that key: one could test guesses of what evidence holds of others' deliveries. "
    "What is digested of requests has another key, which no plugin's role may read.",
}
# What is seen of an attack that got what it was after.
REACHED: Final = frozenset(
    {"reached", "in the log", "allowed", "decided", "transform", "lost function_failed"}
)
HEADINGS: Final = {
    "read": "Reading what was not granted",
    "call": "Calling what was not granted",
    "forge": "Saying what is not its to say",
    "break": "Taking time, memory and processes",
    "stay": "Staying for the next request",
    "role": "Asking AWS",
    "network": "Asking the network, and asking AWS from inside of it",
    "answer": "Answering for who was asked",
    "package": "In the package",
}


class Attack(NamedTuple):
    """One row. `hosts`: host → what is seen, what stops it, by which tier; None: it does not arise there."""

    group: str
    name: str
    title: str
    hosts: dict[str, tuple[str, str, str] | None]

    def seen(self, host: str) -> str:
        found = self.hosts[host]
        assert found is not None
        return found[0]

    def tier(self, host: str) -> str:
        """`run`, or the `namespace` that a run needs."""
        found = self.hosts[host]
        assert found is not None
        return found[2]


def attacks(group: str | None = None) -> list[Attack]:
    """All rows, or a group's, in the file's order."""
    tree: dict[str, Any] = tomllib.loads((HERE / "expected.toml").read_text(encoding="utf-8"))
    return [
        Attack(
            name_of_group,
            name,
            row.pop("title"),
            {host: _read(cell) for host, cell in row.items()},
        )
        for name_of_group, rows in tree.items()
        for name, row in rows.items()
        if group in (None, name_of_group)
    ]


def _read(cell: Any) -> tuple[str, str, str] | None:
    if cell == ABSENT:
        return None
    seen, wall, tier = cell if len(cell) > 2 else (*cell, RUN)
    return seen, wall, tier


def on(group: str, host: str) -> list[Attack]:
    """The rows of a group that arise in a host."""
    return [attack for attack in attacks(group) if attack.hosts.get(host) is not None]


def page() -> str:
    """docs/security.md: the part that is written by hand, then the tables."""
    return (HERE / "page.md").read_text(encoding="utf-8") + "".join(_sections()) + _legend()


def _sections() -> Iterator[str]:
    for group, heading in HEADINGS.items():
        rows = attacks(group)
        hosts = list(dict.fromkeys(host for row in rows for host in row.hosts))
        yield f"\n### {heading}\n\n| attack | {' | '.join(f'`{host}`' for host in hosts)} |\n"
        yield "|---" * (len(hosts) + 1) + "|\n"
        for row in rows:
            yield f"| {row.title} | {' | '.join(_cell(row.hosts.get(host)) for host in hosts)} |\n"


def _cell(found: tuple[str, str, str] | None) -> str:
    if found is None:
        return "–"
    _, wall, tier = found
    said = wall if tier == RUN else f"{wall} ({tier})"
    return f"**{said}**" if wall.startswith(NOT_STOPPED) else said


def _legend() -> str:
    lines = [f"- **{wall}**: {meaning}" for wall, meaning in WALLS.items()]
    return "\n### What the words mean\n\n" + "\n".join(lines) + "\n"
