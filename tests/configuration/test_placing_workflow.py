from __future__ import annotations

from typing import Any

import pytest

from penstock.configuration.model import PluginStanza
from penstock.configuration.placing import PlacingError, place
from tests.configuration.test_placing import BEFORE, MANIFEST, installed, refused


def test_a_workflow_that_the_manifest_does_not_ask_for_is_refused() -> None:
    grant = {"before_upstream": {"reads": ["identity"], "effects": []}, "workflow": True}
    found = refused(grant)
    assert (found.key, found.problem) == (("grant", "workflow"), "is more than the manifest asks for.")


@pytest.mark.parametrize(
    ("moments", "knows"),
    [
        ({"before_upstream": BEFORE}, False),
        ({"before_upstream": {**BEFORE, "reads": ["identity"]}}, True),
        ({"before_upstream": BEFORE, "after_upstream": {"reads": ["identity"], "effects": []}}, True),
        ({"before_upstream": BEFORE, "after_response": {"reads": ["evidence"], "effects": []}}, True),
    ],
)
def test_a_workflow_is_granted_only_to_who_knows_whose_request_it_starts_it_for(
    moments: dict[str, Any], knows: bool
) -> None:
    stanza = PluginStanza.model_validate({"name": "guard", "grant": {**moments, "workflow": True}})
    after = {**MANIFEST["after_upstream"], "reads": ["response.text", "identity"]}
    plugin = installed(built_in=True, workflow=True, after_upstream=after)
    if knows:
        assert {found.host for found in place(stanza, plugin)} == {"function"}
    else:
        with pytest.raises(PlacingError, match="whose request") as caught:
            place(stanza, plugin)
        assert 'Grant reads = ["identity"]' in caught.value.remedy


def test_a_workflow_keeps_a_plugin_out_of_the_gateways_process() -> None:
    grant = {"before_upstream": {**BEFORE, "reads": ["identity"]}, "workflow": True}
    stanza = PluginStanza.model_validate({"name": "guard", "host": "in_process", "grant": grant})
    with pytest.raises(PlacingError, match="or a workflow does not run in the gateway's process"):
        place(stanza, installed(built_in=True, workflow=True))
