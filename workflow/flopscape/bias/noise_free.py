"""Approach 2 on a grid without noise, and what it finds as rows of a table: all of the error is the method's."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from flopscape.bias.designs import Design, bias, isoflop_design
from flopscape.bias.methods import PowerLaws, approach2
from flopscape.bias.surfaces import surface
from flopscape.laws.arrays import Array
from flopscape.laws.surface import Surface, closed_form_optimum, exponents

Row = dict[str, Any]


@dataclass(frozen=True)
class Fitted:
    """A true surface, the grid that sampled it, the power law through the parabolas, and what its rows share."""

    true: Surface
    design: Design
    law: PowerLaws
    shared: Row

    def exponents(self) -> list[Row]:
        """Rows of a and b; b = 1 − a, for every run has C = 6·N·D."""
        a, b = map(float, exponents(self.true))
        found = float(self.law.a[0])
        return [
            self.shared | {"quantity": "a", "truth": a, "estimate": found},
            self.shared | {"quantity": "b", "truth": b, "estimate": 1 - found},
        ]

    def vertices(self) -> list[Row]:
        """Rows of N* at each budget by its parabola alone, and whether that lies beyond the sampled sizes."""
        flops = self.design.flops
        truth = closed_form_optimum(self.true, flops).n_params
        status = np.where(self.law.outside[0], "vertex outside the sizes", "ok")
        return self._at("n_params", flops, truth, np.exp(self.law.vertices[0]), status.tolist())

    def tokens(self, flops: Sequence[float]) -> list[Row]:
        """Rows of D* at each compute by the power law."""
        asked = np.asarray(flops, float)
        truth = closed_form_optimum(self.true, asked).n_tokens
        return self._at("n_tokens", asked, truth, self.law.n_tokens(asked)[0], ["ok"] * len(asked))

    def _at(self, quantity: str, flops: Array, truth: Array, estimate: Array, status: list[str]) -> list[Row]:
        return [
            self.shared | {"quantity": quantity, "flops": c, "truth": right, "estimate": found, "status": word}
            for c, right, found, word in zip(flops, truth, estimate, status, strict=True)
        ]


def fitted(name: str, tilt: str, width: float, points: int, flops: Sequence[float]) -> Fitted:
    """Sample a surface on a biased grid and fit it.

    Parameters
    ----------
    name, tilt : str
        Names of a surface and of a bias.
    width : float
        Half the range of log10 N.
    points : int
        Sizes at each budget.
    flops : sequence of float
        Budgets.
    """
    true = surface(name)
    design = isoflop_design(true, flops, width, points, bias(tilt))
    shared = {"surface": name, "bias": tilt, "width": width, "n_points": points, "noise": 0.0, "method": "approach2"}
    return Fitted(true, design, approach2(design, design.losses(true)), shared)
