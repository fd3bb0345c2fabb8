"""Which mutants a module has: cosmic-ray's operators, but of those with many replacements the plausible ones alone.

All of them would make some 21,000 mutants of the science, most of them dead without any test: a bit operator between
floats is a TypeError, and a share of killed ones that counts it flatters. Here every place in the code gets the slips
that a person makes there: the inverse operation, a boundary that is open instead of closed, a condition the wrong way
round, a number one too large, a forgotten minus or not, a loop that does not run, an error that is not caught.
Annotations are left alone, since nothing is computed from them; so is what would not compile, or compiles to the same.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import CodeType
from typing import Any

Place = tuple[int, int]  # line and column

BINARY = {
    "Add": ("Sub",), "Sub": ("Add",), "Mul": ("Div",), "Div": ("Mul",), "FloorDiv": ("Div", "Mul"), "Mod": ("Mul",),
    "Pow": ("Mul",), "LShift": ("RShift",), "RShift": ("LShift",), "BitAnd": ("BitOr",), "BitOr": ("BitAnd",),
    "BitXor": ("BitOr",),
}  # fmt: skip
COMPARISON = {
    "Lt": ("LtE", "GtE"), "LtE": ("Lt", "Gt"), "Gt": ("GtE", "LtE"), "GtE": ("Gt", "Lt"), "Eq": ("NotEq",),
    "NotEq": ("Eq",), "Is": ("IsNot",), "IsNot": ("Is",),
}  # fmt: skip
OPERATORS = {
    "binary_operator_replacement": [f"ReplaceBinaryOperator_{a}_{b}" for a, to in BINARY.items() for b in to],
    "comparison_operator_replacement": [
        f"ReplaceComparisonOperator_{a}_{b}" for a, to in COMPARISON.items() for b in to
    ],
    "unary_operator_replacement": [f"ReplaceUnaryOperator_Delete_{a}" for a in ("USub", "Not", "Invert")],
    "number_replacer": ["NumberReplacer"],
    "boolean_replacer": [
        "AddNot", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd",
    ],
    "zero_iteration_for_loop": ["ZeroIterationForLoop"],
    "break_continue": ["ReplaceBreakWithContinue", "ReplaceContinueWithBreak"],
    "exception_replacer": ["ExceptionReplacer"],
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One change of one module, told by texts and not by line numbers, so that it is known again when lines move."""

    module: str  # "scaling/intervals.py"
    where: str  # the function or class around it, dotted; "" for the module's own level
    line: str  # the changed line, stripped
    becomes: str
    nth: int  # among equals
    operator: str
    number: int  # of the line, as long as the file stays as it is
    source: str  # of the changed module

    @property
    def key(self) -> tuple[str, str, str, str, int]:
        """What it is known by."""
        return self.module, self.where, self.line, self.becomes, self.nth


def mutants_of(path: Path, module: str) -> Iterator[Mutant]:
    """All of one file's, one of its functions, classes or statements after the other.

    Needs cosmic-ray's operators, and parso and attrs, which these import.
    """
    from cosmic_ray.ast import get_ast

    source = path.read_text("utf-8")
    lines, annotated, scopes = source.split("\n"), _annotations(source), Scopes(source)
    seen: dict[tuple[str, str, str], int] = {}
    before = ""
    for part in (node.get_code() for node in get_ast(source).children):
        above, after = before.count("\n"), source[len(before) + len(part) :]
        for operator, (start, end), changed in _changes(part):
            start, end = ((line + above, column) for line, column in (start, end))
            if any(first <= start and end <= last for first, last in annotated):
                continue
            pairs = enumerate(zip(lines, f"{before}{changed}{after}".split("\n"), strict=False), start=1)
            number, line, becomes = next((n, a.strip(), b.strip()) for n, (a, b) in pairs if a != b)
            where = scopes.around(number)
            nth = seen[where, line, becomes] = seen.get((where, line, becomes), -1) + 1
            yield Mutant(module, where, line, becomes, nth, operator, number, f"{before}{changed}{after}")
        before += part


def _changes(part: str) -> Iterator[tuple[str, tuple[Place, Place], str]]:
    """Every change of a piece of code that changes what it does: the operator, start and end, and the piece then."""
    from cosmic_ray.ast import ast_nodes, get_ast

    tree, unchanged = get_ast(part), _meaning(part)
    for family, names in OPERATORS.items():
        for name in names:
            operator = getattr(import_module(f"cosmic_ray.operators.{family}"), name)()
            places = [at for node in ast_nodes(tree) for at in operator.mutation_positions(node)]
            for occurrence, (start, end) in enumerate(places):
                if name == "NumberReplacer" and occurrence % 2:  # one more will do; the second change is one less
                    continue
                changed = _changed(part, operator, occurrence)
                if _meaning(changed) not in (unchanged, None):
                    yield name, (start, end), changed


def _changed(part: str, operator: Any, occurrence: int) -> str:
    """The code with one occurrence of an operator's change."""
    from cosmic_ray.ast import Visitor, get_ast

    class Change(Visitor):
        left = occurrence

        def visit(self, node: Any) -> Any:
            for index, _ in enumerate(operator.mutation_positions(node)):
                self.left -= 1
                if self.left == -1:
                    return operator.mutate(node, index)
            return node

    return str(Change().walk(get_ast(part)).get_code())


def _meaning(part: str) -> object:
    """What a piece of code does, wherever it stands: 1e75 + 1 is 1e75. None if it cannot be compiled."""

    def of(code: CodeType) -> object:
        constants = [of(constant) if isinstance(constant, CodeType) else repr(constant) for constant in code.co_consts]
        return code.co_code, code.co_names, code.co_varnames, constants

    try:
        return of(compile(part, "part", "exec"))
    except SyntaxError:
        return None


def _annotations(source: str) -> list[tuple[Place, Place]]:
    """Start and end of every annotation."""
    found = []
    for node in ast.walk(ast.parse(source)):
        for part in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            if part is not None:
                found.append(((part.lineno, part.col_offset), (part.end_lineno, part.end_col_offset)))
    return found


class Scopes:
    """The functions, classes and statements of a source by line."""

    def __init__(self, source: str) -> None:
        self.spans: list[tuple[int, int, str]] = []  # of bodies, outer before inner
        self.early: set[int] = set()  # lines that run when the module is imported
        self.statements: list[tuple[int, int]] = []  # first and last line, of a compound one its head alone
        self._enter(ast.parse(source), "", True)

    def _enter(self, parent: ast.AST, prefix: str, at_import: bool) -> None:
        for node in ast.iter_child_nodes(parent):
            if isinstance(node, ast.stmt):
                body = getattr(node, "body", None)
                first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
                last = max(first, body[0].lineno - 1) if body else node.end_lineno
                self.statements.append((first, last))
                if at_import:
                    self.early.update(range(first, last + 1))
            name, inside = prefix, at_import
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                name = f"{prefix}.{node.name}".lstrip(".")
                self.spans.append((node.lineno, node.end_lineno, name))
                inside = at_import and isinstance(node, ast.ClassDef)
            self._enter(node, name, inside)

    def around(self, line: int) -> str:
        """The innermost function or class that a line belongs to."""
        return next((name for first, last, name in reversed(self.spans) if first <= line <= last), "")

    def statement(self, line: int) -> range:
        """All lines of the innermost statement around a line."""
        spans = [(first, last) for first, last in self.statements if first <= line <= last]
        first, last = min(spans, key=lambda span: span[1] - span[0], default=(line, line))
        return range(first, last + 1)
