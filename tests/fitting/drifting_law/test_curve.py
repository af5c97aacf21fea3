"""What draws say anywhere: optima by brute force, sizes and computes as inverses, the parts of a variance."""

from dataclasses import replace

import numpy as np
import pytest

from flopscape.fitting.drifting_law.curve import Curves
from flopscape.fitting.drifting_law.fit import posterior
from flopscape.laws.law import Compute
from flopscape.laws.surface import near_optimal_sizes
from flopscape.runs.read import table_of
from tests.fitting.fit_tables import CHINCHILLA, isoflop_frame

FALLING = Compute(np.log([1e8, 1e9, 1e10]), np.log([9.0, 7.0, 6.2]))


@pytest.fixture(scope="module")
def found():
    return posterior(table_of(isoflop_frame(sigma=0.003), "x"), Compute.constant(), 256, 0)


@pytest.fixture(scope="module", params=["constant", "falling"])
def curves(found, request):
    compute = Compute.constant() if request.param == "constant" else FALLING
    return Curves(found.curves.center, found.curves.discrepancy, compute, found.curves.t, found.curves.c)


def test_the_optimum_is_the_lowest_loss_along_the_line(curves):
    best = curves.lowest(3e21)
    fine = best.log_n[:, None] + np.linspace(-0.1, 0.1, 201)
    losses = curves.loss_of_each(fine, np.log(3e21) - curves.compute.curve(fine)[0] - fine)
    inner = ~best.at_low & ~best.at_high
    assert inner.mean() > 0.95
    # Where the least rise meets a curve it has a kink, which the parabola between grid points rounds off.
    assert (fine[np.arange(256), losses.argmin(axis=1)] - best.log_n)[inner] == pytest.approx(0, abs=0.01)
    assert best.loss[inner] == pytest.approx(losses.min(axis=1)[inner], rel=5e-6)


def test_each_draw_alone_has_the_optimum_that_it_has_among_all(curves):
    best = curves.lowest(1e22)
    for i in (0, 100, 255):
        assert curves.only(i).lowest(1e22).log_n[0] == pytest.approx(best.log_n[i], abs=1e-3)
    each = curves.lowest_of_each(np.full(256, np.log(1e22)))
    # The two grids lie differently about a kink.
    assert each.log_n == pytest.approx(best.log_n, abs=0.01)
    assert np.median(abs(each.log_n - best.log_n)) < 1e-4


def test_without_discrepancy_the_optimum_is_the_path(found):
    law = found.curves.without_discrepancy()
    assert law.lowest(1e22).log_n == pytest.approx(law.path(np.log([1e22]))[:, 0], abs=1e-3)


def test_the_compute_of_a_size_is_where_it_is_the_optimum(curves):
    log_flops, at_low, at_high = curves.log_flops_of_size(5e9, np.log(1e18), np.log(1e28))
    inner = ~at_low & ~at_high
    assert inner.mean() > 0.9
    moved = curves.lowest_of_each(log_flops).log_n[inner] - np.log(5e9)
    assert np.median(abs(moved)) < 0.01


def test_near_optimal_sizes_of_a_surface_are_the_surfaces(found):
    found_here = found.curves.near_optimal(1e20, found.curves.lowest(1e20))
    assert found_here == pytest.approx(near_optimal_sizes(CHINCHILLA, 1e20, Compute.constant()), rel=0.03)


@pytest.mark.parametrize("index", [3, 77])
def test_the_near_optimal_band_of_a_draw_is_what_a_fine_grid_finds(curves, index):
    one = curves.only(index)
    best = one.lowest(5.76e23)
    grid = best.log_n[0] + np.linspace(-1.5, 1.5, 6001)
    less = one.lowest(5.76e23 / 1.01).loss[0]
    within = grid[one.loss(grid, one.compute.tokens(grid, 5.76e23))[0] <= less]
    band = np.log(one.near_optimal(5.76e23, best))
    assert band == pytest.approx([within.min(), within.max()], abs=0.006)


@pytest.mark.parametrize("flops", [1e18, 5.76e23, 1e26])
def test_the_near_optimal_band_holds_the_median_optimum(curves, flops):
    best = curves.lowest(flops)
    low, high = curves.near_optimal(flops, best)
    assert low < np.exp(np.median(best.log_n)) < high


def test_where_losses_stay_low_on_one_side_there_is_no_near_optimal_band(found):
    """Stiffness e^−9: a size e² away wastes less than 1 % of the compute."""
    soft = replace(found.curves.without_discrepancy(), t=found.curves.t.copy())
    soft.t[:, 4] = -9.0
    assert soft.near_optimal(1e20, soft.lowest(1e20)) is None


def test_far_from_the_runs_every_curve_still_rises_on_both_sides_of_its_lowest_point(curves):
    """A shape of the discrepancy that is drawn from its prior alone would bend some of them downwards without end."""
    best = curves.lowest(1e28)
    assert not best.at_low.any()
    assert not best.at_high.any()
    only_prior = replace(curves, c=-np.abs(curves.c) * 100)
    steep = only_prior.lowest(1e28)
    assert not (steep.at_low | steep.at_high).any()
