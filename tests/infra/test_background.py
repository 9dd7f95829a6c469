from __future__ import annotations

from tests.infra.template import Template, plain

QUEUE = "arn:aws:sqs:eu-central-1:123456789012:stacktest-"


def test_every_queue_has_its_function_and_says_which_messages_failed(compute: Template) -> None:
    sources = compute.named("Lambda::EventSourceMapping", "EventSourceArn")
    plugins = {f"{QUEUE}plugin-{name}" for name in ("audit-export", "keeper", "follow-up")}
    assert set(sources) == {f"{QUEUE}outbox", *plugins}
    for source in sources.values():
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_a_plugin_s_messages_come_one_by_one_and_never_too_many_at_once(compute: Template) -> None:
    source = compute.named("Lambda::EventSourceMapping", "EventSourceArn")[f"{QUEUE}plugin-audit-export"]
    assert source["BatchSize"] == 1
    assert source["ScalingConfig"] == {"MaximumConcurrency": 10}


def test_messages_stay_hidden_for_six_times_what_their_function_may_take(
    compute: Template, template: Template
) -> None:
    queues = template.named("SQS::Queue", "QueueName")
    functions = compute.of("Lambda::Function")
    for source in compute.of("Lambda::EventSourceMapping").values():
        timeout_s = functions[source["FunctionName"]["Ref"]]["Timeout"]
        queue = queues[plain(source["EventSourceArn"]).rpartition(":")[2]]
        assert queue["VisibilityTimeout"] >= 6 * timeout_s


def test_the_sweeper_runs_on_a_schedule_that_it_cannot_outlast(compute: Template) -> None:
    assert scheduled(compute)["stacktest-sweeper"] == "rate(5 minutes)"
    assert compute.named("Lambda::Function", "FunctionName")["stacktest-sweeper"]["Timeout"] < 300


def test_the_sealer_runs_once_an_hour_and_never_twice_for_one_event(compute: Template) -> None:
    assert scheduled(compute)["stacktest-sealer"] == "rate(1 hour)"
    assert compute.named("Lambda::Function", "FunctionName")["stacktest-sealer"]["Timeout"] < 3600
    for rule in compute.of("Events::Rule").values():
        assert rule["Targets"][0]["RetryPolicy"] == {"MaximumRetryAttempts": 0}


def scheduled(compute: Template) -> dict[str, str]:
    """Function → its schedule."""
    names = {identity: f["FunctionName"] for identity, f in compute.of("Lambda::Function").items()}
    return {
        names[rule["Targets"][0]["Arn"]["Fn::GetAtt"][0]]: rule["ScheduleExpression"]
        for rule in compute.of("Events::Rule").values()
    }
