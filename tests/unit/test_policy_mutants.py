"""The test of the rules' tests: every comparison and every condition in every rule, turned round, is caught by a case."""

import ast
import importlib
import inspect
from collections.abc import Iterator

import pytest

from tests.unit import test_policy_repository as repository
from tests.unit import test_policy_rules as inventory
from tokenguard.policy.rules.repository_table import REPOSITORY_CHECKS
from tokenguard.policy.rules.token_rules import CHECKS

FLIPPED = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
ONLY_WORDS = {
    'repository_ci: return "it prints a token into the log" if last is first else "it prints a token into the log, encoded"',
    "leaking: if question.document.busy or question.document.accepted_again:  # a new rotation is refused until then",
}
"""What a case does not see, and another test does: `test_a_disguise_is_told`, `test_the_hints_for_a_leak…`."""


class Flip(ast.NodeTransformer):
    """Turns the n-th condition round: a comparison's operator, `and` to `or`, the `not` away."""

    def __init__(self, wanted: int) -> None:
        self.wanted, self.seen, self.line = wanted, 0, 0

    def _is_it(self, node: ast.AST) -> bool:
        self.seen += 1
        if self.seen - 1 != self.wanted:
            return False
        self.line = node.lineno
        return True

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        for place, operator in enumerate(node.ops):
            if self._is_it(node):
                node.ops[place] = FLIPPED[type(operator)]()
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        if self._is_it(node):
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        return node.operand if isinstance(node.op, ast.Not) and self._is_it(node) else node


def mutants(name: str) -> Iterator[tuple[str, dict]]:
    """Every mutant of a module: where it is, and what the module defines then."""
    module = importlib.import_module(name)
    source = inspect.getsource(module)
    number = 0
    while True:
        flip = Flip(number)
        tree = ast.fix_missing_locations(flip.visit(ast.parse(source)))
        if not flip.line:
            return
        defined = {"__name__": name, "__package__": module.__package__}
        exec(compile(tree, module.__file__, "exec"), defined)
        yield f"{name.rpartition('.')[2]}: {source.splitlines()[flip.line - 1].strip()} #{number}", defined
        number += 1


def survives_inventory(rules: dict[str, str], defined: dict) -> bool:
    def differs(rule: str, how: dict, expected: object) -> bool:
        try:
            return inventory.asked(rule, check=defined[rules[rule]], **how) != expected
        except Exception:  # noqa: BLE001 - whatever a mutant breaks is seen
            return True

    in_order = (
        {"others": (inventory.OTHER,), "rows": (inventory.ROW, inventory.replace(inventory.ROW, provider_id="id2"))},
        None,
    )
    cases = [*inventory.CASES, *((rule, *in_order) for rule in rules)]
    said = ((rule, {**how, "words": True}, text) for rule, how, text in inventory.WORDS)
    fixes = ((rule, {**how, "fixes": True}, text) for rule, how, text in inventory.FIXES)
    cases += [*said, *fixes, ("unused", {"rows": (OLD,), **inventory.ENTERED}, inventory.GONE)]
    return not any(differs(rule, how, expected) for rule, how, expected in cases if rule in rules)


def survives_repository(rules: dict[str, str], defined: dict) -> bool:
    def differs(rule: str, view: object, expected: object) -> bool:
        try:
            return repository.asked(rule, view, defined[rules[rule]]) != expected
        except Exception:  # noqa: BLE001 - whatever a mutant breaks is seen
            return True

    return not any(differs(rule, view, expected) for rule, view, expected in CASES if rule in rules)


OLD = inventory.replace(inventory.ROW, last_used_at=inventory.NOW - 91 * inventory.DAY)
CASES = list(repository.every_case())
MODULES = sorted({check.__module__ for check in (*CHECKS.values(), *REPOSITORY_CHECKS.values())})


@pytest.mark.parametrize("name", MODULES, ids=lambda name: name.rpartition(".")[2])
def test_no_mutant_of_a_rule_survives_its_cases(name):
    table, survives = (
        (CHECKS, survives_inventory) if "repository" not in name else (REPOSITORY_CHECKS, survives_repository)
    )
    rules = {rule: check.__name__ for rule, check in table.items() if check.__module__ == name}
    made = list(mutants(name))
    assert len(made) >= len(rules) // 2
    survivors = [where for where, defined in made if survives(rules, defined)]
    assert [each for each in survivors if each.rpartition(" #")[0] not in ONLY_WORDS] == []
