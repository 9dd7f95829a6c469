from __future__ import annotations

from penstock.cli import parse
from tests.infra.template import Template, plain


def test_every_dead_letter_queue_lost_evidence_failing_plugins_and_5xx_raise_an_alarm(
    compute: Template, template: Template
) -> None:
    alarms = compute.named("CloudWatch::Alarm", "AlarmName")
    dead = {name for name in template.named("SQS::Queue", "QueueName") if name.endswith("-dead")}
    watched = ("EvidenceLost", "PluginErrors", "5xx", "Unsealed", "Unswept", "Unrecorded")
    workflows = {f"stacktest-{plugin}-workflow" for plugin in ("follow-up", "approval-gate")}
    others = {f"stacktest-{name}" for name in watched} | workflows
    assert set(alarms) == {f"{name}-depth" for name in dead} | others


def test_every_alarm_goes_to_the_one_topic_and_says_what_to_do(compute: Template) -> None:
    (topic,) = compute.of("SNS::Topic")
    for alarm in compute.of("CloudWatch::Alarm").values():
        assert alarm["AlarmActions"] == [{"Ref": topic}]
        assert alarm["AlarmDescription"].endswith(".")
        silence = alarm["AlarmName"] in {"stacktest-Unsealed", "stacktest-Unswept"}
        assert alarm["TreatMissingData"] == ("breaching" if silence else "notBreaching")


def test_an_alarm_for_dead_letters_names_the_command_that_sends_them_again(compute: Template) -> None:
    said = [alarm["AlarmDescription"] for alarm in compute.of("CloudWatch::Alarm").values()]
    dead = [text for text in said if "failed five times" in text]
    named = [text.partition("`penstock ")[2].partition("`")[0] for text in dead]
    assert "evidence redrive" in named
    assert len(named) > 1
    for words in named:
        assert parse(words.split()).action == "redrive"


def test_a_sweeper_that_has_not_ended_well_for_half_an_hour_raises_an_alarm(compute: Template) -> None:
    alarm = compute.named("CloudWatch::Alarm", "AlarmName")["stacktest-Unswept"]
    metrics = {metric["Id"]: metric for metric in alarm["Metrics"]}
    (well,) = [metric for metric in metrics.values() if metric.get("ReturnData", True)]
    assert well["Expression"] == "began - failed"
    named = {key: metrics[key]["MetricStat"]["Metric"]["MetricName"] for key in ("began", "failed")}
    assert named == {"began": "Invocations", "failed": "Errors"}
    periods_s = {metrics[key]["MetricStat"]["Period"] for key in named}
    assert {period * alarm["EvaluationPeriods"] for period in periods_s} == {30 * 60}
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (1, "LessThanThreshold")
    (reference,) = metrics["began"]["MetricStat"]["Metric"]["Dimensions"]
    functions = compute.of("Lambda::Function")
    assert functions[reference["Value"]["Ref"]]["FunctionName"] == "stacktest-sweeper"


def test_outcomes_that_wait_for_a_quarter_of_an_hour_raise_an_alarm(compute: Template) -> None:
    alarm = compute.named("CloudWatch::Alarm", "AlarmName")["stacktest-Unrecorded"]
    assert (alarm["MetricName"], alarm["Threshold"]) == ("ApproximateAgeOfOldestMessage", 900)
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": "stacktest-outbox"}]


def test_a_sealer_that_has_not_sealed_for_three_hours_raises_an_alarm(compute: Template) -> None:
    alarm = compute.named("CloudWatch::Alarm", "AlarmName")["stacktest-Unsealed"]
    assert alarm["Period"] * alarm["EvaluationPeriods"] == 3 * 3600
    assert (alarm["Statistic"], alarm["Threshold"]) == ("Sum", 1)
    assert alarm["ComparisonOperator"] == "LessThanThreshold"


def test_cloudwatch_and_nobody_else_may_publish_under_the_topic_s_key(compute: Template) -> None:
    (topic,) = compute.of("SNS::Topic").values()
    assert "KmsMasterKeyId" in topic
    allowed = [
        s for s in compute.only("SNS::TopicPolicy")["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"
    ]
    assert [s["Principal"] for s in allowed] == [{"Service": "cloudwatch.amazonaws.com"}]
    assert "Condition" in allowed[0]


def test_the_key_is_rotated_and_serves_services_of_this_account_only(compute: Template) -> None:
    key = compute.only("KMS::Key")
    assert key["EnableKeyRotation"] is True
    for statement in key["KeyPolicy"]["Statement"]:
        if "Service" in statement["Principal"]:
            assert statement["Condition"], statement["Principal"]
        else:
            assert plain(statement["Principal"]["AWS"]) == "arn:aws:iam::123456789012:root"


def test_metrics_of_the_alarms_are_read_from_this_deployment_s_own_logs(compute: Template) -> None:
    groups = {identity: group["LogGroupName"] for identity, group in compute.of("Logs::LogGroup").items()}
    read = {
        f["MetricTransformations"][0]["MetricName"]: groups[f["LogGroupName"]["Ref"]]
        for f in compute.of("Logs::MetricFilter").values()
    }
    assert read == {
        "EvidenceLost": "/aws/lambda/stacktest-sweeper",
        "PluginErrors": "/aws/lambda/stacktest-recorder",
        "EvidenceSeals": "/aws/lambda/stacktest-sealer",
    }
    for found in compute.of("Logs::MetricFilter").values():
        assert found["MetricTransformations"][0]["MetricNamespace"] == "Penstock/stacktest"
