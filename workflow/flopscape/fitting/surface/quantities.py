"""What a surface fit reports, as functions of p = (E, ln A', ln B', α, β), with gradients.

A' and B' are amplitudes at the centre of the logs: A = A'·exp(α·ū). Positive quantities are handled as logarithms, in
which their likelihood is closest to symmetric.
"""

from dataclasses import dataclass

import numpy as np

from flopscape.laws.arrays import Array
from flopscape.laws.compute import Compute
from flopscape.laws.surface import Surface, optimum

PARAMETERS = ("E", "A", "B", "alpha", "beta")
LOGARITHMIC = ("A", "B", "n_params")


@dataclass(frozen=True)
class Quantities:
    """E, A, B, α, β, a, and ln N* and L* at each asked compute."""

    center: tuple[float, float]
    flops: tuple[float, ...]
    compute: Compute

    @property
    def names(self) -> list[str]:
        """Order of the values; `n_params@C` and `loss@C` for each asked C."""
        asked = [column(name, flops) for flops in self.flops for name in ("n_params", "loss")]
        return [*PARAMETERS, "a", *asked]

    def surface(self, p: Array) -> Surface:
        """The surface of each p, shape (…, 5)."""
        E, la, lb, alpha, beta = np.moveaxis(p, -1, 0)
        return Surface(E, np.exp(la + alpha * self.center[0]), np.exp(lb + beta * self.center[1]), alpha, beta)

    def evaluate(self, p: Array) -> tuple[Array, Array]:
        """Values (m, Q) and gradients (m, Q, 5) for p of shape (m, 5)."""
        E, la, lb, alpha, beta = p.T
        zero, one = np.zeros_like(E), np.ones_like(E)
        u, v = self.center
        total = alpha + beta
        values = [E, la + alpha * u, lb + beta * v, alpha, beta, beta / total]
        gradients = [
            [one, zero, zero, zero, zero],
            [zero, one, zero, u * one, zero],
            [zero, zero, one, zero, v * one],
            [zero, zero, zero, one, zero],
            [zero, zero, zero, zero, one],
            [zero, zero, zero, -beta / total**2, alpha / total**2],
        ]
        for flops in self.flops:
            for value, gradient in self._optimum(p, flops):
                values.append(value)
                gradients.append(gradient)
        return np.stack(values, 1), np.stack([np.stack(row, 1) for row in gradients], 1)

    def _optimum(self, p: Array, flops: float) -> list[tuple[Array, list[Array]]]:
        """ln N* by implicit differentiation of its stationarity, L* by the envelope theorem."""
        _, la, lb, alpha, beta = p.T
        best = optimum(self.surface(p), flops, self.compute)
        log_n, log_d = np.log(best.n_params), np.log(best.n_tokens)
        u, v = log_n - self.center[0], log_d - self.center[1]
        _, slope, bend = self.compute.curve(log_n)
        fall = alpha + beta * (1 + slope) + bend / (1 + slope)
        one = np.ones_like(la)
        moves = [0 * one, one / fall, -one / fall, (1 / alpha - u) / fall, (v - 1 / beta) / fall]
        x, y = np.exp(la - alpha * u), np.exp(lb - beta * v)
        return [(log_n, moves), (best.loss, [one, x, y, -x * u, -y * v])]


def column(quantity: str, flops: float) -> str:
    """Name of a quantity at one asked compute, as in the draws: `n_params@1e+24`."""
    return f"{quantity}@{float(flops)!r}"


def is_logarithmic(name: str) -> bool:
    """Whether a value of `Quantities` is a logarithm."""
    return name.partition("@")[0] in LOGARITHMIC
