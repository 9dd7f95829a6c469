"""That a finding without a reason ends the synthesis, all tests of the stacks show; here, the reasons."""

from __future__ import annotations

import json

from infra import findings
from tests.infra.conftest import CONFIGURATIONS
from tests.infra.template import Assembly


def test_every_finding_that_is_meant_so_has_its_reason() -> None:
    tables = (findings.API, findings.EVIDENCE, findings.EVIDENCE_KEY, findings.SECRETS, findings.FUNCTION)
    for table in tables:
        for rule, reason in table.items():
            assert len(reason.split()) >= 6, rule
            assert reason.endswith("."), rule


def test_no_configuration_has_a_finding_without_a_reason(assemblies: dict[str, Assembly]) -> None:
    for name in CONFIGURATIONS:
        path = assemblies[name].folder / "validation-report.json"
        report = json.loads(path.read_text()) if path.is_file() else {}
        for plugin in report.get("pluginReports", []):
            assert plugin["summary"]["status"] == "success", name
