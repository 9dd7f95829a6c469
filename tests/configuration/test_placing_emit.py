from __future__ import annotations

from typing import Any

import pytest

from penstock.configuration.model import PluginStanza
from penstock.configuration.placing import PlacingError, place
from penstock.gates.placement import Placement
from tests.configuration.test_placing import EMAIL, installed


def mailing(effects: list[str], **more: Any) -> list[Placement]:
    """Place a plugin that may send e-mail before the upstream, or what `more` says."""
    manifest: dict[str, Any] = {
        "before_upstream": {"effects": ["emit"]},
        "records": {},
        "tags": {},
        "reasons": {},
    }
    manifest |= {"after_upstream": None, "email": True, "exports": True}
    grant = {"before_upstream": {"effects": effects}, **(more or {"email": EMAIL})}
    stanza = PluginStanza.model_validate({"name": "guard", "grant": grant})
    return place(stanza, installed(**manifest))


def test_e_mail_goes_out_from_a_gate_too_where_the_plugin_may_emit() -> None:
    (found,) = mailing(["emit"])
    assert (found.host, found.style) == ("function", "independent")
    assert found.terms.effects == {"emit"}


def test_e_mail_that_could_be_sent_at_no_moment_is_refused() -> None:
    with pytest.raises(PlacingError, match="at no moment may it `emit`") as caught:
        mailing([])
    assert caught.value.key == ("grant", "email")


def test_exports_are_as_e_mail_a_capability_where_something_leaves() -> None:
    assert mailing(["emit"], exports=True)[0].host == "function"
    with pytest.raises(PlacingError, match="which exports are") as caught:
        mailing([], exports=True)
    assert caught.value.key == ("grant", "exports")
