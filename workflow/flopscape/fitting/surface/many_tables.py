"""Surfaces of thousands of tables on one design at once: simulated studies, for bias and coverage.

The estimates are those of `vpnls` and `approach3`; there are no intervals and no judgement.
"""

from typing import NamedTuple

import numpy as np

from flopscape.errors import FlopscapeError
from flopscape.fitting.surface import variable_projection
from flopscape.fitting.surface.global_starts import from_grid, on_bound
from flopscape.fitting.surface.objectives import search_of
from flopscape.fitting.surface.variable_projection import Problem, Solution
from flopscape.laws.arrays import Array, Mask
from flopscape.laws.surface import Surface


class Surfaces(NamedTuple):
    """Optima of R tables."""

    surface: Surface
    """Each parameter of shape (R,); A or B is zero, and its exponent meaningless, where the loss does not fall."""
    objective: Array
    """Shape (R,): Σ r², Σ|r| or Σ Huber, as `approach3` reports it."""
    converged: Mask
    """Shape (R,), bool: Newton's method settled."""
    at_bound: Mask
    """Shape (R,), bool: a coefficient is zero or an exponent at its bound."""


def fit_surfaces(
    n_params: Array, n_tokens: Array, losses: Array, objective: str = "lsq", delta: float | None = None
) -> Surfaces:
    """Fit L = E + A·N^−α + B·D^−β to every row of losses, each from its own global start.

    Parameters
    ----------
    n_params, n_tokens : array, shape (n,)
        N in parameters and D in tokens of the n ≥ 5 runs, the same in every table.
    losses : array, shape (R, n)
        The losses of each table, in nats, positive.
    objective : str
        `lsq` (what `vpnls` minimises), `huber`, `lad` or `log_lsq`.
    delta : float, optional
        Huber's δ in log residuals, 1e-3 unless given; only with `huber`.

    Raises
    ------
    FlopscapeError
        An unknown objective, a δ that does not belong to it, shapes that do not match, or a value that is not positive.
    """
    logs, losses = _checked(n_params, n_tokens, losses)
    search, _ = search_of(objective, delta)
    center = logs.mean(axis=1, keepdims=True)
    size = max(1, variable_projection.CHUNK_ELEMENTS // losses.shape[1])
    parts = [
        from_grid(search, Problem(logs - center, part), np.ones_like(part))
        for part in np.split(losses, range(size, len(losses), size))
    ]
    found = Solution(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    E, A, B = found.coefficients.T * np.exp(np.insert(found.exponents * center.T, 0, 0.0, axis=1)).T
    return Surfaces(Surface(E, A, B, *found.exponents.T), found.objective, found.converged, on_bound(found))


def _checked(n_params: Array, n_tokens: Array, losses: Array) -> tuple[Array, Array]:
    """ln N and ln D (2, n), and losses (R, n), in float64."""
    n, d, values = (np.asarray(x, dtype=float) for x in (n_params, n_tokens, losses))
    if values.ndim != 2 or n.shape != values.shape[1:] or d.shape != n.shape:
        raise FlopscapeError(f"losses {values.shape}: not (R, n) for N {n.shape} and D {d.shape}")
    for name, array in (("n_params", n), ("n_tokens", d), ("losses", values)):
        wrong = np.argwhere(~(np.isfinite(array) & (array > 0)))
        if len(wrong):
            raise FlopscapeError(f"{name}[{', '.join(map(str, wrong[0]))}] is not a positive number; leave it out")
    return np.log(np.stack([n, d])), values
