"""Conditions on rows, as a config writes them: comparisons of columns, and nothing that could run code or never end."""

import ast
import operator
import unicodedata
import warnings
from collections.abc import Callable, Collection

ALLOWED = (
    *(ast.Expression, ast.Name, ast.Load, ast.Constant, ast.List, ast.Tuple),
    *(ast.BoolOp, ast.boolop, ast.BinOp, ast.operator, ast.UnaryOp, ast.unaryop, ast.Compare, ast.cmpop),
)
ARITHMETIC = (ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow)
"""Operators of numbers only: with text they repeat or format it, to any length."""
SUMS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
}  # fmt: skip
LONGEST = 20_000
"""Characters of an expression: a thousand run ids and their commas."""
DEEPEST = 250
"""Levels of brackets and operators."""
TOO_DEEP = f"nested more than {DEEPEST} levels deep, or as many conditions; write run_id in ['a', 'b']"


def check_expression(expression: str) -> None:
    """Refuse what is more than comparisons and arithmetic of columns, numbers and text, or has no bound.

    Pandas evaluates methods and attributes too (`loss.to_pickle("x")`), which would make a config a program.

    Raises
    ------
    ValueError
        The expression cannot be parsed; is too long or too deep; holds a call, an attribute or anything else that is
        not listed above; a power that is larger than any number; or arithmetic of text.
    """
    parsed(expression)


def parsed(expression: str, text_columns: Collection[str] = ()) -> ast.Expression:
    """The checked expression, powers of plain numbers computed as floats; the text columns take no arithmetic."""
    try:
        tree = _tree(_plain(expression))
        _refuse_deep(tree)
        _refuse_strange(tree, text_columns)
        return ast.Expression(_PowersOfFloats().visit(tree.body))
    except (RecursionError, MemoryError) as error:
        raise ValueError(TOO_DEEP) from error


def _plain(expression: str) -> str:
    """The expression on one line, if it is text that a person can have meant."""
    if len(expression) > LONGEST:
        raise ValueError(f"{len(expression)} characters, and at most {LONGEST} are read")
    strange = [c for c in expression if unicodedata.category(c) in ("Cc", "Cs") and c not in "\t\n\r"]
    if strange:
        raise ValueError(f"holds the control character {strange[0]!r}; write it without")
    # YAML folds long text into lines; Python would end the expression at the first.
    return " ".join(expression.splitlines()).strip()


def _tree(expression: str) -> ast.Expression:
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(expression, mode="eval")
    except SyntaxError as error:
        raise ValueError(f"{error.msg}; write comparisons such as n_params < 1e4 and seed > 0") from error


def _refuse_deep(tree: ast.AST) -> None:
    # Level by level, without recursion, which a deep expression would exhaust.
    level: list[ast.AST] = [tree]
    for _ in range(DEEPEST):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    if level:
        raise ValueError(TOO_DEEP)


def _refuse_strange(tree: ast.AST, text_columns: Collection[str]) -> None:
    strange = [node for node in ast.walk(tree) if not isinstance(node, ALLOWED)]
    strange += [node for node in ast.walk(tree) if isinstance(node, ast.BinOp) and _is_strange(node, text_columns)]
    if strange:
        raise ValueError(
            f"{ast.unparse(strange[0])!r} is not allowed; write comparisons of columns, numbers and text only"
        )


def _is_strange(node: ast.BinOp, text_columns: Collection[str]) -> bool:
    """Whether an operator has results without a bound, or no meaning for columns."""
    if isinstance(node.op, ast.LShift | ast.RShift | ast.MatMult):
        return True
    return isinstance(node.op, ARITHMETIC) and any(_is_text(side, text_columns) for side in (node.left, node.right))


def _is_text(node: ast.AST, text_columns: Collection[str]) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str | bytes)
    if isinstance(node, ast.BinOp):
        return _is_text(node.left, text_columns) or _is_text(node.right, text_columns)
    return isinstance(node, ast.List | ast.Tuple) or (isinstance(node, ast.Name) and node.id in text_columns)


class _PowersOfFloats(ast.NodeTransformer):
    """Numbers below and above a power as floats, which have a largest: 9**9**9 as an integer has 370 million digits."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        # Inner powers first, so that a tower is computed from the top.
        self.generic_visit(node)
        if not isinstance(node.op, ast.Pow):
            return node
        base, exponent = (_as_float(side) for side in (node.left, node.right))
        if not (isinstance(base, ast.Constant) and isinstance(exponent, ast.Constant)):
            return ast.BinOp(base, node.op, exponent)
        return ast.Constant(_power(_number(base), _number(exponent), ast.unparse(node)))


def _as_float(node: ast.expr) -> ast.expr:
    """The side of a power: computed as a float where it holds no column."""
    if any(isinstance(part, ast.Name) for part in ast.walk(node)):
        return node
    return ast.Constant(_number(node))


def _number(node: ast.AST) -> float:
    """Value of numbers with signs, sums and products."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return _power(node.value, 1.0, ast.unparse(node))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_number(node.operand)
    if isinstance(node, ast.BinOp) and type(node.op) in SUMS:
        return SUMS[type(node.op)](_number(node.left), _number(node.right))
    raise ValueError(f"{ast.unparse(node)!r} is not allowed in a power; write it as one number")


def _power(base: float, exponent: float, text: str) -> float:
    try:
        value: float | complex = base**exponent
    except (OverflowError, ZeroDivisionError):
        value = float("inf")
    # A negative base under a broken power is complex; ∞ stands for what overflows.
    if isinstance(value, complex) or value == float("inf"):
        raise ValueError(f"{text} is larger than any number, or none")
    return value
