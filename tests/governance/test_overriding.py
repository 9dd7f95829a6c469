from __future__ import annotations

from penstock.adapters.control import Entry
from penstock.gates.overrides import Override, Overrides
from penstock.gates.placement import Mode
from penstock.gates.scope import Scope
from penstock.governance.overriding import decode_overrides


def test_no_document_means_no_override() -> None:
    assert decode_overrides(None) == Overrides()


def test_every_part_of_an_override_is_read() -> None:
    document = {
        "plugins": {
            "a": {
                "mode": "off",
                "rollout": 5,
                "scope": {"team": ["x*"]},
                "killed": True,
                "break_glass": True,
            },
            "b": {},
        }
    }
    found = decode_overrides(Entry(document, 3))
    assert found.version == "r3"
    assert found.by_plugin["a"] == Override(Mode.OFF, 5, Scope.of({"team": ("x*",)}), True, True)
    assert found.by_plugin["b"] == Override()
