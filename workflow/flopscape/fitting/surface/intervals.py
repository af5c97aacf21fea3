"""The 95 % intervals of a surface fit, side by side: bootstrap of runs, profile F, delta method, sandwich.

The percentile bootstrap of whole runs is reported, and from fewer than 20 runs the profile where there is one. The
delta method (Bates & Watts 1988, section 2.3) takes errors as equal and independent, the sandwich (sandwich.py) only as
independent between runs; both take the quantity, or its logarithm where it is positive, as linear, and Student's t with
as many degrees of freedom as rows, or runs, beyond the five parameters. For Huber's objective and least absolute
deviations both are those of the M-estimator (Huber 1981, section 7.6), and there is no profile.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from flopscape.fitting.common.results import finite_or_none, percentile_interval
from flopscape.fitting.judge.verdict import DISAGREEMENT, FEW_FOR_BOOTSTRAP, Verdict
from flopscape.fitting.surface.fitted import Fitted
from flopscape.fitting.surface.linearised import clustered, influence
from flopscape.fitting.surface.profile import profile_intervals
from flopscape.fitting.surface.quantities import Quantities, column, is_logarithmic
from flopscape.laws.arrays import Array
from flopscape.records.fit_result import Estimate

Ends = dict[str, tuple[float, float]]
BOOTSTRAP, PROFILE = "bootstrap of runs, percentile", "profile F"


@dataclass(frozen=True)
class Intervals:
    """The reported intervals by quantity, how they were made, and every kind (None: the objective has none)."""

    reported: Ends
    kind: str
    kinds: dict[str, Ends | None]

    def of(self, name: str) -> tuple[float | None, float | None]:
        """Low and high, None where there is no finite end."""
        low, high = self.reported[name]
        return finite_or_none(low), finite_or_none(high)

    def estimate(self, name: str, value: float) -> Estimate:
        """A value with its interval."""
        return Estimate(value, *self.of(name))

    def disagreement(self, name: str) -> float:
        """Ratio of the wider to the narrower of bootstrap and profile; infinite where one has no end."""
        widths = [ends[name][1] - ends[name][0] for ends in (self.kinds["profile F"], self.kinds["bootstrap"]) if ends]
        if not np.isfinite(widths).all():
            return float("inf")
        return max(widths) / max(min(widths), 1e-300) if max(widths) > 1e-9 else 1.0

    def to_json(self, quantities: Quantities) -> dict[str, object]:
        """Every kind, with b, D* and D*/N* from the ends of a and N*, to stand among the diagnostics."""
        return {kind: ends and listed(_completed(ends, quantities)) for kind, ends in self.kinds.items()}


def all_intervals(verdict: Verdict, fitted: Fitted) -> Intervals:
    """Every kind of interval, the one to report, and a warning where they are not to be trusted."""
    quantities, runs = fitted.quantities, fitted.table.n_runs
    boot = {name: percentile_interval(fitted.draws[name].to_numpy()) for name in quantities.names}
    profile = profile_intervals(fitted.problem, fitted.local, quantities) if fitted.smooth else None
    kinds = {"bootstrap": boot, "profile F": profile, "delta": delta(fitted), "sandwich": sandwich(fitted)}
    few = runs < FEW_FOR_BOOTSTRAP and len(fitted.table) == runs
    if few and profile is not None:
        return Intervals(profile, PROFILE, kinds)
    intervals = Intervals(boot, BOOTSTRAP, kinds)
    if few:
        verdict.warn(
            f"only {runs} runs: the bootstrap may be up to 2.3 times too wide, and this objective has no profile-F"
            " interval; log_lsq and vpnls have one"
        )
    elif profile is not None and (ratio := intervals.disagreement("a")) > DISAGREEMENT:
        verdict.warn(f"bootstrap and profile-F intervals of a differ ×{ratio:.2g} in width: trust neither fully")
    return intervals


def delta(fitted: Fitted) -> Ends:
    """Delta-method intervals: errors equal and independent."""
    local = fitted.robust
    return _linear(fitted.quantities, local.p, local.covariance(), local.dof)


def sandwich(fitted: Fitted) -> Ends:
    """Sandwich intervals: errors independent between runs."""
    covariance = clustered(influence(fitted.robust, fitted.run))
    return _linear(fitted.quantities, fitted.local.p, covariance, fitted.table.n_runs - len(fitted.local.p))


@np.errstate(all="ignore")
def errors(quantities: Quantities, p: Array, covariance: Array) -> tuple[Array, Array]:
    """Values and standard errors of all quantities, logarithmic ones in logs."""
    values, gradients = quantities.evaluate(p[None])
    variance = np.einsum("qi,ij,qj->q", gradients[0], covariance, gradients[0])
    return values[0], np.sqrt(np.maximum(variance, 0))


@np.errstate(all="ignore")
def _linear(quantities: Quantities, p: Array, covariance: Array, dof: int) -> Ends:
    """Value ± t·SE; E ends at zero."""
    values, error = errors(quantities, p, covariance)
    reach = student.ppf(0.975, max(dof, 1)) * error
    low, high = values - reach, values + reach
    low[0] = max(low[0], 0.0)
    logs = np.array([is_logarithmic(name) for name in quantities.names])
    low, high = (np.where(logs, np.exp(np.where(logs, ends, 0.0)), ends) for ends in (low, high))
    return dict(zip(quantities.names, zip(low.tolist(), high.tolist(), strict=True), strict=True))


@np.errstate(all="ignore")
def _completed(ends: Ends, quantities: Quantities) -> Ends:
    """The ends with those of b = 1 − a, and of D* and D*/N*, which fall with N* along C = κ(N)·N·D."""
    low, high = ends["a"]
    out = ends | {"b": (1 - high, 1 - low)}
    for flops in quantities.flops:
        n = np.array(ends[column("n_params", flops)][::-1])
        d = np.exp(quantities.compute.tokens(np.log(n), flops))
        out[column("n_tokens", flops)] = (float(d[0]), float(d[1]))
        out[column("tokens_per_param", flops)] = (float(d[0] / n[0]), float(d[1] / n[1]))
    return out


def listed(ends: Ends) -> dict[str, list[float | None]]:
    """Ends as JSON has them, None where one is not finite."""
    return {name: [finite_or_none(low), finite_or_none(high)] for name, (low, high) in ends.items()}
