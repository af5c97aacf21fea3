"""What a twin is simulated from: a surface and the noise about it, of the runs themselves or chosen for a plan."""

from typing import NamedTuple

import numpy as np

from flopscape.answers.evaluate import surface_of
from flopscape.errors import FlopscapeError
from flopscape.fitting import vpnls
from flopscape.laws.named_surfaces import SURFACES, named_surface
from flopscape.laws.surface import Surface, loss
from flopscape.records.fit_result import FitResult
from flopscape.runs.table import RunTable, design_index, seed_scatter
from flopscape.twin.designs import Noise

PLAN_SURFACE, PLAN_NOISE = "chinchilla", 0.01
"""What a plan without runs is simulated from unless told otherwise: Hoffmann et al. 2022, and 0.01 nats."""
MOST_LOSS = 12.0
"""Nats: chance among 160,000 tokens. A surface with more on a plan is none of its models'."""


class Source(NamedTuple):
    """A surface and the noise around it, and where they come from in words; `refusal` where there is none."""

    surface: Surface
    noise: Noise
    words: str
    refusal: str = ""


def parse_surface(text: str) -> Surface:
    """A surface by name, or five numbers E,A,B,alpha,beta.

    Raises
    ------
    FlopscapeError
        An unknown name, or numbers that are no surface.

    Examples
    --------
    >>> parse_surface("1.69,406.4,410.7,0.34,0.28") == parse_surface("chinchilla")
    True
    """
    if "," not in text:
        return named_surface(text)
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != 5 or not (np.isfinite(numbers).all() and min(numbers[1:]) > 0 and numbers[0] >= 0):
        names = ", ".join(SURFACES)
        raise FlopscapeError(f"--surface {text!r}: five positive numbers E,A,B,alpha,beta, or one of {names}")
    return Surface(*numbers)


def of_plan(table: RunTable, named: Surface | None, name: str | None, noise: float | None) -> Source:
    """A surface for a plan that has no losses yet: the one given, by its `name`, or Hoffmann et al.'s.

    Raises
    ------
    FlopscapeError
        Models so small that the surface, which nobody chose for them, has losses beyond chance.
    """
    sigma = PLAN_NOISE if noise is None else noise
    chosen = named or named_surface(PLAN_SURFACE)
    most = float(loss(chosen, table.n_params, table.n_tokens).max())
    if named is None and most > MOST_LOSS:
        raise FlopscapeError(
            f"{table.path}: the surface {PLAN_SURFACE} has losses of up to {most:.3g} nats on this plan, more than"
            " chance; give --surface E,A,B,alpha,beta for such small runs"
        )
    words = f"a plan, simulated from the surface {name or PLAN_SURFACE} with σ = {sigma:g} nats"
    default = "" if named and noise is not None else "; --surface and --noise change that"
    return Source(chosen, Noise(sigma), words + default)


def of_runs(table: RunTable, named: Surface | None, noise: float | None) -> Source:
    """The surface that vpnls fits to the runs, and their noise about it, unless told otherwise."""
    # Only the estimates and the test of form count here; without any resamples the fit would profile its intervals.
    fit, _ = vpnls.estimate(table, bootstrap=2)
    fitted = _fitted(fit)
    chosen = named or fitted
    if chosen is None or (fitted is None and noise is None):
        nothing = Surface(np.nan, np.nan, np.nan, np.nan, np.nan)
        return Source(nothing, Noise(0.0), "its own runs", f"vpnls finds no surface in the runs: {fit.reason}")
    about = Noise(noise) if noise is not None else _noise(table, fit)
    whose = "the surface given" if named else "the surface that vpnls fits to the runs"
    seeds = f", {about.shared:.2g} of it shared by the seeds of a size" if about.shared else ""
    sigma = f"σ = {about.total:.3g} nats{seeds}"
    if about.misfit:
        sigma += (
            f" about a parabola for each budget (about the surface, which misses the losses, {about.departure:.3g})"
        )
    return Source(chosen, about, f"{whose}, {sigma}")


def _fitted(fit: FitResult) -> Surface | None:
    """The fitted surface where it has an optimum."""
    values = None if fit.status == "refused" else surface_of(fit)
    return values if values and min(values[1:]) > 0 else None


def _noise(table: RunTable, fit: FitResult) -> Noise:
    """The noise of the runs about their surface, in its parts.

    All of the residual variance is noise of the runs, where the surface holds. Where parabolas of each budget beat the
    surface, the noise is the scatter about them, and the rest is misfit. Where seeds repeat, the scatter between them
    is a run's own noise, and what the residuals have beyond it is what all seeds of a size share.
    """
    # Standard deviations about the surface and about the budgets' parabolas; one and the same, unless the test finds
    # that the parabolas follow the losses better.
    form = curves = float(fit.goodness.residual_sd or 0.0)
    test, repeats = fit.curve_test, 1.0
    if test and test.beaten:
        repeats = len(table) / len(np.unique(design_index(table)))
        form, curves = test.sd_form, test.sd_curves
    misfit = _beyond(form, curves, repeats)
    own, dof = seed_scatter(table)
    # Without repeats nothing tells the two parts apart, and rows of one run are no repeats: all noise is a run's own.
    if not dof or len(table) > table.n_runs:
        return Noise(curves, 0.0, misfit)
    return Noise(own, _beyond(curves, own, repeats), misfit)


def _beyond(whole: float, part: float, repeats: float) -> float:
    """Root of what a variance has beyond a part of it; of means of so many repeats, times their number."""
    return float(np.sqrt(max(whole**2 - part**2, 0.0) / repeats))
