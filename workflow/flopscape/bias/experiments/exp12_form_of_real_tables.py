"""Experiment 12: what the residuals of real tables say about the surface's form."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from flopscape.answers.evaluate import surface_of
from flopscape.answers.residuals import residuals
from flopscape.bias.outcome import Claim, Outcome, agrees, tidy
from flopscape.bias.published_fits import Chosen, fitted, read, why_not
from flopscape.config.bias import Exp12
from flopscape.figures import style
from flopscape.laws.law import Array
from flopscape.laws.surface import Surface, loss
from flopscape.records.fit_result import FitResult
from flopscape.runs.table import RunTable
from flopscape.text import numbers

QUESTION = "On published tables, are the residuals noise, or do they say that the surface is the wrong form?"
ADVICE = (
    "Look at the residuals against N, D and C before you extrapolate: a pattern there is an error that no interval"
    " covers. A budget whose FLOP factor is far from 6 counts its compute in another way, or holds wild rows."
)
AXES = {"n_params": "N", "n_tokens": "D", "flops": "C"}
GROUPS = 5
"""Groups of equal size along N, D or C whose residuals are compared."""
FEWEST = 5
"""Rows of a budget that its FLOP factor needs."""
PUBLISHED = {
    "llama_3_raw without flagged rows, smallest k": 5.82, "llama_3_raw without flagged rows, largest k": 6.55,
    "epochai without flagged rows, smallest k": 5.86, "epochai without flagged rows, largest k": 6.22,
}  # fmt: skip
"""Smallest and largest FLOP factor over the budgets, C = k·N·D."""
DIGIT = 0.01
"""One unit of the last digit printed."""
UNSTATED = "which fit of the surface was held is not stated: this is approach3-log_lsq's"


def run(settings: Exp12, mirror: Path | None = None) -> Outcome:
    """p-values, FLOP factors and residuals of every table and method."""
    if why := why_not(mirror, settings.tables):
        return Outcome(tidy("exp12", []), skipped=why)
    parts = []
    for chosen in (Chosen(name, out) for name in settings.tables for out in (False, True)):
        if chosen.without_outliers and chosen.name == "chinchilla":
            continue
        table = read(chosen, mirror)
        for method in settings.methods:
            result = fitted(table, method, settings.bootstrap)
            rows = _tests(table, result) + _factors(table, result) + _residuals(table, result)
            frame = pd.DataFrame(rows).assign(surface=str(chosen), method=method)
            parts.append(frame.assign(status=result.status, reason=result.reason))
    frame = tidy("exp12", pd.concat(parts))
    return Outcome(frame, published=_published(frame), finding=_finding(frame, settings.level))


def _tests(table: RunTable, result: FitResult) -> list[dict[str, object]]:
    """p-values that groups along N, D and C share centre (Kruskal–Wallis) and spread (Levene, about medians)."""
    left = residuals(table, result)
    rows: list[dict[str, object]] = []
    for column, axis in AXES.items():
        # Ranks before the cut, so that equal values of N or C are parted too and all groups are of one size.
        groups = [part["residual"] for _, part in left.groupby(pd.qcut(left[column].rank(method="first"), GROUPS))]
        rows.append({"quantity": f"p, Kruskal–Wallis along {axis}", "estimate": stats.kruskal(*groups).pvalue})
        spread = stats.levene(*groups, center="median").pvalue
        rows.append({"quantity": f"p, Levene along {axis}", "estimate": spread})
    return rows


def _factors(table: RunTable, result: FitResult) -> list[dict[str, object]]:
    """k of each budget with the surface held: B·(C/(k·N))^−β is linear in k^β, so that this is one division."""
    surface = _surface(result)
    rows: list[dict[str, object]] = []
    for budget in np.unique(table.budget[np.isfinite(table.budget)]):
        inside = table.budget == budget
        n_params = table.n_params[inside]
        # With D = C/(k·N) the last term is B·(C/N)^−β·k^β = x·k^β, and y what the other terms leave of the loss: k^β is
        # the slope of y on x through zero.
        x = surface.B * (table.flops[inside] / n_params) ** -surface.beta
        y = table.loss[inside] - surface.E - surface.A * n_params**-surface.alpha
        if inside.sum() >= FEWEST and x @ y > 0:
            k = float((x @ y / (x @ x)) ** (1 / surface.beta))
            rows.append({"quantity": f"k@{budget:.4g}", "truth": 6.0, "estimate": k})
    return rows


def _residuals(table: RunTable, result: FitResult) -> list[dict[str, object]]:
    """One row a run: the log residual with its N, D and C."""
    log_residual = np.log(table.loss / loss(_surface(result), table.n_params, table.n_tokens))
    places = zip(table.n_params, table.n_tokens, table.flops, log_residual, strict=True)
    return [
        {"quantity": "log residual", "n_params": n, "n_tokens": d, "flops": c, "estimate": r} for n, d, c, r in places
    ]


def _surface(result: FitResult) -> Surface:
    surface = surface_of(result)
    assert surface is not None
    return surface


def _published(table: pd.DataFrame) -> list[Claim]:
    factors = table[table["quantity"].str.startswith("k@") & (table["method"] == "approach3-log_lsq")]
    claims = []
    for claim, published in PUBLISHED.items():
        name, _, end = claim.partition(", ")
        of_table = factors[factors["surface"] == name]["estimate"]
        if len(of_table):
            value = of_table.min() if end.startswith("smallest") else of_table.max()
            claims.append(agrees(claim, float(value), published, DIGIT, UNSTATED))
    return claims


def _doubted(table: pd.DataFrame, level: float) -> dict[str, list[str]]:
    """Table → axes along which least squares of the log loss leaves a pattern."""
    tests = table[table["quantity"].str.startswith("p, Kruskal") & (table["method"] == "approach3-log_lsq")]
    doubted = tests[tests["estimate"] < level]
    return {str(name): [q.rpartition(" ")[2] for q in part["quantity"]] for name, part in doubted.groupby("surface")}


def _finding(table: pd.DataFrame, level: float) -> str:
    doubted = _doubted(table, level)
    places = "; ".join(f"{name} along {', '.join(axes)}" for name, axes in doubted.items())
    number = table["surface"].nunique()
    bounds = table[table["status"] == "boundary"].drop_duplicates(["surface", "method"])
    pattern = f"leave a pattern on {len(doubted)} of {number} tables ({places})" if doubted else "leave no pattern"
    return (
        f"Residuals of the surface {pattern} at p < {level:g}: there the form is in doubt, and no interval of the fit"
        f" covers that. {len(bounds)} of {len(table.drop_duplicates(['surface', 'method']))} fits end on a bound."
    )


def draw(table: pd.DataFrame) -> Figure:
    """Log residuals against N, D and C: a row of panels for each whole table."""
    part = table[(table["quantity"] == "log residual") & (table["method"] == "approach3-log_lsq")]
    names = [name for name in dict.fromkeys(part["surface"]) if "without" not in name]
    figure = Figure(figsize=(11, 2.4 * len(names) + 0.6), layout="constrained")
    grid = figure.subplots(len(names), len(AXES), squeeze=False)
    for row, name in zip(grid, names, strict=True):
        for axes, (column, axis) in zip(row, AXES.items(), strict=True):
            chosen = part[part["surface"] == name]
            axes.plot(chosen[column], 100 * chosen["estimate"], "o", color="tab:blue", markersize=3.5, alpha=0.6)
            axes.plot(*_running(chosen[column], 100 * chosen["estimate"]), color="black", label="median of a fifth")
            axes.axhline(0.0, color="0.5", linewidth=0.8)
            style.log_axis(axes.xaxis, numbers.flops if axis == "C" else style.tick_count, 5)
            _title(axes, table, name, axis)
        row[0].set_ylabel(f"{name}\nlog residual, %")
    for axes, axis in zip(grid[-1], ("N, parameters", "D, tokens", "C, training FLOPs"), strict=True):
        axes.set_xlabel(axis)
    style.legend_below(figure, grid[0][0])
    return figure


def _running(x: pd.Series, y: pd.Series) -> tuple[Array, Array]:
    """Medians of the groups that the tests compare."""
    groups = pd.qcut(x.rank(method="first"), GROUPS)
    return x.groupby(groups).median().to_numpy(), y.groupby(groups).median().to_numpy()


def _title(axes: Axes, table: pd.DataFrame, name: str, axis: str) -> None:
    """The p-value of a pattern along the axis."""
    chosen = table[(table["surface"] == name) & (table["method"] == "approach3-log_lsq")]
    p = chosen[chosen["quantity"] == f"p, Kruskal–Wallis along {axis}"]["estimate"].iloc[0]
    axes.set_title(f"Kruskal–Wallis p = {p:.2g}")
