"""Experiment 11: what Approach 2's errors cost in compute and money, on known surfaces and on the Llama 3 sweep."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flopscape.bias.cost import Comparison, compare, effective_flops
from flopscape.bias.noise_free import Row, fitted
from flopscape.bias.outcome import COLUMNS, Claim, Outcome, printed, tidy
from flopscape.bias.published_fits import Chosen, read, why_not
from flopscape.config.bias import Exp11
from flopscape.fitting.common.row_weights import percentile_interval
from flopscape.laws.law import Array
from flopscape.laws.surface import closed_form_optimum
from flopscape.text import numbers

QUESTION = "What does a wrong split of a large budget cost in compute and in money?"
ADVICE = (
    "Ask for the interval before believing a saving: the loss is flat around the optimum, so that D* off by half wastes"
    " about a tenth of the compute. Look at flagged rows first: on Llama 3 they move D* as much as the method does."
)
REAL = "llama_3_raw"
ALL, KEPT = "Llama 3 table", "Llama 3, flagged rows out"
MIXED = "Llama 3, flagged rows out of Approach 2 only"
PUBLISHED = {
    "llama3 D* error": "6.36", "llama3 waste": "0.1", "chinchilla D* error": "12.77", "chinchilla waste": "0.4",
    "soda D* error": "46.32", "soda waste": "8.0", "sparse_nmm D* error": "54.31", "sparse_nmm waste": "10.1",
    f"{ALL} D* error": "58.0", f"{ALL} waste": "6.3", f"{MIXED} waste": "0.04",
}  # fmt: skip
"""In per cent."""
EXTRA = ("flops", "low", "high", "waste_usd", "resamples")
"""Columns of its own: C, the relative error's interval, the price of the waste, and what became of the resamples."""


def run(settings: Exp11, mirror: Path | None = None) -> Outcome:
    """Known surfaces first, then the published table where there is a mirror."""
    rows = [row for name in settings.surfaces for row in _known(name, settings)]
    real, why = _real(settings, mirror)
    table = tidy("exp11", rows + real).reindex(columns=[*COLUMNS, *EXTRA])
    return Outcome(table, published=_published(table), finding=_finding(table, settings), partly=why)


def _known(name: str, settings: Exp11) -> list[Row]:
    """A surface sampled without noise on a grid that drifts."""
    fit = fitted(name, settings.bias, float(np.log10(settings.factor)), settings.points, settings.budgets)
    n_params = fit.law.n_params(settings.predict)[0]
    return [
        *fit.tokens([settings.predict]),
        fit.shared | _waste(settings, effective_flops(fit.true, settings.predict, n_params)),
    ]


def _real(settings: Exp11, mirror: Path | None) -> tuple[list[Row], str]:
    """The published table with and without its flagged rows, or why there is none."""
    if why_not(mirror, [REAL]):
        return [], "the real Llama 3 part is skipped: no data"
    tables = [read(Chosen(REAL, without_outliers), mirror) for without_outliers in (False, True)]
    every, kept = (compare(part, settings.predict, settings.resamples, settings.seed) for part in tables)
    # As published: Approach 2 without the flagged rows, judged by the surface of all rows.
    mixed = Comparison(kept.n_params, kept.budgets, every.surface, every.failed | kept.failed)
    return [*_compared(ALL, every, settings), *_compared(KEPT, kept, settings), *_compared(MIXED, mixed, settings)], ""


def _compared(name: str, comparison: Comparison, settings: Exp11) -> list[Row]:
    """Approach 2 against least squares of the surface, which stands in for the truth."""
    C = settings.predict
    shared = {"surface": name, "bias": "as sampled", "method": "approach2 against vpnls"}
    shared |= {"resamples": _resamples(comparison)}
    n_tokens, best = C / (6.0 * comparison.n_params), closed_form_optimum(comparison.surface, C).n_tokens
    # Entry 0 is the table itself, the others are its resamples.
    tokens = {"quantity": "n_tokens", "flops": C, "truth": best[0], "estimate": n_tokens[0]}
    effective = effective_flops(comparison.surface, C, comparison.n_params)
    return [
        shared | tokens | _ends(n_tokens / best - 1, comparison),
        shared | _waste(settings, effective[0]) | _ends(effective / C - 1, comparison),
    ]


def _resamples(comparison: Comparison) -> str:
    """How many resamples have no fit, and how many had to leave out a budget."""
    R, fewer = len(comparison.failed) - 1, int((comparison.budgets[1:] < comparison.budgets[0]).sum())
    return f"{R}: {int(comparison.failed[1:].sum())} failed, {fewer} left out a budget"


def _ends(draws: Array, comparison: Comparison) -> Row:
    """Central 95 % of the relative errors of the resamples that did not fail."""
    return dict(zip(("low", "high"), percentile_interval(draws[1:][~comparison.failed[1:]]), strict=True))


def _waste(settings: Exp11, effective: Array | float) -> Row:
    """The compute with which an optimal split reaches the same loss, and the price of the rest."""
    wasted = price(settings, settings.predict - float(effective))
    place = {"quantity": "effective_flops", "flops": settings.predict, "truth": settings.predict}
    return place | {"estimate": float(effective), "waste_usd": wasted}


def price(settings: Exp11, flops: float) -> float:
    """Price of so many FLOPs in US dollars."""
    # Seconds of one device at its share of peak, in hours.
    return flops / (settings.flops_per_second * settings.mfu) / 3600 * settings.usd_per_gpu_hour


def _published(table: pd.DataFrame) -> list[Claim]:
    """Errors of D* and wasted shares in per cent; how the last number comes about is said."""
    percent = _percent(table)
    claims = printed(percent, PUBLISHED)
    note = "the surface is that of all rows; fitted without the flagged rows, as Approach 2 is, it says {:.2g} %"
    return [replace(c, note=note.format(percent[f"{KEPT} waste"])) if MIXED in c.claim else c for c in claims]


def _percent(table: pd.DataFrame) -> dict[str, float]:
    """Error of D* and wasted share of the compute, in per cent, by surface."""
    names = table["surface"] + table["quantity"].map({"n_tokens": " D* error", "effective_flops": " waste"})
    sign = table["quantity"].map({"n_tokens": 100.0, "effective_flops": -100.0})
    return dict(zip(names, sign * table["relative_error"], strict=True))


def _finding(table: pd.DataFrame, settings: Exp11) -> str:
    """The largest waste with its price and the price's assumptions, and the published table where there is one."""
    waste = table[table["quantity"] == "effective_flops"].set_index("surface")
    worst = str(waste.loc[settings.surfaces, "waste_usd"].idxmax())
    money = numbers.money(float(waste["waste_usd"][worst]))
    on_surfaces = (
        f"On {worst} the split costs {_share(waste, worst)} of {settings.predict:g} FLOPs: {money} at"
        f" {settings.flops_per_second:.3g} FLOP/s (dense; the original study's sparse 1.98e+15 halves it), MFU"
        f" {settings.mfu:g} and ${settings.usd_per_gpu_hour:g} an hour."
    )
    if ALL not in waste.index:
        return on_surfaces
    real = f" On the Llama 3 table Approach 2 wastes {_share(waste, ALL)} if the least-squares surface is right, and"
    return f"{on_surfaces}{real} {_share(waste, KEPT)} with the flagged rows left out of both."


def _share(waste: pd.DataFrame, name: str) -> str:
    """The wasted share, with its interval where there is one."""
    share, low, high = (-100 * float(waste[column][name]) for column in ("relative_error", "high", "low"))
    return f"{share:.3g} %" + ("" if np.isnan(low) else f" [{low:.2g}, {high:.2g}]")


def draw(table: pd.DataFrame) -> Figure:
    """Error of D*, and the share of the compute that it wastes, by surface."""
    figure = Figure(figsize=(9.5, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    tokens, waste = (table[table["quantity"] == name] for name in ("n_tokens", "effective_flops"))
    _values(left, tokens, 100, [f"{100 * error:+.1f} %".replace("-", "−") for error in tokens["relative_error"]])
    prices = zip(waste["relative_error"], waste["waste_usd"], strict=True)
    _values(right, waste, -100, [f"{-100 * error:.2g} % = ${numbers.count(usd, 2)}" for error, usd in prices])
    left.set_xlabel(f"error of D* at {numbers.flops(table['flops'].iloc[0])} FLOPs, %")
    right.set_xlabel("compute wasted by that split, %")
    if table["low"].notna().any():
        figure.suptitle("bars: central 95 % of the resamples of the table", fontsize=9, x=0.99, ha="right")
    left.invert_yaxis()
    return figure


def _values(axes: Axes, part: pd.DataFrame, percent: float, labels: list[str]) -> None:
    """One dot a surface with its label above, and the interval of the resamples as a bar."""
    places = range(len(part))
    value, low, high = (percent * part[name].to_numpy(float) for name in ("relative_error", "low", "high"))
    axes.hlines(places, low, high, color="0.5", linewidth=2.5)
    axes.plot(value, places, color="#0173b2", linestyle="", marker="D", markersize=6)
    for y, (x, label) in enumerate(zip(value, labels, strict=True)):
        axes.annotate(label, (x, y), (6, 6), textcoords="offset points", fontsize=8)
    axes.set_yticks(places, labels=part["surface"])
    axes.axvline(0, color="0.3", linewidth=0.8)
    axes.set_ylim(-0.7, len(part) - 0.6)
    axes.margins(x=0.12)
