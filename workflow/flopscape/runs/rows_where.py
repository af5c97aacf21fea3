"""An expression (text/expression.py) over the typed columns of a table: its values, and the rows for which it holds."""

import ast
import warnings
from typing import Any

import numpy as np
import pandas as pd

from flopscape.laws.law import Mask
from flopscape.text.expression import TOO_DEEP, parsed
from flopscape.text.written import nearest

OF_PANDAS = {"index", "inf", "Inf"}
"""Names that pandas knows besides the columns."""


def rows_where(frame: pd.DataFrame, expression: str) -> Mask:
    """Rows for which the expression is true; where a blank leaves it open it is not.

    Raises
    ------
    ValueError
        The expression is refused, names no column, cannot be evaluated, or is not true or false for each row.
    """
    holds = evaluated(frame, expression)
    if not isinstance(holds, pd.Series) or not pd.api.types.is_bool_dtype(holds):
        raise ValueError("is not true or false for each row")
    return holds.fillna(False).to_numpy(bool)


def evaluated(frame: pd.DataFrame, expression: str) -> Any:
    """What the expression is, a Series where it names a column; ValueError as of `rows_where`."""
    numbers = {str(name) for name, column in frame.items() if pd.api.types.is_numeric_dtype(column)}
    tree = parsed(expression, {str(name) for name in frame} - numbers)
    # Checked here, for what pandas says of an unknown name does not tell which column is most like it.
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id not in frame and node.id not in OF_PANDAS:
            raise ValueError(f"no column {node.id}{nearest(node.id, frame.columns)}")
    plain = ast.unparse(_QuotedNumbers(numbers).visit(tree))
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
            return frame.eval(plain, engine="python")
    except RecursionError as error:
        raise ValueError(TOO_DEEP) from error
    except Exception as error:  # whatever a user's expression raises is a mistake in the expression
        raise ValueError(str(error)) from error


class _QuotedNumbers(ast.NodeTransformer):
    """Takes quoted numbers as numbers where they are compared with a column of numbers: `seed == '0'`."""

    def __init__(self, columns: set[str]) -> None:
        self.columns = columns

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        sides = [node.left, *node.comparators]
        if any(isinstance(side, ast.Name) and side.id in self.columns for side in sides):
            left, *others = map(_unquoted, sides)
            return ast.Compare(left, node.ops, others)
        self.generic_visit(node)
        return node


def _unquoted(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.List | ast.Tuple):
        return type(node)([_unquoted(item) for item in node.elts], ast.Load())
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            return ast.Constant(float(node.value))
        except ValueError:
            return node
    return node
