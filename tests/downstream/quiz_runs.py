"""Runs of a simulated task: losses on a known surface, accuracies of a known sigmoid of them."""

from typing import Any

import numpy as np
import pandas as pd

from flopscape.downstream.sigmoid import Sigmoid, accuracy
from flopscape.laws.surface import closed_form_optimum, loss
from tests.laws.examples import CHINCHILLA

CHANCE = 0.25
QUIZ = Sigmoid(CHANCE, 0.9, 2.8, 7.0)
TOP = 1e20


def frame_of(curve: Sigmoid = QUIZ, items: int | None = 200, seed: int = 0, sigma: float = 0.01) -> Any:
    """Five budgets of seven sizes; accuracies binomial, or the curve's own where there are no items."""
    generator = np.random.default_rng(seed)
    flops = np.repeat(np.geomspace(TOP / 100, TOP, 5), 7)
    n = closed_form_optimum(CHINCHILLA, flops).n_params * 10 ** np.tile(np.linspace(-0.5, 0.5, 7), 5)
    true = loss(CHINCHILLA, n, flops / 6 / n)
    shares = accuracy(curve, true)
    measured = generator.binomial(items, shares) / items if items else shares
    frame = pd.DataFrame({"n_params": n, "n_tokens": flops / 6 / n, "budget": flops, "loss": 3.0})
    return frame.assign(**{"loss@quiz": true + generator.normal(0, sigma, len(n)), "accuracy@quiz": measured})
