"""The twin of a study: error and coverage of every method, a column of panels for each truth."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from flopscape.figures import frame, style
from flopscape.text import numbers

TITLE = "Twin of the study: how wrong is each method on this design?"


def draw(table: pd.DataFrame, verdict: Mapping[str, Any]) -> Figure:
    """Rows of panels: a and D*, bias (marker) ± one standard deviation, and the share of intervals that hold them.

    Parameters
    ----------
    table : DataFrame
        twin.csv.
    verdict : mapping
        verdict.json: `scenarios` in words, `flops`, `source`.
    """
    if table.empty:
        return frame.nothing(TITLE, str(verdict["sentences"][0]))
    tokens = next(name for name in table["quantity"] if name.startswith("n_tokens@"))
    scenarios, methods = list(dict.fromkeys(table["scenario"])), list(dict.fromkeys(table["method"]))[::-1]
    # Three rows of panels of 1.9 inches, and labels.
    figure = frame.page(10.5, 0.6 + 1.9 * 3)
    grid = figure.subplots(3, len(scenarios), sharey=True, sharex="row", squeeze=False)
    for column, scenario in zip(grid.T, scenarios, strict=True):
        part = table[table["scenario"] == scenario].set_index(["quantity", "method"])
        column[0].set_title(_words(verdict, scenario))
        _errors(column[0], part.loc["a"].loc[methods], lambda error: error)
        # Errors of D* are of ln D: as a factor less one, in per cent.
        _errors(column[1], part.loc[tokens].loc[methods], lambda error: 100 * np.expm1(error))
        _coverage(column[2], part.loc["a"].loc[methods], part.loc[tokens].loc[methods])
        for axes in column:
            axes.xaxis.set_major_locator(MaxNLocator(4))
        column[0].set_xlabel("error of a")
        column[1].set_xlabel("error of D*, %")
        column[2].set_xlabel("coverage, %")
    grid[0, 0].set_yticks(range(len(methods)), methods)
    grid[0, 0].set_ylim(-0.6, len(methods) - 0.4)
    _legend(figure)
    asked = numbers.flops(float(tokens.partition("@")[2]))
    notes = [
        f"D* at {asked} FLOPs. Marker: mean error of {table['simulations'].iloc[0]} simulated tables; bar: ± one"
        " standard deviation.",
        "Coverage: share of the 95 % intervals (dotted line) that hold the truth; bar: ± two standard errors.",
        *_of_fewer(table),
        f"Truth: {verdict['source']}.",
    ]
    return frame.finish(figure, TITLE, notes)


def panel(axes: Axes, table: pd.DataFrame, verdict: Mapping[str, Any], scenario: str) -> None:
    """Errors of D* of every method under one truth, in axes of anyone's."""
    tokens = next(name for name in table["quantity"] if name.startswith("n_tokens@"))
    rows = table[(table["scenario"] == scenario) & (table["quantity"] == tokens)].set_index("method").iloc[::-1]
    _errors(axes, rows, lambda error: 100 * np.expm1(error))
    axes.set_yticks(range(len(rows)), list(rows.index))
    axes.set_xlabel(f"error of D* at {numbers.flops(float(tokens.partition('@')[2]))} FLOPs, %")
    axes.set_title(_words(verdict, scenario))


def _of_fewer(table: pd.DataFrame) -> list[str]:
    """Which methods were fitted to fewer tables than the first."""
    counts = table.groupby("method", sort=False)["simulations"].agg(["min", "max"])
    fewer = counts[counts["max"] < counts["max"].iloc[0]]
    return [
        f"{name}: {low if low == high else f'{low} to {high}'} of these tables."
        for name, low, high in fewer.itertuples()
    ]


def _words(verdict: Mapping[str, Any], scenario: str) -> str:
    """A truth in words, without what stands in brackets or behind a comma."""
    words = {row["scenario"]: row["words"] for row in verdict.get("scenarios", [])}.get(scenario, scenario)
    return frame.wrapped(str(words).partition(" (")[0].partition(",")[0], 22)


def _errors(axes: Axes, rows: pd.DataFrame, shown: Callable[[float], float]) -> None:
    """Mean error and standard deviation of each method, as `shown` writes them."""
    axes.axvline(0.0, color="0.4", linewidth=0.8)
    for y, (name, colour, marker) in enumerate(_looks(list(rows.index))):
        low, bias, high = (shown(rows["bias"][name] + sign * rows["spread"][name]) for sign in (-1, 0, 1))
        if np.isfinite(bias):
            axes.errorbar(
                bias,
                y,
                xerr=[[bias - low], [high - bias]],
                color=colour,
                marker=marker,
                markersize=5,
                capsize=2.5,
                linewidth=1.2,
            )


def _coverage(axes: Axes, a: pd.DataFrame, tokens: pd.DataFrame) -> None:
    """Coverage of a (filled) and of D* (hollow) with two Monte Carlo errors."""
    axes.axvline(95.0, color="0.3", linewidth=0.9, linestyle=":")
    for rows, lift, face in ((a, 0.2, None), (tokens, -0.2, "white")):
        for y, (name, colour, marker) in enumerate(_looks(list(rows.index))):
            share, error = 100 * rows["coverage"][name], 200 * rows["coverage_se"][name]
            if np.isfinite(share):
                # No share is below 0 or above 100 %.
                bars = [[min(error, share)], [min(error, 100 - share)]]
                axes.errorbar(
                    share, y + lift, xerr=bars, color=colour, marker=marker, markersize=4.5, linewidth=1.0,
                    markerfacecolor=face or colour,
                )  # fmt: skip


def _looks(methods: list[str]) -> list[tuple[str, str, str]]:
    """Name, colour and marker of each method, the same in every panel."""
    # Rows count from below, looks from above: colours follow the order of the other figures.
    looks = {name: (colour, marker) for name, colour, _, marker in style.fit_looks(methods[::-1])}
    return [(name, *looks[name]) for name in methods]


def _legend(figure: Figure) -> None:
    shapes = [
        Line2D([], [], linestyle="none", marker="o", color="0.3", label="coverage of a"),
        Line2D([], [], linestyle="none", marker="o", color="0.3", markerfacecolor="white", label="coverage of D*"),
    ]
    figure.legend(handles=shapes, loc="outside lower left", ncols=2)
