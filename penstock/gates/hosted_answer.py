"""What comes back from a plugin's own function, which is not trusted.

Each part is read as what it may be, by exact types; what is left over is refused. The decision is then
checked against the grant like any other (`penstock.sdk.contract`); whether its edits fit shows when they are
applied.

    plugin, digest, request_id   of the call that it answers
    decision                     {kind: allow | block | transform | respond, …}; null when it failed
    failure                      one of `CLAIMS`, null when it did not fail
    recorded, refused            as the context kept them
    deliveries                   [host, status, receipt]: what left for outside systems
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final, NoReturn, assert_never

from penstock.errors import FailureClass, PluginError
from penstock.gates.host import Answer, Sent
from penstock.gates.hosted_call import MAX_BYTES, Call
from penstock.gates.placement import Placement
from penstock.sdk import fields
from penstock.sdk.contract import checked
from penstock.sdk.decisions import Allow, Block, Decision, Respond, Transform
from penstock.sdk.edits import REMOVED, AddText, Edit, MemberEdit, Replace, Span, SpanEdit, TextEdit

# What a function may say of itself; how far away it is, and how busy, the gateway knows better. `denied` is
# what its role was refused: it counts for no breaker, so that a false claim gains nothing.
CLAIMS: Final = frozenset(
    {
        FailureClass.EXCEPTION,
        FailureClass.TIMEOUT,
        FailureClass.CONTRACT,
        FailureClass.IMPORT,
        FailureClass.DENIED,
    }
)
# What a plugin can ask for without a grant, as the SDK names it: no word of a plugin's own is among them.
REFUSABLE: Final = frozenset({*fields.FIELDS, "request.headers", "response.headers", "records"}) | {
    "hosts",
    "secrets",
    "storage",
    "email",
    "exports",
}
MAX_REFUSED: Final = 256
MAX_DELIVERIES: Final = 64
MAX_RECEIPT_CHARS: Final = 1024
# No deadline is over the reading of an answer. Of 6 MB made for it, it would take seconds; of so many commas,
# colons and brackets at most a fifth of one, and no answer under 64 KB has more.
MAX_PARTS: Final = 100_000
SMALL_BYTES: Final = 65_536
# A string of JSON, or what begins as one: it always ends, so that nothing is looked at twice.
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\(?:.|\Z)[^"\\]*+)*+(?:"|\Z)', re.DOTALL)
_KEYS: Final = frozenset(
    {"plugin", "digest", "request_id", "decision", "failure", "recorded", "refused", "deliveries"}
)


def encode_answer(placement: Placement, request_id: str, answer: Answer) -> dict[str, Any]:
    """The answer as the function returns it, for Lambda to write as JSON."""
    failure = answer.failure
    return {
        "plugin": placement.plugin,
        "digest": placement.digest,
        "request_id": request_id,
        "decision": None if answer.decision is None else _decision_tree(answer.decision),
        "failure": None if failure is None else failure.failure.value,
        "recorded": dict(answer.recorded or {}),
        "refused": list(answer.refused),
        "deliveries": [list(sent) for sent in answer.deliveries],
    }


def encode_refusal(call: Call, failure: FailureClass) -> dict[str, Any]:
    """The answer of a function that does not run what `call` names."""
    return {
        "plugin": call.plugin,
        "digest": call.digest,
        "request_id": call.request_id,
        "decision": None,
        "failure": failure.value,
        "recorded": {},
        "refused": [],
        "deliveries": [],
    }


def decode_answer(raw: bytes, placement: Placement, request_id: str, hosts: frozenset[str]) -> Answer:
    """The answer in `raw` to a call of `placement`. Raises PluginError (`contract`) for anything else."""
    tree = _object(raw)
    called = (placement.plugin, placement.digest, request_id)
    if (tree["plugin"], tree["digest"], tree["request_id"]) != called:
        _refuse("the function answered another call")
    failure = _failure(tree["failure"])
    return Answer(
        _checked(tree["decision"], placement) if failure is None else None,
        failure,
        _recorded(tree["recorded"], placement),
        _refused(tree["refused"], placement),
        _deliveries(tree["deliveries"], hosts),
    )


def _object(raw: bytes) -> dict[str, Any]:
    if len(raw) > MAX_BYTES or _is_overgrown(raw):
        _refuse("the answer is too large")
    try:
        tree = json.loads(raw, parse_constant=_no_number)
    except (ValueError, RecursionError):
        _refuse("the answer is no JSON")
    if type(tree) is not dict or tree.keys() != _KEYS:
        _refuse("the answer is none")
    return tree


def _is_overgrown(raw: bytes) -> bool:
    """Whether it consists of so many parts that reading it takes long, when the plugin's time is over."""
    if len(raw) <= SMALL_BYTES:
        return False
    rest, strings = _STRING.subn(b"", raw, MAX_PARTS + 1)
    return strings > MAX_PARTS or sum(map(rest.count, (b",", b":", b"[", b"{"))) > MAX_PARTS


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def _checked(tree: Any, placement: Placement) -> Decision:
    try:
        decision = _decision(tree)
    except (KeyError, TypeError, ValueError):
        _refuse("the decision is none")
    return checked(decision, placement.terms)


def _failure(claim: Any) -> PluginError | None:
    if claim is None:
        return None
    if type(claim) is not str or claim not in CLAIMS:
        _refuse("the function failed in a way that there is not")
    return PluginError(FailureClass(claim), "the plugin failed in its function")


def _recorded(tree: Any, placement: Placement) -> dict[str, float | str]:
    if type(tree) is not dict:
        _refuse("the records are none")
    for name, value in tree.items():
        spec = placement.records.get(name)
        if spec is None or not spec.admits(value):
            _refuse("a record is not declared or out of its bounds")
    return tree


def _refused(tree: Any, placement: Placement) -> tuple[str, ...]:
    if type(tree) is not list or len(tree) > MAX_REFUSED:
        _refuse("what was refused is no list")
    own = {f"records.{name}" for name in placement.records}
    if not all(type(name) is str and (name in REFUSABLE or name in own) for name in tree):
        _refuse("what was refused has no name")
    return tuple(tree)


def _deliveries(tree: Any, hosts: frozenset[str]) -> tuple[Sent, ...]:
    if type(tree) is not list or len(tree) > MAX_DELIVERIES:
        _refuse("the deliveries are no list")
    return tuple(_sent(item, hosts) for item in tree)


def _sent(item: Any, hosts: frozenset[str]) -> Sent:
    if type(item) is not list or len(item) != 3:
        _refuse("a delivery is none")
    host, status, receipt = item
    if type(host) is not str or host not in hosts:
        _refuse("a delivery went to a host that is not granted")
    if status is not None and not (type(status) is int and 100 <= status <= 999):
        _refuse("a delivery's status is none")
    if receipt is not None and not (type(receipt) is str and len(receipt) <= MAX_RECEIPT_CHARS):
        _refuse("a delivery's receipt is no short text")
    return Sent(host, status, receipt)


def _decision_tree(decision: Decision) -> dict[str, Any]:
    match decision:
        case Allow():
            return {"kind": "allow"}
        case Block():
            at = decision.at and list(decision.at)
            return {"kind": "block", "reason": decision.reason, "at": at, "refer": decision.refer}
        case Transform():
            return {"kind": "transform", "edits": [_edit_tree(edit) for edit in decision.edits]}
        case Respond():
            return {"kind": "respond", "content": decision.content}
    assert_never(decision)


def _edit_tree(edit: Edit) -> dict[str, Any]:
    match edit:
        case SpanEdit():
            # Lists: what Lambda's runtime writes JSON with makes objects of named tuples.
            spans = [[index, [list(span) for span in found]] for index, found in edit.spans]
            return {"kind": "spans", "field": edit.field, "spans": spans}
        case TextEdit():
            return {"kind": "texts", "field": edit.field, "texts": [list(pair) for pair in edit.texts]}
        case MemberEdit() if edit.value is REMOVED:
            return {"kind": "remove", "field": edit.field, "name": edit.name}
        case MemberEdit():
            return {"kind": "set", "field": edit.field, "name": edit.name, "value": edit.value}
        case AddText():
            return {"kind": "add", "field": edit.field, "text": edit.text}
    assert_never(edit)


def _decision(tree: Any) -> Decision:
    """Raises KeyError, TypeError or ValueError for what is no decision; what it holds is not checked yet."""
    match tree["kind"]:
        case "allow":
            return Allow()
        case "block":
            at = tree["at"]
            return Block(tree["reason"], None if at is None else Span(*_list(at)), tree["refer"])
        case "transform":
            return Transform(*map(_edit, _list(tree["edits"])))
        case "respond":
            return Respond(tree["content"])
    raise ValueError("no decision")


def _edit(tree: Any) -> Edit:
    field = tree["field"]
    match tree["kind"]:
        case "spans":
            return SpanEdit(field, tuple(_spans(pair) for pair in _list(tree["spans"])))
        case "texts":
            return TextEdit(field, tuple((index, text) for index, text in map(_list, _list(tree["texts"]))))
        case "set":
            return MemberEdit(field, tree["name"], tree["value"])
        case "remove":
            return MemberEdit(field, tree["name"], REMOVED)
        case "add":
            return AddText(field, tree["text"])
    raise ValueError("no edit")


def _spans(pair: Any) -> tuple[int, tuple[Replace, ...]]:
    index, spans = _list(pair)
    return index, tuple(Replace(*_list(span)) for span in _list(spans))


def _list(value: Any) -> Sequence[Any]:
    """`value`; a string would unpack too. Raises TypeError."""
    if type(value) is not list:
        raise TypeError("no list")
    return value


def _refuse(detail: str) -> NoReturn:
    raise PluginError(FailureClass.CONTRACT, detail)
