"""A method's verdict on its own fit, and how it becomes a FitResult: statuses, sentences, refusals and predictions.

Here is what several methods share: when there is too little or too much to fit, when an exponent is uncertain, when an
asked compute lies beyond the runs, and which numbers stand in the result and its draws. Thresholds come from
simulations on designs like Besiroglu et al. 2024's; see each constant.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.stats import t as student

from flopscape.errors import FitWarning, WarningKind
from flopscape.fitting.common.linear import EXACT_LOG_SQUARE, ROUNDED_DIFFERENCE
from flopscape.laws.law import Array, Compute, Law
from flopscape.laws.surface import LAW as SURFACE
from flopscape.laws.surface import Surface
from flopscape.records.fit_result import EXTRAPOLATES, Estimate, FitResult, FitStatus, Prediction
from flopscape.runs.table import UNIQUE, RunTable
from flopscape.text import numbers

SEVERITY: dict[FitStatus, int] = {"ok": 0, "weak": 1, "boundary": 2, "refused": 3}
SE_WEAK, SE_REFUSED = 0.1, 0.5
"""Standard error of the exponent a, which lies between 0 and 1."""
SAME = 1e-6
"""Range of a logarithm below which all values are one."""
ON_A_LINE = 0.01
"""Standard deviation across a line in (ln N, ln D) below which the runs lie on it."""
SYMBOLS = {"n_params": "N", "n_tokens": "D", "flops": "C"}
COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
FEWEST = 6
"""Runs below which five parameters leave nothing to judge."""
FEW_FOR_BOOTSTRAP = 20
"""Below this many runs the case bootstrap is up to 2.3 times too wide."""
DEGENERATE_SHARE = 0.01
DRIFT = 0.1
"""Move of an exponent, when the smallest budget is left out, that puts the functional form in doubt."""
OUTLIER_LEVEL = 0.01
"""Chance that any row of a clean table is flagged."""
BEATEN = 1e-3
"""Chance of F below which what is added to a form clearly beats it. F takes the noise as normal and equal everywhere,
and the margin below the usual 1 % is for noise that is neither. In 1,000 tables of a true surface (5 budgets × 7 sizes,
or 9 × 14) 0.1 % fall below it, 1 % to 1.5 % where the smallest budget is three times as noisy, 0.4 % to 1.2 % with
Student's t of 3 degrees of freedom; 5 % where the noise falls 50-fold over nine budgets."""


Diagnostics = dict[str, object]


MOST_ROWS = 200_000
"""Rows of a fit by search: its derivatives are held for all of them at once, and beyond these they take gigabytes."""


MOST_BUDGETS = 1000
"""Budgets of a fit by budgets: the covariance of all their vertices is held, and its root taken."""
RESAMPLED_ROWS = 20_000_000
"""Most rows × resamples: some seconds. Tables of up to 5,000 rows have the 4,000 resamples that are usual."""
FEWEST_RESAMPLES = 200
"""With fewer an end of a 95 % interval would rest on fewer than five of them."""
DRAW_COLUMNS = ("replicate", *Surface._fields, "a", "b", "degenerate")
ASKED = ("n_params", "n_tokens", "loss")


@dataclass
class Verdict:
    """Collects findings; the gravest gives the status."""

    findings: list[tuple[FitStatus, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def add(self, status: FitStatus, sentence: str) -> None:
        """Note a finding and the status that it allows at best."""
        self.findings.append((status, sentence))

    def warn(self, sentence: str, kind: WarningKind = "") -> None:
        """Note what is to be distrusted, whatever the status."""
        self.warnings.append(FitWarning(sentence, kind))

    @property
    def status(self) -> FitStatus:
        """The gravest finding; `ok` without any."""
        return max((status for status, _ in self.findings), key=SEVERITY.__getitem__, default="ok")

    def reason(self, otherwise: str) -> str:
        """The sentences of the gravest status; lesser findings are in `all_warnings`."""
        return "; ".join(text for status, text in self.findings if status == self.status) or otherwise

    @property
    def all_warnings(self) -> list[str]:
        """Findings of a lesser status, then the warnings."""
        lesser = [text for status, text in self.findings if status != self.status]
        return lesser + self.warnings


def affordable(replicates: int, rows: int) -> int:
    """The resamples that are made of those asked for: few enough for a large table, and enough for an interval."""
    return min(replicates, max(FEWEST_RESAMPLES, RESAMPLED_ROWS // max(rows, 1)))


def coarser(verdict: Verdict, made: int, replicates: int, rows: int) -> None:
    """Say where fewer resamples were made than were asked for."""
    if made < replicates:
        verdict.warn(f"{rows:,} rows: {made} resamples in place of {replicates}, so the intervals are coarser")


def parameters_in_words(count: int) -> str:
    """How many parameters, as a sentence has it.

    >>> parameters_in_words(1), parameters_in_words(5), parameters_in_words(20)
    ('one parameter', 'five parameters', '20 parameters')
    """
    number = COUNTS[count] if count < len(COUNTS) else str(count)
    return f"{number} parameter{'' if count == 1 else 's'}"


def why_too_little(table: RunTable, law: Law = SURFACE, supply: Array | None = None, free: int | None = None) -> str:
    """Why a law cannot be fitted at all, or nothing.

    Parameters
    ----------
    table : RunTable
    law : Law
        The surface unless given.
    supply : array, shape (n,), optional
        Distinct tokens of each run, for a law that depends on them.
    free : int, optional
        How many of its parameters are to be found, all of them unless given; of fewer none needs to be seen by itself.
    """
    k = len(law.names) if free is None else free
    whole = k == len(law.names)
    if table.n_runs < k + 1:
        return f"{table.n_runs} completed runs for {parameters_in_words(k)}; at least {k + 1} are needed"
    for name in law.covariates:
        if np.ptp(values := table.covariates[name]) == 0:
            return (
                f"{name} is {values[0]:g} in every run, so that its term cannot be told from the floor: leave it out of"
                " the law, or add runs with other values"
            )
    used = {name: getattr(table, name) for name in law.arguments if name in SYMBOLS}
    for name, values in used.items():
        if whole and np.ptp(np.log(values)) < SAME:
            return f"all runs have the same {SYMBOLS[name]} = {values[0]:g}: the loss's dependence on it cannot be seen"
    if whole and law is SURFACE and _is_on_a_line(table):
        return (
            "all runs lie on one line in ln N and ln D (one budget, or one number of tokens per parameter):"
            " N and D are not told apart"
        )
    if UNIQUE in law.arguments and supply is not None:
        used[UNIQUE] = supply
        if not (table.n_tokens > supply).any():
            return "no run repeats data: none saw more tokens than its distinct ones, so R_D* cannot be seen"
    used |= {name: table.covariates[name] for name in law.covariates}
    if np.unique(np.stack(list(used.values())), axis=1).shape[1] < k + 1:
        settings = "pairs of N and D" if list(used) == ["n_params", "n_tokens"] else "settings"
        return f"fewer than {k + 1} distinct {settings} for {parameters_in_words(k)}"
    return ""


def _is_on_a_line(table: RunTable) -> bool:
    """Whether one direction of (ln N, ln D) holds nearly all there is: the second singular value is its width."""
    logs = np.log(np.stack([table.n_params, table.n_tokens]))
    across = np.linalg.svd(logs - logs.mean(axis=1, keepdims=True), compute_uv=False)[1]
    return bool(across < ON_A_LINE * np.sqrt(len(table)))


def why_too_many_rows(table: RunTable) -> str:
    """Why a table is too long for a fit by search, or nothing."""
    if len(table) <= MOST_ROWS:
        return ""
    return (
        f"{len(table)} rows, and at most {MOST_ROWS} can be fitted by this method: thin the checkpoints, for example"
        " with --exclude, or use approach2"
    )


def why_too_many_budgets(table: RunTable) -> str:
    """Why a table has too many budgets for a curve of each, or nothing."""
    count = len(np.unique(table.budget[np.isfinite(table.budget)]))
    if count <= MOST_BUDGETS:
        return ""
    return f"{count:,} budgets, and at most {MOST_BUDGETS:,} can be fitted together: take fewer, or use vpnls"


def judge_uncertainty(verdict: Verdict, se_a: float) -> None:
    """Standard error of a."""
    if not np.isfinite(se_a):
        verdict.add("refused", "the runs do not determine the exponent a: no standard error of it can be computed")
    elif se_a > SE_REFUSED:
        verdict.add("refused", f"the runs do not determine the exponent a: its standard error is {se_a:.2g}")
    elif se_a > SE_WEAK:
        verdict.add("weak", f"the exponent a is uncertain: its standard error is {se_a:.2g}")


def judge_extrapolation(verdict: Verdict, table: RunTable, flops: float, n_params: float) -> None:
    """Warn where an asked budget lies beyond the runs, or its optimum outside the sampled sizes."""
    far = flops / table.flops.max()
    if far > EXTRAPOLATES:
        verdict.warn(f"C = {numbers.flops(flops)} extrapolates ×{far:.3g} beyond the largest run", "extrapolates")
    low, high = table.n_params.min(), table.n_params.max()
    if n_params > high or n_params < low:
        times = n_params / high if n_params > high else low / n_params
        side = "above" if n_params > high else "below"
        verdict.warn(
            f"the optimum N* = {numbers.count(n_params)} at C = {numbers.flops(flops)} lies ×{times:.3g} {side} the"
            " sampled sizes",
            "outside sizes",
        )


def outliers(residual: Array, leverage: Array, parameters: int) -> Array:
    """Rows whose externally studentised residual is improbable at the 1 % level for the whole table.

    Bonferroni's bound on Student's t with n − parameters − 1 degrees of freedom (Cook & Weisberg 1982, section 2.2).
    Their variance without a row is an identity of least squares; where a robust fit makes it negative, the squares of
    the other residuals take its place. Returns the studentised residual where flagged and 0 elsewhere.
    """
    dof = len(residual) - parameters - 1
    rest = np.maximum(1 - leverage, 1e-9)
    if dof < 2:
        return np.zeros(len(residual))
    total = residual @ residual
    without = total - residual**2 / rest
    without = (
        np.where(without < -ROUNDED_DIFFERENCE * total, total - residual**2, np.maximum(without, EXACT_LOG_SQUARE))
        / dof
    )
    studentised = residual / np.sqrt(without * rest)
    limit = student.ppf(1 - OUTLIER_LEVEL / (2 * len(residual)), dof)
    return np.where((np.abs(studentised) > limit) & (leverage < 0.99), studentised, 0.0)


def finite_or_none(value: float) -> float | None:
    """JSON has no NaN."""
    return float(value) if np.isfinite(value) else None


def column(quantity: str, flops: float) -> str:
    """Name of a quantity at one asked compute, as in the draws.

    >>> column("n_params", 1e24)
    'n_params@1e+24'
    """
    return f"{quantity}@{float(flops)!r}"


def prediction(flops: float, n_params: Estimate, loss: Estimate | None, compute: Compute) -> Prediction:
    """Complete N* to D* and tokens per parameter through C = κ(N)·N·D, along which both fall with N."""

    def tokens(n: float | None) -> float | None:
        return finite_or_none(float(np.exp(compute.tokens(np.log(n), flops)))) if n else None

    def ratio(n: float | None) -> float | None:
        d = tokens(n)
        return None if not n or d is None else d / n

    # D falls as N grows, so that the ends change places.
    ends = (n_params.estimate, n_params.high, n_params.low)
    n_tokens = Estimate(*(tokens(n) for n in ends))  # type: ignore[arg-type]
    return Prediction(flops, n_params, n_tokens, loss, Estimate(*(ratio(n) for n in ends)))  # type: ignore[arg-type]


def refuse(result: FitResult, reason: str, flops: Sequence[float]) -> tuple[FitResult, pd.DataFrame]:
    """A fit without numbers, and draws without rows."""
    result.status, result.reason = "refused", reason
    result.exponents = None
    result.predictions = [Prediction(float(c), None, None, None, None) for c in flops]
    return result, empty_draws(flops)


def empty_draws(flops: Sequence[float]) -> pd.DataFrame:
    """The columns of the draws, without rows."""
    columns = [column(name, c) for c in flops for name in ASKED]
    return pd.DataFrame({name: np.empty(0) for name in (*DRAW_COLUMNS, *columns)})
