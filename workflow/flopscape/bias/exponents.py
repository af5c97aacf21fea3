"""The exponent a by every method that applies, on thousands of simulated tables of one design at once."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from flopscape.bias.designs import Design
from flopscape.bias.methods import approach2
from flopscape.fitting.surface.many_tables import fit_surfaces
from flopscape.laws.arrays import Array, Mask, Names
from flopscape.laws.surface import exponents

OBJECTIVES = {"vpnls": "lsq", "approach3-huber": "huber", "approach3-log_lsq": "log_lsq", "approach3-lad": "lad"}
"""Method → what it minimises."""
METHODS = ("approach2", *OBJECTIVES)


class Exponents(NamedTuple):
    """a of R tables, NaN where there is none, and how each fit ended: `ok` or why not."""

    a: Array
    status: Names


def exponents_by(method: str, design: Design, losses: Array) -> Exponents:
    """a from losses (R, B, n) by one of `METHODS`; a failure keeps its row and says what it is."""
    return _of_parabolas(design, losses) if method == "approach2" else _of_surfaces(method, design, losses)


def _of_parabolas(design: Design, losses: Array) -> Exponents:
    law = approach2(design, losses)
    missing, outside = np.isnan(law.a), np.asarray(law.outside.any(axis=1))
    return Exponents(law.a, _first_of([(missing, "no lowest point"), (outside, "vertex outside the sizes")]))


def _of_surfaces(method: str, design: Design, losses: Array) -> Exponents:
    flat = losses.reshape(len(losses), -1)
    fits = fit_surfaces(design.n_params.ravel(), design.n_tokens.ravel(), flat, OBJECTIVES[method])
    with np.errstate(invalid="ignore"):
        a = np.where(np.isfinite(exponents(fits.surface)[0]), exponents(fits.surface)[0], np.nan)
    return Exponents(a, _first_of([(fits.at_bound, "at a bound"), (~fits.converged, "not converged")]))


def _first_of(findings: Iterable[tuple[Mask, str]]) -> Names:
    """The first finding that is true of each table, or `ok`."""
    masks, words = zip(*findings, strict=True)
    return np.select(list(masks), list(words), default="ok").astype(str)
