"""How well the surface describes the losses, in units that a reader knows: nats, per cent, and the seeds' scatter."""

import numpy as np
from scipy.stats import f as fisher

from flopscape.fitting import guards
from flopscape.fitting.fitted import Fitted
from flopscape.fitting.guards import Diagnostics, Verdict

MISFIT = 0.01
"""Chance of calling a form that is right a misfit."""


def describe_fit(fitted: Fitted) -> Diagnostics:
    """Root-mean-square residuals of the loss and of its logarithm beside the seeds' scatter; R² only after them."""
    table, raw = fitted.table, fitted.local.raw
    seed_sd, seed_dof = guards.seed_scatter(table)
    log_residual = np.log(table.loss) - np.log(np.maximum(table.loss - raw, 1e-300))
    spread = float(np.sum((table.loss - table.loss.mean()) ** 2))
    return {
        "rss": float(raw @ raw),
        "n_rows": len(table),
        "log_rmse": float(np.sqrt(np.mean(log_residual**2))),
        "residual_sd": fitted.noise,
        "seed_sd": seed_sd if seed_dof else None,
        "seed_dof": seed_dof,
        "r2": 1 - float(raw @ raw) / spread if spread > 0 else None,
        "lack_of_fit": lack_of_fit(fitted),
    }


def lack_of_fit(fitted: Fitted) -> Diagnostics | None:
    """F test of the form against the scatter of repeated runs at one N and D.

    Draper & Smith 1998, section 2.1: the residual sum of squares is pure error, within repeats, plus lack of fit, over
    n − m and m − 5 degrees of freedom for m pairs of N and D. None without repeats, or where rows share runs, whose
    errors are not independent.
    """
    residual, weight = fitted.local.residual, fitted.weights
    design = guards.design_index(fitted.table)
    pairs = int(design.max()) + 1
    pure_dof, lack_dof = len(residual) - pairs, pairs - len(fitted.local.p)
    if fitted.shared or pure_dof < 1 or lack_dof < 1:
        return None
    mean = np.bincount(design, residual * np.sqrt(weight)) / np.bincount(design, weight)
    pure = float(np.sum((residual - np.sqrt(weight) * mean[design]) ** 2))
    lack = max(fitted.local.rss - pure, 0.0)
    ratio = (lack / lack_dof) / max(pure / pure_dof, 1e-26)
    return {"F": ratio, "dof": [lack_dof, pure_dof], "p": float(fisher.sf(ratio, lack_dof, pure_dof))}


def judge_fit(verdict: Verdict, diagnostics: Diagnostics) -> None:
    """Say where the form misses the losses by more than seeds scatter."""
    test = diagnostics["lack_of_fit"]
    if isinstance(test, dict) and test["p"] < MISFIT:
        verdict.warn(
            f"the form misses the losses by more than seeds scatter: residual sd {diagnostics['residual_sd']:.2g}"
            f" against {diagnostics['seed_sd']:.2g} nats, lack of fit F({test['dof'][0]}, {test['dof'][1]}) ="
            f" {test['F']:.3g}, p = {test['p']:.1g}; intervals do not cover that"
        )
