"""What every format must come to: columns of distinct names, in numbers that fit into memory, and plain cells."""

import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from flopscape.errors import FlopscapeError
from flopscape.text.written import shown

MOST_COLUMNS = 10_000
MOST_CELLS = 100_000_000
"""About a million runs with a hundred columns; more would fill the memory of a laptop."""


def distinct_names(names: Sequence[str], path: Path) -> list[str]:
    """Names of columns without the blanks around them.

    Raises
    ------
    FlopscapeError
        Two columns of one name, with their numbers, or more than `MOST_COLUMNS`.
    """
    refuse_too_much(0, len(names), path)
    numbers: dict[str, int] = {}
    for number, name in enumerate(map(str.strip, names), 1):
        if name in numbers:
            raise FlopscapeError(
                f"{path}: columns {numbers[name]} and {number} are both named {shown(name)}; rename or delete one"
                " of them"
            )
        numbers[name] = number
    return list(numbers)


def refuse_too_much(n_rows: int, n_columns: int, path: Path) -> None:
    """Raise FlopscapeError where a table is larger than is read."""
    if n_columns > MOST_COLUMNS:
        raise FlopscapeError(f"{path}: {n_columns:,} columns, and at most {MOST_COLUMNS:,} are read")
    if n_rows * n_columns > MOST_CELLS:
        raise FlopscapeError(f"{path}: {n_rows * n_columns:,} cells, and at most {MOST_CELLS:,} are read")


def plain(cell: Any) -> Any:
    """A cell as None, a truth value, a number or text: dates in ISO form, lists and mappings as their JSON."""
    if cell is None or isinstance(cell, bool | int | float):
        return cell
    if isinstance(cell, str):
        return cell if cell.isascii() else cell.encode("utf-8", "replace").decode()
    if isinstance(cell, Decimal):
        return _number(cell)
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, bytes):
        return cell.decode("utf-8", "replace")
    return plain(json.dumps(cell, ensure_ascii=False, default=str))


def _number(cell: Decimal) -> float | str:
    """A decimal as the nearest float64; a whole one as its digits, which may name a run and must stay exact."""
    whole = cell.is_finite() and cell == cell.to_integral_value()
    return format(cell, "f") if whole and abs(cell) >= 2**53 else float(cell)
