"""Approach 2's vertices without the parabola's bias, where the exponents of the surface are known approximately.

The parabola's bias depends on α, β and the sampled sizes alone (parabola_bias.py), so that exponents which are some way
off still remove most of it. Here they come from least squares on the loss of the same table.
"""

from dataclasses import replace

import numpy as np

from flopscape.fitting import guards
from flopscape.fitting.batch import fit_surfaces
from flopscape.fitting.budget_curves import CurveFit
from flopscape.fitting.judge_surface import too_little
from flopscape.fitting.parabola_bias import corrected_vertices
from flopscape.fitting.powerlaw import Line
from flopscape.fitting.table import RunTable
from flopscape.fitting.vertices import Vertices
from flopscape.records import FitResult


def corrected(
    verdict: guards.Verdict, result: FitResult, table: RunTable, fitted: CurveFit, vertices: Vertices, raw: Line
) -> Vertices:
    """The vertices less their bias; as they are, with a warning, where the exponents cannot be had.

    The diagnostics get `bias_correction`: α and β, and the exponent and ln N* of the line through the raw vertices.
    """
    exponents = _exponents(table)
    if exponents is None:
        verdict.warn("the parabolas' bias is not corrected: least squares of the surface does not give its exponents")
        return vertices
    log_n = [
        corrected_vertices(*exponents, curve.budget.log_n, np.asarray(vertex[0]))
        for curve, vertex in zip(fitted.used, vertices.points, strict=True)
    ]
    if not np.isfinite(log_n).all():
        verdict.warn("the parabolas' bias is not corrected: the correction does not settle on this grid")
        return vertices
    before = {"a": raw.slope, "log_n_params": raw.intercept, "center_log_flops": raw.center}
    result.diagnostics["bias_correction"] = {"alpha": exponents[0], "beta": exponents[1], "raw": before}
    return replace(vertices, points=np.stack([np.array(log_n), vertices.points[:, 1]], axis=1))


def _exponents(table: RunTable) -> tuple[float, float] | None:
    """α and β of the surface by least squares on the loss, None where they are at a bound or not to be had."""
    if too_little(table):
        return None
    found = fit_surfaces(table.n_params, table.n_tokens, table.loss[None])
    if found.at_bound[0] or not found.converged[0]:
        return None
    return float(np.asarray(found.surface.alpha)[0]), float(np.asarray(found.surface.beta)[0])
