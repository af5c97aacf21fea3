"""The verdict of a twin in words: every number is one of verdict.py's content."""

from collections.abc import Iterator, Mapping
from typing import Any

from flopscape.errors import joined
from flopscape.text import numbers
from flopscape.twin.summary import share_error

FEW_SIMULATIONS = 200
"""Fewer leave a bias uncertain by more than 7 % of the spread, and a coverage of 95 % by more than 1.5 %."""
FEWEST_TOLD = 10
"""Tables of a truth of fewer of which no error is told: it would be luck."""
NOT_HERE = " (not in this study)"


def sentences(content: Mapping[str, Any]) -> list[str]:
    """What to trust and why, how the others compare, and what more runs would buy; the first decides."""
    rows = {row["method"]: row for row in content["methods"]}
    best = rows[content["reference"]]
    others = [row for name, row in rows.items() if name != content["reference"]]
    return [
        _recommendation(content, best),
        *filter(None, [_caution_of_few(content, best)]),
        *_too_narrow(list(rows.values())),
        *(_comparison(row, best) for row in others),
        *(_under_another_truth(row, best) for row in content["scenarios"][1:] if _is_told(row)),
        *(_gain(row) for row in content["improvements"]),
    ]


def deciding(content: Mapping[str, Any]) -> list[str]:
    """What decides, beside a table of the methods: whom to trust, whom not, and what would lower the error."""
    narrow = _too_narrow(content["methods"])
    return [content["sentences"][0], *narrow, *_gains(content.get("reference"), content.get("improvements", []))]


def _recommendation(content: Mapping[str, Any], best: Mapping[str, Any]) -> str:
    """Which method to trust, and how far off its N* is."""
    at = f"its N* at {numbers.flops(content['flops'])} FLOPs is"
    name, possible = best["method"], best.get("possible")
    if content["trusted"] is None:
        return (
            f"No method of this study is to be trusted here: on copies of the laws that the answer holds possible none"
            f" has 95 % intervals that hold N* about as often. The smallest error over all truths has {name}, and"
            f" where the fitted surface is true {at} {_error(best)}."
        )
    if possible is None or possible["rmse"] is None:
        return (
            f"Trust {name} here, if the surface or something as near to it as what is tried below is true: where the"
            f" surface is, {at} {_error(best)}."
        )
    some = possible["intervals"] < best.get("simulations", 0)
    those = f"the {possible['intervals']} of which it gives one" if some else "them"
    held = f", and its 95 % intervals hold it in {_share(possible)} of {those}" if possible["intervals"] else ""
    is_told = best["rmse"] is not None and best["simulations_elsewhere"] >= FEWEST_TOLD
    surface = f" Where the fitted surface itself is true, it is {_error(best)}." if is_told else ""
    return (
        f"Trust {name} here: on copies of this study that follow the laws which the answer holds possible, {at}"
        f" {_error(possible)}{held}.{surface}{_of_prior(best)}"
    )


def _of_prior(best: Mapping[str, Any]) -> str:
    """Why a bias of the answer on laws that it holds possible itself is to be expected."""
    # Runs that say y, after a prior of mean m₀, have the answer m = m₀ + K·(y − m₀), K < 1. Copies of laws about m are
    # answered by m₀ + K·(m − m₀) on average: off by (1 − K)·(m₀ − m), towards m₀.
    possible = best["possible"]
    if not best.get("has_prior") or abs(possible["bias"]) <= 2 * possible["bias_se"]:
        return ""
    return (
        " A bias is no fault there: what the runs leave open its prior has decided once for the laws that are possible,"
        " and it does so again in each fit of a copy."
    )


def _is_told(scenario: Mapping[str, Any]) -> bool:
    """Whether a truth has a sentence of its own: the first sentence is of the possible laws."""
    return scenario["scenario"] != "possible" and int(scenario["simulations"]) >= FEWEST_TOLD


def _share(row: Mapping[str, Any]) -> str:
    """A coverage with its Monte Carlo error."""
    return f"{100 * row['coverage']:.0f} ± {100 * share_error(row['coverage'], row['intervals']):.0f} %"


def _caution_of_few(content: Mapping[str, Any], best: Mapping[str, Any]) -> str:
    """A sentence where the Monte Carlo errors are large for want of simulations."""
    count = best.get("simulations", content["simulations"])
    if count >= FEW_SIMULATIONS or best["rmse"] is None or best["rmse"] < numbers.EXACT:
        return ""
    return f"Only {count} simulations: the numbers after ± are their Monte Carlo error; hundreds rank methods closely."


def _too_narrow(rows: list[Mapping[str, Any]]) -> Iterator[str]:
    """Which methods' intervals hold N* too seldom on the possible laws, for whatever reason."""
    narrow = [row for row in rows if row.get("narrow")]
    silent = [row["method"] for row in narrow if not row["possible"]["intervals"]]
    shares = [f"{row['method']} in {_share(row['possible'])}" for row in narrow if row["possible"]["intervals"]]
    if shares:
        yield (
            "Not to be trusted, whatever their errors, for 95 % intervals that are too narrow: on copies of the"
            f" possible laws they hold N* by {joined(shares)}."
        )
    if silent:
        yield f"Not to be trusted, for want of intervals of N* on these copies: {joined(silent)}."


def _comparison(row: Mapping[str, Any], best: Mapping[str, Any]) -> str:
    """How much worse another method is than the reference, over all truths."""
    name = row["method"] + ("" if row.get("in_study", True) else NOT_HERE)
    if row["ratio"] is None or row["rmse"] is None:
        if row["rmse"] is not None and row["rmse"] < numbers.EXACT:
            return f"{name} is as good: its N* is exact."
        if row["rmse"] is not None and best["rmse"] is not None and best["rmse"] < numbers.EXACT:
            return f"{name}: its N* is {_error(row)} where the surface is true."
        return f"{name} fails in {numbers.percent(row['failures'])} of the simulations and gives no comparison."
    often = f"; {numbers.percent(row['failures'])} of its fits fail" if row["failures"] else ""
    # Two Monte Carlo errors, about 95 %: a smaller difference is not told from none.
    if abs(row["ratio"] - 1) <= 2 * row["ratio_se"]:
        return f"{name} errs as much within Monte Carlo error: ×{row['ratio']:.2f} ± {row['ratio_se']:.2f}{often}."
    return (
        f"{name}: error of N* ×{row['ratio']:.2f} ± {row['ratio_se']:.2f} that of {best['method']} over all truths,"
        f" {_bias(row)} where the surface is true{often}."
    )


def _under_another_truth(row: Mapping[str, Any], best: Mapping[str, Any]) -> str:
    """What the reference errs by where the surface is not the truth."""
    if row["rmse"] is None:
        return f"With {row['words']}, {best['method']} gives no estimate."
    return f"With {row['words']}, {best['method']} is {_error(row)}."


def _gains(method: str | None, rows: list[Mapping[str, Any]]) -> Iterator[str]:
    """The same as `_gain` of all designs in one sentence."""
    told = [f"by {_change(row)} with {row['words']} ({_cost(row)})" for row in rows if row["change"] is not None]
    if told:
        yield f"The error of {method} would change {joined(told)}."


def _gain(row: Mapping[str, Any]) -> str:
    """What one more thing would change of the trusted method's error, and what compute it costs."""
    if row["change"] is None:
        return f"What {row['words']} would buy cannot be told: there is no error to compare with."
    clear = "" if not row["change_se"] or abs(row["change"]) > 2 * row["change_se"] else ", not clearly"
    design = f"{row['words'][0].upper()}{row['words'][1:]}"
    return f"{design} ({_cost(row)}) would change its error by {_change(row)}{clear}."


def _cost(row: Mapping[str, Any]) -> str:
    """What one more thing costs."""
    return f"{numbers.flops(row['extra_flops'])} FLOPs more" if row["extra_flops"] > 0 else "no more FLOPs"


def _change(row: Mapping[str, Any]) -> str:
    """The change of the error with its Monte Carlo error, if it has one."""
    spread = f" ± {100 * row['change_se']:.1g}" if row["change_se"] else ""
    return f"{100 * row['change']:+.0f}{spread} %"


def _error(row: Mapping[str, Any]) -> str:
    """RMSE and bias of N*, with their Monte Carlo errors."""
    if row["rmse"] is None:
        return "not known"
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
