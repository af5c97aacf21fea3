"""Both shapes of approach2's curves: exactness without noise, the vertices' errors, bad budgets, weights."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from flopscape.answers.residuals import residuals
from flopscape.errors import FlopscapeError
from flopscape.fitting import approach2
from flopscape.fitting.fit import fit
from flopscape.fitting.isoflop import exact_shape, parabola
from flopscape.fitting.isoflop.curves import budgets_of, predicted
from flopscape.fitting.isoflop.exact_curves import fit_curves
from flopscape.fitting.isoflop.exact_shape import SharedDesign, SharedFit, budget_parameters, vertices
from flopscape.laws.law import Compute
from flopscape.laws.surface import closed_form_optimum, loss, optimum
from tests.fitting.fit_tables import A_TRUE, CHINCHILLA, as_table, isoflop, isoflop_frame, no_copies, published

VARIANTS = pytest.mark.parametrize("variant", ["parabola", "exact"])


def grid_frame(center, width, sizes=7, wander=0.0, drift=0.0):
    """Noise-free budgets: sizes ×width each side of a centre `center` + `drift`·i off the optimum, in ln N.

    `wander` is the standard deviation of ln C about the planned budget.
    """
    rng = np.random.default_rng(0)
    rows = []
    for i, flops in enumerate(np.geomspace(1e17, 1e21, 5)):
        middle = closed_form_optimum(CHINCHILLA, flops).n_params * np.exp(center + drift * (i - 2))
        n_params = middle * width ** np.linspace(-1, 1, sizes)
        spent = flops * np.exp(wander * rng.standard_normal(sizes))
        rows.append(pd.DataFrame({"n_params": n_params, "n_tokens": spent / 6 / n_params, "budget": flops}))
    frame = pd.concat(rows, ignore_index=True)
    frame["loss"] = loss(CHINCHILLA, frame["n_params"].to_numpy(), frame["n_tokens"].to_numpy())
    return frame


def fitted(frame, folder, variant="exact", **options):
    return fit(as_table(frame.reset_index(drop=True), folder), "approach2", bootstrap=200, variant=variant, **options)[
        0
    ]


def shared(table):
    design = SharedDesign.of(table, budgets_of(table), np.ones(len(table)))
    return SharedFit(design, table.loss[design.rows], design.solve(table.loss[None]))


@pytest.mark.parametrize(
    "grid",
    [
        {"center": 0, "width": 4},
        {"center": 1.2, "width": 4},
        {"center": -1.2, "width": 4},
        {"center": 0, "width": 30},
        {"center": 0, "width": 4, "drift": 0.5},
        {"center": 0.3, "width": 4, "wander": 0.1},
        {"center": 0, "width": 4, "sizes": 4, "drift": 0.3},
    ],
)
def test_the_exact_shape_has_no_bias_on_any_grid(grid, tmp_path):
    result = fitted(grid_frame(**grid), tmp_path, flops=[1e23])
    best = closed_form_optimum(CHINCHILLA, np.array([entry["flops"] for entry in result.optima]))
    assert result.exponents["a"].estimate == pytest.approx(A_TRUE, abs=1e-8)
    assert [entry["n_params"] for entry in result.optima] == pytest.approx(best.n_params, rel=1e-8)
    assert [entry["loss"] for entry in result.optima] == pytest.approx(best.loss, rel=1e-10)
    assert result.predictions[0].n_tokens.estimate == pytest.approx(closed_form_optimum(CHINCHILLA, 1e23).n_tokens)


def test_the_parabola_is_biased_on_a_drifting_grid(tmp_path):
    found = fitted(grid_frame(0, 4, drift=0.5), tmp_path, "parabola")
    assert abs(found.exponents["a"].estimate - A_TRUE) > 0.003


def test_counted_compute_stays_exact(tmp_path):
    frame = grid_frame(0.5, 4)
    frame["flops"] = (6 + 3 * (frame["n_params"] / 1e7) ** -0.2) * frame["n_params"] * frame["n_tokens"]
    result = fitted(frame, tmp_path)
    compute = Compute.from_json(result.diagnostics["kappa"])
    assert not compute.is_constant
    for entry in result.optima:
        best = optimum(CHINCHILLA, entry["flops"], compute)
        assert entry["n_params"] == pytest.approx(float(best.n_params), rel=1e-8)
        assert entry["loss"] == pytest.approx(float(best.loss), rel=1e-10)


def test_the_exact_shapes_gradients_match_finite_differences(tmp_path):
    found = shared(isoflop(tmp_path, seed=1))
    compute = Compute(np.log([1e7, 1e8, 1e9]), np.log([7.0, 6.5, 6.1]))
    p, h = budget_parameters(found.solution)[0, 2], 1e-6
    steps = np.concatenate([p + h * np.eye(5), p - h * np.eye(5)])
    moved, _ = vertices(steps, found.design.center[2], 1e19, compute)
    _, gradient = vertices(p[None], found.design.center[2], 1e19, compute)
    differences = (moved[:5] - moved[5:]) / (2 * h)
    assert pytest.approx(gradient[0], rel=1e-5, abs=1e-7) == differences.T
    u, rows = found.design.u[:, found.design.member == 2], found.design.member == 2
    E, log_p, log_r, alpha, beta = steps.T[:, :, None]
    loss_there = E + np.exp(log_p - alpha * u[0]) + np.exp(log_r - beta * u[1])
    own = found.jacobian[rows][:, [6, 7, 8, -2, -1]]
    assert (loss_there[:5] - loss_there[5:]) / (2 * h) == pytest.approx(own.T, rel=1e-5, abs=1e-8)


def test_the_covariance_of_vertices_is_that_of_simulated_ones(tmp_path):
    table, sigma = isoflop(tmp_path, sigma=0), 2e-4
    design, lowest = shared(table).design, fit_curves(table, None).lowest
    noisy = table.loss + np.random.default_rng(0).normal(0, sigma, (500, len(table)))
    many = design.solve(noisy)
    points = []
    for i, budget in enumerate(design.budgets):
        p = np.column_stack([many.coefficients[:, i, 0], np.log(many.coefficients[:, i, 1:]), many.exponents])
        points.append(vertices(p, design.center[i], budget.flops, lowest.compute)[0][:, 0])
    simulated = np.cov(points)
    predicted_ = sigma**2 * lowest.covariance[0, :, 0, :, 0] / lowest.variance[0, 0]
    scale = np.sqrt(np.outer(np.diag(predicted_), np.diag(predicted_)))
    assert simulated / scale == pytest.approx(predicted_ / scale, abs=0.2)
    assert np.abs(predicted_ / scale - np.eye(5)).max() > 0.3


def test_every_random_start_reaches_the_shared_optimum(tmp_path):
    for table in (isoflop(tmp_path, seed=3), published("llama_3__raw_loss", tmp_path)):
        found = shared(table)
        starts = np.exp(np.random.default_rng(0).uniform(np.log(0.02), np.log(3), (60, 2)))
        many = exact_shape.newton(found.design.blocks, np.tile(found.loss, (60, 1)), starts)
        assert many.objective.min() >= found.solution.objective[0] * (1 - 1e-9)
        assert (many.objective < found.solution.objective[0] * (1 + 1e-6)).mean() > 0.9


def test_many_loss_vectors_at_once_are_each_its_own_fit(tmp_path):
    table = isoflop(tmp_path, seed=2)
    blocks = shared(table).design.blocks
    losses = table.loss + np.random.default_rng(0).normal(0, 0.01, (7, len(table)))
    together = exact_shape.solve(blocks, losses)
    x, ones = np.log(table.n_params[:7]) - 18, np.ones(7)
    c, _, _ = parabola.coefficients(x, losses[:, :7], ones)
    for i, row in enumerate(losses):
        alone = exact_shape.solve(blocks, row[None])
        assert together.exponents[i] == pytest.approx(alone.exponents[0], rel=1e-6)
        assert c[i] == pytest.approx(np.polynomial.polynomial.polyfit(x, row[:7], 2))
        assert parabola.vertices(c)[i, 0] == pytest.approx(-c[i, 1] / (2 * c[i, 2]))


@pytest.mark.parametrize("weights", [None, "seeds"])
@VARIANTS
def test_neither_the_order_of_rows_nor_units_matter(variant, weights, tmp_path):
    frame = isoflop_frame(seed=3, seeds=2).assign(flops=lambda f: 6 * f["n_params"] * f["n_tokens"])
    other = frame.sample(frac=1, random_state=0).reset_index(drop=True)
    other = other.assign(n_params=other["n_params"] * 1e-6, n_tokens=other["n_tokens"] * 1e3)
    first, second = (fitted(f, tmp_path, variant, weights=weights) for f in (frame, other))
    assert second.exponents["a"].estimate == pytest.approx(first.exponents["a"].estimate, rel=1e-8)
    assert second.diagnostics["se_a"] == pytest.approx(first.diagnostics["se_a"], rel=1e-6)
    for one, same in zip(first.optima, second.optima, strict=True):
        assert same["n_params"] * 1e6 == pytest.approx(one["n_params"], rel=1e-8)


@VARIANTS
def test_the_curve_of_an_optimum_is_lowest_there_and_leaves_the_residuals(variant, tmp_path):
    table = isoflop(tmp_path)
    result, _ = fit(table, "approach2", bootstrap=100, variant=variant)
    for entry in result.optima:
        around = np.log(entry["n_params"]) + np.array([-0.1, 0, 0.1])
        values = predicted(entry, around, np.log(entry["flops"] / 6) - around)
        assert values[1] == pytest.approx(entry["loss"])
        assert values[1] < min(values[0], values[2])
    assert (residuals(table, result)["residual"] ** 2).sum() == pytest.approx(result.diagnostics["rss"])


def test_intervals_of_the_exact_shape_cover_the_truth(tmp_path):
    flops, hits = 1e22, np.zeros(2)
    n_tokens = closed_form_optimum(CHINCHILLA, flops).n_tokens
    for i in range(30):
        result, _ = fit(isoflop(tmp_path, seed=2000 + i), "approach2", flops=[flops], bootstrap=50, variant="exact")
        pairs = [(result.exponents["a"], A_TRUE), (result.predictions[0].n_tokens, n_tokens)]
        hits += [number.low <= truth <= number.high for number, truth in pairs]
    assert (hits >= binom.ppf(0.001, 30, 0.95)).all()


def inverted(frame):
    hit = frame["budget"] == frame["budget"].unique()[2]
    return frame.assign(loss=frame["loss"].where(~hit, 2 * frame["loss"][hit].mean() - frame["loss"]))


@VARIANTS
def test_an_inverted_budget_is_left_out_and_does_not_move_the_others(variant, tmp_path):
    frame = isoflop_frame()
    result = fitted(inverted(frame), tmp_path, variant)
    without = fitted(frame[frame["budget"] != frame["budget"].unique()[2]], tmp_path, variant)
    assert [entry["used"] for entry in result.optima] == [True, True, False, True, True]
    assert "no lowest point" in result.excluded[0].reason
    assert result.exponents["a"].estimate == pytest.approx(without.exponents["a"].estimate, abs=1e-9)


@VARIANTS
def test_jitter_of_the_compute_is_no_new_budget(variant, tmp_path):
    frame = isoflop_frame().drop(columns="budget")
    rng = np.random.default_rng(0)
    frame["flops"] = 6 * frame["n_params"] * frame["n_tokens"] * np.exp(rng.uniform(-1e-3, 1e-3, len(frame)))
    result = fitted(frame, tmp_path, variant)
    assert (len(result.optima), result.status) == (5, "ok")
    assert result.exponents["a"].estimate == pytest.approx(A_TRUE, abs=0.03)


@VARIANTS
def test_one_wild_loss_is_named(variant, tmp_path):
    frame = isoflop_frame()
    frame.loc[10, "loss"] *= 10
    result = fitted(frame, tmp_path, variant)
    assert "run10" in result.diagnostics["outliers"]
    assert result.status != "ok"


@VARIANTS
def test_duplicated_rows_leave_the_estimate(variant, tmp_path):
    frame = isoflop_frame().drop(columns=["run_id", "seed"])
    once = fitted(frame, tmp_path, variant)
    twice = fitted(pd.concat([frame, frame], ignore_index=True), tmp_path, variant)
    assert twice.exponents["a"].estimate == pytest.approx(once.exponents["a"].estimate, abs=1e-8)
    assert any("35 rows repeat another run's" in text for text in twice.warnings)


@VARIANTS
@pytest.mark.parametrize("change", ["flat", "straight", "noise"])
def test_curves_without_a_lowest_point_give_no_exponents(variant, change, tmp_path):
    frame = isoflop_frame(sigma=0)
    rng = np.random.default_rng(4)
    losses = {"flat": 3.0, "straight": 9 - 0.1 * np.log(frame["n_params"]), "noise": rng.normal(3, 0.3, len(frame))}
    result = fitted(frame.assign(loss=losses[change]), tmp_path, variant, flops=[1e22])
    assert result.status == "refused"
    assert result.exponents is None
    assert result.predictions[0].n_params is None


def test_three_sizes_a_budget_do_not_tell_the_shared_exponents(tmp_path):
    result = fitted(isoflop_frame(sizes=3, sigma=0.001), tmp_path)
    assert result.status == "refused"
    assert "0 sizes beyond 3 a budget" in result.reason


def test_four_sizes_in_the_same_place_do_not_tell_the_exponents_apart(tmp_path):
    result = fitted(grid_frame(0, 4, sizes=4), tmp_path)
    assert result.status == "refused"
    assert "do not tell the shared exponents apart" in result.reason


def test_a_budget_of_two_sizes_is_left_out_by_name(tmp_path):
    frame = isoflop_frame()
    result = fitted(frame.drop(frame.index[:5]), tmp_path)
    assert "2 distinct sizes; the exact shape needs 3" in result.excluded[0].reason


@pytest.mark.parametrize("options", [{"variant": "cubic"}, {"weights": "loss_se"}])
def test_an_unknown_option_is_named(options, tmp_path):
    with pytest.raises(FlopscapeError, match=next(iter(options.values()))):
        approach2.estimate(isoflop(tmp_path), **options)


@pytest.mark.parametrize("fit_all", [parabola.fit_curves, fit_curves])
def test_a_weight_of_two_is_a_row_repeated(fit_all, tmp_path):
    frame = isoflop_frame()
    twice = as_table(
        pd.concat([frame, no_copies(frame.iloc[:9])], ignore_index=True).assign(run_id=range(44)), tmp_path
    )
    weights = np.ones(35)
    weights[:9] = 2
    found, expected = fit_all(as_table(frame, tmp_path), weights), fit_all(twice, None)
    scale = found.lowest.variance[0, 0] / expected.lowest.variance[0, 0]
    assert [c.vertex for c in found.curves] == pytest.approx(np.array([c.vertex for c in expected.curves]), rel=1e-7)
    assert found.lowest.covariance == pytest.approx(scale * expected.lowest.covariance, rel=1e-5, abs=1e-12)


@VARIANTS
def test_weights_from_seeds_are_described_and_help_where_the_noise_differs(variant, tmp_path):
    errors = np.zeros((2, 12))
    for i in range(12):
        frame = isoflop_frame(seed=i, sigma=0, seeds=3)
        rank = frame.groupby("budget")["n_params"].rank("dense")
        frame["loss"] += np.random.default_rng(i).normal(0, np.where(rank.isin([2, 6]), 0.05, 0.003))
        table = as_table(frame, tmp_path)
        for j, weights in enumerate([None, "seeds"]):
            result, _ = approach2.estimate(table, bootstrap=50, variant=variant, weights=weights)
            errors[j, i] = result.exponents["a"].estimate - A_TRUE
    assert np.std(errors[1]) < 0.6 * np.std(errors[0])
    assert result.diagnostics["weights"]["dof"] == 70
    assert result.diagnostics["weights"]["highest"] > 3 * result.diagnostics["weights"]["lowest"]
    assert "weighted by the scatter between seeds" in result.objective


@VARIANTS
def test_weights_without_seeds_are_a_warning_and_change_nothing(variant, tmp_path):
    table = isoflop(tmp_path)
    found, plain = (approach2.estimate(table, bootstrap=50, variant=variant, weights=w)[0] for w in ("seeds", None))
    assert "no size has two seeds: every row weighs the same" in found.warnings
    assert found.exponents == plain.exponents


@pytest.mark.parametrize("offset", [0.0, 0.4])
def test_the_correction_takes_the_parabolas_bias_off(offset, tmp_path):
    frame = isoflop_frame(sigma=0.0, shift=False)
    frame["n_params"] *= np.exp(offset * np.log(frame["budget"] / 1e19) / np.log(10))
    frame["n_tokens"] = frame["budget"] / 6 / frame["n_params"]
    frame["loss"] = loss(CHINCHILLA, frame["n_params"].to_numpy(), frame["n_tokens"].to_numpy())
    table = as_table(frame, tmp_path)
    raw, _ = fit(table, "approach2", bootstrap=100, flops=[1e22])
    found, _ = fit(table, "approach2", bootstrap=100, flops=[1e22], bias_correction=True)
    best = closed_form_optimum(CHINCHILLA, 1e22).n_params
    # Least squares gives the exponents of exact data to 1e-10, and the closed form is exact.
    assert found.exponents["a"].estimate == pytest.approx(A_TRUE, rel=1e-8)
    assert found.predictions[0].n_params.estimate == pytest.approx(best, rel=1e-7)
    assert found.diagnostics["bias_correction"]["raw"]["a"] == raw.exponents["a"].estimate
    assert abs(raw.predictions[0].n_params.estimate / best - 1) > 0.01


def test_only_parabolas_are_corrected(tmp_path):
    with pytest.raises(FlopscapeError, match="only parabolas have a bias"):
        fit(isoflop(tmp_path), "approach2", variant="exact", bias_correction=True)
