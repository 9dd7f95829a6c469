from __future__ import annotations

import re

from penstock.evidence.telemetry import DEPLOYMENT, NAMESPACE
from tests import tree
from tests.infra.template import Template, plain


def body(compute: Template) -> str:
    return plain(compute.only("CloudWatch::Dashboard")["DashboardBody"])


def test_the_dashboard_shows_only_metrics_that_somebody_writes(compute: Template) -> None:
    written = "".join(path.read_text() for path in (tree.ROOT / "penstock" / "evidence").glob("*.py"))
    written += "".join(path.read_text() for path in (tree.ROOT / "functions").rglob("*.py"))
    written += (tree.ROOT / "penstock" / "approvals" / "deployed.py").read_text()
    searched = set(re.findall(r'MetricName=\\*"(\w+)', body(compute)))
    assert {"RequestDuration", "PluginExecutions", "PluginBlocks", "PluginErrors"} <= searched
    assert not {name for name in searched if f'"{name}"' not in written}


def test_the_dashboard_reads_the_namespace_that_the_functions_write_to(compute: Template) -> None:
    assert set(re.findall(r"SEARCH\('{(\w+),", body(compute))) == {NAMESPACE}


def test_the_dashboard_shows_this_deployment_s_metrics_and_no_other_s(compute: Template) -> None:
    searches = re.findall(r"SEARCH\('{(.*?)', '", body(compute))
    assert searches
    for search in searches:
        assert search.startswith(f"{NAMESPACE},{DEPLOYMENT},")
        assert re.search(rf'{DEPLOYMENT}=\\*"stacktest\\*"$', search), search
    own = re.findall(rf'\["{NAMESPACE}","(\w+)"(.*?)[,\]]{{', body(compute))
    assert {name for name, _ in own} == {"EvidenceStored", "EvidenceSealed", "EvidenceLost"}
    assert all(f'"{DEPLOYMENT}","stacktest"' in rest for _, rest in own)


def test_every_queue_of_the_deployment_is_on_it(compute: Template) -> None:
    for queue in ("stacktest-outbox", "stacktest-plugin-audit-export"):
        assert f'"{queue}"' in body(compute)
        assert f'"{queue}-dead"' in body(compute)
