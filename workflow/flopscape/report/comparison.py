"""What stands beside the answer: parameters, how well the fits describe the runs, what others found.

Each law has a table of its own, under its formula.
"""

import math
import re
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from flopscape.answers.compare import EXPONENTS
from flopscape.records.columns import CHANGE
from flopscape.records.fit_parts import HeldOut
from flopscape.records.fit_result import Estimate, FitResult, Prediction
from flopscape.report.blocks import Block, Bullets, Grid
from flopscape.report.evidence import Evidence
from flopscape.text import numbers


def near_optimal(predictions: list[Prediction]) -> list[Block]:
    """The range of sizes that cost little more compute, where a fit has a surface to tell."""
    bands = {p.flops: p.near_optimal_n_params for p in predictions}
    items = [
        f"At {numbers.flops(flops)} FLOPs every size from {numbers.count(band[0])} to {numbers.count(band[1])}"
        " parameters reaches the optimum's loss with at most 1 % more compute."
        for flops, band in bands.items()
        if band
    ]
    return [Bullets(items)] if items else []


def goodness(fits: Mapping[str, FitResult], loss_unit: str) -> list[Block]:
    """How far the fits are from the runs, in units of the loss and of the noise."""
    rows = [[name, *_goodness(fit)] for name, fit in fits.items() if fit.goodness.residual_sd]
    head = [
        "fit",
        "typical error, part of the loss",
        f"residual s.d., {loss_unit}",
        f"s.d. between seeds, {loss_unit}",
        "largest budget, predicted from the others",
    ]
    note = (
        "A fit that describes the runs leaves residuals about as large as the scatter between seeds: clearly larger"
        " ones mean that its form misses something. Only the last column says anything about larger budgets."
    )
    return [Grid(head, rows, note)] if rows else []


def _goodness(fit: FitResult) -> list[str]:
    goodness = fit.goodness
    error = numbers.NOTHING if goodness.log_rmse is None else numbers.percent(goodness.log_rmse)
    return [error, numbers.loss(goodness.residual_sd), numbers.loss(goodness.seed_sd), _held_out(fit.held_out)]


def _held_out(missed: HeldOut) -> str:
    """The error of leaving out the largest budget: of its losses, or of its optimal size."""
    if missed.rms is not None:
        return f"loss off by {numbers.loss(missed.rms)} r.m.s."
    if missed.log_n_params is not None:
        return f"N* off by a factor {math.exp(abs(missed.log_n_params)):.2f}"
    return numbers.NOTHING


def published() -> Grid:
    """A table of the exponents that others published."""
    rows = [[exponent.name, f"{exponent.a:g}", f"{1 - exponent.a:.3g}", exponent.source] for exponent in EXPONENTS]
    note = "Context only: other data, other architectures, other conventions. Agreement is no confirmation. b = 1 − a."
    return Grid(["published", "a", "b", "source"], rows, note)


def sensitivity(evidence: Evidence) -> list[Block]:
    """The answer with one thing changed at a time, and the settings that refused in words."""
    table = evidence.sensitivity
    if table is None or table.empty:
        return []
    budgets = [name.removeprefix(CHANGE) for name in table.columns.astype(str) if name.startswith(CHANGE)][:1]
    head = ["what changes", "setting", "runs", "status", "a"]
    head += [text for c in budgets for text in (f"D* at {numbers.flops(float(c))} FLOPs", "change of D*")]
    lines = table.to_dict("records")
    note = (
        f"The fit {evidence.recommended} again with one thing changed at a time. Where a line moves by more than the"
        " interval of the first one, that interval is not the whole uncertainty."
    )
    refused = [f"{line['setting']}: {line['reason']}." for line in lines if line["status"] == "refused"]
    blocks: list[Block] = [Grid(head, [_varied(line, budgets) for line in lines], note)]
    return [*blocks, Bullets(refused)] if refused else blocks


def _varied(line: Mapping[Hashable, Any], budgets: list[str]) -> list[str]:
    a = Estimate(*(None if pd.isna(line[name]) else line[name] for name in ("a", "a_low", "a_high")))  # type: ignore[arg-type]
    cells = [line["what_changes"], line["setting"], str(line["n_runs"]), line["status"]]
    cells.append(numbers.NOTHING if pd.isna(line["a"]) else numbers.interval(a, numbers.exponent))
    for flops in budgets:
        change = line[f"{CHANGE}{flops}"]
        cells.append(numbers.count(line[f"n_tokens@{flops}"]))
        cells.append(numbers.NOTHING if pd.isna(change) else f"{100 * change:+.1f} %")
    return cells


GREEK = {"alpha": "α", "beta": "β", "gamma": "γ", "alpha_N": "α_N", "alpha_D": "α_D"} | {
    f"{name}_at_middle": f"{star} in the middle" for name, star in (("n_params", "N*"), ("loss", "L*"))
}
"""How a parameter is written; others by their name."""


def parameters(fits: Mapping[str, FitResult], formulas: Mapping[str, str], loss_unit: str) -> list[Block]:
    """One table a law: a row a fit, a column a parameter."""
    by_law: dict[str, dict[str, Mapping[str, Estimate]]] = {}
    for name, fit in fits.items():
        if fit.status != "refused" and fit.law_parameters:
            by_law.setdefault(formulas.get(name, fit.law), {})[name] = fit.law_parameters
    return [_table(formula, by_fit, loss_unit) for formula, by_fit in by_law.items()]


def _table(formula: str, by_fit: Mapping[str, Mapping[str, Estimate]], loss_unit: str) -> Grid:
    names = list(next(iter(by_fit.values())))
    rows = [[fit, *(numbers.interval(p.get(name), _writer(name)) for name in names)] for fit, p in by_fit.items()]
    return Grid(["fit", *map(_written, names)], rows, f"{formula}, in {loss_unit}.")


def _written(name: str) -> str:
    """A parameter as the formula has it: an exponent of a covariate begins with γ there."""
    return GREEK.get(name) or re.sub("^gamma_", "γ_", name)


def _writer(name: str) -> numbers.Writer:
    if name == "E":
        return numbers.loss
    return numbers.exponent if name.startswith(("alpha", "beta", "gamma")) else numbers.count
