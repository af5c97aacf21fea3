"""Experiment 5: whether each way of minimising finds the parameters when the data are exact."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from flopscape.bias.designs import Design, bias, isoflop_design
from flopscape.bias.methods import OBJECTIVES, WAYS, parameters_from
from flopscape.bias.outcome import Claim, Outcome, at_least, at_most, tidy
from flopscape.config.bias import Exp05
from flopscape.figures import style
from flopscape.fitting.surface import global_starts, variable_projection
from flopscape.fitting.surface.many_tables import fit_surfaces
from flopscape.laws.law import Array
from flopscape.laws.named_surfaces import named_surface
from flopscape.laws.surface import Surface, loss
from flopscape.text import numbers

QUESTION = "On data without any noise, does the minimiser find the surface that made them?"
ADVICE = (
    "Distrust any fit from one start, and finite differences at all: they stop where their tolerance says, not at the"
    " optimum. Ask for the objective beside the best known one, not for the word converged."
)
OURS = ("vpnls", "approach3-log_lsq", "approach3-huber")
RECOVERED = 1e-6
"""Relative error of every parameter that ours must reach."""
FAILED = 1e-9
"""Mean squared residual in nats² above which a minimiser has failed: with exact data the optimum is zero, and 1.001
times nothing is nothing; this is a misfit of 3e-5 nats."""


def run(settings: Exp05, mirror: Path | None = None) -> Outcome:
    """All five parameters by every way on every surface and bias."""
    rows: list[dict[str, object]] = []
    for name in settings.surfaces:
        true = named_surface(name)
        for tilt in settings.biases:
            width = float(np.log10(settings.factor))
            design = isoflop_design(true, settings.budgets, width, settings.points, bias(tilt))
            shared = {"surface": name, "bias": tilt, "width": width, "n_points": settings.points, "noise": 0.0}
            for method, fitted in _fitted(true, design).items():
                misfit = float(np.mean((loss(fitted, design.n_params, design.n_tokens) - design.losses(true)[0]) ** 2))
                status = "ok" if misfit <= FAILED else "failed"
                rows += [
                    shared | {"method": method, "quantity": q, "truth": t, "estimate": float(e), "status": status}
                    for q, t, e in zip(Surface._fields, true, fitted, strict=True)
                ]
    table = tidy("exp05", rows)
    return Outcome(table, _claims(table), finding=_finding(table))


def _fitted(true: Surface, design: Design) -> dict[str, Surface]:
    """The surface that each way finds."""
    losses = design.losses(true)
    shape = design.n_params.ravel(), design.n_tokens.ravel(), losses.reshape(1, -1)
    surfaces = {name: _first(fit_surfaces(*shape, OBJECTIVES[name]).surface) for name in OURS}
    surfaces["grid only"] = _grid_only(design, losses)
    return surfaces | {way: Surface(*parameters_from(way, design, losses[0])) for way in WAYS}


def _first(surfaces: Surface) -> Surface:
    return Surface(*(np.asarray(values)[0] for values in surfaces))


def _grid_only(design: Design, losses: Array) -> Surface:
    """The lowest point of the 16 × 16 grid of exponents that our search starts from, without the search."""
    logs = np.log(np.stack([design.n_params.ravel(), design.n_tokens.ravel()]))
    center = logs.mean(axis=1)
    problem = variable_projection.Problem(logs - center[:, None], losses.ravel())
    weights = np.ones((1, losses.size))
    theta = global_starts.lowest_points(problem, weights, global_starts.GRID)
    E, A, B = variable_projection.coefficients_at(problem, weights, theta)[0]
    # From amplitudes at the centre of the logs to those at N = D = 1.
    return Surface(E, A * np.exp(theta[0, 0] * center[0]), B * np.exp(theta[0, 1] * center[1]), *theta[0])


def _worst(table: pd.DataFrame) -> pd.Series:
    """Largest relative error of any parameter, by method."""
    return table["relative_error"].abs().groupby(table["method"], sort=False).max()


def _claims(table: pd.DataFrame) -> list[Claim]:
    worst = _worst(table)
    failed = _failures(table)
    return [
        *(at_most(f"largest relative error of a parameter, {name}", worst[name], RECOVERED) for name in OURS),
        at_least("failures of the library's minimisers from one start", sum(failed[way] for way in WAYS), 1.0),
    ]


def _failures(table: pd.DataFrame) -> dict[str, int]:
    """Fits that failed, by method."""
    fits = table.drop_duplicates(["surface", "bias", "method"])
    failed = (fits["status"] != "ok").groupby(fits["method"], sort=False).sum()
    return {str(name): int(count) for name, count in failed.items()}


def _finding(table: pd.DataFrame) -> str:
    failed = _failures(table)
    count = len(table[table["method"] == "vpnls"]) // len(Surface._fields)
    theirs = ", ".join(f"{failed[way]} of {count} by {way}" for way in WAYS)
    return (
        f"The search recovers all five parameters of all {count} tables to {_worst(table)[list(OURS)].max():.0e} or"
        f" better. A library's minimiser from one start ends elsewhere in {theirs}; the grid alone in"
        f" {failed['grid only']}."
    )


def draw(table: pd.DataFrame) -> Figure:
    """Largest error of any parameter: one mark a table, one row a way."""
    figure = Figure(figsize=(8, 4.2), layout="constrained")
    axes = figure.subplots()
    worst = table.assign(error=table["relative_error"].abs()).groupby(["method", "surface", "bias"], sort=False)
    methods = list(dict.fromkeys(table["method"]))
    for (method, _, _), cell in worst:
        bad = (cell["status"] != "ok").any()
        axes.plot(
            # An error of zero has no place on a logarithmic axis.
            max(cell["error"].max(), 1e-16), methods.index(method), color="tab:red" if bad else "tab:blue",
            marker="x" if bad else "o", alpha=0.7, linestyle="none",
        )  # fmt: skip
    for label, colour, marker in (("reaches the optimum", "tab:blue", "o"), ("does not", "tab:red", "x")):
        axes.plot([], [], color=colour, marker=marker, linestyle="none", label=label)
    axes.axvline(RECOVERED, color="0.4", linewidth=0.8, linestyle="--", label=numbers.power_of_ten(RECOVERED))
    axes.set_yticks(range(len(methods)), methods)
    axes.invert_yaxis()
    style.log_axis(axes.xaxis, numbers.power_of_ten)
    axes.set_xlabel("largest relative error of E, A, B, α and β, one mark a table")
    style.legend_below(figure, axes)
    return figure
