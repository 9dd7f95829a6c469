"""What import-linter and ruff cannot hold: who imports what, nothing at import, no silent suppression."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

from tests import tree

# Who may import which foreign package. A package that is absent here is free to all.
FOREIGN = {
    "boto3": ("penstock/adapters", "tests"),
    "botocore": ("penstock/adapters", "tests"),
    "mypy_boto3_dynamodb": ("penstock/adapters", "tests"),
    "mypy_boto3_lambda": ("penstock/adapters", "tests"),
    "mypy_boto3_s3": ("penstock/adapters", "tests"),
    "mypy_boto3_secretsmanager": ("penstock/adapters", "tests"),
    "mypy_boto3_sqs": ("penstock/adapters", "tests"),
    "mypy_boto3_sts": ("penstock/adapters", "tests"),
    "aws_cdk": ("infra", "app.py", "tests/aws"),
    "constructs": ("infra", "app.py", "tests/aws"),
    # In no Lambda: extras and groups of pyproject.toml.
    "flask": ("penstock/dev", "tests"),
    "moto": ("penstock/dev", "tests"),
    "openai": ("penstock/cli", "penstock/dev", "examples", "bench", "tests"),
    "phonenumbers": ("plugins", "tests", "tools"),
    "rich": ("penstock/cli", "penstock/dev"),
}

# Of Penstock, a plugin sees the SDK; its own modules it imports relatively.
OURS = ("bench", "functions", "infra", "penstock", "penstock_plugins", "plugins", "tests", "tools")

# What the stacks know of Penstock: what is deployed, and how resources are called and keyed. Data, no client.
STACKS_SEE = (
    "penstock.adapters.keys",
    "penstock.adapters.resources",
    "penstock.configuration",
    "penstock.errors",
    "penstock.front",
    "penstock.gates.placement",
    "penstock.sdk.manifest",
)

# Calls that reach outside the process, or start something in it: none may run while a module is imported.
OUTSIDE = re.compile(
    r"os\.(getenv|urandom|mkdir|makedirs)|open|print|logging\.basicConfig"
    r"|(boto3|faulthandler|multiprocessing|random|secrets|signal|socket|subprocess|tempfile|threading)\.\w+"
    r"|time\.\w+|uuid\.uuid\d|httpx\.\w*Client"
    r"|.*\.(read_text|read_bytes|write_text|write_bytes|exists|iterdir|glob|rglob|now|utcnow)"
)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def under(path: Path, places: tuple[str, ...]) -> bool:
    return any(path.is_relative_to(place) for place in places)


def test_foreign_packages_stay_where_they_belong() -> None:
    strays = [
        f"{path}:{line} imports {module}; only {', '.join(places)} may"
        for path in tree.python_files()
        for module, line in tree.imported(path)
        if (places := FOREIGN.get(module.partition(".")[0])) and not under(path, places)
    ]
    assert not strays, "\n".join(strays)


def test_a_plugin_imports_nothing_of_ours_but_the_sdk() -> None:
    strays = [
        f"{path}:{line} imports {module}; a plugin is written against penstock.sdk"
        for folder in tree.plugin_folders()
        for path in tree.python_files(str(folder))
        for module, line in tree.imported(path)
        if module.partition(".")[0] in OURS and not f"{module}.".startswith("penstock.sdk.")
    ]
    assert not strays, "\n".join(strays)


def test_the_stacks_import_nothing_of_ours_that_calls_aws() -> None:
    strays = [
        f"{path}:{line} imports {module}; a stack sees {', '.join(STACKS_SEE)}"
        for path in [*tree.python_files("infra"), Path("app.py")]
        for module, line in tree.imported(path)
        if module.startswith("penstock.") and not any(f"{module}.".startswith(f"{s}.") for s in STACKS_SEE)
    ]
    assert not strays, "\n".join(strays)


def at_import(module: ast.Module) -> Iterator[ast.AST]:
    """Every node that runs when the module is imported: what is not inside a function."""
    waiting: list[ast.AST] = [node for node in module.body if not is_main_guard(node)]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, FUNCTIONS):
            yield node
            waiting.extend(ast.iter_child_nodes(node))


def is_main_guard(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"


def effect(node: ast.AST) -> str | None:
    """What a node does outside its module, as the source says it; None when it only defines something."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return ast.unparse(node)  # a call whose value nobody takes is made for its effect
    if isinstance(node, ast.Call) and OUTSIDE.fullmatch(ast.unparse(node.func)):
        return ast.unparse(node)
    if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "sys.path"}:
        return ast.unparse(node)
    return None


def test_importing_a_module_does_nothing() -> None:
    effects = {
        f"{path}:{getattr(node, 'lineno', 0)} runs `{what}` while it is imported"
        for path in tree.python_files("penstock", "plugins")
        for node in at_import(tree.syntax(path))
        if (what := effect(node))
    }
    assert not effects, "\n".join(sorted(effects))


def comments(path: Path) -> Iterator[tuple[str, int]]:
    text = (tree.ROOT / path).read_text(encoding="utf-8")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.string, token.start[0]


def is_reasoned(comment: str) -> bool:
    """Say whether a comment suppresses nothing, or names the rule and the reason."""
    if "noqa" in comment:
        return bool(re.search(r"noqa: [A-Z]+\d+(, ?[A-Z]+\d+)*\W+\w", comment))
    if "type: ignore" in comment:
        return bool(re.search(r"type: ignore\[[a-z, -]+\]\W+\w", comment))
    return True


def test_a_suppression_names_its_rule_and_its_reason() -> None:
    silent = [
        f"{path}:{line} {comment}"
        for path in tree.python_files()
        for comment, line in comments(path)
        if not is_reasoned(comment)
    ]
    assert not silent, "\n".join(silent)
