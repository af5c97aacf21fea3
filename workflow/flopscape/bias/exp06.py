"""Experiment 6: Approach 2's bias in closed form, and how exactly the fit follows it."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from flopscape.bias import drawing
from flopscape.bias.designs import Design, bias, isoflop_design
from flopscape.bias.methods import approach2
from flopscape.bias.outcome import Claim, Outcome, agrees, printed, tidy
from flopscape.bias.settings import Exp06
from flopscape.bias.surfaces import surface
from flopscape.fitting.parabola_bias import power_law_shift, vertex_shift
from flopscape.laws.surface import Surface, closed_form_optimum, exponents

QUESTION = "How much of Approach 2's error is known before the first run?"
ADVICE = (
    "Give `approach2` an approximate surface and let it correct itself, or choose width and number of sizes so that the"
    " closed-form error is below the one you aim for."
)
EXACT = 1e-10
"""Largest difference of fit and closed form, in a and in ln N*; 1e-12 is rounding."""
PUBLISHED = {
    "chinchilla ±2×": "0.32801", "chinchilla ±4×": "1.31828", "chinchilla ±8×": "2.98969", "chinchilla ±16×": "5.37435",
    "asymmetric ±2×": "1.70327", "asymmetric ±4×": "6.94933", "asymmetric ±8×": "16.15807",
    "asymmetric ±16×": "30.06659",
}  # fmt: skip
"""Error of N* in per cent on a centred grid of 15 sizes."""


def run(settings: Exp06) -> Outcome:
    """The error of a and of N* at the mean budget, by the fit and by the closed form."""
    rows = []
    for name in settings.surfaces:
        for tilt in settings.biases:
            for factor in settings.factors:
                rows += _rows(name, tilt, factor, settings)
    table = tidy("exp06", rows)
    return Outcome(table, _claims(table), printed(_centred(table), PUBLISHED), _finding(table))


def _rows(name: str, tilt: str, factor: float, settings: Exp06) -> list[dict[str, object]]:
    true, width = surface(name), float(np.log10(factor))
    design = isoflop_design(true, settings.budgets, width, settings.points, bias(tilt))
    law = approach2(design, design.losses(true))
    slope, shift = closed_form(true, design)
    a, best = float(exponents(true)[0]), float(closed_form_optimum(true, np.exp(law.center)).n_params)
    shared = {
        "surface": name,
        "bias": tilt,
        "width": width,
        "factor": factor,
        "n_points": settings.points,
        "noise": 0.0,
    }
    found = {"approach2": (law.a[0], np.exp(law.log_n[0])), "closed form": (a + slope, best * np.exp(shift))}
    return [
        shared | {"noise": 0.0, "method": method, "quantity": quantity, "truth": truth, "estimate": float(estimate)}
        for method, pair in found.items()
        for quantity, truth, estimate in zip(("a", "n_params"), (a, best), pair, strict=True)
    ]


def closed_form(true: Surface, design: Design) -> tuple[float, float]:
    """What a design adds to a and to ln N* at the mean of ln C."""
    best = closed_form_optimum(true, design.flops).n_params
    shifts = vertex_shift(float(true.alpha), float(true.beta), np.log(design.n_params / best[:, None]))
    return power_law_shift(np.log(design.flops), shifts)


def _claims(table: pd.DataFrame) -> list[Claim]:
    columns = ["surface", "bias", "factor", "quantity"]
    wide = table.pivot(index=columns, columns="method", values="relative_error")
    worst = (wide["approach2"] - wide["closed form"]).abs().max()
    centred = table[(table["bias"] == "baseline") & (table["quantity"] == "a")]
    return [
        agrees("largest difference of the fit and the closed form", worst, 0.0, EXACT),
        agrees("largest relative error of a on centred grids", centred["relative_error"].abs().max(), 0.0, EXACT),
    ]


def _centred(table: pd.DataFrame) -> dict[str, float]:
    """Error of N* in per cent on centred grids, by surface and factor."""
    part = table[(table["bias"] == "baseline") & (table["quantity"] == "n_params") & (table["method"] == "approach2")]
    names = part["surface"] + " ±" + part["factor"].map("{:g}×".format)
    return dict(zip(names, 100 * part["relative_error"], strict=True))


def _finding(table: pd.DataFrame) -> str:
    place, error = max(_centred(table).items(), key=lambda item: abs(item[1]))
    return (
        f"On a centred grid the exponents are exact and N* is off by up to {error:+.1f} % ({place})."
        " The closed form predicts this, and the error of drifting grids, to rounding."
    )


def draw(table: pd.DataFrame) -> Figure:
    """The fit's error of N* against the width, with the closed form as the line."""
    part = table[(table["quantity"] == "n_params") & (table["method"] == "closed form")]
    return drawing.error_against_width(part, "bias", "surface")
