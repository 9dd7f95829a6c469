"""What a plugin's function may answer, and what a hostile one tries."""

from __future__ import annotations

import json
from typing import Any

import pytest
from awslambdaric.lambda_runtime_marshaller import to_json

from penstock.errors import FailureClass, PluginError
from penstock.gates.host import Answer, Sent
from penstock.gates.hosted_answer import decode_answer, encode_answer, encode_refusal
from penstock.gates.hosted_call import MAX_BYTES, Call
from penstock.sdk.context import RecordSpec
from penstock.sdk.decisions import Allow, Block, Decision, Respond, Transform
from penstock.sdk.edits import REMOVED, AddText, MemberEdit, Replace, Span, SpanEdit, TextEdit
from penstock.sdk.projection import Projection
from tests.gates.fakes import REQUEST_ID, USER, placement_of
from tests.gates.hosted import RECEIVER

HOSTS = frozenset({RECEIVER})
PLACEMENT = placement_of(
    "guard",
    reads=(USER, "request.reference"),
    writes=(USER, "request.tags", "request.metadata", "request.tools", "request.headers.x-team"),
    tags={"cost": frozenset({"a"})},
    records={"found": RecordSpec("count", 0, 10), "kind": RecordSpec(values=("card",))},
)
DECISIONS: tuple[Decision, ...] = (
    Allow(),
    Block("reason"),
    Block("reason", at=Span(1, 4)),
    Block("reason", refer=True),
    Respond("No."),
    Transform(),
    Transform(
        SpanEdit(USER, ((0, (Replace(0, 1, "a"), Replace(2, 3, ""))), (4, ()))),
        TextEdit(USER, ((1, "é\U0001f600"),)),
        AddText(USER, "more"),
        MemberEdit("request.metadata", "a", {"b": [1, 2.5, None, True, 2**70]}),
        MemberEdit("request.metadata", "n", None),
        MemberEdit("request.headers.x-team", "x-team", "red"),
        MemberEdit("request.tags", "cost", "a"),
        MemberEdit("request.tools", "find", REMOVED),
    ),
)


def wire(answer: Answer) -> bytes:
    return str(to_json(encode_answer(PLACEMENT, REQUEST_ID, answer))).encode()


def read(raw: bytes) -> Answer:
    return decode_answer(raw, PLACEMENT, REQUEST_ID, HOSTS)


def tree(**changed: Any) -> dict[str, Any]:
    return {**encode_answer(PLACEMENT, REQUEST_ID, Answer(Allow(), recorded={})), **changed}


def transform(*edits: Any) -> dict[str, Any]:
    return tree(decision={"kind": "transform", "edits": list(edits)})


def texts(field: Any, new: Any) -> dict[str, Any]:
    return transform({"kind": "texts", "field": field, "texts": new})


def member(field: str, name: str, value: Any) -> dict[str, Any]:
    return transform({"kind": "set", "field": field, "name": name, "value": value})


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda decision: type(decision).__name__)
def test_every_decision_arrives_as_it_was(decision: Decision) -> None:
    found = read(wire(Answer(decision))).decision
    assert found == decision
    if isinstance(found, Transform) and found.edits:
        (span, *_), *_ = found.edits[0].spans[0][1:]  # type: ignore[union-attr]  # the first is a SpanEdit
        assert type(span) is Replace
        assert found.edits[-1].value is REMOVED  # type: ignore[union-attr]  # the last is a MemberEdit


def test_what_came_beside_the_decision_arrives_too() -> None:
    sent = (Sent(RECEIVER, 202, "theirs"), Sent(RECEIVER, None, None))
    found = read(wire(Answer(Allow(), recorded={"found": 3, "kind": "card"}, deliveries=sent)))
    assert (found.recorded, found.deliveries) == ({"found": 3, "kind": "card"}, sent)


@pytest.mark.parametrize("failure", ["exception", "timeout", "contract", "import", "denied"])
def test_a_failure_arrives_as_its_class_and_what_was_refused_by_its_name(failure: str) -> None:
    refused = ("request.messages.system", "request.headers", "records.found", "records", "secrets")
    answer = Answer(failure=PluginError(FailureClass(failure), "words"), refused=refused)
    found = read(wire(answer))
    assert found.failure is not None
    assert (found.decision, found.failure.failure, found.refused) == (None, failure, refused)
    assert "words" not in str(found.failure)


def test_a_function_that_holds_something_else_says_so_by_the_name_that_it_was_called_by() -> None:
    call = Call(PLACEMENT.plugin, PLACEMENT.digest, "before_upstream", "t", REQUEST_ID, 1.0, Projection({}))
    found = read(json.dumps(encode_refusal(call, FailureClass.IMPORT)).encode())
    assert found.failure is not None
    assert found.failure.failure == "import"


SPANS = {"kind": "spans", "field": USER, "spans": [[0, [[1, 2, ""]] * 400_000]]}
HOSTILE: dict[str, Any] = {
    "no JSON": b"{",
    "no object": b"[]",
    "nothing": b"",
    "null": b"null",
    "not UTF-8": b"\xff\xfe\xff",
    "nested beyond reading": b"[" * 100_000,
    "a number beyond reading": b'{"plugin": ' + b"9" * 10_000 + b"}",
    "more than Lambda gives": b" " * (MAX_BYTES + 1),
    "a million lists": b'{"a":[' + b"[]," * 1_000_000 + b"[]]}",
    "a million keys": b"{" + b'"":0,' * 1_000_000 + b'"":0}',
    "strings that do not end": b'{"a":' + b'"\\' * 2_000_000,
    "a half million spans": json.dumps(transform(SPANS)).encode(),
    "NaN": json.dumps(tree(recorded={"found": float("nan")})).encode(),
    "infinity": json.dumps(tree(recorded={"found": float("inf")})).encode(),
    "too few keys": {"decision": {"kind": "allow"}},
    "a key of its own": tree(note="my prompt says hello"),
    "another plugin's name": tree(plugin="pii-redactor"),
    "another digest": tree(digest="sha256:" + "1" * 64),
    "another request's answer": tree(request_id="0190a5b2-7c00-7000-8000-000000000002"),
    "neither decision nor failure": tree(decision=None),
    "an unknown decision": tree(decision={"kind": "allow_all"}),
    "a decision that is a word": tree(decision="allow"),
    "a decision that is a list": tree(decision=["kind", "allow"]),
    "a block without a reason": tree(decision={"kind": "block", "at": None}),
    "an undeclared reason": tree(decision={"kind": "block", "reason": "other", "at": None}),
    "a reason that is a list": tree(decision={"kind": "block", "reason": ["reason"], "at": None}),
    "a place that is none": tree(decision={"kind": "block", "reason": "reason", "at": [1]}),
    "a place in words": tree(decision={"kind": "block", "reason": "reason", "at": "ab"}),
    "a response that is a number": tree(decision={"kind": "respond", "content": 7}),
    "a response with half a character": tree(decision={"kind": "respond", "content": "\ud800"}),
    "an unknown edit": transform({"kind": "replace", "field": USER}),
    "an edit of a field that is not granted": texts("request.messages.system", [[0, "x"]]),
    "an edit of no field": texts(None, []),
    "an edit of a field in a list": texts([USER], []),
    "a header that is not granted": member("request.headers.authorization", "authorization", "x"),
    "a header with a line break": member("request.headers.x-team", "x-team", "a\r\nb: c"),
    "a tag that is not declared": member("request.tags", "other", "a"),
    "a span of words": transform({"kind": "spans", "field": USER, "spans": [[0, ["abc"]]]}),
    "a span of two": transform({"kind": "spans", "field": USER, "spans": [[0, [[0, 1]]]]}),
    "a span of halves": transform({"kind": "spans", "field": USER, "spans": [[0, [[0.5, 1, "x"]]]]}),
    "a span at true": transform({"kind": "spans", "field": USER, "spans": [[True, [[0, 1, "x"]]]]}),
    "a text that is a number": texts(USER, [[0, 7]]),
    "too many edits": transform(*[{"kind": "add", "field": USER, "text": ""}] * 10_001),
    "an edit beyond the bound": transform({"kind": "add", "field": USER, "text": "x" * 4_200_000}),
    "a member nested too deep": member("request.metadata", "a", json.loads("[" * 40 + "]" * 40)),
    "an undeclared record": tree(recorded={"prompt": 1}),
    "a record out of its bounds": tree(recorded={"found": 11}),
    "a record that is a sentence": tree(recorded={"kind": "my prompt says hello"}),
    "a record that is true": tree(recorded={"found": True}),
    "records in a list": tree(recorded=["found"]),
    "an unknown failure": tree(failure="hacked"),
    "a failure that only the gateway can see": tree(failure="throttled"),
    "a failure that would open the circuit": tree(failure="unavailable"),
    "a failure that is a list": tree(failure=["timeout"]),
    "words as a refused field": tree(refused=["my prompt says hello"]),
    "a header's name as a refused field": tree(refused=["request.headers.my-prompt"]),
    "an undeclared record as a refused field": tree(refused=["records.my-prompt"]),
    "refused in words": tree(refused="request.model"),
    "refused a thousand times": tree(refused=["request.model"] * 1000),
    "a delivery to a host that is not granted": tree(deliveries=[["evil.example.com:443", 200, None]]),
    "a delivery with a status in words": tree(deliveries=[[RECEIVER, "200", None]]),
    "a delivery with an odd status": tree(deliveries=[[RECEIVER, 7, None]]),
    "a delivery with a long receipt": tree(deliveries=[[RECEIVER, 200, "x" * 5000]]),
    "half a delivery": tree(deliveries=[[RECEIVER]]),
    "a thousand deliveries": tree(deliveries=[[RECEIVER, 200, None]] * 1000),
}  # fmt: skip


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE.keys())
def test_any_other_answer_is_a_breach_of_contract_and_none_of_its_words_are_repeated(answer: Any) -> None:
    raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    with pytest.raises(PluginError) as caught:
        read(raw)
    assert caught.value.failure == "contract"
    assert "prompt" not in str(caught.value)


def test_what_reads_long_is_refused_before_it_is_read() -> None:
    parts = ("a million lists", "a million keys", "a half million spans")
    for raw in (HOSTILE[name] for name in parts):
        with pytest.raises(PluginError, match="too large"):
            read(raw)


def test_a_large_answer_of_few_parts_is_read_whatever_its_texts_hold() -> None:
    text = '[{"a":"b\\\\",}], ' * 200_000
    answer = Answer(Transform(TextEdit(USER, ((0, text),))))
    assert read(wire(answer)).decision == answer.decision


def test_ten_thousand_edits_are_read() -> None:
    answer = Answer(Transform(SpanEdit(USER, ((0, (Replace(0, 1, "<email>"),) * 10_000),))))
    assert read(wire(answer)).decision == answer.decision
