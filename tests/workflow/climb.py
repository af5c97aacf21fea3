"""A study of simulated runs that is planned rung by rung, and what its rungs came to."""

from pathlib import Path
from typing import TypeVar

from tests.workflow.conftest import Checkout

CLIMB = """
title: A ladder of simulated runs
model: {plugin: flopscape.plugins.gpt:GPT}
trainer:
  plugin: flopscape.plugins.surface:Surface
  kwargs: {E: 1.0, A: 30.0, B: 400.0, alpha: 0.4, beta: 0.5, noise: 0.002}
sweep:
  family: {width_multiple: 4, depth: 2}
  ladder:
    top: 3.0e+11
    budgets: 3
    decades: 1.5
    sizes: 4
    half_span_dex: 0.4
    first_seeds: 1
    scouts: {sizes: 5}
fits: [{name: vpnls, method: vpnls, bootstrap: 100}]
recommend: {flops: [1.0e+12]}
twin: {simulations: 20, bootstrap: 20, answer_simulations: 2}
"""
N_SCOUTS, N_RUNS, RUNGS = 5, 17, ("1", "2", "3")
STUDY, TABLE = "config/studies/climb.yaml", "results/climb/runs.csv"


C = TypeVar("C", bound=Checkout)


def climbing(checkout: C) -> C:
    """The checkout with this study."""
    (checkout.folder / STUDY).write_text(CLIMB)
    return checkout


def rungs(folder: Path) -> dict[str, bytes]:
    """The files of all planned rungs."""
    return {path.stem: path.read_bytes() for path in sorted((folder / "results/climb/rungs").glob("*"))}
