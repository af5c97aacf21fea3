"""Runs of two recipes for the tests: simulated on a known surface, B better by what a test says."""

from typing import Any

import numpy as np
import pandas as pd

from flopscape.comparison.recipes import Recipe
from flopscape.laws.surface import closed_form_optimum, loss
from flopscape.runs.read import table_of
from tests.laws.examples import CHINCHILLA

CENTER = 1e19
TOP = 1e20


def losses(n: Any, d: Any, mu_n: float = 0.0, mu_d: float = 0.0, nu: float = 0.0, floor: float = 0.0) -> Any:
    """B's: A's at more parameters and data, less a floor; A's where nothing is given."""
    return loss(CHINCHILLA, n * np.exp(mu_n), d * np.exp(mu_d + nu * np.log(6 * n * d / CENTER))) - floor


def frame_of(name: str, seed: int = 0, sigma: float = 0.01, sizes: int = 7, budgets: int = 5, **gain: float) -> Any:
    """Budgets from 1e18 to 1e20 FLOPs, sizes within half a decade of the optimum."""
    flops = np.repeat(np.geomspace(TOP / 100, TOP, budgets), sizes)
    steps = np.tile(np.linspace(-0.5, 0.5, sizes), budgets) if sizes > 1 else np.zeros(budgets)
    n = closed_form_optimum(CHINCHILLA, flops).n_params * 10**steps
    noise = np.random.default_rng(seed).normal(0, sigma, len(n))
    frame = pd.DataFrame({"n_params": n, "n_tokens": flops / 6 / n, "budget": flops, "seed": 0})
    frame["loss"] = losses(frame["n_params"], frame["n_tokens"], **gain) + noise
    return frame.assign(run_id=[f"{name}-{i}" for i in range(len(frame))])


def recipe(name: str, seed: int = 0, **how: Any) -> Recipe:
    columns = how.pop("columns", {})
    return Recipe(name, table_of(frame_of(name, seed, **how).assign(**columns), f"{name}.csv"))
