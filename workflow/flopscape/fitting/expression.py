"""Conditions on rows, as a config writes them: comparisons of columns, and nothing that could run code."""

import ast

ALLOWED = (
    *(ast.Expression, ast.Name, ast.Load, ast.Constant, ast.List, ast.Tuple),
    *(ast.BoolOp, ast.boolop, ast.BinOp, ast.operator, ast.UnaryOp, ast.unaryop, ast.Compare, ast.cmpop),
)


def check_expression(expression: str) -> None:
    """Refuse what is more than comparisons and arithmetic of columns, numbers and text.

    Pandas evaluates methods and attributes too (`loss.to_pickle("x")`), which would make a config a program.

    Raises
    ------
    ValueError
        The expression cannot be parsed, or holds a call, an attribute or anything else that is not listed above.
    """
    try:
        tree = ast.parse(expression, mode="eval")
    except SyntaxError as error:
        raise ValueError(f"{error.msg}; write comparisons such as n_params < 1e4 and seed > 0") from error
    strange = [node for node in ast.walk(tree) if not isinstance(node, ALLOWED)]
    if strange:
        raise ValueError(
            f"{ast.unparse(strange[0])!r} is not allowed; write comparisons of columns, numbers and text only"
        )
