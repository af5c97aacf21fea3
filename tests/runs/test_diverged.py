"""A diverged run is in the table and in no fit, whatever it has where others have a loss."""

import dataclasses

import pandas as pd
import pytest

from flopscape.fitting.fit import run
from flopscape.plan.rows import plan_rows
from flopscape.plugins.surface import Surface
from flopscape.runs import collect

BUDGETS = (1e18, 3e18, 1e19, 3e19, 1e20)
N_PARAMS = (5e7, 1e8, 2e8, 4e8, 8e8, 1.6e9)


def tabled(folder, study, diverged):
    """A table of a sweep in which a middle run diverged, at a loss that no law would miss, or was never planned."""
    rows = plan_rows(study)
    odd = rows[14]
    kept = rows if diverged else [row for row in rows if row is not odd]
    for row in kept:
        record = Surface(E=1.7, A=400.0, B=400.0, alpha=0.34, beta=0.28, noise=0.001).train(row.spec)
        if row is odd:
            curve = dataclasses.replace(record.curve, heldout_loss=[0.01] * len(record.curve.step))
            record = dataclasses.replace(record, status="diverged", reason="the loss exploded", loss=None, curve=curve)
        record.write(folder / f"runs/{row.run_id}.json")
    collect.run(kept, folder / "runs", folder / "runs.csv")
    table = pd.read_csv(folder / "runs.csv")
    table.loc[table.run_id == odd.run_id, "loss"] = 0.01
    table.to_csv(folder / "edited.csv", index=False)
    return odd.run_id


@pytest.mark.parametrize("method", ["approach1", "approach2", "approach3", "vpnls"])
def test_a_fit_is_the_same_as_if_the_diverged_run_had_not_been_planned(method, surface_study, tmp_path):
    study = surface_study(budgets=BUDGETS, n_params=N_PARAMS)
    results = {}
    for diverged in (True, False):
        folder = tmp_path / str(diverged)
        run_id = tabled(folder, study, diverged)
        extra = {"curves": folder / "curves.parquet"} if method == "approach1" else {}
        results[diverged] = run(
            folder / "edited.csv", folder / "fit.json", method, columns={}, flops=[1e21], bootstrap=100, seed=0, **extra
        )
    ours, theirs = results[True], results[False]
    assert ours.exponents
    assert run_id in {row for exclusion in ours.excluded for row in exclusion.rows}
    for name in ("status", "exponents", "surface", "predictions", "n_runs"):
        assert getattr(ours, name) == getattr(theirs, name)
