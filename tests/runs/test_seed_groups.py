"""Fits of the mean or median over seeds: what is merged, what a bad seed does, and what is refused."""

import numpy as np
import pytest

from flopscape.answers.sensitivity import sensitivity
from flopscape.errors import FlopscapeError
from flopscape.fitting.fit import fit
from flopscape.runs.chosen import merged
from tests.fitting.fit_tables import as_table, isoflop_frame


@pytest.fixture
def frame():
    """Five budgets × seven sizes × three seeds."""
    return isoflop_frame(seeds=3, sigma=0.005)


@pytest.mark.parametrize("seeds", ["mean", "median"])
def test_one_row_is_left_of_each_point_in_every_column_that_a_fit_reads(frame, tmp_path, seeds):
    table = merged(as_table(frame, tmp_path), seeds)
    expected = frame.groupby(["n_params", "n_tokens"]).loss.agg(seeds)
    found = dict(zip(zip(table.n_params, table.n_tokens, strict=True), table.loss, strict=True))
    assert found == pytest.approx(expected.to_dict())
    assert table.columns.loss.tolist() == table.loss.tolist()
    assert (len(table), table.n_runs) == (35, 35)


def test_each_is_the_table_itself(frame, tmp_path):
    table = as_table(frame, tmp_path)
    assert merged(table, "each") is merged(table, None) is table


def test_a_fit_of_means_has_the_vertices_of_a_fit_of_all_seeds(frame, tmp_path):
    """Least squares with equal numbers of seeds: the same parabolas."""
    table = as_table(frame, tmp_path)
    all_seeds, means = (fit(table, "approach2", seeds=seeds, bootstrap=100)[0] for seeds in ("each", "mean"))
    assert means.exponents["a"].estimate == pytest.approx(all_seeds.exponents["a"].estimate, rel=1e-9)
    assert (all_seeds.n_runs, means.n_runs) == (105, 35)
    assert means.diagnostics["seeds"] == "mean"
    assert "seeds" not in all_seeds.diagnostics


def test_one_bad_seed_moves_the_median_less_than_the_mean(frame, tmp_path):
    truth = fit(as_table(frame, tmp_path), "approach2", bootstrap=100)[0].exponents["a"].estimate
    spoilt = frame.copy()
    spoilt.loc[0, "loss"] += 1.0
    table = as_table(spoilt, tmp_path)
    errors = {
        s: fit(table, "approach2", seeds=s, bootstrap=100)[0].exponents["a"].estimate - truth
        for s in ("mean", "median")
    }
    assert abs(errors["median"]) < 0.2 * abs(errors["mean"])


def test_a_table_with_one_seed_is_left_alone_with_a_warning(tmp_path):
    table = merged(as_table(isoflop_frame(), tmp_path), "median")
    assert len(table) == 35
    assert "nothing was merged" in table.warnings[-1]


@pytest.mark.parametrize(
    ("method", "options", "sentence"),
    [
        ("vpnls", {"seeds": "mean", "weights": "seeds"}, "no scatter between seeds for weights"),
        ("approach1", {"seeds": "median"}, "follows the curve of each run"),
        ("vpnls", {"seeds": "max"}, "there is only each, mean, median"),
    ],
)
def test_seeds_that_a_fit_cannot_merge_are_refused(frame, tmp_path, method, options, sentence):
    with pytest.raises(FlopscapeError, match=sentence):
        fit(as_table(frame, tmp_path), method, **options)


def test_a_merged_table_has_a_sensitivity(frame, tmp_path):
    table = merged(as_table(frame, tmp_path), "median")
    found = sensitivity(table, "approach2", bootstrap=100)
    assert found.n_runs.max() == 35
    assert np.isfinite(found.a[0])
