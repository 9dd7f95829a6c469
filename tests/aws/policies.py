"""An evaluator of IAM policies, for the policies that stand in a template and for one account.

Source: IAM User Guide, "Policy evaluation logic" and "IAM JSON policy elements". It knows allow and deny,
identity and resource policies, NotAction, NotResource, wildcards, and the condition operators in `OPERATORS`.
What it does not know, it refuses: an answer of this module is never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

Context = Mapping[str, str | list[str]]
Statement = Mapping[str, Any]

ACCOUNT = "123456789012"

# Keys on which a grant may hang: those that are asked about with more than one value (`reach`). A request of
# AWS's has many more, as its region and that it came by TLS: a grant under one of those would pass there, and
# be overlooked here.
ASKED_WITH = frozenset(
    {
        "bedrock-mantle:Model", "bedrock:InferenceProfileArn", "dynamodb:LeadingKeys", "kms:ResourceAliases",
        "kms:ViaService", "s3:prefix", "ses:FromAddress", "ses:Recipients",
    }
)  # fmt: skip
ENCRYPTION_CONTEXT = "kms:EncryptionContext:"
OF_SERVICES = frozenset({"aws:SourceAccount"})  # what services say, in whose name they act
OF_DENIALS = frozenset(
    {"aws:SecureTransport", "lambda:SourceFunctionArn", "s3:TlsVersion", "s3:if-none-match"}
)


class UnknownPolicyError(Exception):
    """A policy says what this evaluator does not understand."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: a role by its ARN, and its own policies. `service`: an AWS service, which has none."""

    arn: str
    statements: tuple[Statement, ...] = ()
    service: bool = False

    @property
    def account(self) -> str:
        return "" if self.service else self.arn.split(":")[4]


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked. `context`: condition keys that the request brings."""

    action: str
    resource: str
    context: Context = field(default_factory=dict)


def allowed(who: Principal, request: Request, on_resource: Iterable[Statement] = ()) -> bool:
    """Whether AWS would let it pass. `on_resource`: statements of the policy on what is asked for."""
    return allowed_any(who, (request.action,), request, on_resource)


def allowed_any(
    who: Principal, actions: Iterable[str], asked: Request, on_resource: Iterable[Statement] = ()
) -> bool:
    """Whether one of the actions would pass, on the resource and in the context of `asked`."""
    own = [s for s in who.statements if _applies(s, asked)]
    there = [s for s in on_resource if _names(s, who) and _applies(s, asked)]
    if not own and not there:
        return False
    return any(
        _decided(who, action, [s for s in own if _acts(s, action)], [s for s in there if _acts(s, action)])
        for action in actions
    )


def _decided(who: Principal, action: str, own: list[Statement], there: list[Statement]) -> bool:
    if any(s["Effect"] == "Deny" for s in (*own, *there)):
        return False
    granted_there = [s for s in there if s["Effect"] == "Allow"]
    if action.startswith("kms:") and not granted_there:
        # A key's policy must let the account's own policies decide, or name who asks (KMS Developer Guide,
        # "Key policies"): those that it does not speak of have no say.
        return False
    if who.account != ACCOUNT:
        return bool(granted_there)  # another account's own policies are not ours to know
    # A statement for the whole account lets the account's own policies decide.
    direct = [s for s in granted_there if not _is_account(s)]
    return bool(direct) or any(s["Effect"] == "Allow" for s in own)


def understood(statements: list[Statement]) -> list[Statement]:
    """The same. Raises UnknownPolicyError for what hangs on something that nobody asks with."""
    for statement in statements:
        known = ASKED_WITH | (OF_DENIALS if statement["Effect"] == "Deny" else frozenset())
        principal = statement.get("Principal")
        if isinstance(principal, Mapping) and set(principal) == {"Service"}:
            known |= OF_SERVICES
        for keys in statement.get("Condition", {}).values():
            unknown = [key for key in keys if key not in known and not key.startswith(ENCRYPTION_CONTEXT)]
            if unknown:
                raise UnknownPolicyError(f"a grant or denial under {unknown}")
    return statements


def trusted(who: Principal, trust: Iterable[Statement]) -> bool:
    """Whether `who`, who may ask for it, is let into a role with this trust policy."""
    return any(s["Effect"] == "Allow" and _names(s, who) for s in trust)


def _acts(statement: Statement, action: str) -> bool:
    if "Action" in statement:
        return any(matches(pattern.lower(), action.lower()) for pattern in many(statement["Action"]))
    return not any(matches(pattern.lower(), action.lower()) for pattern in many(statement["NotAction"]))


def _applies(statement: Statement, asked: Request) -> bool:
    """Whether it speaks of the resource, and its conditions hold."""
    unknown = set(statement) - {
        "Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "Condition"
    }  # fmt: skip
    if unknown:
        raise UnknownPolicyError(f"{sorted(unknown)}")
    if "NotResource" in statement:
        there = not any(matches(pattern, asked.resource) for pattern in many(statement["NotResource"]))
    else:
        there = any(matches(pattern, asked.resource) for pattern in many(statement.get("Resource", "*")))
    return there and _holds(statement.get("Condition", {}), asked.context)


def _names(statement: Statement, who: Principal) -> bool:
    """Whether a statement on a resource is about `who`."""
    principal = statement["Principal"]
    if principal == "*":
        return True
    for kind, names in principal.items():
        if kind not in {"AWS", "Service"}:
            raise UnknownPolicyError(f"a principal of kind {kind}")
        if (kind == "Service") == who.service:
            own = {who.arn, "*"} if who.service else {who.arn, who.account, "*", _root(who.account)}
            if own & set(many(names)):
                return True
    return False


def _is_account(statement: Statement) -> bool:
    principal = statement["Principal"]
    return (
        principal != "*"
        and set(many(principal.get("AWS", []))) <= {ACCOUNT, _root(ACCOUNT)} - {"*"}
        and ("Service" not in principal)
    )


def _root(account: str) -> str:
    return f"arn:aws:iam::{account}:root"


def _holds(condition: Mapping[str, Mapping[str, Any]], context: Context) -> bool:
    return all(
        _operator(name)(context.get(key), [str(value) for value in many(wanted)])
        for name, keys in condition.items()
        for key, wanted in keys.items()
    )


Found = str | list[str] | None


def _operator(name: str) -> Callable[[Found, list[str]], bool]:
    if name not in OPERATORS:
        raise UnknownPolicyError(f"the condition {name}")
    return OPERATORS[name]


def _equals(found: Found, wanted: list[str]) -> bool:
    return found is not None and found in wanted


def _like(found: Found, wanted: list[str]) -> bool:
    return isinstance(found, str) and any(matches(pattern, found) for pattern in wanted)


def _all_like(found: Found, wanted: list[str]) -> bool:
    """True also when the request has no such key."""
    return all(_like(value, wanted) for value in many(found or []))


def _all_equal(found: Found, wanted: list[str]) -> bool:
    """True also when the request has no such key."""
    return all(_equals(value, wanted) for value in many(found or []))


def _any_equal(found: Found, wanted: list[str]) -> bool:
    return any(_equals(value, wanted) for value in many(found or []))


def _null(found: Found, wanted: list[str]) -> bool:
    return (wanted == ["true"] and found is None) or (wanted == ["false"] and found is not None)


OPERATORS: Mapping[str, Callable[[Found, list[str]], bool]] = {
    "StringEquals": _equals,
    "StringNotEquals": lambda found, wanted: not _equals(found, wanted),
    "StringLike": _like,
    "ArnEquals": _like,  # which IAM holds to be the same
    "ArnLike": _like,
    "Bool": lambda found, wanted: isinstance(found, str) and [found] == [w.lower() for w in wanted],
    "Null": _null,
    "NumericLessThan": lambda found, wanted: isinstance(found, str) and float(found) < float(wanted[0]),
    "ForAllValues:StringEquals": _all_equal,
    "ForAllValues:StringLike": _all_like,
    "ForAnyValue:StringEquals": _any_equal,
}


def many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.compile("".join(parts), re.DOTALL)


def matches(pattern: str, text: str) -> bool:
    """IAM's own wildcards: `*` passes over `/` and `:` too."""
    return _pattern(pattern).fullmatch(text) is not None
