"""The table of error codes holds what the source gives callers: no code is missing, none is stale."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from penstock.codes import ERROR_CODES
from tests import tree

# Raised where no caller is: at deployment, in a plugin's queue, in a workflow's step, when evidence is read.
NOT_FOR_CALLERS = {
    "configuration", "delivery_failed", "evidence_unreadable", "step_failed", "step_undeliverable",
}  # fmt: skip
# They ask for evidence and print it; API Gateway's own answers are a table of their own.
ELSEWHERE = ("penstock/cli", "penstock/dev")
FACTORIES = {"Denial": (0, 2), "deny": (1, 2)}  # places of code and status
TABLE = {row.code: row for row in ERROR_CODES}


def given() -> dict[str, set[int]]:
    """Every code that is written in the source, with the statuses written beside it."""
    found: dict[str, set[int]] = defaultdict(set)
    for path in tree.python_files("penstock", "functions"):
        if not str(path).startswith(ELSEWHERE) and path != Path("penstock/codes.py"):
            for code, status in (*called(tree.syntax(path)), *declared(tree.syntax(path))):
                found[code] |= {status} if status else set()
    return {code: statuses for code, statuses in found.items() if code not in NOT_FOR_CALLERS}


def called(module: ast.Module) -> Iterator[tuple[str, int | None]]:
    """Codes that are arguments: of a denial's factories by place, of anything else by the name `code`."""
    constants = dict(assigned(module.body))
    for node in ast.walk(module):
        if not isinstance(node, ast.Call):
            continue
        named = {keyword.arg: literal(keyword.value, constants) for keyword in node.keywords}
        places = FACTORIES.get(node.func.id if isinstance(node.func, ast.Name) else "")
        if places is not None:
            code, status = (literal(node.args[place], constants) for place in places)
        else:
            code, status = named.get("code"), named.get("status")
        if isinstance(code, str):
            yield code, status if isinstance(status, int) else None


def declared(module: ast.Module) -> Iterator[tuple[str, int | None]]:
    """Codes of classes of errors, and the default of a parameter."""
    for node in ast.walk(module):
        if isinstance(node, ast.ClassDef):
            values = dict(assigned(node.body))
            code, status = values.get("code"), values.get("status")
            if isinstance(code, str):
                yield code, status if isinstance(status, int) else None
        if isinstance(node, ast.FunctionDef):
            arguments = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            defaults = {argument.arg: literal(value, {}) for argument, value in arguments if value}
            code, status = defaults.get("code"), defaults.get("status")
            if isinstance(code, str):
                yield code, status if isinstance(status, int) else None


def assigned(body: list[ast.stmt]) -> Iterator[tuple[str, object]]:
    for statement in body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        value = getattr(statement, "value", None)
        for target in targets:
            if isinstance(target, ast.Name) and isinstance(value, ast.Constant):
                yield target.id, value.value


def literal(node: ast.expr, constants: dict[str, object]) -> object:
    if isinstance(node, ast.Constant):
        return node.value
    return constants.get(node.id) if isinstance(node, ast.Name) else None


def test_the_table_has_every_code_of_the_source_and_no_other() -> None:
    assert set(given()) == set(TABLE)


def test_the_table_has_every_status_that_is_written_beside_a_code() -> None:
    wrong = {
        code: statuses for code, statuses in given().items() if not statuses <= set(TABLE[code].statuses)
    }
    assert not wrong


def test_a_code_has_one_row_with_a_sentence_on_when_and_what_to_do() -> None:
    assert len(TABLE) == len(ERROR_CODES)
    for row in ERROR_CODES:
        assert row.when.endswith("."), row.code
        assert row.remedy.endswith("."), row.code


def test_the_rows_stand_in_the_order_of_their_statuses() -> None:
    first = [row.statuses[0] for row in ERROR_CODES]
    assert first == sorted(first)
