from __future__ import annotations

from pathlib import Path

import pytest

from penstock.errors import ConfigurationError
from penstock.sdk.steps import Steps, parse_steps, reachable, read_steps

EVERY_KIND = """
timeout_s = 86400

[[step]]
name = "tell"
do = true
outcomes = ["told", "nobody"]
retry = { attempts = 3, wait_s = 1, backoff = 1.5 }
on_failure = "settle"

[[step]]
name = "decide"
approval = true
timeout_s_from = "answer_s"
on_timeout = "expired"

[[step]]
name = "which"
choose = "decide"
cases = { approved = "pause", denied = "settle" }
otherwise = "settle"

[[step]]
name = "pause"
wait_s_from = "pauses.short_s"

[[step]]
name = "settle"
do = true
"""


def steps(text: str = EVERY_KIND) -> Steps:
    return parse_steps(text, "workflow.toml")


def one(name: str, keys: str) -> str:
    return f'[[step]]\nname = "{name}"\n{keys}\n'


def test_each_kind_of_step_is_read() -> None:
    read = steps()
    assert [step.kind for step in read.step] == ["do", "approval", "choose", "wait", "do"]
    assert [step.name for step in read.done] == ["tell", "settle"]
    assert [step.name for step in read.approvals] == ["decide"]
    assert read.config_keys == ("answer_s", "pauses.short_s")


def test_a_step_is_followed_by_the_next_in_the_file_unless_it_says_otherwise() -> None:
    read = steps(
        one("a", 'do = true\nnext = "c"')
        + one("b", "do = true\nend = true")
        + one("c", 'do = true\nnext = "b"')
    )
    assert [read.after(step) for step in read.step] == ["c", None, "b"]
    last = steps(one("a", "do = true"))
    assert last.after(last.step[0]) is None


def test_what_a_step_can_come_to_holds_failure_and_time_out() -> None:
    read = steps()
    assert [read.step[0].results, read.step[1].results] == [
        ("told", "nobody", "failed"),
        ("approved", "denied", "expired"),
    ]


def test_a_key_of_the_configuration_is_filled_in() -> None:
    filled = steps().filled({"answer_s": 3600, "pauses": {"short_s": 1.4}})
    assert (filled.step[1].timeout_s, filled.step[3].wait_s) == (3600, 1)
    assert filled.config_keys == ()


@pytest.mark.parametrize("value", [0, -1, "60", None, True, 86_401, [60]])
def test_a_key_of_the_configuration_that_is_no_fitting_number_is_refused_by_name(value: object) -> None:
    with pytest.raises(
        ConfigurationError, match=r"config\.answer_s: is no number of seconds from 1 to 86400"
    ):
        steps().filled({"answer_s": value, "pauses": {"short_s": 1}})


BAD_STEPS = {
    "no kind": ("", "give one of"),
    "two kinds": ("do = true\nwait_s = 3", "give one of"),
    "a key of another kind": (
        "wait_s = 3\noutcomes = ['a']",
        "`outcomes` is nothing for a step of the kind `wait`",
    ),
    "an unknown key": ("do = true\nrun = 1", "is not a key of workflow.toml"),
    "a wait of nothing": ("wait_s = 0", "greater than or equal to 1"),
    "too long a step": ("do = true\ntimeout_s = 51", "a step is done within 50 s"),
    "an approval for ever": ("approval = true\non_timeout = 'late'", "an approval needs `timeout_s`"),
    "an approval without a default": ("approval = true\ntimeout_s = 9", "an approval needs `on_timeout`"),
    "silence as consent": (
        "approval = true\ntimeout_s = 9\non_timeout = 'approved'",
        "silence is no consent",
    ),
    "next and end": ("do = true\nnext = 'a'\nend = true", "`next` and `end` exclude each other"),
    "no cases": ("choose = 'a'", "`choose` needs `cases`"),
    "an outcome twice": ("do = true\noutcomes = ['a', 'a']", "`outcomes` names one twice"),
    "failed as an outcome": (
        "do = true\noutcomes = ['failed']",
        "`failed` is what a step comes to that failed",
    ),
    "no attempt": ("do = true\nretry = { attempts = 0 }", "retry.attempts"),
    "a sentence as an outcome": ("do = true\noutcomes = ['Not told!']", "outcomes.1"),
}


@pytest.mark.parametrize(("keys", "said"), BAD_STEPS.values(), ids=BAD_STEPS)
def test_a_step_that_cannot_be_is_refused_with_file_key_reason_and_remedy(keys: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        steps(one("a", keys))
    assert refused.value.where == "workflow.toml"
    assert refused.value.problem.startswith("step.1")
    assert said in refused.value.problem
    assert refused.value.remedy


BAD_FLOWS = {
    "an unknown next": (one("a", "do = true\nnext = 'b'"), "a.next: there is no step 'b'"),
    "an unknown failure": (one("a", "do = true\non_failure = 'b'"), "a.on_failure: there is no step 'b'"),
    "two of one name": (one("a", "do = true") + one("a", "do = true"), "a: there are two steps"),
    "never reached": (one("a", "do = true\nend = true") + one("b", "do = true"), "b: no step leads to it"),
    "a circle": (one("a", "do = true") + one("b", "do = true\nnext = 'a'"), "a: comes back to itself"),
    "a circle of one": (one("a", "do = true\nnext = 'a'"), "a: comes back to itself"),
    "a circle by failure": (one("a", "do = true\non_failure = 'a'"), "a: comes back to itself"),
    "a choice by what comes to nothing": (
        one("a", "do = true") + one("b", "choose = 'a'\ncases = { x = 'a' }"),
        "b.choose: 'a' is no step that comes to anything",
    ),
    "a case that never comes": (
        one("a", "do = true\noutcomes = ['x']")
        + one("b", "choose = 'a'\ncases = { y = 'c' }")
        + one("c", "do = true"),
        "b.cases: 'a' never comes to 'y'",
    ),
    "a case that is missing": (
        one("a", "do = true\noutcomes = ['x', 'y']")
        + one("b", "choose = 'a'\ncases = { x = 'c' }")
        + one("c", "do = true"),
        "b.cases: nothing is said for 'y'",
    ),
    "a choice by what may not have run": (
        one("a", "do = true\non_failure = 'c'")
        + one("b", "do = true\noutcomes = ['x']")
        + one("c", "choose = 'b'\ncases = { x = 'd' }")
        + one("d", "do = true"),
        "c.choose: 'b' may not have run",
    ),
    "a wait beyond the run": ("timeout_s = 60\n" + one("a", "wait_s = 61"), "a.wait_s: is longer than a"),
    "a run beyond the seals": ("timeout_s = 2592001\n" + one("a", "wait_s = 1"), "timeout_s"),
    "no step": ("timeout_s = 60", "step"),
    "a card's number": (one("a4111111111111111", "do = true"), "holds 13 digits"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), BAD_FLOWS.values(), ids=BAD_FLOWS)
def test_a_flow_that_cannot_be_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        steps(text)
    assert said in refused.value.problem
    assert refused.value.remedy


def test_a_circle_with_a_wait_in_it_may_be() -> None:
    read = steps(
        one("look", "do = true\noutcomes = ['there', 'not_yet']")
        + one("seen", "choose = 'look'\ncases = { there = 'use' }\notherwise = 'pause'")
        + one("pause", "wait_s = 60\nnext = 'look'")
        + one("use", "do = true")
    )
    assert reachable(read) == {"look", "seen", "pause", "use"}


def test_a_failure_that_leads_elsewhere_needs_no_case() -> None:
    look = one("look", "do = true\noutcomes = ['a']\non_failure = '{}'")
    rest = one("which", "choose = 'look'\ncases = { a = 'good' }") + one("good", "do = true\nend = true")
    steps(look.format("bad") + rest + one("bad", "do = true"))  # is read without an error
    with pytest.raises(ConfigurationError, match=r"which\.cases: nothing is said for 'failed'"):
        steps(look.format("bad") + rest + one("bad", "do = true\nnext = 'which'"))


def test_what_is_no_toml_and_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"workflow\.toml: is not TOML"):
        steps("[[step")
    with pytest.raises(ConfigurationError, match=r"workflow\.toml: there is no such file"):
        read_steps(tmp_path)
    (tmp_path / "workflow.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="is not UTF-8"):
        read_steps(tmp_path)
    (tmp_path / "workflow.toml").write_text(EVERY_KIND)
    assert read_steps(tmp_path) == steps()
