"""The recipes that are compared, by the name of a study or the path of a table, and whether they can be compared.

What makes two losses comparable is the text they are measured on and the unit they are measured in. Nats a token of two
tokenisers are of different things, for a longer token is harder to foretell; bits a byte are of one thing. Compute can
be compared whatever the recipes count as a token, and tokens cannot.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from flopscape.errors import FlopscapeError, joined, listed
from flopscape.runs.cells import as_word
from flopscape.runs.chosen import chosen_rows
from flopscape.runs.read import read_runs
from flopscape.runs.repeated_rows import Repeats, repeats_in_other
from flopscape.runs.table import RunTable, design_index
from flopscape.text import numbers

FEWEST_POINTS = 6
"""Different pairs of N and D of each recipe: one more than a surface has numbers."""
ONE_BUDGET = float(np.log(1.5))
"""Spread in ln C below which all runs are of one budget."""
ONE_SIZE = 0.05
"""Standard deviation of ln N beside a line in ln C below which a recipe has one size at each compute."""
ONE_COMPUTE = 1.05
"""Ratio of two computes that are one budget, rounded to whole batches."""
SIX = 0.005
"""Relative difference of C from 6·N·D that is rounding."""
TOKENIZERS = (
    ("tokenizer", "tokeniser"), ("tokenizer_hash", "tokeniser_hash"), ("vocab", "vocabulary"),
    ("vocab_size", "vocabulary_size"),
)  # fmt: skip
"""Columns that say by what a text was cut into tokens, each with its other spellings, in letters of any case."""
DATA = "data_hash"
BYTES = re.compile(r"(bits?|nats?)\s*(/|per|a)\s*bytes?|bpb")
"""A unit of losses of bytes; nats per byte-pair token are none."""


@dataclass(frozen=True)
class Recipe:
    """One side of a comparison: a name, and its finished runs."""

    name: str
    table: RunTable


def read_recipes(
    places: Sequence[str],
    results: Path = Path("results"),
    columns: Mapping[str, str] | None = None,
    exclude: str | None = None,
) -> list[Recipe]:
    """The recipes of studies with results, or of tables, in the order given.

    Parameters
    ----------
    places : sequence of str
        Each a table's path, or the name of a study whose `runs.csv` lies in its folder of `results`.
    columns, exclude
        As `read_runs` and `without` take them; of all tables.

    Raises
    ------
    FlopscapeError
        No such table or study, or a table that no fit would read either.
    """
    paths = [table_of(place, results) for place in places]
    names = [place if path != Path(place) else name_of(path) for place, path in zip(places, paths, strict=True)]
    # Two tables that are both called runs.csv, in folders of one name, are told apart by their paths.
    names = [str(path) if names.count(name) > 1 else name for name, path in zip(names, paths, strict=True)]
    tables = [chosen_rows(read_runs(path, columns), exclude, None) for path in paths]
    return [Recipe(name, table) for name, table in zip(names, tables, strict=True)]


def table_of(place: str, results: Path) -> Path:
    """The table of this path, or of the study of this name."""
    of_study = results / place / "runs.csv"
    found = next((path for path in (Path(place), of_study) if path.is_file()), None)
    if found is None:
        raise FlopscapeError(f"{place}: neither a table nor a study with {of_study}; name one of the two")
    return found


def name_of(path: Path) -> str:
    """That of the study whose `runs.csv` it is; else that of the file."""
    stem = Path(path.name.removesuffix(".gz")).stem
    return path.parent.name if stem == "runs" and path.parent.name else stem


def in_bits_per_byte(table: RunTable) -> bool:
    """Whether the losses say that they are of bytes, which every tokeniser leaves the same."""
    return is_of_bytes(table.loss_unit)


def is_of_bytes(unit: str) -> bool:
    """Whether a loss of this unit is of bytes.

    >>> [is_of_bytes(unit) for unit in ("bits per byte", "BPB", "nats per byte-pair token")]
    [True, True, False]
    """
    return BYTES.fullmatch(unit.strip().lower()) is not None


def refuse_incomparable(recipes: Sequence[Recipe], same_text: bool = False) -> None:
    """Raise FlopscapeError with the reason where two recipes cannot be compared.

    With `same_text` the user answers for it that runs with other data were scored on one text.
    """
    if len(recipes) < 2:
        raise FlopscapeError("compare: name two recipes at least, each a study or a table of runs")
    for recipe in recipes:
        if why := why_alone_too_little(recipe):
            raise FlopscapeError(f"{recipe.table.path}: {why}")
    for a, b in combinations(recipes, 2):
        checks = why_other_units(a, b), why_other_data(a, b, same_text), why_other_counts(a, b), why_overlap(a, b)
        if why := next(filter(None, [*checks, why_no_common_compute(a, b)]), ""):
            raise FlopscapeError(f"{a.table.path} and {b.table.path}: {why}")


def why_alone_too_little(recipe: Recipe) -> str:
    """Why a recipe's runs cannot say how its loss falls with N and D; or nothing."""
    table = recipe.table
    points = int(design_index(table).max()) + 1 if len(table) else 0
    if points < FEWEST_POINTS:
        return (
            f"{numbers.plural(points, 'different pair')} of N and D, and a surface of five numbers, which a comparison"
            f" stands on, needs {FEWEST_POINTS}; add runs"
        )
    log_c = np.log(table.flops)
    if np.ptp(log_c) < ONE_BUDGET:
        at = numbers.flops(float(np.exp(log_c.mean())))
        return (
            f"all runs cost about {at} FLOPs, one budget, which says nothing of how the loss falls with compute; add a"
            " second budget"
        )
    beside = np.log(table.n_params) - np.polyval(np.polyfit(log_c, np.log(table.n_params), 1), log_c)
    if beside.std() < ONE_SIZE:
        return (
            "one size at each compute, so that nothing tells what is due to N and what to D; add sizes below and above"
        )
    return ""


def why_other_units(a: Recipe, b: Recipe) -> str:
    """Why the losses or the data of two recipes are counted in other units, or only one is simulated; or nothing."""
    if _unit(a.table) != _unit(b.table):
        said = [one.table.loss_unit or f"nats per {one.table.unit}, as no column loss_unit says" for one in (a, b)]
        return (
            f"losses in {said[0]} and in {said[1]}: a loss a token says how well its tokeniser's tokens are foretold,"
            " and cannot be set beside another unit; give both in bits per byte, and say so in a column loss_unit"
        )
    if a.table.unit != b.table.unit and not in_bits_per_byte(a.table):
        return (
            f"D in {a.table.unit}s and in {b.table.unit}s, and losses of these: not one task, or not one unit; give"
            " both in the same"
        )
    if a.table.simulated != b.table.simulated:
        return "one is simulated and the other is not; compare like with like"
    return ""


def _unit(table: RunTable) -> str:
    """The losses' unit in one spelling: bpb and bits/byte are bits per byte."""
    unit = table.loss_unit.strip().lower()
    return f"{'nats' if unit.startswith('nat') else 'bits'} per byte" if is_of_bytes(unit) else unit


def why_other_data(a: Recipe, b: Recipe, same_text: bool) -> str:
    """Why the losses of two recipes are of different texts, or of one that is cut otherwise; or nothing."""
    if same_text:
        return ""
    cures = "score all on the same held-out text, or, if they were, say so with --same-text"
    for spellings in () if in_bits_per_byte(a.table) else TOKENIZERS:
        first, second = (_values(one, *spellings) for one in (a, b))
        if first and second and first != second:
            return (
                f"{spellings[0]} {listed(first, 3)} and {listed(second, 3)}: a loss a token of two tokenisers is of"
                " other tokens; give both in bits per byte, and say so in a column loss_unit"
            )
    first, second = (_values(one, DATA) for one in (a, b))
    if first and second and not {*first} & {*second}:
        return (
            f"data_hash {first[0][:12]}… and {second[0][:12]}…: other data, or another split of the same, and a loss is"
            f" comparable only on one text; {cures}"
        )
    return ""


def _values(recipe: Recipe, *spellings: str) -> list[str]:
    """Distinct words of the columns of these names, sorted; none where there is no such column."""
    columns = recipe.table.columns
    named = [name for name in columns if str(name).strip().lower() in spellings]
    words = (as_word(cell) for name in named for cell in columns[name].dropna().unique())
    return sorted({*filter(None, words)})


def doubts(a: Recipe, b: Recipe, same_text: bool) -> Iterator[str]:
    """What the tables leave open of whether they can be compared, in sentences."""
    silent = [one.name for one in (a, b) if not _values(one, DATA)]
    if silent and not same_text:
        cut = "" if in_bits_per_byte(a.table) else ", cut into the same tokens"
        yield (
            f"{joined(silent)}: no column {DATA} tells the data, so that nothing here shows that the losses of both are"
            f" of one held-out text{cut}: the comparison takes it for granted"
        )
    alike = _rows_in_both(a, b)
    if alike.doubtful.any():
        runs = numbers.plural(int(alike.doubtful.sum()), "run")
        yield (
            f"{runs} of {a.name} and of {b.name} agree in N, D, C and, as far as its digits go, in the loss"
            f" ({listed(a.table.run_id[alike.doubtful], 3)}): chance, or copies?"
            " Leave copies out with --exclude"
        )


def why_other_counts(a: Recipe, b: Recipe) -> str:
    """Why the compute of two recipes is counted in two ways; or nothing."""
    used = [one.table.conventions["flops"] for one in (a, b)]
    if used[0] == used[1] or all(_is_six(one.table) for one in (a, b)):
        return ""
    return (
        f"C is {used[0]} in the one and {used[1]} in the other: count both alike, with a column flops in each or by"
        " --column flops=flops_6nd"
    )


def _is_six(table: RunTable) -> bool:
    return bool(np.allclose(table.flops, 6 * table.n_params * table.n_tokens, rtol=SIX))


def why_overlap(a: Recipe, b: Recipe) -> str:
    """Why some runs are in both tables; or nothing."""
    both = _rows_in_both(a, b).copies
    if not both.any():
        return ""
    same = "all runs are" if both.all() else f"{numbers.plural(int(both.sum()), 'run')} of the first are"
    return f"{same} in both ({listed(a.table.run_id[both], 3)}): a run belongs to one recipe; take them out of one"


def _rows_in_both(a: Recipe, b: Recipe) -> Repeats:
    # The name of a run may be another's in another folder; its numbers are its own.
    first, second = (np.stack([t.n_params, t.n_tokens, t.flops, t.loss], axis=1) for t in (a.table, b.table))
    return repeats_in_other(first, second)


def why_no_common_compute(a: Recipe, b: Recipe) -> str:
    """Why there is no compute at which both recipes have runs; or nothing."""
    low, high = common_compute([a, b])
    if high / low > ONE_COMPUTE:
        return ""
    ranges = [" to ".join(map(numbers.flops, _span(one.table))) for one in (a, b)]
    common = "no compute in common" if high < low / ONE_COMPUTE else f"only {numbers.flops(high)} FLOPs in common"
    return f"runs of {joined(ranges)} FLOPs have {common}; add budgets that both have"


def common_compute(recipes: Sequence[Recipe]) -> tuple[float, float]:
    """From the least to the most compute that all recipes have runs of, in FLOPs; a budget counts as planned."""
    spans = [_span(recipe.table) for recipe in recipes]
    return max(low for low, _ in spans), min(high for _, high in spans)


def _span(table: RunTable) -> tuple[float, float]:
    size = np.where(np.isfinite(table.budget), table.budget, table.flops)
    return float(size.min()), float(size.max())
