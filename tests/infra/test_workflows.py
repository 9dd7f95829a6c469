from __future__ import annotations

from tests.infra.template import Template, plain


def test_a_machine_logs_errors_without_what_runs_carry(compute: Template) -> None:
    machines = compute.named("StepFunctions::StateMachine", "StateMachineName")
    assert {"stacktest-plugin-follow-up"} <= set(machines)
    for machine in machines.values():
        logged = machine["LoggingConfiguration"]
        assert (logged["Level"], logged["IncludeExecutionData"]) == ("ERROR", False)
        assert machine["StateMachineType"] == "STANDARD"


def test_a_machine_s_definition_names_its_plugin_s_function_alone(compute: Template) -> None:
    machine = compute.named("StepFunctions::StateMachine", "StateMachineName")["stacktest-plugin-follow-up"]
    text = plain(machine["DefinitionString"])
    assert '"FunctionName": "stacktest-plugin-follow-up"' in text
    assert "stacktest-approvals" not in text
