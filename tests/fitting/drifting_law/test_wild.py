"""Wild rows: found where all others contradict them, and only there."""

import numpy as np
import pandas as pd
import pytest

from flopscape.fitting.drifting_law.fit import sought, without_wild
from flopscape.fitting.drifting_law.posterior import PRIOR_MEAN
from flopscape.fitting.drifting_law.wild import _distances
from flopscape.fitting.fit import fit
from flopscape.laws.surface import loss as surface_loss
from flopscape.runs.read import table_of
from flopscape.text import numbers
from tests.fitting.drifting_law.test_posterior import checkpoints_with_losses
from tests.fitting.fit_tables import CHINCHILLA, isoflop_frame


def table(frame):
    return table_of(frame.reset_index(drop=True), "x")


def with_wild(factors, **frame):
    changed = isoflop_frame(sigma=0.005, **frame)
    for at, factor in factors.items():
        changed.loc[at, "loss"] *= factor
    return changed


def left_out(frame):
    return [name for exclusion in without_wild(table(frame))[0].excluded for name in exclusion.rows]


@pytest.mark.parametrize("factors", [{17: 1.03}, {17: 1.3}, {17: 2.0}, {0: 1.3}, {34: 1.3}, {34: 0.8}])
def test_a_wild_row_is_left_out_by_name_and_the_answer_is_as_without_it(factors):
    frame = with_wild(factors)
    (at,) = factors
    result, _ = fit(table(frame), "answer", flops=[1e21])
    without, _ = fit(table(frame.drop(index=at)), "answer", flops=[1e21])
    assert [exclusion.rows for exclusion in result.excluded] == [[frame.run_id[at]]]
    assert "standard errors " + ("above" if factors[at] > 1 else "below") in result.excluded[0].reason
    mine, theirs = result.predictions[0].n_params, without.predictions[0].n_params
    assert [mine.low, mine.estimate, mine.high] == [theirs.low, theirs.estimate, theirs.high]


def test_two_wild_rows_do_not_hide_each_other():
    frame = with_wild({10: 1.2, 25: 1.1})
    assert sorted(left_out(frame)) == sorted(frame.run_id[[10, 25]])


def test_of_seeds_it_is_the_one_that_is_off():
    frame = isoflop_frame(sigma=0.003, seeds=3)
    frame.loc[40, "loss"] *= 1.2
    assert left_out(frame) == [frame.run_id[40]]


@pytest.mark.parametrize("sigma", [0.0, 0.003, 0.05])
def test_good_rows_stay(sigma):
    assert [left_out(isoflop_frame(sigma=sigma, seed=seed)) for seed in range(5)] == [[]] * 5


def test_where_many_are_wild_all_stay_and_it_is_said():
    rng = np.random.default_rng(0)
    frame = isoflop_frame(sigma=0.002)
    wild = [2, 9, 16, 23, 30]
    frame.loc[wild, "loss"] *= 1 + np.array([1, -1, 1, -1, 1]) * rng.uniform(0.02, 0.5, 5)
    kept, found = without_wild(table(frame))
    assert (len(kept), kept.excluded) == (35, [])
    assert found.doubts == ["more than 3 losses are far from what the other runs say; all are kept as noise"]


def test_the_distances_are_those_of_each_loss_predicted_from_all_others():
    found = sought(table(isoflop_frame(budgets=3, sizes=5)))
    at, t = found.hyper.conditional(found.peak.h), found.hyper.t
    f, slopes = at.data.jacobian(t)
    parts = np.concatenate([at.data.shapes * at.sd, slopes * at.prior_sd], axis=1)
    covariance = parts @ parts.T + at.scales.noise**2 * np.eye(15)
    residual = found.cells.loss - f - slopes @ (PRIOR_MEAN - t)
    expected = []
    for i in range(15):
        others = np.arange(15) != i
        weights = np.linalg.solve(covariance[np.ix_(others, others)], covariance[others, i])
        sd = np.sqrt(covariance[i, i] - covariance[i, others] @ weights)
        expected.append((residual[i] - residual[others] @ weights) / sd)
    assert _distances(at, t) == pytest.approx(expected, abs=1e-5)


def test_a_wild_checkpoint_is_left_out_and_the_others_of_its_run_stay():
    frame = pd.concat([checkpoints_with_losses().assign(run_id=lambda f, i=i: f.run_id + f"-{i}") for i in range(3)])
    frame = frame.reset_index(drop=True).assign(n_params=lambda f: f.n_params * (1 + 0.1 * (f.index // 24)))
    frame["loss"] = surface_loss(CHINCHILLA, frame.n_params, frame.n_tokens) + 0.003 * np.sin(np.arange(len(frame)))
    frame.loc[9, "loss"] *= 1.2
    kept, _ = without_wild(table(frame))
    (excluded,) = kept.excluded
    assert (excluded.rows, len(kept)) == ([frame.run_id[9]], len(frame) - 1)
    assert excluded.reason.startswith(f"a loss after {numbers.count(float(frame.n_tokens[9]))} tokens ")
