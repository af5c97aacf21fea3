"""Whether the runs surround what they are fitted for: optima inside the sampled sizes, terms above the noise."""

import numpy as np

from flopscape.fitting.fitted import Fitted
from flopscape.fitting.guards import Diagnostics, Verdict
from flopscape.laws.compute import optimum


def judge_sampled(verdict: Verdict, diagnostics: Diagnostics, fitted: Fitted) -> None:
    """Budgets whose fitted optimum lies outside their sizes, and terms that hardly change over the runs."""
    outside = _outside(fitted)
    diagnostics["optimum_outside"] = outside
    if outside:
        named = ", ".join(f"{entry['budget']:.4g} (×{entry['factor']:.2g} {entry['side']})" for entry in outside)
        verdict.warn(f"the fitted optimum lies outside the sampled sizes at budget {named}")
    span = _spans(fitted)
    diagnostics["span_of_terms"] = span
    for name, nats in span.items():
        if nats < fitted.noise:
            verdict.warn(
                f"the surface is nearly flat in {name}: over the sampled range its term changes by {nats:.2g} nats,"
                f" less than the noise, {fitted.noise:.2g}"
            )


def _outside(fitted: Fitted) -> list[Diagnostics]:
    """Budgets with the optimum of the surface at their mean compute outside their sizes, by which factor and side."""
    table, surface = fitted.table, fitted.quantities.surface(fitted.local.p)
    found: list[Diagnostics] = []
    for budget in np.unique(table.budget[np.isfinite(table.budget)]):
        rows = table.budget == budget
        flops = float(np.exp(np.log(table.flops[rows]).mean()))
        best = float(optimum(surface, flops, fitted.quantities.compute).n_params)
        low, high = float(table.n_params[rows].min()), float(table.n_params[rows].max())
        if 0 < best < np.inf and not low <= best <= high:
            side, factor = ("below", low / best) if best < low else ("above", best / high)
            found.append({"budget": float(budget), "n_params": best, "side": side, "factor": factor})
    return found


def _spans(fitted: Fitted) -> dict[str, float]:
    """Change in nats of A·N^−α over the sampled N and of B·D^−β over the sampled D."""
    p, logs = fitted.local.p, fitted.problem.u
    terms = np.exp(p[1:3, None] - p[3:, None] * logs)
    return dict(zip(("N", "D"), np.ptp(terms, axis=1).tolist(), strict=True))
