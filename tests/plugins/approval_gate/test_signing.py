from __future__ import annotations

from plugins.approval_gate.signing import signed_headers, signing_key
from tests.plugins.every_door import folder_of


def test_it_is_audit_export_s_byte_for_byte() -> None:
    """A plugin is digested with all its code, so each has its own."""
    ours, theirs = (folder_of(name) / "signing.py" for name in ("webhook-notify", "audit-export"))
    assert ours.read_bytes() == theirs.read_bytes()


def test_it_signs_as_the_reference_libraries_do() -> None:
    key = signing_key("whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signed_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', [key])
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
