"""A run under two names is counted once; seeds whose losses are rounded stay runs of their own."""

import numpy as np
import pandas as pd
import pytest

from flopscape.fitting.fit import fit
from tests.fitting.fit_tables import as_table, isoflop_frame


def twice(frame, rows, **changes):
    """The frame with some rows again under other run ids and seeds."""
    again = frame.iloc[rows].assign(run_id=[f"again{i}" for i in range(len(rows))], seed=1)
    return pd.concat([frame, again.assign(**changes)], ignore_index=True)


def test_five_copies_of_a_study_are_one_study(tmp_path):
    frame = isoflop_frame()
    once = fit(as_table(frame, tmp_path), "vpnls", bootstrap=100)[0]
    for _ in range(4):
        frame = twice(frame, range(35)).assign(run_id=lambda f: [f"run{i}" for i in range(len(f))])
    result = fit(as_table(frame, tmp_path), "vpnls", bootstrap=100)[0]
    assert (result.n_runs, len(result.excluded[0].rows)) == (35, 140)
    assert result.excluded[0].reason == "a copy: repeats another run in N, D, C and loss"
    assert result.warnings[0].startswith("140 rows repeat another run")
    assert result.exponents == once.exponents


@pytest.mark.parametrize("named", [True, False])
def test_one_copy_of_a_precise_loss_is_named(named, tmp_path):
    frame = twice(isoflop_frame(), [5])
    table = as_table(frame if named else frame.drop(columns="run_id"), tmp_path)
    assert (len(table), table.excluded[0].rows) == (35, ["again0" if named else "row 36"])


@pytest.mark.parametrize("rounded", [lambda x: x.round(4), lambda x: x.astype(np.float16).astype(float)])
def test_a_coincidence_of_rounded_losses_stays_a_seed_with_a_warning(rounded, tmp_path):
    frame = isoflop_frame(seeds=2).assign(loss=lambda f: rounded(f["loss"]))
    frame.loc[1, "loss"] = frame.loc[0, "loss"]
    table = as_table(frame, tmp_path)
    assert (len(table), table.excluded) == (70, [])
    assert (
        "repeat another in N, D, C and loss, which is written with few digits: seeds, or copies?" in table.warnings[0]
    )


def test_a_rounded_loss_of_the_same_seed_is_a_copy(tmp_path):
    frame = isoflop_frame().assign(loss=lambda f: f["loss"].round(2))
    table = as_table(twice(frame, [5], seed=0), tmp_path)
    assert (len(table), table.excluded[0].rows) == (35, ["again0"])


@pytest.mark.parametrize(("decimals", "kept"), [(3, 35), (2, 70)])
def test_where_every_point_repeats_three_decimals_are_enough(decimals, kept, tmp_path):
    frame = isoflop_frame().assign(loss=lambda f: f["loss"].round(decimals))
    assert len(as_table(twice(frame, range(35)), tmp_path)) == kept


def test_seeds_of_other_losses_are_no_copies(tmp_path):
    table = as_table(isoflop_frame(seeds=3), tmp_path)
    assert (len(table), table.excluded, table.warnings) == (105, [], [])
