"""What runs would tell: rank-one updates against whole refits, scores against loops, and the greedy choice."""

import numpy as np
import pandas as pd
import pytest

from flopscape.design.gains import Known, chosen, gains, known
from flopscape.design.told import Told
from flopscape.fitting.drifting_law.fit import posterior
from flopscape.fitting.drifting_law.shares import Shares
from flopscape.laws.law import Compute
from flopscape.runs.read import table_of
from flopscape.twin.possible import spread_after
from tests.fitting.fit_tables import isoflop_frame

TARGET = 1e23


@pytest.fixture(scope="module")
def found():
    return posterior(table_of(isoflop_frame(sigma=0.01), "x"), Compute.constant(), 256, 0)


@pytest.fixture(scope="module")
def points():
    """ln N and ln D of 12 runs from 1e16 to 1e22 FLOPs."""
    rng = np.random.default_rng(0)
    log_c = np.log(np.geomspace(1e16, 1e22, 12))
    log_n = 0.5 * log_c - 2.0 + rng.normal(0, 1, 12)
    return log_n, log_c - np.log(6) - log_n


def of_whole_refit(found, log_n, log_d, bought, block):
    """Covariance of the two targets when these runs are finished: the information of all runs is inverted at once."""
    shares, noise = Shares(found.typical, found.at), found.at.scales.noise
    of_new = shares.gradients(log_n[bought], log_d[bought])[:, block]
    precision = shares.precision[block, block] + of_new.T @ of_new / noise**2
    asked = shares.of_optimum(TARGET)
    targets = np.stack([asked["n_params"], asked["loss"]])[:, block]
    return targets @ np.linalg.inv(precision) @ targets.T


@pytest.mark.parametrize(
    ("blocks", "block"), [(("law", "drift", "discrepancy"), slice(None)), (("law",), slice(0, 6))], ids=["all", "law"]
)
def test_run_after_run_leaves_what_a_refit_with_all_of_them_leaves(found, points, blocks, block):
    shares = Shares(found.typical, found.at)
    asked = shares.of_optimum(TARGET)
    gradients = shares.gradients(*points)
    now = known(shares, [asked["n_params"], asked["loss"]], gradients, found.at.scales.noise, blocks)
    bought = [0, 7, 7, 11, 3]
    for at in bought:
        now = now.after(at)
    expected = of_whole_refit(found, *points, bought, block)
    assert now.targets @ now.targets.T == pytest.approx(
        expected, rel=1e-6, abs=1e-9 * np.sqrt(np.prod(np.diag(expected)))
    )


def test_what_is_left_of_an_interval_is_what_the_twin_says_of_the_longer_design(found, points):
    told = Told.of(found, [TARGET], *points)
    bought = [2, 9, 10]
    frame = isoflop_frame(sigma=0.01)[["n_params", "n_tokens", "loss"]]
    new = {"n_params": np.exp(points[0][bought]), "n_tokens": np.exp(points[1][bought]), "loss": [2.0, 2.1, 2.2]}
    design = table_of(pd.concat([frame, pd.DataFrame(new)], ignore_index=True), "longer")
    before, after = spread_after(found, found.table, TARGET), spread_after(found, design, TARGET)
    assert told.left(bought)["all"][-1, 0, 0] == pytest.approx(after / before, rel=1e-6)


def test_a_candidate_alone_leaves_what_it_leaves_as_the_first_one(found, points):
    told = Told.of(found, [TARGET], *points)
    for name in ("all", "law"):
        alone = told.alone([4, 8])[name]
        assert alone[1] == pytest.approx(told.left([8])[name][1])
        assert (alone < 1).all()


def test_gains_are_those_of_the_formula_candidate_by_candidate():
    rng = np.random.default_rng(1)
    one = Known(rng.normal(size=(2, 5)), rng.normal(size=(4, 5)), 0.7)
    for i, h in enumerate(one.losses):
        told = sum(-np.log(1 - (h @ g) ** 2 / ((h @ h + 0.49) * (g @ g))) for g in one.targets)
        assert gains([one])[i] == pytest.approx(told)


def test_what_is_bought_fits_the_money_once_each_and_the_best_for_its_cost_comes_first():
    rng = np.random.default_rng(2)
    one = Known(rng.normal(size=(2, 6)), rng.normal(size=(30, 6)), 0.5)
    cost = rng.uniform(1, 10, 30)
    taken = chosen([one], cost, 40.0)
    bought = [choice.candidate for choice in taken]
    assert bought[0] == (gains([one]) / cost**0.7).argmax()
    assert taken[0].score == pytest.approx((gains([one]) / cost**0.7).max())
    assert len(set(bought)) == len(bought)
    spent = cost[bought].sum()
    assert spent <= 40
    assert 40 - spent < cost[np.setdiff1d(np.arange(30), bought)].min()


def test_what_tells_nothing_is_not_bought_unless_nothing_else_is_there():
    target = np.array([[1.0, 0.0]])
    one = Known(target, np.array([[0.0, 5.0], [0.5, 0.0], [1e-3, 0.0]]), 1.0)
    assert [choice.candidate for choice in chosen([one], np.ones(3), 3.0)] == [1]
    nothing = Known(target, np.array([[0.0, 5.0]]), 1.0)
    assert [choice.candidate for choice in chosen([nothing], np.ones(1), 3.0)] == [0]


def test_a_run_of_hardly_any_noise_leaves_nothing_open_of_its_own_loss():
    one = Known(np.array([[3.0, 4.0]]), np.array([[3.0, 4.0]]), 1e-9)
    assert one.after(0).sd == pytest.approx([0.0], abs=1e-8)
