"""Experiment 0: the published tables, fitted by every method and objective, beside what was published."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from flopscape.bias.outcome import Claim, Outcome, printed, tidy
from flopscape.bias.published_fits import METHODS, Chosen, fitted, read, why_not
from flopscape.config.bias import Exp00
from flopscape.figures import style
from flopscape.fitting.judge.departures import BROKEN
from flopscape.records.fit_result import FitResult

QUESTION = "Do the fits reproduce what was published, and how much does the objective move the answer on real runs?"
ADVICE = (
    "Print the objective, δ in units of the noise and every exclusion beside an exponent: on real tables the choice"
    " among them moves it, sometimes by more than an interval is wide."
)
PUBLISHED = {
    "chinchilla, approach3-huber, E": "1.817218", "chinchilla, approach3-huber, A": "477.8259",
    "chinchilla, approach3-huber, B": "2143.417", "chinchilla, approach3-huber, alpha": "0.34731",
    "chinchilla, approach3-huber, beta": "0.367172", "chinchilla, approach3-lad, A": "482.0",
    "chinchilla, approach3-lad, alpha": "0.3478", "chinchilla, approach3-lad, beta": "0.3659",
    "chinchilla, vpnls, rss": "0.0832038076933", "chinchilla, approach3-log_lsq, objective": "0.0114618869917",
    "chinchilla, approach3-huber, objective": "0.0010182740178",
    "llama_3_exp, vpnls, alpha": "0.3481", "llama_3_exp, vpnls, beta": "0.3591",
    "llama_3_exp, vpnls, rss": "0.0074066335", "llama_3_raw, vpnls, alpha": "0.3100",
    "llama_3_raw, vpnls, beta": "0.3136", "llama_3_raw, vpnls, rss": "0.0020197",
    "ml_scalefit, vpnls, alpha": "0.3885", "ml_scalefit, vpnls, beta": "0.4334", "ml_scalefit, vpnls, rss": "0.048540",
    "ml_scalefit without flagged rows, vpnls, alpha": "0.3853",
    "ml_scalefit without flagged rows, vpnls, beta": "0.4570",
    "ml_scalefit without flagged rows, vpnls, rss": "0.032908",
    "epochai, vpnls, alpha": "0.4336", "epochai, vpnls, beta": "0.6507", "epochai, vpnls, rss": "0.77411",
    "epochai without flagged rows, vpnls, alpha": "0.3752", "epochai without flagged rows, vpnls, beta": "0.4310",
    "epochai without flagged rows, vpnls, rss": "0.021666",
}  # fmt: skip
"""Besiroglu et al. 2024 (arXiv 2404.10102) for chinchilla's lad; optima recomputed from many starts for the others."""


def run(settings: Exp00, mirror: Path | None = None) -> Outcome:
    """Every method on every table, with and without the rows that the collection flags."""
    if why := why_not(mirror, settings.tables):
        return Outcome(tidy("exp00", []), skipped=why)
    rows: list[dict[str, object]] = []
    for chosen in _choices(settings):
        table = read(chosen, mirror)
        for method in METHODS:
            result = fitted(table, method, settings.bootstrap)
            shared = {"surface": str(chosen), "method": method, "status": result.status, "reason": result.reason}
            rows += [shared | {"n_runs": table.n_runs} | row for row in _numbers(result)]
    frame = tidy("exp00", rows)
    keys = frame["surface"] + ", " + frame["method"] + ", " + frame["quantity"]
    estimates = dict(zip(keys, frame["estimate"], strict=True))
    frame["truth"] = [float(PUBLISHED[key]) if key in PUBLISHED else None for key in keys]
    frame["relative_error"] = frame["estimate"] / frame["truth"].astype(float) - 1
    return Outcome(frame, _claims(frame), printed(estimates, PUBLISHED), _finding(frame))


def _choices(settings: Exp00) -> list[Chosen]:
    """Tables, and again without flagged rows where the collection flags any."""
    flagged = [name for name in settings.tables if name != "chinchilla"]
    return [*(Chosen(name) for name in settings.tables), *(Chosen(name, True) for name in flagged)]


def _numbers(result: FitResult) -> list[dict[str, object]]:
    """What a fit found, one row a number; a refused fit is one row without any."""
    estimates: dict[str, object] = {name: number.estimate for name, number in (result.surface or {}).items()}
    estimates |= {name: result.diagnostics[name] for name in ("rss", "objective") if name in result.diagnostics}
    for name, number in (result.exponents or {}).items():
        estimates[name] = number.estimate
    if not result.exponents:
        estimates["a"] = None
    return [{"quantity": name, "estimate": value} for name, value in estimates.items()]


def _claims(table: pd.DataFrame) -> list[Claim]:
    """No fit that is called ok is worse than the least squares of the same table by another method."""
    rss = table[(table["quantity"] == "rss") & table["method"].isin(["vpnls", "approach3-log_lsq", "approach3-huber"])]
    # The least squares on the loss must be lowest by the method that minimises just that.
    best = rss.groupby("surface")["estimate"].transform("min")
    worst = float((rss["estimate"] / best)[rss["method"] == "vpnls"].max())
    return [Claim("vpnls' RSS over the smallest of any method", worst, 1.0, 1e-6, worst <= 1 + 1e-6)]


def _spread(table: pd.DataFrame, name: str) -> pd.Series:
    return table[(table["surface"] == name) & (table["quantity"] == "a")].set_index("method")["estimate"].dropna()


def _finding(table: pd.DataFrame) -> str:
    spread = {name: _spread(table, name) for name in dict.fromkeys(table["surface"])}
    widest = max(spread, key=lambda name: spread[name].max() - spread[name].min())
    a = spread[widest]
    fits = table.drop_duplicates(["surface", "method"])
    ok, broken = int((fits["status"] == "ok").sum()), fits[fits["reason"].str.contains(BROKEN)]
    return (
        f"{ok} of {len(fits)} fits of {len(spread)} tables are ok; {len(broken)} fits of {broken['surface'].nunique()}"
        f" tables are weak because each budget's own parabola clearly beats the surface. On {widest} the exponent a"
        f" runs from {a.min():.3f} ({a.idxmin()}) to {a.max():.3f} ({a.idxmax()}) over the methods."
    )


def draw(table: pd.DataFrame) -> Figure:
    """The exponent a by table and method."""
    part = table[table["quantity"] == "a"]
    names = list(dict.fromkeys(part["surface"]))
    figure = Figure(figsize=(9, 0.75 * len(names) + 1.8), layout="constrained")
    axes = figure.subplots()
    # Methods beside one another within the height of a table.
    lifts = np.linspace(-0.3, 0.3, len(METHODS))
    for (name, colour, _, marker), lift in zip(style.fit_looks(list(METHODS)), lifts, strict=True):
        chosen = part[part["method"] == name].dropna(subset=["estimate"])
        places = [names.index(surface) + lift for surface in chosen["surface"]]
        faces = [colour if status == "ok" else "none" for status in chosen["status"]]
        axes.scatter(chosen["estimate"], places, marker=marker, s=45, facecolors=faces, edgecolors=colour)
        axes.scatter([], [], marker=marker, s=45, color=colour, label=name)
    axes.scatter([], [], marker="o", facecolors="none", edgecolors="0.3", label="hollow: weak or on a bound")
    axes.set_yticks(range(len(names)), names)
    axes.grid(axis="y", visible=False)
    for place in range(1, len(names)):
        axes.axhline(place - 0.5, color="0.85", linewidth=0.8)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel("exponent a of N* ∝ Cᵃ")
    style.legend_below(figure, axes, 3)
    return figure
