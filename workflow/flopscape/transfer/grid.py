"""The search's runs as a table, and as a grid of losses by size and rate."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from flopscape.laws.law import Array
from flopscape.plan.search import searched_rate
from flopscape.records.plan_row import PlanRow
from flopscape.runs.collect import collect
from flopscape.runs.statuses import with_loss
from flopscape.runs.table import pooled_scatter
from flopscape.transfer.optimum import scatter_about_parabola


@dataclass(frozen=True)
class Width:
    """One size of the search: mean loss over seeds at each rate (k,) that did not diverge; ln rates ascend."""

    width: int
    size: dict[str, Any]
    n_params: int
    log_rates: Array
    losses: Array
    n_seeds: Array
    assumed: float
    """The rate that the study's recipe would train this size at, on the same scale as the rates."""
    n_diverged: int


@dataclass(frozen=True)
class Noise:
    """Standard deviation of one run's loss in nats, its degrees of freedom (0: unknown), and where it is from."""

    sigma: float
    dof: int
    source: str


def table_of(rows: list[PlanRow], runs: Path) -> pd.DataFrame:
    """One line a run: the tidy table of `collect`, of the columns that matter here, with the rate.

    Raises
    ------
    FlopscapeError
        Records are missing, broken or from different data.
    """
    table = collect(rows, runs)[0]
    table.insert(1, "learning_rate", [searched_rate(row) for row in rows])
    table.insert(1, "width", [row.size["width"] for row in rows])
    columns = ["run_id", "width", "learning_rate", "seed", "size", "n_params", "n_tokens", "flops", "status"]
    return table[[*columns, "reason", "loss", "loss_se", "cpu_hours", "gpu_hours", "usd", "unit", "simulated"]]


def widths_of(table: pd.DataFrame, rows: list[PlanRow], assumed: dict[int, float]) -> list[Width]:
    """The search by width, narrowest first; `assumed` is each width's rate by the study's recipe."""
    sizes = {row.size["width"]: row for row in rows}
    return [_width(table[table.width == width], sizes[width], assumed[width]) for width in sorted(sizes)]


def _width(part: pd.DataFrame, row: PlanRow, assumed: float) -> Width:
    """A rate at which any seed diverged is left out: its mean would be that of the other seeds alone."""
    by_rate = part.groupby("learning_rate")
    kept = by_rate.loss.agg(["mean", "size", "count"])
    # `size` counts rows, `count` losses: they differ where a seed diverged, whose loss is NaN.
    good = kept[kept["count"] == kept["size"]]
    rates = good.index.to_numpy(float)
    means, seeds = good["mean"].to_numpy(float), good["count"].to_numpy(float)
    diverged = int((part.status != "completed").sum())
    return Width(row.size["width"], row.size, row.n_params, np.log(rates), means, seeds, assumed, diverged)


def noise_of(table: pd.DataFrame, widths: list[Width]) -> Noise:
    """Of one run: pooled over the seeds of each size and rate; with one seed, from the scatter about parabolas."""
    completed = with_loss(table)
    cell = np.asarray(completed.groupby(["width", "learning_rate"]).ngroup(), np.intp)
    sigma, dof = pooled_scatter(completed.loss.to_numpy(float), cell)
    if dof:
        return Noise(sigma, dof, f"the scatter between seeds, {dof} degrees of freedom")
    parts = [scatter_about_parabola(width.log_rates, width.losses) for width in widths if len(width.losses)]
    dof = sum(part[1] for part in parts)
    if not dof:
        return Noise(float("nan"), 0, "unknown: one seed, and too few rates")
    # One variance for all widths: Σ of squares over Σ of degrees of freedom.
    sigma = float(np.sqrt(sum(part[0] for part in parts) / dof))
    return Noise(sigma, dof, f"the scatter about parabolas, {dof} degrees of freedom: one seed, and misfit counts too")
