"""One table, one meaning: rows whose N, D, loss or data are not of one kind are refused with both kinds and their rows.

Losses of two datasets, or N counted with and without the head, give a fit that looks sound and means nothing.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from flopscape.errors import FlopscapeError
from flopscape.laws.law import Array, Index, Mask
from flopscape.runs.table import SIX_N_D, RunTable
from flopscape.text import numbers

ONE_VALUE = {"unit": "units of D", "loss_unit": "units of the loss", "data_hash": "datasets"}
"""Columns that have one value in a table, and what two values are."""
SAME_COUNT = 1e-9
"""Relative difference of two counts that is rounding."""
ZIGZAG = 1.2
"""C/(N·D) falls or rises with N in a family of sizes. One that stands out so far from both neighbours does not."""
FEWEST_PARAMS, FEWEST_UNITS = 100, 1000
"""No sweep's largest model is smaller, and none of its runs shorter: these are millions, or billions."""
STRAY = 1.05
"""Factor between a run's compute and its budget that is no rounding to whole batches."""
RATIO = (1e-4, 1e5)
"""Units of D per parameter between which the middle run of a sweep lies. Hoffmann et al. 2022 have 20, and runs of
models that serve for long thousands."""


def with_one_meaning(table: RunTable) -> RunTable:
    """The table, with warnings of what may be two kinds of rows.

    Raises
    ------
    FlopscapeError
        Two units, two datasets, or two counts of one size: both values with their rows, and the cure.
    """
    for column, kinds in ONE_VALUE.items():
        if column in table.columns:
            _refuse_two(table, column, kinds)
    _refuse_two_counts(table)
    _refuse_some_heads(table)
    notes = [*_recipes(table), *_zigzag(table)]
    return replace(table, warnings=[*table.warnings, *notes])


def why_doubtful_magnitude(n: Array, d: Array, unit: str = "token") -> str:
    """Whether N or D look as if they were written in millions or billions, as a question; or nothing."""
    if not len(n):
        return ""
    # The median, for a single run may be far from the others for good reasons.
    ratio = float(np.median(d / n))
    few_units, few_params = d.max() < FEWEST_UNITS, n.max() < FEWEST_PARAMS
    if not (few_units or few_params or ratio < RATIO[0] or ratio > RATIO[1]):
        return ""
    sizes, lengths = (f"{name} = {v.min():,.4g} to {v.max():,.4g}" for name, v in (("N", n), ("D", d)))
    shown = f"{sizes} parameters with {lengths} {unit}s, {numbers.ratio(ratio)} {unit}s per parameter"
    return f"{shown}: are these millions, or billions? Write single parameters and {unit}s"


def why_off_budget(table: RunTable) -> str:
    """Which budget's runs cost least alike, where any costs more than 5 % more or less than its budget; or nothing."""
    inside = np.isfinite(table.budget)
    ratio = table.flops[inside] / table.budget[inside]
    if not len(ratio) or max(ratio.max(), 1 / ratio.min()) <= STRAY:
        return ""
    worst = table.budget[inside][np.argmax(np.abs(np.log(ratio)))]
    own = ratio[table.budget[inside] == worst]
    return (
        f"the runs of budget {numbers.flops(worst)} cost {own.min():.2f} to {own.max():.2f} times that, counted as the"
        " fits count C: N* and L* are of what the runs cost, and a curve through runs of unequal cost is bent"
    )


def rows_text(rows: Array | Index) -> str:
    """Numbers of rows for a sentence: row 3, rows 1 to 21, rows 6, 7, 8, 14, 15 and 10 more."""
    if len(rows) == 1:
        return f"row {rows[0]}"
    if rows[-1] - rows[0] == len(rows) - 1:
        return f"rows {rows[0]} to {rows[-1]}"
    *first, last = [*map(str, rows[:5]), f"{len(rows) - 5} more"] if len(rows) > 5 else map(str, rows)
    return f"rows {', '.join(first)} and {last}"


def _refuse_two(table: RunTable, column: str, kinds: str) -> None:
    """Refuse a column with two values; of a law of distinct tokens, each number of them has data of its own."""
    cells = table.columns[column].fillna("").astype(str).str.strip().to_numpy()
    # A study of repeated data prepares one dataset for each number of distinct tokens.
    groups = table.columns["unique_tokens"] if column == "data_hash" and "unique_tokens" in table.columns else None
    for part in _parts(groups, len(table)):
        if len(values := [value for value in pd.unique(cells[part]) if value]) > 1:
            places = [f"{column} {value} in {rows_text(table.row[part & (cells == value)])}" for value in values[:3]]
            raise FlopscapeError(
                f"{table.path}: {len(values)} {kinds} in one table: {' and '.join(places)}; fit them apart, for "
                f"example with --exclude \"{column} == '{values[-1]}'\""
            )


def _parts(groups: "pd.Series | None", n_rows: int) -> Iterator[Mask]:
    if groups is None:
        yield np.ones(n_rows, bool)
        return
    codes = pd.factorize(groups)[0]
    yield from (codes == code for code in np.unique(codes))


def _refuse_two_counts(table: RunTable) -> None:
    """Refuse a size, as `collect` writes it, with two counts of its parameters or of its FLOPs per unit."""
    if "size" not in table.columns:
        return
    size = table.columns["size"].astype(str)
    # `collect` writes a size as JSON; other people's column of that name means something else.
    ours = size.str.startswith("{").to_numpy()
    counts = {"n_params": pd.Series(table.n_params)}
    if "flops_per_unit" in table.columns:
        counts["flops_per_unit"] = pd.to_numeric(table.columns["flops_per_unit"], errors="coerce")
    for name, count in counts.items():
        of_size = count[ours].groupby(size[ours])
        odd = (of_size.max() / of_size.min() - 1) > SAME_COUNT
        if odd.any():
            at = str(odd.index[odd][0])
            rows = (size == at).to_numpy()
            values = pd.unique(count[rows])[:3]
            places = " and ".join(
                f"{value:.12g} in {rows_text(table.row[rows & (count == value)])}" for value in values
            )
            raise FlopscapeError(_two_counts(table, f"two counts of size {at}: {name} {places}"))


def _refuse_some_heads(table: RunTable) -> None:
    """Refuse rows with an output head beside rows without: n_params is body + head in all rows or in none."""
    used = table.conventions["n_params"]
    if "n_params_body" not in table.columns or used not in ("n_params", "n_params_non_embedding"):
        return
    body = pd.to_numeric(table.columns["n_params_body"], errors="coerce").to_numpy(float)
    # A count that equals the body's has no head in it.
    without = table.n_params == body
    counted = np.isfinite(body) & ~without
    if without.any() and counted.any():
        places = f"{rows_text(table.row[counted])} count a head in n_params, and {rows_text(table.row[without])} none"
        cure = "; --column n_params=n_params_body counts none anywhere"
        raise FlopscapeError(_two_counts(table, f"two counts of N: {places}") + cure)


def _two_counts(table: RunTable, contradiction: str) -> str:
    return (
        f"{table.path}: {contradiction}; count all runs alike, as `flopscape collect` does with today's counts of a "
        "plug-in, or leave one kind out with --exclude"
    )


def _recipes(table: RunTable) -> Iterator[str]:
    recipes = table.columns.get("recipe", pd.Series(dtype=float)).replace("", None).dropna()
    counts = recipes.value_counts(sort=False)
    if len(counts) > 1:
        shares = ", ".join(f"{value} ({numbers.plural(int(n), 'row')})" for value, n in counts.items())
        yield f"runs of several recipes in one table: {shares}; a changed recipe may be another law"


def _zigzag(table: RunTable) -> Iterator[str]:
    """A size whose C/(N·D) stands out from both its neighbours: counted otherwise, or of another family."""
    if table.conventions["flops"] == SIX_N_D:
        return
    # One C/(N·D) a size, the median over its runs, in ascending order of N.
    kappa = pd.Series(table.flops / table.n_params / table.n_tokens).groupby(table.n_params).median()
    values, sizes = kappa.to_numpy(float), kappa.index.to_numpy(float)
    # Each size but the first and last against both neighbours: κ(N) may fall or rise, and then lies between them.
    inner, low, high = values[1:-1], np.fmin(values[:-2], values[2:]), np.fmax(values[:-2], values[2:])
    odd = (inner > ZIGZAG * high) | (inner < low / ZIGZAG)
    if odd.any():
        at = int(np.flatnonzero(odd)[0]) + 1
        yield (
            f"C is {values[at]:.3g}·N·D at N = {numbers.count(sizes[at])}, and {values[at - 1]:.3g} and "
            f"{values[at + 1]:.3g}·N·D at the sizes next to it: are N and C counted alike in all rows?"
        )
