"""Which method to trust on a sweep, by how much, and what one more thing would buy: numbers, then sentences."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from flopscape.laws.law import Array
from flopscape.text import numbers
from flopscape.twin.summary import Errors, moments, ratio

MOST_MISSING = 0.05
"""Share of fits without an estimate up to which a method can be recommended."""
NO_GAIN = 0.01
"""Part of another method's error that is no reason to prefer a method which was tried on fewer tables."""
N_STAR = 2
"""Place of N* at the first asked compute among the quantities."""
NOMINAL, TOLERATED = 0.95, 0.03
"""Coverage, and how far from it an interval may be, beyond Monte Carlo error, before a sentence says so."""
FEW_SIMULATIONS = 200
"""Fewer leave a bias uncertain by more than 7 % of the spread, and a coverage of 95 % by more than 1.5 %."""

Outcomes = Mapping[tuple[str, str], Errors]
"""(scenario, method) → errors."""


class Improvement(NamedTuple):
    """One more budget, a wider grid, another seed: its extra compute in FLOPs, and the errors of ln N* with it."""

    name: str
    words: str
    extra_flops: float
    error: Array


def judge(
    outcomes: Outcomes,
    improvements: Sequence[Improvement],
    scenarios: Mapping[str, str],
    flops: float,
    one_by_one: Collection[str] = (),
) -> dict[str, Any]:
    """The verdict's numbers and sentences.

    Parameters
    ----------
    outcomes : mapping
    improvements : sequence of Improvement
        Of the trusted method.
    scenarios : mapping
        Name of a truth → words, the first being the fitted surface.
    flops : float
        The asked compute, in FLOPs.
    one_by_one : collection of str
        The methods among the outcomes that have fewer tables than the others.
    """
    methods = list(dict.fromkeys(method for _, method in outcomes))
    # Errors (R, scenarios) of N*: all truths count alike, for nobody knows which is nearest to the runs.
    pooled = {m: np.stack([outcomes[s, m].error[:, N_STAR] for s in scenarios], axis=1) for m in methods}
    failed = {m: _failures(outcomes, m) for m in methods}
    trusted = _trusted(pooled, one_by_one)
    first = next(iter(scenarios))
    count = max(len(outcome.status) for outcome in outcomes.values())
    content: dict[str, Any] = {"trusted": trusted, "quantity": "n_params", "flops": flops, "simulations": count}
    if not trusted:
        content["sentences"] = ["No method gives an estimate on these simulated runs."]
        return content
    content["methods"] = [_row_of_method(m, outcomes[first, m], pooled, trusted, failed[m]) for m in methods]
    for row in content["methods"]:
        if row["method"] in one_by_one:
            row["simulations"] = len(pooled[row["method"]])
    content["scenarios"] = [_row_of_scenario(s, words, outcomes, trusted) for s, words in scenarios.items()]
    # Gains are measured where the fitted surface is true, for their designs were simulated from it alone.
    before = outcomes[first, trusted].error[:, N_STAR]
    content["improvements"] = [_row_of_improvement(better, before) for better in improvements]
    content["sentences"] = sentences(content)
    return content


def _failures(outcomes: Outcomes, method: str) -> float:
    status = np.concatenate([outcome.status for (_, m), outcome in outcomes.items() if m == method])
    return float(np.mean(status != "ok"))


def _trusted(pooled: Mapping[str, Array], one_by_one: Collection[str]) -> str | None:
    """The method of the smallest error over all truths.

    One that was fitted to fewer tables may have had luck with them. It is trusted only where it is better than the best
    of the others on the very same tables, beyond two Monte Carlo errors.
    """
    best = _best({m: errors for m, errors in pooled.items() if m not in one_by_one})
    few = {m: errors for m, errors in pooled.items() if m in one_by_one}
    if best is None:
        return _best(few)
    for method, errors in few.items():
        value, error = ratio(errors, pooled[best])
        if np.isnan(errors).mean() <= MOST_MISSING and value + 2 * error < 1 - NO_GAIN:
            best = method
    return best


def _best(pooled: Mapping[str, Array]) -> str | None:
    """The method of the smallest mean square over all truths, among those that seldom lack an estimate, if any."""
    squares = {m: float(np.nanmean(e**2)) for m, e in pooled.items() if np.isfinite(e[:, 0]).sum() > 1}
    steady = {m: square for m, square in squares.items() if np.isnan(pooled[m]).mean() <= MOST_MISSING}
    # Where every method often fails, the best of those that fail is still more than nothing, and its failures are told.
    ranked = steady or squares
    return min(ranked, key=ranked.__getitem__) if ranked else None


def _row_of_method(
    method: str, outcome: Errors, pooled: Mapping[str, Array], trusted: str, failed: float
) -> dict[str, Any]:
    """One row of the table in the report: under the fitted surface, and the RMSE over all truths against the best."""
    error = outcome.error[:, N_STAR]
    value, error_of_ratio = ratio(pooled[method], pooled[trusted]) if method != trusted else (1.0, 0.0)
    covered = outcome.coverage_of(N_STAR)
    return _finite(
        {"method": method}
        | moments(error[np.isfinite(error)])
        | {"coverage": covered.mean() if len(covered) else np.nan, "intervals": len(covered)}
        | {"ratio": value, "ratio_se": error_of_ratio, "failures": failed}
    )


def _row_of_scenario(name: str, words: str, outcomes: Outcomes, trusted: str) -> dict[str, Any]:
    error = outcomes[name, trusted].error[:, N_STAR]
    return _finite({"scenario": name, "words": words} | moments(error[np.isfinite(error)]))


def _row_of_improvement(better: Improvement, before: Array) -> dict[str, Any]:
    value, error = ratio(better.error, before)
    return _finite(
        {"name": better.name, "words": better.words, "extra_flops": better.extra_flops}
        | {"change": value - 1, "change_se": error}
    )


def _finite(content: dict[str, Any]) -> dict[str, Any]:
    """The same content with None for numbers that are not finite, for JSON has no word for those."""
    return {k: (None if isinstance(v, float) and not np.isfinite(v) else v) for k, v in content.items()}


def sentences(content: Mapping[str, Any]) -> list[str]:
    """The verdict in words, every number from the content."""
    rows = {row["method"]: row for row in content["methods"]}
    best = rows[content["trusted"]]
    return [
        _recommendation(content, best),
        *filter(None, [_caution_of_few(content, best)]),
        *(_comparison(row, best) for name, row in rows.items() if name != content["trusted"]),
        *filter(None, (_coverage(row) for row in rows.values())),
        *(_under_another_truth(row, best) for row in content["scenarios"][1:]),
        *(_gain(row) for row in content["improvements"]),
    ]


def _recommendation(content: Mapping[str, Any], best: Mapping[str, Any]) -> str:
    """Which method to trust, and how far off its N* is where the fitted surface is true."""
    return (
        f"Trust {best['method']} here, if the surface or something as near to it as what is tried below is true: where"
        f" the surface is, its N* at {numbers.flops(content['flops'])} FLOPs is {_error(best)}."
    )


def _caution_of_few(content: Mapping[str, Any], best: Mapping[str, Any]) -> str:
    """A sentence where the Monte Carlo errors are large for want of simulations."""
    count = best.get("simulations", content["simulations"])
    if count >= FEW_SIMULATIONS or best["rmse"] is None or best["rmse"] < numbers.EXACT:
        return ""
    return (
        f"Only {count} simulations: the numbers after ± are their Monte Carlo error, a coverage is known to"
        f" ± {100 * np.sqrt(NOMINAL * (1 - NOMINAL) / max(best['intervals'], 1)):.0f} % where it is 95 %, and hundreds"
        " are needed to rank methods."
    )


def _comparison(row: Mapping[str, Any], best: Mapping[str, Any]) -> str:
    """How much worse another method is than the trusted one, over all truths."""
    if row["ratio"] is None or row["rmse"] is None:
        if row["rmse"] is not None and row["rmse"] < numbers.EXACT:
            return f"{row['method']} is as good: its N* is exact."
        if row["rmse"] is not None and best["rmse"] is not None and best["rmse"] < numbers.EXACT:
            return f"{row['method']}: its N* is {_error(row)} where the surface is true."
        return (
            f"{row['method']} fails in {numbers.percent(row['failures'])} of the simulations and gives no comparison."
        )
    often = f"; {numbers.percent(row['failures'])} of its fits fail" if row["failures"] else ""
    # Two Monte Carlo errors, about 95 %: a smaller difference is not told from none.
    if abs(row["ratio"] - 1) <= 2 * row["ratio_se"]:
        return (
            f"{row['method']} is as good within Monte Carlo error: ×{row['ratio']:.2f} ± {row['ratio_se']:.2f}{often}."
        )
    return (
        f"{row['method']}: error of N* ×{row['ratio']:.2f} ± {row['ratio_se']:.2f} that of {best['method']} over all"
        f" truths, {_bias(row)} where the surface is true{often}."
    )


def _coverage(row: Mapping[str, Any]) -> str:
    """A sentence where a method's 95 % intervals of N* do not cover about that much."""
    if row["coverage"] is None or not row["intervals"]:
        return ""
    # Two standard errors of a binomial share whose chance is the nominal coverage: what Monte Carlo alone explains.
    noise = 2 * np.sqrt(NOMINAL * (1 - NOMINAL) / row["intervals"])
    if abs(row["coverage"] - NOMINAL) <= TOLERATED + noise:
        return ""
    share = row["coverage"]
    error = 100 * np.sqrt(share * (1 - share) / row["intervals"])
    return f"The 95 % intervals of {row['method']} hold N* in {100 * share:.0f} ± {error:.0f} % of the simulations."


def _under_another_truth(row: Mapping[str, Any], best: Mapping[str, Any]) -> str:
    """What the trusted method errs by where the surface is not the truth."""
    if row["rmse"] is None:
        return f"With {row['words']}, {best['method']} gives no estimate."
    return f"With {row['words']}, {best['method']} is {_error(row)}."


def _gain(row: Mapping[str, Any]) -> str:
    """What one more thing would change of the trusted method's error, and what compute it costs."""
    if row["change"] is None:
        return f"What {row['words']} would buy cannot be told: there is no error to compare with."
    cost = f"{numbers.flops(row['extra_flops'])} FLOPs more" if row["extra_flops"] > 0 else "no more FLOPs"
    clear = "" if abs(row["change"]) > 2 * row["change_se"] else ", not clearly"
    design = f"{row['words'][0].upper()}{row['words'][1:]}"
    words = f"{100 * row['change']:+.0f} ± {100 * row['change_se']:.1g} %"
    return f"{design} ({cost}) would change that error by {words}{clear}."


def _error(row: Mapping[str, Any]) -> str:
    """RMSE and bias of N*, with their Monte Carlo errors."""
    if row["rmse"] < numbers.EXACT:
        return "exact"
    return f"off by {numbers.log_error(row['rmse'], row['rmse_se'])} (RMSE), {_bias(row)}"


def _bias(row: Mapping[str, Any]) -> str:
    """The bias in words, where it stands out from the Monte Carlo error."""
    if abs(row["bias"]) < numbers.EXACT:
        return "without bias"
    clear = abs(row["bias"]) > 2 * row["bias_se"]
    error = numbers.log_error(row["bias"], row["bias_se"], True)
    return f"with a bias of {error}" if clear else f"without clear bias ({error})"
