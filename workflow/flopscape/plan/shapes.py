"""The sizes that a study's model may have within those that were planned: every depth with every width.

A family (plan/family.py) follows one line, of one depth or one ratio of width to depth. Here all combinations stand,
for whatever seeks the best of them; they are counted by the plug-in itself.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from flopscape.errors import FlopscapeError
from flopscape.plugins.base import Size
from flopscape.text.written import nearest, shown

MOST_VALUES = 48
"""Of one part: of two parts that makes two thousand sizes."""
MOST = 10_000
"""Sizes that are counted."""
EXAMPLE = "--among width=64:1024:64 or --among depth=2,4,8"


def sizes_among(sizes: Sequence[Size], among: Mapping[str, str], multiples: Mapping[str, int]) -> list[Size]:
    """All combinations of the parts that sizes have.

    A part with whole values has all multiples of their greatest common divisor from the least to the greatest, thinned
    where there are many; any other has the values that were planned.

    Parameters
    ----------
    sizes : sequence of dict
        Those that were planned.
    among : mapping
        Other values of a part: `low:high:step`, `low:high` or `2,4,8`.
    multiples : mapping
        What a part is a multiple of, where that is known.

    Raises
    ------
    FlopscapeError
        A part that no size has, values that are no whole numbers, or too many combinations.

    Examples
    --------
    >>> sizes = [{"width": 32, "depth": 2}, {"width": 64, "depth": 4}]
    >>> len(sizes_among(sizes, {"depth": "2:5"}, {"width": 16}))
    12
    """
    names = list(dict.fromkeys(name for size in sizes for name in size))
    if strange := [name for name in among if name not in names]:
        raise FlopscapeError(f"--among: {shown(strange[0])} is no part of a size{nearest(strange[0], names)}")
    if ragged := [name for name in names if any(name not in size for size in sizes)]:
        raise FlopscapeError(f"{ragged[0]} is a part of some sizes and not of others, so that they cannot be combined")
    values = [
        _asked(name, among[name]) if name in among else _between([size[name] for size in sizes], multiples.get(name, 0))
        for name in names
    ]
    if (count := math.prod(map(len, values))) > MOST:
        raise FlopscapeError(f"{count:,} sizes are too many to count, more than {MOST:,}; narrow them with {EXAMPLE}")
    return [dict(zip(names, combination, strict=True)) for combination in product(*values)]


def _between(values: Sequence[Any], multiple: int) -> list[Any]:
    distinct = [value for i, value in enumerate(values) if value not in values[:i]]
    if len(distinct) < 2 or not all(isinstance(value, int) and not isinstance(value, bool) for value in distinct):
        return distinct
    low, high, step = min(distinct), max(distinct), multiple or math.gcd(*distinct)
    whole = list(range(low, high + 1, step))
    if len(whole) <= MOST_VALUES:
        return sorted({*whole, high})
    # Evenly in the logarithm, as near as the multiples allow.
    wished = [low * (high / low) ** (i / (MOST_VALUES - 1)) for i in range(MOST_VALUES)]
    return sorted({low + step * round((wish - low) / step) for wish in wished} | {high})


def _asked(name: str, text: str) -> list[int]:
    """Whole numbers written as a list or as a range with both ends."""
    parts = text.split(":")
    try:
        if len(parts) == 1:
            values = [int(value) for value in text.split(",")]
        else:
            low, high, step = (int(part) for part in (*parts, "1")[:3])
            values = list(range(low, high + 1, step))
    except ValueError as error:
        raise FlopscapeError(f"--among {name}={text}: write whole numbers, as in {EXAMPLE}") from error
    if not values or min(values) < 1 or len(parts) > 3:
        raise FlopscapeError(f"--among {name}={text}: names no number above zero; write {EXAMPLE}")
    return sorted(set(values))
