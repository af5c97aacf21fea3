"""`flopscape shape`: the best depth, width and other parts of a model at a compute, by a fitted law.

The shapes of a study that trains are counted by its own model plug-in, in the conventions of N and C of the fit; those
of a table of runs follow from the table.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from flopscape.answers.evaluate import fitted_law
from flopscape.answers.predict import read_with_draws
from flopscape.answers.residuals import fitted_table
from flopscape.answers.shapes import BestShape, Shapes, best_shapes
from flopscape.answers.table_shapes import N, shapes_of_table
from flopscape.errors import FlopscapeError
from flopscape.laws.law import Array
from flopscape.plan.shapes import sizes_among
from flopscape.plan.sizes import count_sizes
from flopscape.plan.studies import PlannedStudy, plan_finished
from flopscape.plugins.base import Counts
from flopscape.records.fit_result import FitResult
from flopscape.runs.table import SIX_N_D
from flopscape.text import numbers
from flopscape.text.terminal import aligned

COUNTED = ("flops", "flops_counted")
"""Columns of C that are what the plug-in counts."""


def run(fit: Path, subject: Path, flops: Sequence[float], among: Mapping[str, str], results: Path) -> str:
    """The best shape at each compute, as text.

    Parameters
    ----------
    fit : Path
        A finished fit, with its draws beside it.
    subject : Path
        The study's file, or the table that was fitted.
    flops : sequence of float
        Compute C in FLOPs.
    among : mapping
        Values of the parts of a size to choose from, as text: `{"depth": "2:12", "width": "64:1024:64"}`.
    results : Path
        Folder of all results.

    Raises
    ------
    FlopscapeError
        The fit cannot be asked, its conventions are not what the plug-in counts, or the plug-in refuses a size.
    """
    result, draws = read_with_draws(fit)
    shapes = _shapes(result, subject, among, results)
    return text(result, shapes, best_shapes(result, draws, shapes, flops))


def _shapes(result: FitResult, subject: Path, among: Mapping[str, str], results: Path) -> Shapes:
    table = subject
    if subject.suffix in (".yaml", ".yml"):
        planned = plan_finished(subject, results)
        if isinstance(planned, PlannedStudy):
            return shapes_of_study(result, planned, among)
        table = results / planned.name / "runs.csv"
    if among:
        raise FlopscapeError("--among is for a study that trains: only its model can count sizes that were not run")
    law = fitted_law(result)
    return shapes_of_table(fitted_table(table, result), law.law.covariates if law else ())


def shapes_of_study(result: FitResult, planned: PlannedStudy, among: Mapping[str, str]) -> Shapes:
    """All combinations of the parts of a study's sizes, counted by its plug-in.

    Raises
    ------
    FlopscapeError
        As `run`.
    """
    study, ran = planned.study, [row.size for row in planned.rows if row.role == "fit"]
    family = study.sweep.family
    sizes = sizes_among(ran, among, {"width": family.width_multiple} if family and not family.sizes else {})
    counts = count_sizes(study.model, sizes, study.loss)
    numeric = [name for name in sizes[0] if all(isinstance(size[name], int | float) for size in (*sizes, *ran))]
    ends = {name: [float(size[name]) for size in ran] for name in numeric}
    return Shapes(
        pd.DataFrame(sizes)[numeric],
        n_params := _counted_n(result, counts),
        _counted_c(result, counts, n_params),
        {name: (min(values), max(values)) for name, values in ends.items()},
        f"N and FLOPs a {result.unit} counted by {study.model.plugin}",
    )


def _counted_n(result: FitResult, counts: Sequence[Counts]) -> Array:
    """N in the fit's convention, the columns of which runs/collect.py names."""
    body, head, embedding = (
        np.array(values, float)
        for values in zip(*((c.n_params_body, c.n_params_head, c.n_params_embedding) for c in counts), strict=True)
    )
    known: dict[str, Array] = {
        "n_params": body + head,
        "n_params_non_embedding": body + head,
        "n_params_body": body,
        "n_params_total": body + head + embedding,
    }
    return known[_convention(result, "n_params", known)]


def _counted_c(result: FitResult, counts: Sequence[Counts], n_params: Array) -> Array:
    """FLOPs a token in the fit's convention."""
    body_and_head = np.array([c.n_params_body + c.n_params_head for c in counts], float)
    counted = np.array([c.flops_per_unit for c in counts], float)
    known: dict[str, Array] = dict.fromkeys(COUNTED, counted) | {"flops_6nd": 6 * body_and_head, SIX_N_D: 6 * n_params}
    return known[_convention(result, "flops", known)]


def _convention(result: FitResult, name: str, known: Mapping[str, Array]) -> str:
    column = result.conventions.get(name, name)
    if column not in known:
        raise FlopscapeError(f"the fit's {name} is the column {column}, which a model plug-in does not count")
    return column


def text(result: FitResult, shapes: Shapes, found: Sequence[BestShape]) -> str:
    """A line a compute, and below it what to distrust."""
    head = ["C, FLOPs", *(str(name) for name in shapes.sizes if name != N), "N", f"D, {result.unit}s", "D/N", "L"]
    lines = [aligned([head, *map(_row, found)]), f"best of {numbers.plural(len(shapes.sizes), 'shape')}: {shapes.how}"]
    # What holds whatever the compute is said once.
    said = dict.fromkeys(sentence for one in found for sentence in one.said)
    return "\n".join([*lines, *(f"warning: {sentence}" for sentence in said)])


def _row(best: BestShape) -> list[str]:
    parts = (part for name, part in best.parts.items() if name != N)
    return [
        numbers.flops(best.flops),
        *(numbers.interval(part, _plain) for part in parts),
        numbers.interval(best.n_params, numbers.count),
        numbers.interval(best.n_tokens, numbers.count),
        numbers.interval(best.tokens_per_param, numbers.ratio),
        numbers.interval(best.loss, numbers.loss),
    ]


def _plain(value: float | None) -> str:
    return numbers.NOTHING if value is None else f"{value:.4g}"
