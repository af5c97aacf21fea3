"""The designs that a twin simulates: the study's own, a drifting one, and those that one more thing would make."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from flopscape.errors import FlopscapeError
from flopscape.fitting.judge.verdict import why_too_little
from flopscape.laws.law import Array, Compute
from flopscape.runs.formats.frames import NAME, read_frame
from flopscape.runs.read import read_any, table_of
from flopscape.runs.table import UNIQUE, RunTable, design_index

DRIFT = 0.2
"""Decades of N by which the drifting grid's sizes fall from the smallest to the largest compute."""
WIDER = 1.5
"""Factor in ln N of the wider grid."""
FIT_COLUMNS = ("n_params", "n_tokens", "flops", "budget", "run_id", "seed")


class Noise(NamedTuple):
    """The noise of simulated losses, as standard deviations in nats.

    Of each run (`own`), of each row beside its run's where rows are checkpoints (`row`), and how far the surface is
    from what the runs seem to follow (`misfit`): the last is not simulated as noise, but is room for truths that no
    method assumes.
    """

    own: float
    row: float = 0.0
    misfit: float = 0.0

    @property
    def total(self) -> float:
        """Standard deviation of a row around the truth: `own` and `row` together."""
        return float(np.hypot(self.own, self.row))

    @property
    def departure(self) -> float:
        """How far the runs allow another truth to be from the surface."""
        return max(self.total, self.misfit)


def read_study(source: Path | pd.DataFrame) -> tuple[RunTable, bool]:
    """A table of runs, or a plan without losses, which gets a loss of one nat everywhere; and whether it has losses.

    Raises
    ------
    FlopscapeError
        A file that `read_runs` refuses, or a plan whose runs cannot tell N and D apart.
    """
    path: str | Path = NAME if isinstance(source, pd.DataFrame) else source
    frame = read_frame(source) if isinstance(source, pd.DataFrame) else read_any(source)
    measured = "loss" in frame
    table = table_of(frame if measured else frame.assign(loss=1.0), path, measured=measured)
    if not measured and (why := why_too_little(table)):
        raise FlopscapeError(f"{path}: the plan has too little spread: {why}")
    return table, measured


def compute_of(table: RunTable) -> Compute:
    """κ(N) of the rows of a table."""
    return Compute.from_runs(table.n_params, table.n_tokens, table.flops)


def draw_losses(table: RunTable, true: Array, noise: Noise, simulations: int, seed: int, stream: int = 0) -> Array:
    """Simulated losses (R, n) around true ones, (n,) or (R, n): rows of one run share its error.

    A design with more runs gets the same errors in its first ones, so that designs are compared on the same luck;
    another stream has luck of its own.
    """
    if not 0 <= noise.own < np.inf:
        raise FlopscapeError(f"noise σ = {noise.own!r}: must be zero or positive")
    losses = np.broadcast_to(true, (simulations, len(table))).copy()
    for place, (names, sigma) in enumerate(((table.run_id, noise.own), (np.arange(len(table)), noise.row))):
        _, first, index = np.unique(names, return_index=True, return_inverse=True)
        # Errors are drawn in the order in which runs first appear: a table with more rows behind keeps those of the
        # first ones.
        order = np.argsort(np.argsort(first))
        # NumPy takes a seed that ends in zeros for one without them: the last number is none.
        normal = np.random.default_rng([seed, place, 1 + stream]).standard_normal((len(first), simulations))
        losses += sigma * normal[order[index.ravel()]].T
    if not (losses > 0).all():
        raise FlopscapeError(f"noise σ = {noise.total:g} nats makes losses of {np.min(true):.3g} nats negative")
    return losses


def moved(table: RunTable, log_n: Array) -> RunTable:
    """The same runs and compute with other sizes: D follows from C = κ(N)·N·D."""
    # κ(N) of the table as it is, which beyond its sizes keeps the value of the last one.
    n_tokens = np.exp(compute_of(table).tokens(log_n, table.flops))
    return replace(table, n_params=np.exp(log_n), n_tokens=n_tokens)


def drifting(table: RunTable, decades: float = DRIFT) -> RunTable:
    """Sizes that fall behind the grid's by a share of `decades` that grows from 0 to 1 with ln C."""
    logs = np.log(np.where(np.isfinite(table.budget), table.budget, table.flops))
    rise = (logs - logs.min()) / np.ptp(logs)
    return moved(table, np.log(table.n_params) - np.log(10.0) * decades * rise)


def wider(table: RunTable) -> RunTable:
    """Every budget's sizes spread by `WIDER` about their middle in ln N."""
    log_n, middle = np.log(table.n_params), np.empty(len(table))
    # Runs of no budget, whose budget is NaN, are one group.
    groups = np.unique(table.budget, return_inverse=True, equal_nan=True)[1].ravel()
    for group in np.unique(groups):
        rows = groups == group
        # The middle of the range and not the mean, so that seeds repeated at some sizes do not shift the grid.
        middle[rows] = (log_n[rows].min() + log_n[rows].max()) / 2
    return moved(table, middle + WIDER * (log_n - middle))


def improved(table: RunTable, a: float) -> dict[str, tuple[str, RunTable]]:
    """Name → words and table of each design that one more thing would make; another is one more entry here.

    Parameters
    ----------
    a : float
        Exponent by which the sizes of a larger budget grow.
    """
    larger = one_more_budget(table, a)
    designs = {"budget": ("one more budget above the largest", larger)} if larger is not None else {}
    designs["width"] = (f"a grid {WIDER:g} times as wide in ln N", wider(table))
    designs["seed"] = ("one more seed of every run", one_more_seed(table))
    return designs


def one_more_budget(table: RunTable, a: float) -> RunTable | None:
    """The largest budget's runs again one geometric step above it, their sizes larger as N* ∝ C^a; None without two."""
    budgets = np.unique(table.budget[np.isfinite(table.budget)])
    if len(budgets) < 2:
        return None
    # The mean step between neighbouring budgets in ln C.
    step = float(np.ptp(np.log(budgets)) / (len(budgets) - 1))
    last = np.flatnonzero(table.budget == budgets[-1])
    # Sizes keep their places about the optimum, which moves as N* ∝ C^a.
    log_n = np.log(table.n_params[last]) + a * step
    flops = table.flops[last] * np.exp(step)
    rows = (
        frame_of(table)
        .iloc[last]
        .assign(
            n_params=np.exp(log_n),
            n_tokens=np.exp(compute_of(table).tokens(log_n, flops)),
            flops=flops,
            budget=budgets[-1] * np.exp(step),
            run_id=[f"{name}, next budget" for name in table.run_id[last]],
        )
    )
    return _with(table, rows)


def one_more_seed(table: RunTable) -> RunTable:
    """One more run of every N and D."""
    first = np.unique(design_index(table), return_index=True)[1]
    rows = frame_of(table).iloc[np.sort(first)]
    # A new name makes a run with an error of its own; what all seeds of an N and D share stays theirs.
    return _with(table, rows.assign(run_id=rows["run_id"] + ", next seed", seed="next"))


def frame_of(table: RunTable) -> pd.DataFrame:
    """The columns that a simulated design has, with a loss of one nat: a moved size is none that the plan names."""
    frame = pd.DataFrame({name: getattr(table, name) for name in FIT_COLUMNS}).assign(loss=1.0)
    return frame.assign(**{UNIQUE: table.distinct_tokens}) if UNIQUE in table.columns else frame


def _with(table: RunTable, rows: pd.DataFrame) -> RunTable:
    # New rows stand behind the table's, which then keep the errors they had (`draw_losses`).
    return table_of(pd.concat([frame_of(table), rows], ignore_index=True), table.path, measured=False)
