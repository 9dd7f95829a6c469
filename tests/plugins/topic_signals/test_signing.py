from __future__ import annotations

from tests.plugins.every_door import folder_of


def test_it_is_audit_export_s_byte_for_byte() -> None:
    """A plugin is digested with all its code, so each has its own."""
    ours, theirs = (folder_of(name) / "signing.py" for name in ("topic-signals", "audit-export"))
    assert ours.read_bytes() == theirs.read_bytes()
