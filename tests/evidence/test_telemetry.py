from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pytest

from penstock.evidence import telemetry
from penstock.evidence.record import EvidenceRecord, UpstreamRecord
from tests.evidence import examples

NOW_MS = 1_795_000_000_000

# behaviour.md, section 9.
METRICS = {
    *(
        "Requests",
        "RequestDuration",
        "GatewayOverhead",
        "UpstreamRequests",
        "UpstreamDuration",
        "UpstreamErrors",
    ),
    *("PluginExecutions", "PluginDuration", "PluginErrors", "PluginBlocks", "PluginShadowBlocks"),
    *("ControlDenials", "TokensInput", "TokensOutput", "CostNanoUSD"),
    *("EvidenceStored", "EvidenceLost", "BackgroundDelivered", "BackgroundFailed"),
    *("EvidenceSeals", "EvidenceSealed"),
}
DIMENSIONS = {
    *("route", "dialect", "provider", "plugin", "moment", "action", "stage", "decision", "status_class"),
}


def parsed(record: EvidenceRecord) -> dict[str, Any]:
    (text,) = telemetry.request_lines(record, NOW_MS, "team")
    found: dict[str, Any] = json.loads(text)
    return found


def directives(line: dict[str, Any]) -> list[dict[str, Any]]:
    assert line["_aws"]["Timestamp"] == NOW_MS
    found: list[dict[str, Any]] = line["_aws"]["CloudWatchMetrics"]
    return found


@pytest.mark.parametrize("example", examples.EXAMPLES)
def test_every_line_is_valid_emf_with_known_metrics_and_dimensions(example: Any) -> None:
    record = example()
    lines = telemetry.request_lines(record, NOW_MS, "team", "1-trace") + telemetry.batch_lines(
        [record], NOW_MS, "team"
    )
    for line in map(json.loads, lines):
        for directive in directives(line):
            assert directive["Namespace"] == "Penstock"
            (dimensions,) = directive["Dimensions"]
            assert dimensions[0] == "deployment", "two deployments of an account never add up"
            assert line["deployment"] == "team"
            assert set(dimensions[1:]) <= DIMENSIONS
            assert all(isinstance(line[name], str) for name in dimensions)
            for metric in directive["Metrics"]:
                assert metric["Name"] in METRICS
                values = line[metric["Name"]]
                assert all(
                    isinstance(v, int | float) for v in (values if isinstance(values, list) else [values])
                )


def test_a_request_is_one_line_that_can_be_found_by_its_id() -> None:
    line = parsed(examples.answered())
    assert line["request_id"] == examples.REQUEST_ID
    assert line["organisation"] == "acme"
    assert line["status_class"] == "2xx"
    assert line["plugins"].startswith("pii-redactor@before_upstream:enforce:transform ")
    assert (line["Requests"], line["RequestDuration"], line["GatewayOverhead"]) == (1, 830.25, 17.75)
    assert (line["UpstreamRequests"], line["UpstreamDuration"]) == (1, [812.5])
    assert (line["TokensInput"], line["TokensOutput"], line["CostNanoUSD"]) == (120, 34, 640_000)


def test_blocks_of_enforcing_and_of_shadowed_plugins_are_counted_apart() -> None:
    line = parsed(examples.blocked())
    assert (line["PluginExecutions"], line["PluginBlocks"], line["PluginShadowBlocks"]) == (2, 1, 1)
    assert "UpstreamRequests" not in line


def test_a_denial_is_counted_and_named() -> None:
    line = parsed(examples.denied())
    assert (line["ControlDenials"], line["control"]) == (1, "model_not_allowed")


def test_an_upstream_error_is_counted() -> None:
    failed = [UpstreamRecord(1, "openai", "m", None, "timeout", 60_000.0)]
    assert parsed(replace(examples.answered(), upstream=failed))["UpstreamErrors"] == 1


def test_each_further_provider_has_a_line_of_its_own() -> None:
    attempts = [
        UpstreamRecord(1, "first", "m", 500, "status", 5.0),
        UpstreamRecord(2, "second", "m", 200, "ok", 7.0),
    ]
    record = replace(examples.answered(), upstream=attempts)
    lines = [json.loads(text) for text in telemetry.request_lines(record, NOW_MS, "team")]
    assert [line["provider"] for line in lines] == ["second", "first"]
    assert "UpstreamErrors" not in lines[0]
    assert (lines[1]["UpstreamErrors"], "Requests" in lines[1]) == (1, False)


def test_ids_are_never_dimensions() -> None:
    for directive in directives(parsed(examples.answered())):
        assert not {"request_id", "api_key", "organisation", "team", "model"} & set(
            directive["Dimensions"][0]
        )


def test_a_batch_adds_up_what_its_plugins_and_controls_did() -> None:
    records = [examples.answered(), examples.answered(), examples.denied()]
    lines = [json.loads(text) for text in telemetry.batch_lines(records, NOW_MS, "team")]
    plugin, control = lines
    assert (plugin["plugin"], plugin["action"], plugin["PluginExecutions"]) == (
        "pii-redactor",
        "transform",
        2,
    )
    assert plugin["PluginDuration"] == [0.25, 0.25]
    assert (control["stage"], control["ControlDenials"]) == ("access", 1)


def test_no_metric_has_more_values_than_the_format_admits() -> None:
    lines = [json.loads(text) for text in telemetry.batch_lines([examples.answered()] * 300, NOW_MS, "team")]
    assert len(lines[0]["PluginDuration"]) == 100
    assert lines[0]["PluginExecutions"] == 300


def test_lines_are_written_whole_and_flushed() -> None:
    out = io.StringIO()
    telemetry.emit(telemetry.count_lines({"EvidenceStored": 3, "EvidenceLost": 0}, NOW_MS, "team"), out)
    line = json.loads(out.getvalue())
    assert line["EvidenceStored"] == 3
    assert "EvidenceLost" not in line
    assert directives(line)[0]["Dimensions"] == [["deployment"]]
