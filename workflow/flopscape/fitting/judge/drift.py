"""Whether one surface holds at every compute: the fit without the smallest budget, and without the largest.

Without budgets the outer fifths of compute take their place. A form that fails at one end moves the exponents when that
end is left out; so does chance. The move's variance is Var(subset) − Var(all) (Hausman 1978, corollary 2.6), both with
the subset's noise; where rows share runs it is raised by as much as the sandwich raises Var(subset).
"""

import numpy as np
from scipy.stats import norm

from flopscape.fitting.any_law.linearised import clustered, influence, pseudo_residuals
from flopscape.fitting.any_law.task import LawFit, Refit
from flopscape.fitting.judge.verdict import DRIFT, FEWEST, Diagnostics, Verdict
from flopscape.laws.law import Array, Mask
from flopscape.runs.table import Ends, ends_of_compute

NAMES = ("alpha", "beta", "a")
SYMBOLS = ("α", "β", "a")
CHANCE = float(norm.ppf(1 - 0.05 / 6))
"""Standard errors that chance explains: 2.4, two-sided 5 % over the three exponents (Bonferroni)."""


def judge_ends(verdict: Verdict, diagnostics: Diagnostics, fit: LawFit) -> None:
    """Refit without the smallest and without the largest budget, or fifth of compute."""
    ends = ends_of_compute(fit.table)
    kept = ~np.stack([ends.smallest, ends.largest])
    without_smallest, without_largest = fit.refit(kept * fit.task.weights)
    enough = kept.sum(axis=1) >= FEWEST
    if enough[0] and np.isfinite(without_smallest.p).all():
        _judge_drift(verdict, diagnostics, fit, without_smallest, ends)
    elif enough[0]:
        verdict.add("weak", f"without {ends.low} the loss does not depend on N, or not on D")
    if enough[1]:
        error = (fit.table.loss - without_largest.loss)[ends.largest]
        diagnostics["predict_largest"] = {"rms": float(np.sqrt(np.mean(error**2))), "mean": float(error.mean())}


def exponents(theta: Array) -> Array:
    """(α, β, a) from (α, β)."""
    return np.array([*theta, theta[1] / theta.sum()])


def _judge_drift(verdict: Verdict, diagnostics: Diagnostics, fit: LawFit, refit: Refit, ends: Ends) -> None:
    """A move above 0.1 makes a fit weak where chance does not explain it, and is a warning where it does."""
    moved = exponents(refit.p[3:]) - exponents(fit.linearised.p[3:])
    error = _error_of_move(fit, refit, ~ends.smallest)
    diagnostics["without_smallest"] = dict(zip(NAMES, moved.tolist(), strict=True)) | {
        f"se_{name}": float(e) for name, e in zip(NAMES, error, strict=True)
    }
    far = np.abs(moved) > DRIFT
    if not far.any():
        return
    beyond = far & (np.abs(moved) > CHANCE * error)
    worst = int(np.argmax(np.where(beyond if beyond.any() else far, np.abs(moved), -1.0)))
    text = f"leaving out {ends.low} moves {SYMBOLS[worst]} by {moved[worst]:+.2f} (SE {error[worst]:.2g})"
    if beyond.any():
        floor = fit.table.flops[ends.smallest].max()
        verdict.add("weak", f"{text}: the form may not hold there; compare with a floor of C > {floor:.3g}")
    else:
        verdict.warn(f"{text}, no more than chance explains: {ends.low} carries much of the evidence")


def _error_of_move(fit: LawFit, refit: Refit, kept: Mask) -> Array:
    """Standard errors of the moves of (α, β, a), with the noise of the kept rows about the surface fitted to them.

    A form that fails at the smallest budget leaves large residuals there, in which its own drift would hide.
    """
    whole = fit.task.linearise(refit.p)
    part = pseudo_residuals(whole.rows(kept), fit.task.delta)
    _, _, _, alpha, beta = part.p
    gradient = np.array([[1.0, 0.0], [0.0, 1.0], np.array([-beta, alpha]) / (alpha + beta) ** 2])

    def variances(covariance: Array) -> Array:
        return np.asarray(np.einsum("qi,ij,qj->q", gradient, covariance[3:, 3:], gradient))

    own = variances(part.covariance)
    difference = own - variances(whole.covariance) * part.variance / whole.variance
    if fit.shared:
        runs = np.unique(fit.run[kept], return_inverse=True)[1]
        difference *= np.maximum(1.0, variances(clustered(influence(part, runs))) / own)
    return np.asarray(np.sqrt(np.maximum(difference, 0.0)))
