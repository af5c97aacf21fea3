"""How often the 95 % interval of a downstream accuracy holds the true one.

    python benchmarks/downstream.py [--tables 200] [--first-seed 1000] [--items 200] [--bootstrap 400]

Tables of 35 runs, five budgets a factor √10 apart from 10¹⁸ to 10²⁰ FLOPs with seven sizes within half a decade of N*,
on the surface of Hoffmann et al. 2022 with σ = 0.01 nats; accuracies binomial, of a sigmoid of the true loss. Three
tasks: the runs go past the bend; they end at its middle; their ceiling is 0.85. Coverage and median width of the
interval of the accuracy at the top budget, at 10 times that, and of a model a quarter of the optimal size there that is
trained on so much more data. Tables in which no curve could be told are counted apart. Two constants of the intervals
were chosen while seeds below 100 were looked at, so that their coverage is measured on others.
"""

import os

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import argparse
import sys
from typing import NamedTuple

import numpy as np
import pandas as pd

from flopscape.downstream.scored_runs import ScoredRuns
from flopscape.downstream.sigmoid import Sigmoid, accuracy
from flopscape.downstream.two_steps import Target, two_steps
from flopscape.errors import FlopscapeError
from flopscape.fitting.fit import fit
from flopscape.laws.named_surfaces import SURFACES
from flopscape.laws.surface import closed_form_optimum
from flopscape.laws.surface import loss as surface_loss
from flopscape.runs.read import table_of
from flopscape.text.terminal import aligned

TRUTH = SURFACES["chinchilla"]
BUDGETS = np.geomspace(1e18, 1e20, 5)
STEPS = np.linspace(-0.5, 0.5, 7)
SIGMA = 0.01
CHANCE = 0.25
TASKS = {
    "past the bend": Sigmoid(CHANCE, 1.0, 2.8, 6.0),
    "to its middle": Sigmoid(CHANCE, 1.0, 2.45, 6.0),
    "ceiling 0.85": Sigmoid(CHANCE, 0.85, 2.7, 8.0),
}


class Case(NamedTuple):
    """A run that is predicted: its N and D, and whether these are the optimum of its compute."""

    flops: float
    n_params: float
    n_tokens: float
    is_optimal: bool

    @property
    def loss(self) -> float:
        return float(surface_loss(TRUTH, self.n_params, self.n_tokens))


def cases() -> list[Case]:
    found = []
    for flops in (BUDGETS[-1], 10 * BUDGETS[-1]):
        best = closed_form_optimum(TRUTH, flops)
        found.append(Case(flops, float(best.n_params), float(best.n_tokens), True))
    _, n, d, _ = found[-1]
    return [*found, Case(10 * BUDGETS[-1], n / 4, d * 4, False)]


def frame_of(curve: Sigmoid, items: int, seed: int) -> pd.DataFrame:
    """A table of runs with losses and accuracies."""
    generator = np.random.default_rng(seed)
    flops = np.repeat(BUDGETS, len(STEPS))
    n = closed_form_optimum(TRUTH, flops).n_params * 10 ** np.tile(STEPS, len(BUDGETS))
    true = surface_loss(TRUTH, n, flops / 6 / n)
    frame = pd.DataFrame({"n_params": n, "n_tokens": flops / 6 / n, "budget": flops})
    frame["loss"] = true + generator.normal(0, SIGMA, len(n))
    return frame.assign(accuracy=generator.binomial(items, accuracy(curve, true)) / items)


def answers(curve: Sigmoid, items: int, bootstrap: int, seed: int) -> list[Target]:
    """What the two steps say of the cases, from one table."""
    frame = frame_of(curve, items, seed)
    table = table_of(frame, "simulated.csv")
    result, draws = fit(table, method="vpnls", flops=[], bootstrap=bootstrap, seed=seed)
    runs = ScoredRuns(
        "simulated.csv", "accuracy", "loss", table.loss, frame["accuracy"].to_numpy(), table.flops, table.run_id, items,
        CHANCE, "nats per token", True,
    )  # fmt: skip
    asked = cases()
    asked_flops = [case.flops for case in asked if case.is_optimal]
    return two_steps(runs, result, draws, asked_flops, [asked[-1].n_params], [asked[-1].n_tokens], seed=seed).targets


def line(name: str, curve: Sigmoid, seeds: range, items: int, bootstrap: int) -> list[str]:
    """Coverage and width of each case, and how many tables were refused."""
    truths = np.array([accuracy(curve, case.loss) for case in cases()])
    found, refused = [], 0
    for seed in seeds:
        print(f"\r{name}: seed {seed} of {seeds.stop - 1}", end="", file=sys.stderr, flush=True)
        try:
            found.append([(t.accuracy.low, t.accuracy.high) for t in answers(curve, items, bootstrap, seed)])
        except FlopscapeError as error:
            refused += 1
            print(f"\n{error}", file=sys.stderr)
    print(file=sys.stderr)
    ends = np.array(found, float)
    held = ((ends[..., 0] <= truths) & (truths <= ends[..., 1])).mean(axis=0)
    widths = np.median(ends[..., 1] - ends[..., 0], axis=0)
    return [name, *(f"{truth:.3f}" for truth in truths), *(f"{x:.3f}" for x in (*held, *widths)), str(refused)]


def main() -> None:
    """Print a line for each task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=200)
    parser.add_argument("--first-seed", type=int, default=1000)
    parser.add_argument("--items", type=int, default=200)
    parser.add_argument("--bootstrap", type=int, default=400)
    given = parser.parse_args()
    parts = ("top", "10x", "small")
    head = ["task", *(f"{what} {part}" for what in ("true", "held", "width") for part in parts), "refused"]
    seeds = range(given.first_seed, given.first_seed + given.tables)
    rows = [line(name, curve, seeds, given.items, given.bootstrap) for name, curve in TASKS.items()]
    print(aligned([head, *rows], right=range(1, len(head))))


if __name__ == "__main__":
    main()
