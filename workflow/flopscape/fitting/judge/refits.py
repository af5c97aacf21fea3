"""What refits without some of the rows say of a surface: without an end of compute, and without rows that are far off.

**The ends.** Whether one surface holds at every compute is seen by the fit without the smallest budget, and without the
largest; without budgets the outer fifths of compute take their place. A form that fails at one end moves the exponents
when that end is left out; so does chance. The move's variance is Var(subset) − Var(all) (Hausman 1978, corollary 2.6),
both with the subset's noise; where rows share runs it is raised by as much as the sandwich raises Var(subset).

**Outliers** are suspected by a fit that they cannot bend, and confirmed by one without them. A wild loss bends a
least-squares surface towards itself and so hides itself and others. Suspects therefore come from the parabola of least
median of squares in every budget (Rousseeuw 1984), which holds as long as most of its rows are good. The surface is
then fitted without the suspects, and each row of the table tested against it with the error of its prediction; rows
that pass come back, until the set settles (Hadi & Simonoff 1993). Nothing is dropped from the fit.
"""

from itertools import combinations
from typing import NamedTuple

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from flopscape.fitting.any_law.linearised import Linearised, clustered, influence, pseudo_residuals
from flopscape.fitting.any_law.task import LawFit, Refit
from flopscape.fitting.judge.verdict import DRIFT, FEWEST, OUTLIER_LEVEL, Diagnostics, Verdict
from flopscape.laws.law import Array, Index, Mask
from flopscape.runs.table import Ends, RunTable, describe_rows, ends_of_compute
from flopscape.text import numbers

NAMES = ("alpha", "beta", "a")
SYMBOLS = ("α", "β", "a")
CHANCE = float(norm.ppf(1 - 0.05 / 6))
"""Standard errors that chance explains: 2.4, two-sided 5 % over the three exponents (Bonferroni)."""
SUSPECT = 3.0
"""Robust standard deviations off its budget's parabola that make a row a suspect; suspicion costs it nothing."""
TRIPLES = 500
"""Most parabolas through three rows that are tried in one budget: one good triple in 500 is certain up to 80 % bad."""
MOST_ROWS = 200
"""Rows of one budget that vote on its parabola, evenly spread over N; more change nothing but the time."""
ROUNDS = 10


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
        verdict.add("weak", f"{text}: the form may not hold there; compare with a floor of C > {numbers.flops(floor)}")
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
    # Var(subset) − Var(all), both with the subset's s²: a covariance is s² times what the design alone gives.
    difference = own - variances(whole.covariance) * part.variance / whole.variance
    if fit.shared:
        runs = np.unique(fit.run[kept], return_inverse=True)[1]
        difference *= np.maximum(1.0, variances(clustered(influence(part, runs))) / own)
    return np.asarray(np.sqrt(np.maximum(difference, 0.0)))


class Judged(NamedTuple):
    """Studentised residuals of the flagged rows, 0 elsewhere, and all rows around the fit without them."""

    studentised: Array
    without: Linearised

    @property
    def flagged(self) -> Mask:
        """Rows that are outliers."""
        return np.asarray(self.studentised != 0)

    @property
    def exponents(self) -> Array:
        """(α, β, a) without the flagged rows."""
        return exponents(self.without.p[3:])


def judge_outliers(verdict: Verdict, diagnostics: Diagnostics, fit: LawFit) -> Judged:
    """List rows that are off, why, and the exponents without and with them."""
    judged = find_outliers(fit)
    flagged = judged.flagged
    if not flagged.any():
        return judged
    diagnostics["outliers"] = [_entry(fit, judged, int(i)) for i in np.flatnonzero(flagged)]
    without, with_ = judged.exponents, exponents(fit.linearised.p[3:])
    diagnostics["without_outliers"] = dict(zip(NAMES, without.tolist(), strict=True))
    instead = "none"
    if np.isfinite(fit.optimum.p).all():
        diagnostics["with_outliers"] = dict(zip(NAMES, with_.tolist(), strict=True))
        instead = f"{with_[2]:.3f}"
    far = float(np.abs(judged.studentised).max())
    verdict.warn(
        f"{describe_rows(fit.table, flagged)}: residual up to {far:.0f} standard errors; kept, and without"
        f" {'it' if flagged.sum() == 1 else 'them'} a = {without[2]:.3f} instead of {instead}"
    )
    return judged


def judge_influence(verdict: Verdict, diagnostics: Diagnostics, low: float | None, high: float | None) -> None:
    """Weak where a without the named outliers lies outside the 95 % interval of a with them: a few rows decide."""
    without = diagnostics.get("without_outliers")
    if not isinstance(without, dict) or low is None or high is None or low <= without["a"] <= high:
        return
    verdict.add(
        "weak",
        f"a few rows decide: without the outliers named below a = {without['a']:.3f}, outside its interval"
        f" {low:.3f} to {high:.3f}; look at those rows, and compare with a fit that leaves them out (--exclude)",
    )


def find_outliers(fit: LawFit) -> Judged:
    """Outliers of the surface, from the budgets' suspects by refits without them."""
    flagged, nothing = suspects(fit.table), Judged(np.zeros(len(fit.table)), fit.linearised)
    for _ in range(ROUNDS):
        clean = ~flagged
        if clean.sum() < FEWEST + 1:
            return nothing
        [refit] = fit.refit((clean * fit.task.weights)[None])
        if not np.isfinite(refit.p).all():
            return nothing
        around = fit.task.linearise(refit.p)
        judged = Judged(_deletion_residuals(around, clean), around)
        # Settled: the fit without these rows flags these rows.
        if (judged.flagged == flagged).all():
            break
        flagged = judged.flagged
    return judged


def suspects(table: RunTable) -> Mask:
    """Rows off the least-median-of-squares parabola of their budget, by a scale pooled over the budgets."""
    residual = np.zeros(len(table))
    for budget in np.unique(table.budget[np.isfinite(table.budget)]):
        rows = np.flatnonzero(table.budget == budget)
        residual[rows] = _robust_residual(np.log(table.n_params[rows]), table.loss[rows])
    # Three residuals of every parabola are zero by construction and say nothing of the scale.
    left = np.abs(residual[residual != 0])
    scale = np.median(left) / norm.ppf(0.75) if len(left) else 0.0
    return np.asarray(np.abs(residual) > SUSPECT * max(float(scale), 1e-12))


def _robust_residual(x: Array, y: Array) -> Array:
    """Residuals from the parabola through three rows with the least h-th smallest squared residual.

    h = ⌊m/2⌋ + 2 has the highest breakdown point of three coefficients (Rousseeuw & Leroy 1987, section 3.4); with
    fewer than 5 sizes no row can be told from the curve, and all residuals are zero.
    """
    if len(np.unique(x)) < 5:
        return np.zeros(len(x))
    order = np.lexsort((y, x))
    voters = order[np.unique(np.linspace(0, len(x) - 1, MOST_ROWS).round().astype(int))]
    voters = voters if len(x) > MOST_ROWS else order
    triples = voters[_triples(len(voters))]
    with np.errstate(divide="ignore", invalid="ignore"):
        x0, x1, x2 = x[triples].T
        # Divided differences: y₀ + (x − x₀)·(slope + bend·(x − x₁)) passes through the three rows.
        slope = (y[triples[:, 1]] - y[triples[:, 0]]) / (x1 - x0)
        bend = ((y[triples[:, 2]] - y[triples[:, 1]]) / (x2 - x1) - slope) / (x2 - x0)

    def off(k: Index | slice, at: Array) -> Array:
        with np.errstate(invalid="ignore"):
            rise = slope[k, None] + bend[k, None] * (at - x1[k, None])
            return np.asarray(y[triples[k, 0], None] + (at - x0[k, None]) * rise)

    errors = np.abs(y[voters] - off(slice(None), x[voters]))
    # Two of the three rows have one N: no parabola passes through both.
    errors[~np.isfinite(errors)] = np.inf
    h = len(voters) // 2 + 2
    best = int(np.argmin(np.partition(errors, h - 1, axis=1)[:, h - 1]))
    return np.asarray(y - off(np.array([best]), x)[0])


def _triples(count: int) -> Index:
    """All triples of `count` rows, or a fixed draw of 500."""
    if count * (count - 1) * (count - 2) // 6 <= TRIPLES:
        return np.array(list(combinations(range(count), 3)))
    return np.random.default_rng(0).permuted(np.tile(np.arange(count), (TRIPLES, 1)), axis=1)[:, :3]


def _deletion_residuals(fit: Linearised, clean: Mask) -> Array:
    """Residuals over the error of predicting each row from the clean others, where improbable; else 0.

    A row outside the clean set is predicted with variance s²(1 + h), one inside without itself: its externally
    studentised residual (Cook & Weisberg 1982, section 2.2). The level is Bonferroni's: 1 % for the whole table
    by least squares; by Huber's objective with δ far below the noise, whose leverages differ, about 5 %.
    """
    J = fit.jacobian[fit.free]
    scale = np.linalg.norm(J[:, clean], axis=1)
    # With R from the clean rows, jᵀ(JJᵀ)⁻¹j = ‖R⁻ᵀj‖² for any row j, within the fit or not.
    R = np.linalg.qr((J[:, clean] / scale[:, None]).T)[1]
    try:
        leverage = (np.linalg.solve(R.T, J / scale[:, None]) ** 2).sum(axis=0)
    except np.linalg.LinAlgError:
        return np.zeros(len(clean))
    dof = int(clean.sum()) - len(scale) - 1
    rest = np.where(clean, np.maximum(1 - leverage, 1e-9), 1 + leverage)
    squares = float(fit.residual[clean] @ fit.residual[clean])
    # Without a row of its own a fit's sum of squares is less by r²/(1 − h): an identity of least squares.
    variance = np.where(clean, (squares - fit.residual**2 / rest) / max(dof, 1), squares / (dof + 1))
    studentised = fit.residual / np.sqrt(np.maximum(variance, 1e-24) * rest)
    limit = student.ppf(1 - OUTLIER_LEVEL / (2 * len(clean)), max(dof, 1))
    known = ~clean | (leverage < 0.99)
    return np.asarray(np.where((np.abs(studentised) > limit) & known, studentised, 0.0))


def _entry(fit: LawFit, judged: Judged, row: int) -> Diagnostics:
    table, size = fit.table, float(judged.studentised[row])
    budget = float(table.budget[row])
    return {
        "run_id": str(table.run_id[row]),
        "row": int(table.row[row]),
        "budget": budget if np.isfinite(budget) else None,
        "residual": float(fit.linearised.raw[row]),
        "studentised": size,
        "reason": f"{abs(size):.1f} standard errors {'above' if size > 0 else 'below'} the fit without it",
    }
