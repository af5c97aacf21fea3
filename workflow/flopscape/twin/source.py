"""What a twin is simulated from: a surface, noise and what else is possible, of the runs themselves or for a plan."""

from typing import NamedTuple

import numpy as np

from flopscape.answers.evaluate import surface_of
from flopscape.errors import FlopscapeError
from flopscape.fitting import vpnls
from flopscape.fitting.drifting_law.fit import Posterior
from flopscape.laws.named_surfaces import SURFACES, named_surface
from flopscape.laws.surface import Surface, loss
from flopscape.records.fit_result import FitResult
from flopscape.runs.table import RunTable
from flopscape.twin.designs import Noise
from flopscape.twin.possible import after_runs, after_simulated_runs, is_of_seeds, noise_of

PLAN_SURFACE, PLAN_NOISE = "chinchilla", 0.01
"""What a plan without runs is simulated from unless told otherwise: Hoffmann et al. 2022, and 0.01 nats."""
THESE, SUCH = "these runs", "runs like these, simulated from that surface"
"""After which runs laws are possible."""
MOST_LOSS = 12.0
"""Nats: chance among 160,000 tokens. A surface with more on a plan is none of its models'."""


class Source(NamedTuple):
    """A surface and the noise around it, and where they come from in words; `refusal` where there is none.

    `found` is what the method answer holds possible, None where there is no noise, and `after` says after which runs.
    """

    surface: Surface
    noise: Noise
    words: str
    refusal: str = ""
    found: Posterior | None = None
    after: str = SUCH


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


def of_plan(table: RunTable, named: Surface | None, name: str | None, noise: float | None, seed: int) -> Source:
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
    found = after_simulated_runs(table, chosen, Noise(sigma), seed)
    return Source(chosen, Noise(sigma), words + default, found=found)


def of_runs(table: RunTable, named: Surface | None, noise: float | None, seed: int) -> Source:
    """The surface that vpnls fits to the runs, and their noise as the answer tells it, unless told otherwise."""
    # Only the estimates count here; without any resamples the fit would profile its intervals.
    fit, _ = vpnls.estimate(table, bootstrap=2)
    fitted = _fitted(fit)
    chosen = named or fitted
    if chosen is None:
        nothing = Surface(np.nan, np.nan, np.nan, np.nan, np.nan)
        return Source(nothing, Noise(0.0), "its own runs", f"vpnls finds no surface in the runs: {fit.reason}")
    found = after_runs(table, seed)
    about = noise_of(table, found, fitted) if noise is None else Noise(noise)
    if named or noise is not None:  # what is possible after these runs is no question then
        simulated = after_simulated_runs(table, chosen, about, seed)
        return Source(chosen, about, _words(table, about, named, noise), found=simulated)
    return Source(chosen, about, _words(table, about, named, noise), found=found, after=THESE)


def _words(table: RunTable, about: Noise, named: Surface | None, noise: float | None) -> str:
    """Where the surface and its noise come from."""
    whose = "the surface given" if named else "the surface that vpnls fits to the runs"
    sigma = f"{whose}, σ = {about.total:.3g} nats"
    if noise is not None:
        return sigma
    told = "between seeds" if is_of_seeds(table) else "as the method answer tells it from what a law misses"
    own = f", {about.row:.2g} of it a row's own beside its run's" if about.row else ""
    return f"{sigma}, {told}{own}"


def _fitted(fit: FitResult) -> Surface | None:
    """The fitted surface where it has an optimum."""
    values = None if fit.status == "refused" else surface_of(fit)
    return values if values and min(values[1:]) > 0 else None
