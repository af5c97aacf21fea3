"""What the losses do that a form cannot follow: at every budget, over ln N and ln D, and from run to run.

A law ties all losses together by a few numbers. Where it is wrong its residuals shift and bend with the budget, with N
or with D, and columns that are free to do so follow them: parabolas in ln N of each budget, or where no budget has
enough sizes a cubic polynomial in ln N and ln D. They are added to the fit's tangent space, so that the test has its
level whatever the losses' true shape is: a Gauss–Newton regression (Davidson & MacKinnon 1993, chapter 6), whose F is
that of nested linear models (Draper & Smith 1998, section 6.1). Repeats of one point of the design count as their mean.

That the law with parabolas beats the law does not say that parabolas alone would do: they are fitted alone too, and
approach2 is recommended only where they leave less than the law does.

Rows of one run share its errors, so that F would count each run many times. There the runs are the unit: each gives
the scores of its residuals, one for every added column, whose mean over runs is zero where the form holds: Hotelling's
T² (Anderson 2003, section 5.2).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import f as fisher

from flopscape.fitting.any_law.linearised import Linearised
from flopscape.fitting.common.linear import ROUNDED_FIT, TINY
from flopscape.fitting.judge.verdict import BEATEN, Diagnostics, Verdict
from flopscape.laws.law import Array, Index, Mask
from flopscape.runs.table import RunTable, design_index

BEATEN_BY_RUNS = 0.01
"""BEATEN for whole runs, whose scores T² takes as they scatter: no margin for noise is needed. Of 150 tables of a
true surface (25 runs of ten checkpoints, most of the noise shared by a run) 0.7 % fall below it."""
FEWEST_SIZES = 4
"""Sizes from which a budget's parabola can miss one."""
MOSTLY = 0.5
"""Share of the points of the design that budgets' parabolas must cover to be what the form is tested against."""
IN_THE_SPACE = 1e-6
"""Length outside the tangent space, of unit vectors, below which a direction is within it but for rounding."""
SPARE_RUNS = 5
"""Runs beyond the columns that are tested by runs: their covariance is estimated from as many."""
BROKEN = "the form does not hold within these runs"
"""How the verdict begins."""
PARABOLAS, SMOOTH = "a parabola for each budget", "a cubic polynomial in ln N and ln D"


class CurveTest(NamedTuple):
    """F with its degrees of freedom and chance, and residual standard deviations in nats.

    `sd_form` is of the form, `sd_curves` of the form with what was `added`, `sd_alone` of parabolas without the form;
    the last is None where parabolas alone leave nothing over, or the columns are of another kind.
    """

    F: float
    dof: tuple[int, int]
    p: float
    sd_form: float
    sd_curves: float
    sd_alone: float | None
    added: str

    @property
    def beaten(self) -> bool:
        """Whether the form with the added columns is clearly better."""
        return self.p < BEATEN

    def to_json(self) -> Diagnostics:
        """For the diagnostics of a fit."""
        return {**self._asdict(), "dof": list(self.dof), "beaten": self.beaten}


class Linear(NamedTuple):
    """A linear model of m rows: residual (m,), derivatives (m, k) and added columns (m, q)."""

    residual: Array
    tangent: Array
    added: Array


def judge_departures(verdict: Verdict, diagnostics: Diagnostics, table: RunTable, fit: Linearised, rows: Mask) -> None:
    """Weak where the losses clearly depart from the form: what it says then depends on which runs there are.

    Parameters
    ----------
    verdict, diagnostics
        To add to.
    table : RunTable
    fit : Linearised
        All rows around the fit.
    rows : array of bool, shape (n,)
        Rows to test: all but wild ones, which a budget's parabola follows further than a law does.
    """
    if len(table) > table.n_runs:
        _judge_runs(verdict, diagnostics, run_test(table, fit, rows))
        return
    test = curve_test(table, fit, rows)
    diagnostics["budget_curves"] = test and test.to_json()
    if test and test.beaten:
        verdict.add(
            "weak",
            f"{BROKEN}: {test.added}, added to it, lowers the residual sd from {test.sd_form:.2g} to"
            f" {test.sd_curves:.2g} nats, F({test.dof[0]}, {test.dof[1]}) = {test.F:.3g}, p = {test.p:.1g}; the"
            f" intervals are too narrow{_advice(test)}",
        )


def _advice(test: CurveTest) -> str:
    """Whether approach2 is worth a look: only where its parabolas alone leave less than the form does."""
    if test.sd_alone is None:
        return ""
    if test.sd_alone < test.sd_form:
        return f"; parabolas alone leave {test.sd_alone:.2g}: compare with approach2"
    return f"; parabolas alone do no better, {test.sd_alone:.2g}"


def _judge_runs(verdict: Verdict, diagnostics: Diagnostics, test: dict[str, Any] | None) -> None:
    diagnostics["departure_by_runs"] = test
    if test and test["p"] < BEATEN_BY_RUNS:
        verdict.add(
            "weak",
            f"{BROKEN}: the residuals of whole runs follow {SMOOTH} that it cannot, F({test['dof'][0]}, "
            f"{test['dof'][1]}) = {test['F']:.3g}, p = {test['p']:.1g}",
        )


def curve_test(table: RunTable, fit: Linearised, rows: Mask) -> CurveTest | None:
    """F test of a fitted form against parabolas of ln N, or without budgets of enough sizes smooth terms.

    None where too few rows are left to tell the noise, nothing is free, or the form follows all that was added.
    """
    model, added = _linear(table, fit, rows, _parabolas), PARABOLAS
    # Where most rows are of no such budget, parabolas would leave them untested.
    if not model.added.size or model.added.any(axis=1).mean() < MOSTLY:
        model, added = _linear(table, fit, rows, _smooth), SMOOTH
    if not model.tangent.size:
        return None
    # What the form could follow itself is projected out of the residuals and of the columns alike: the regression on
    # what is left is that on both (Frisch–Waugh).
    tangent = np.linalg.qr(_unit(model.tangent))[0]
    y, columns = _outside(tangent, model.residual[:, None])[:, 0], _outside(tangent, _unit(model.added))
    followed = _directions(columns).T @ y
    whole, gain = float(y @ y), float(followed @ followed)
    dof = len(followed), len(y) - tangent.shape[1] - len(followed)
    if min(dof) < 1 or whole < len(y) * (ROUNDED_FIT * table.loss.mean()) ** 2:
        return None
    variance = max(whole - gain, 0.0) / dof[1]
    ratio = gain / dof[0] / max(variance, TINY)
    nats = _nats(fit, rows)
    form, curves = (nats * float(np.sqrt(square)) for square in (whole / sum(dof), variance))
    alone = _sd_alone(table, rows) if added is PARABOLAS else None
    return CurveTest(ratio, dof, float(fisher.sf(ratio, *dof)), form, curves, alone, added)


def _nats(fit: Linearised, rows: Mask) -> float:
    """Nats for one unit of the residuals, which may be of the log loss: the ratio of their root mean squares."""
    residual = (fit.residual / np.maximum(fit.root, TINY))[rows]
    return float(np.linalg.norm(fit.raw[rows]) / max(float(np.linalg.norm(residual)), TINY))


def _sd_alone(table: RunTable, rows: Mask) -> float | None:
    """Residual standard deviation of a parabola for each budget and nothing else, in nats; rows weigh the same."""
    inside = rows & np.isfinite(table.budget)
    columns = _parabolas(np.log(table.n_params[inside]), np.log(table.n_tokens[inside]), table.budget[inside])
    seen = columns.any(axis=1)
    y, basis = table.loss[inside][seen], np.linalg.qr(columns[seen])[0]
    left, dof = y - basis @ (basis.T @ y), len(y) - basis.shape[1]
    return float(np.sqrt(left @ left / dof)) if dof > 0 else None


def run_test(table: RunTable, fit: Linearised, rows: Mask) -> dict[str, Any] | None:
    """Hotelling's T² of the runs' scores on smooth terms, as F; None where the runs are too few, or nothing is free."""
    J = fit.jacobian[fit.free][:, rows].T
    if not J.size:
        return None
    tangent = np.linalg.qr(_unit(J))[0]
    root = np.broadcast_to(fit.root, rows.shape)[rows]
    names, run = np.unique(table.run_id[rows], return_inverse=True)
    # Ten columns need fifteen runs; fewer have the six of a quadratic polynomial.
    degree = 3 if len(names) >= 10 + SPARE_RUNS else 2
    terms = _smooth(np.log(table.n_params[rows]), np.log(table.n_tokens[rows]), table.budget[rows], degree)
    directions = _directions(_outside(tangent, _unit(terms * root[:, None])))
    y = _outside(tangent, fit.residual[rows][:, None])
    scores = _sums(directions * y, run.ravel())
    runs, q = scores.shape
    if not q or runs < q + SPARE_RUNS or float(np.abs(scores).max()) < ROUNDED_FIT * table.loss.mean():
        return None
    # T² = G·s̄ᵀS⁻¹s̄ for the mean s̄ and covariance S of the scores; (G − q)/(q·(G − 1))·T² is F of (q, G − q).
    mean, covariance = scores.mean(axis=0), np.cov(scores.T).reshape(q, q)
    ratio = runs * float(mean @ np.linalg.pinv(covariance) @ mean) * (runs - q) / (q * (runs - 1))
    return {"F": ratio, "dof": [q, runs - q], "p": float(fisher.sf(ratio, q, runs - q))}


def _sums(values: Array, group: Index) -> Array:
    """Sums (groups, q) of the rows (n, q) of each group."""
    sums = np.zeros((int(group.max()) + 1, values.shape[1]))
    np.add.at(sums, group, values)
    return sums


def _outside(basis: Array, columns: Array) -> Array:
    """Columns (m, q) without their part in the space of an orthonormal basis (m, k)."""
    return np.asarray(columns - basis @ (basis.T @ columns))


def _directions(columns: Array) -> Array:
    """An orthonormal basis of what columns of unit length have left; a direction without length is none."""
    left, length, _ = np.linalg.svd(columns, full_matrices=False)
    return np.asarray(left[:, length > IN_THE_SPACE])


def _unit(columns: Array) -> Array:
    """Columns of unit length, without those that have none: a parameter that these rows do not depend on."""
    lengths = np.linalg.norm(columns, axis=0)
    kept = np.isfinite(lengths) & (lengths > 0)
    return np.asarray(columns[:, kept] / lengths[kept])


def _linear(table: RunTable, fit: Linearised, rows: Mask, columns: "Columns") -> Linear:
    """Weighted means of the repeats of each point of the design, as a linear model."""
    size = np.unique(design_index(table)[rows], return_inverse=True)[1].ravel()
    first = np.unique(size, return_index=True)[1]
    root = np.broadcast_to(fit.root, rows.shape)[rows]
    # A mean of repeats has the sum of their weights, of which this is the root.
    weight = np.sqrt(np.bincount(size, root**2))
    J = fit.jacobian[fit.free]
    y, *means = (np.bincount(size, root * values[rows]) / weight for values in (fit.residual, *J))
    of_rows = (values[rows][first] for values in (np.log(table.n_params), np.log(table.n_tokens), table.budget))
    tangent = np.stack(means, axis=1) if means else np.empty((len(y), 0))
    return Linear(y, tangent, columns(*of_rows) * weight[:, None])


def _parabolas(log_n: Array, log_d: Array, budget: Array) -> Array:
    """1, x and x² of each budget with enough sizes, zero elsewhere: x is ln N over the budget's half-span."""
    columns = [np.empty((len(log_n), 0))]
    for name in np.unique(budget[np.isfinite(budget)]):
        own = budget == name
        if len(np.unique(log_n[own])) >= FEWEST_SIZES:
            x = np.zeros(len(log_n))
            x[own] = _to_ends(log_n[own])
            columns.append(np.where(own, np.stack([np.ones_like(x), x, x**2]), 0.0).T)
    return np.concatenate(columns, axis=1)


def _smooth(log_n: Array, log_d: Array, budget: Array, degree: int = 3) -> Array:
    """xⁱ·yʲ up to a degree i + j, in ln N and ln D; a table of one N or one D has the powers of the other alone."""
    x, y = _to_ends(log_n), _to_ends(log_d)
    powers = [(i, j) for i in range(degree + 1) for j in range(degree + 1 - i)]
    return np.stack([x**i * y**j for i, j in powers], axis=1)


def _to_ends(values: Array) -> Array:
    """Values between −1 and 1, so that their powers are well conditioned; zero where all are one."""
    low, high = values.min(), values.max()
    return np.asarray((2 * values - low - high) / (high - low)) if high > low else np.zeros_like(values)


Columns = Callable[[Array, Array, Array], Array]
"""From ln N, ln D and the budget of m rows to columns (m, q)."""
