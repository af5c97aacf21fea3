"""The fitted parameters of every law, each law in a table of its own with its formula."""

from collections.abc import Mapping

from flopscape import numbers
from flopscape.records import Estimate, FitResult
from flopscape.report.blocks import Block, Grid

SURFACE = "L(N, D) = E + A·N^−α + B·D^−β"
GREEK = {"alpha": "α", "beta": "β", "gamma": "γ", "alpha_N": "α_N", "alpha_D": "α_D"}
"""How a parameter is written; others by their name."""


def parameters(fits: Mapping[str, FitResult], loss_unit: str) -> list[Block]:
    """One table a law: a row a fit, a column a parameter."""
    by_law: dict[str, dict[str, Mapping[str, Estimate]]] = {}
    for name, fit in fits.items():
        if fit.status != "refused" and (found := fit.surface or fit.parameters):
            formula = SURFACE if fit.surface else str(fit.diagnostics.get("formula", fit.law))
            by_law.setdefault(formula, {})[name] = found
    return [_table(formula, found, loss_unit) for formula, found in by_law.items()]


def _table(formula: str, found: Mapping[str, Mapping[str, Estimate]], loss_unit: str) -> Grid:
    names = list(next(iter(found.values())))
    rows = [[fit, *(numbers.interval(p.get(name), _writer(name)) for name in names)] for fit, p in found.items()]
    return Grid(["fit", *(GREEK.get(name, name) for name in names)], rows, f"{formula}, in {loss_unit}.")


def _writer(name: str) -> numbers.Writer:
    if name == "E":
        return numbers.loss
    return numbers.exponent if name.startswith(("alpha", "beta", "gamma")) else numbers.count
