"""Experiment 8: how ill-conditioned the surface's least squares is, and how much of that is units."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from flopscape.bias.designs import bias, isoflop_design
from flopscape.bias.outcome import Claim, Outcome, agrees, printed, tidy
from flopscape.config.bias import Exp08
from flopscape.figures import style
from flopscape.laws.law import Array
from flopscape.laws.named_surfaces import named_surface
from flopscape.laws.surface import Surface, gradient
from flopscape.text import numbers

QUESTION = "Why do optimisers stop early on the five-parameter fit, and what does projecting out E, A and B change?"
ADVICE = (
    "Never hand (E, A, B, α, β) to a general optimiser as they are: use logs of E, A and B with scaled columns, or"
    " search (α, β) alone by variable projection, where any optimiser works."
)
PUBLISHED = {
    "raw eigenvalue 1": "7.78e-6", "raw eigenvalue 2": "1.56e-5", "raw eigenvalue 3": "1.19e1",
    "raw eigenvalue 4": "2.61e4", "raw eigenvalue 5": "2.71e6", "raw κ": "3.48e11", "logs κ": "2.87e6",
    "logs, scaled columns κ": "1.87e4", "projected eigenvalue 1": "1.13e2", "projected eigenvalue 2": "1.20e3",
    "projected κ": "1.06e1",
}  # fmt: skip
"""Eigenvalues of the Hessian of Σ r² at the truth, smallest first, and the condition number κ."""


def run(settings: Exp08, mirror: Path | None = None) -> Outcome:
    """Eigenvalues and condition number in four parametrisations."""
    true, width = named_surface(settings.surface), float(np.log10(settings.factor))
    design = isoflop_design(true, settings.budgets, width, settings.points, bias(settings.bias))
    jacobian = gradient(true, design.n_params.ravel(), design.n_tokens.ravel()).T
    shared = {"surface": settings.surface, "bias": settings.bias, "width": width, "noise": 0.0}
    shared |= {"n_points": settings.points}
    rows = []
    for name, J in parametrisations(true, jacobian).items():
        values = eigenvalues(J)
        names = [*(f"eigenvalue {i + 1}" for i in range(len(values))), "κ"]
        numbers = [*values, values[-1] / values[0]]
        rows += [shared | {"method": name, "quantity": q, "estimate": v} for q, v in zip(names, numbers, strict=True)]
    table = tidy("exp08", rows)
    estimates = dict(zip(table["method"] + " " + table["quantity"], table["estimate"], strict=True))
    units = _condition(jacobian / np.linalg.norm(jacobian, axis=0))
    return Outcome(table, [_claim(estimates, units)], printed(estimates, PUBLISHED), _finding(estimates))


def parametrisations(true: Surface, jacobian: Array) -> dict[str, Array]:
    """Derivatives of the losses (n, p) by parametrisation.

    In (E, A, B, α, β), in (ln E, ln A, ln B, α, β), the latter with columns of length one, and in (α, β) with E, A and
    B fitted: the part orthogonal to their columns (Golub & Pereyra 1973; at the truth, where the residuals vanish, this
    is exact).
    """
    # ∂/∂ln E = E·∂/∂E, and so for A and B.
    logs = jacobian * np.array([true.E, true.A, true.B, 1.0, 1.0])
    # An orthonormal basis of what E, A and B can follow; what is left of the columns of α and β is what searches see.
    linear, _ = np.linalg.qr(jacobian[:, :3])
    rest = jacobian[:, 3:]
    return {
        "raw": jacobian,
        "logs": logs,
        "logs, scaled columns": logs / np.linalg.norm(logs, axis=0),
        "projected": rest - linear @ (linear.T @ rest),
    }


def eigenvalues(jacobian: Array) -> Array:
    """Eigenvalues of the Hessian of Σ r², 2·JᵀJ where the residuals vanish, smallest first.

    They come from J's singular values, for JᵀJ would lose the small ones.
    """
    return np.asarray(2 * np.linalg.svd(jacobian, compute_uv=False)[::-1] ** 2)


def _condition(jacobian: Array) -> float:
    values = eigenvalues(jacobian)
    return float(values[-1] / values[0])


def _claim(estimates: dict[str, float], units: float) -> Claim:
    """Scaling the columns undoes the logs: what it leaves is not units."""
    left = estimates["logs, scaled columns κ"]
    return agrees("κ of the raw columns scaled, over that of the logs scaled", units / left, 1.0, 1e-6)


def _finding(estimates: dict[str, float]) -> str:
    raw, scaled, projected = (estimates[f"{name} κ"] for name in ("raw", "logs, scaled columns", "projected"))
    return (
        f"In (E, A, B, α, β) the condition number is {raw:.2e}, of which a factor of {raw / scaled:.1e} is units:"
        f" with scaled columns {scaled:.2e} remain. Searching (α, β) alone leaves {projected:.1f}."
    )


def draw(table: pd.DataFrame) -> Figure:
    """The eigenvalues of each parametrisation on one logarithmic axis, with its condition number."""
    figure = Figure(figsize=(7.5, 3.2), layout="constrained")
    axes = figure.subplots()
    names = list(dict.fromkeys(table["method"]))
    for y, (name, colour, _, marker) in enumerate(style.fit_looks(names)):
        part = table[table["method"] == name].set_index("quantity")["estimate"]
        values = part.drop("κ")
        axes.plot(values, np.full(len(values), y), color=colour, marker=marker, markersize=7, linewidth=1)
        axes.annotate(
            f"κ = {numbers.power_of_ten(part['κ'])}", (values.max(), y), (9, 0), textcoords="offset points", va="center"
        )
    axes.set_yticks(range(len(names)), labels=names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xscale("log")
    axes.set_xlim(right=axes.get_xlim()[1] * 300)
    axes.set_xlabel("eigenvalues of the Hessian of Σ r² at the truth (the unit is the parametrisation's)")
    return figure
