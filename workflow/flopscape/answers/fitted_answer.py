"""What a fit of the method answer says: its law with drift and discrepancy, of the typical draw or of all draws."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd

from flopscape.answers.evaluator import Evaluator, TokensOfSize
from flopscape.fitting.drifting_law import predictions
from flopscape.fitting.drifting_law.cells import Center
from flopscape.fitting.drifting_law.curve import Curves
from flopscape.fitting.drifting_law.discrepancy import Discrepancy
from flopscape.fitting.drifting_law.fit import names, numbers_of
from flopscape.fitting.drifting_law.posterior import PARAMETERS
from flopscape.laws.law import Array, Compute, Number, Optimum
from flopscape.records.fit_parts import DriftingLaw
from flopscape.records.fit_result import Estimate, Prediction


@dataclass(frozen=True)
class FittedAnswer(Evaluator):
    """One draw, the typical one, or R of them where `many`: then results have the draws as their first axis."""

    curves: Curves
    many: bool = False

    @property
    def compute(self) -> Compute:  # type: ignore[override]
        """κ(N) of the fitted runs."""
        return self.curves.compute

    @property
    def columns(self) -> list[str]:
        """The numbers of law, drift and discrepancy."""
        return names(self.curves.c.shape[1])

    def of_draws(self, draws: pd.DataFrame) -> Self:
        """The numbers of each draw, with the same shapes."""
        t, c = numbers_of(draws, self.curves.c.shape[1])
        return replace(self, curves=replace(self.curves, t=t, c=c), many=True)

    @np.errstate(all="ignore")
    def loss(
        self,
        n_params: Number,
        n_tokens: Number,
        flops: Number | None = None,
        unique_tokens: Number | None = None,
        covariates: Mapping[str, Number] | None = None,
    ) -> Array:
        """The law's loss and what it misses; C and distinct tokens do not matter."""
        n, d = np.broadcast_arrays(np.asarray(n_params, float), np.asarray(n_tokens, float))
        return self._shaped(self.curves.loss(np.log(n).ravel(), np.log(d).ravel()), n.shape)

    @np.errstate(all="ignore")
    def optimum(self, flops: Number) -> Optimum:
        """The lowest loss along the line of each C, sought around the law's own optimum."""
        asked = np.asarray(flops, float)
        found = [self.curves.lowest(float(c)) for c in asked.ravel()]
        log_n = self._shaped(np.stack([best.log_n for best in found], axis=1), asked.shape)
        loss = self._shaped(np.stack([best.loss for best in found], axis=1), asked.shape)
        return Optimum(np.exp(log_n), np.exp(self.compute.tokens(log_n, asked)), loss)

    def own_prediction(self, sampled: Self, flops: float, n_params: float | None) -> Prediction | None:
        """Medians of the draws, and an open end where they lie on an end of the search: what the fit's file has."""
        if n_params is None:
            return predictions.predicted(sampled.curves, flops)
        n_tokens = float(np.exp(self.compute.tokens(np.log(n_params), flops)))
        given = (Estimate(value, value, value) for value in (n_params, n_tokens, n_tokens / n_params))
        n, d, ratio = given
        return Prediction(flops, n, d, predictions.estimate(sampled.loss(n_params, n_tokens)), ratio)

    @property
    def is_told_by_draws(self) -> bool:
        """The typical draw is for figures; numbers come from all draws."""
        return True

    def tokens_of_size(self, n_params: float) -> TokensOfSize:
        """The D of the compute at which the size is first the optimum."""
        curves = self.curves
        log_flops, at_low, at_high = curves.log_flops_of_size(n_params, *curves.searched)
        return TokensOfSize(log_flops - curves.compute.curve(np.log([n_params]))[0] - np.log(n_params), at_low, at_high)

    def _shaped(self, values: Array, shape: tuple[int, ...]) -> Array:
        """From (R, points) to the shape of the arguments, with the draws before it where there are many."""
        return values.reshape(*values.shape[:1], *shape) if self.many else values[0].reshape(shape)


def fitted_answer(law: DriftingLaw, compute: Compute) -> FittedAnswer:
    """The typical draw of a fit."""
    frame = pd.DataFrame([law.numbers])
    t, c = numbers_of(frame, len(law.numbers) - PARAMETERS)
    return FittedAnswer(Curves(Center(**law.center), Discrepancy.from_json(law.discrepancy), compute, t, c))
