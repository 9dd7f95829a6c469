"""The file of expected outcomes says nothing that contradicts itself."""

from __future__ import annotations

import ast

from tests.hostile.expected import HEADINGS, HERE, NAMESPACE, NOT_STOPPED, REACHED, RUN, WALLS, attacks
from tests.hostile.test_answers import ATTEMPTS
from tests.hostile.test_packages import REFUSED
from tests.hostile.test_roles import ASKED, NETWORK
from tests.hostile.world import CALLS

CELLS = [(attack, host, cell) for attack in attacks() for host, cell in attack.hosts.items() if cell]


def test_each_outcome_has_a_wall_that_is_explained_and_each_wall_an_outcome() -> None:
    assert {wall for _, _, (_, wall, _) in CELLS} == set(WALLS)
    assert {attack.group for attack in attacks()} == set(HEADINGS)


def test_what_reached_its_goal_is_said_to_be_not_stopped_and_nothing_else_is() -> None:
    ends = {"allow", "lost environment_lost"}
    wrong = [
        (attack.name, host)
        for attack, host, (seen, wall, _) in CELLS
        if (seen in REACHED) != wall.startswith(NOT_STOPPED) and seen not in ends
    ]
    assert wrong == []


def test_nothing_but_the_named_limits_goes_unstopped_in_a_function() -> None:
    walls = {wall for _, host, (_, wall, _) in CELLS if host == "function" and wall.startswith(NOT_STOPPED)}
    assert "not stopped: trusted code" not in walls


def test_nothing_of_the_network_goes_unstopped_where_it_is_enforced() -> None:
    enforced = {attack.name: cell for attack, host, cell in CELLS if host == "enforced"}
    assert len(enforced) > 20
    assert not [name for name, (_, wall, _) in enforced.items() if wall.startswith(NOT_STOPPED)]


def test_only_what_no_route_stops_needs_a_namespace() -> None:
    needing = {wall for _, _, (_, wall, tier) in CELLS if tier == NAMESPACE}
    assert needing == {"no route"}
    assert {tier for _, _, (_, _, tier) in CELLS} == {RUN, NAMESPACE}


def test_every_row_has_the_code_that_tries_it() -> None:
    tried = {
        "read": _keys("spy", "WAYS"),
        "call": {*CALLS, "dns_change"} - {"granted"},
        "forge": _keys("forger", "DECISIONS") | _keys("forger", "DEEDS"),
        "break": _keys("breaker", "HARM"),
        "role": set(ASKED),
        "network": set(NETWORK),
        "answer": set(ATTEMPTS),
        "package": set(REFUSED),
    }
    assert set(CALLS) == _keys("caller", "WAYS")
    for group, names in tried.items():
        # `sort` takes a gigabyte and five seconds: tests/e2e/test_hostile.py has it.
        assert {attack.name for attack in attacks(group)} == names - {"sort"}, group


def _keys(plugin: str, table: str) -> set[str]:
    """The keys of a plugin's table: the plugin itself is not to be imported here."""
    tree = ast.parse((HERE / "plugins" / plugin / f"{plugin}.py").read_text())
    (found,) = [
        node.value
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == table
    ]
    assert isinstance(found, ast.Dict)
    return {str(key.value) for key in found.keys if isinstance(key, ast.Constant)}
