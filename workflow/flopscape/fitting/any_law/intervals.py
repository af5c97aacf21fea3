"""The 95 % intervals of a fit, side by side: bootstrap of runs, profile F, delta method, sandwich.

The percentile bootstrap of whole runs is reported; where runs are fewer than 20, or no resamples were asked for, the
profile, and of a law that has none the delta method. The delta method (Bates & Watts 1988, section 2.3) takes errors as
equal and independent, the sandwich (see linearised.py) only as independent between runs; both take the quantity, or its
logarithm where it is positive, as linear in p, and Student's t with as many degrees of freedom as rows, or runs, beyond
the parameters. For Huber's objective and least absolute deviations both are those of the M-estimator (Huber 1981,
section 7.6), and there is no profile.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from flopscape.fitting.any_law.linearised import clustered, influence
from flopscape.fitting.any_law.quantities import Quantities
from flopscape.fitting.any_law.task import Ends, LawFit
from flopscape.fitting.common.bootstrap import percentile_interval
from flopscape.fitting.common.linear import TINY
from flopscape.fitting.common.results import column, finite_or_none
from flopscape.fitting.judge.verdict import DISAGREEMENT, FEW_FOR_BOOTSTRAP, Verdict
from flopscape.laws.law import Array
from flopscape.records.fit_result import Estimate

BOOTSTRAP, PROFILE, DELTA = "bootstrap of runs, percentile", "profile F", "delta method"


@dataclass(frozen=True)
class Intervals:
    """The reported intervals by quantity, how they were made, and every kind (None: the objective has none)."""

    reported: Ends
    kind: str
    kinds: dict[str, Ends | None]

    def ends(self, name: str) -> tuple[float | None, float | None]:
        """Low and high, None where there is no finite end."""
        low, high = self.reported[name]
        return finite_or_none(low), finite_or_none(high)

    def estimate(self, name: str, value: float) -> Estimate:
        """A value with its reported interval."""
        return Estimate(value, *self.ends(name))

    def disagreement(self, name: str) -> float:
        """Ratio of the wider to the narrower of bootstrap and profile; infinite where one has no end."""
        widths = [ends[name][1] - ends[name][0] for ends in (self.kinds["profile F"], self.kinds["bootstrap"]) if ends]
        if not np.isfinite(widths).all():
            return float("inf")
        return max(widths) / max(min(widths), TINY) if max(widths) > 1e-9 else 1.0

    def to_json(self, quantities: Quantities) -> dict[str, object]:
        """Every kind, with b, D* and D*/N* from the ends of a and N*, to stand among the diagnostics."""
        return {kind: ends and listed(_completed(ends, quantities)) for kind, ends in self.kinds.items()}


def all_intervals(verdict: Verdict, fit: LawFit) -> Intervals:
    """Every kind of interval, the one to report, and a warning where they are not to be trusted."""
    runs = fit.table.n_runs
    profile, by_delta = fit.task.profile(fit.linearised), delta(fit)
    boot = {name: percentile_interval(fit.draws[name].to_numpy()) for name in fit.quantities.names}
    kinds = {"bootstrap": boot, PROFILE: profile, "delta": by_delta, "sandwich": sandwich(fit)}
    few = runs < FEW_FOR_BOOTSTRAP and not fit.shared
    if fit.smooth and (few or not len(fit.draws)):
        return Intervals(by_delta, DELTA, kinds) if profile is None else Intervals(profile, PROFILE, kinds)
    intervals = Intervals(boot, BOOTSTRAP, kinds)
    if few:
        verdict.warn(
            f"only {runs} runs: the bootstrap may be up to 2.3 times too wide, and this objective has no profile-F"
            " interval; log_lsq and vpnls have one"
        )
    elif profile is not None and (ratio := intervals.disagreement("a")) > DISAGREEMENT:
        verdict.warn(f"bootstrap and profile-F intervals of a differ ×{ratio:.2g} in width: trust neither fully")
    return intervals


def delta(fit: LawFit) -> Ends:
    """Delta-method intervals: errors equal and independent."""
    around = fit.robust
    return _linear(fit.quantities, around.p, around.covariance, around.dof)


def sandwich(fit: LawFit) -> Ends:
    """Sandwich intervals: errors independent between runs."""
    covariance = clustered(influence(fit.robust, fit.run))
    return _linear(fit.quantities, fit.linearised.p, covariance, fit.table.n_runs - len(fit.linearised.p))


@np.errstate(all="ignore")
def _linear(quantities: Quantities, p: Array, covariance: Array, dof: int) -> Ends:
    """Value ± t·SE; E ends at zero."""
    values, error = quantities.errors(p, covariance)
    reach = student.ppf(0.975, max(dof, 1)) * error
    low, high = values - reach, values + reach
    low = np.where([name == "E" for name in quantities.names], np.maximum(low, 0.0), low)
    logs = quantities.logarithmic
    low, high = (np.where(logs, np.exp(np.where(logs, ends, 0.0)), ends) for ends in (low, high))
    return dict(zip(quantities.names, zip(low.tolist(), high.tolist(), strict=True), strict=True))


@np.errstate(all="ignore")
def _completed(ends: Ends, quantities: Quantities) -> Ends:
    """The ends with those of b = 1 − a, and of D* and D*/N*, which fall with N* along C = κ(N)·N·D."""
    out = dict(ends)
    if "a" in ends:
        low, high = ends["a"]
        out["b"] = (1 - high, 1 - low)
    for flops in quantities.flops if "n_params" in quantities.asked else ():
        n = np.array(ends[column("n_params", flops)][::-1])
        d = np.exp(quantities.compute.tokens(np.log(n), flops))
        out[column("n_tokens", flops)] = (float(d[0]), float(d[1]))
        out[column("tokens_per_param", flops)] = (float(d[0] / n[0]), float(d[1] / n[1]))
    return out


def listed(ends: Ends) -> dict[str, list[float | None]]:
    """Ends as JSON has them, None where one is not finite."""
    return {name: [finite_or_none(low), finite_or_none(high)] for name, (low, high) in ends.items()}
