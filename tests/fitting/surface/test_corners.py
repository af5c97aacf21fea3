"""Least absolute deviations beside linear programs: no lower objective is near, at a bound or off it."""

import numpy as np
import pytest
from scipy.optimize import linprog

from flopscape.fitting.surface.global_starts import from_optimum, global_fit
from flopscape.fitting.surface.log_residuals import search_of
from flopscape.fitting.surface.many_tables import bootstraps
from flopscape.fitting.surface.variable_projection import Problem, Solution, parameters

TABLES = {"a floor of 1.7": 1.7, "a floor too small to see": 0.02}
FEWEST = np.array([0.0, -25.0, -25.0, 0.005, 0.005])


def table(floor, rows=60):
    rng = np.random.default_rng(7)
    u = rng.uniform(-2, 2, (2, rows))
    y = floor + np.exp(-0.3 * u[0]) + np.exp(-0.25 * u[1])
    return Problem(u, y * np.exp(rng.normal(0, 0.01, rows)))


def residuals(problem, p):
    """ln L̂ − ln L and its derivatives in (E, ln A', ln B', α, β), written out here once more."""
    x, y = np.exp(p[1] - p[3] * problem.u[0]), np.exp(p[2] - p[4] * problem.u[1])
    total = p[0] + x + y
    return np.log(total / problem.y), np.stack([np.ones_like(x), x, y, -problem.u[0] * x, -problem.u[1] * y]) / total


def by_programs(problem, weights, p):
    """Osborne & Watson 1971: linear programs within a region that shrinks where the curved objective does not fall."""
    region, value = 0.05, float(weights @ np.abs(residuals(problem, p)[0]))
    while region > 1e-9:
        r, J = residuals(problem, p)
        n = len(r)
        solved = linprog(
            np.concatenate([np.zeros(5), weights, weights]),
            A_eq=np.hstack([J.T, -np.eye(n), np.eye(n)]),
            b_eq=-r / region,
            bounds=[(max(-1.0, (low - at) / region), 1.0) for low, at in zip(FEWEST, p, strict=True)]
            + [(0, None)] * 2 * n,
        )
        trial = np.maximum(p + region * solved.x[:5], FEWEST)
        lower = float(weights @ np.abs(residuals(problem, trial)[0]))
        if lower < value:
            p, value = trial, lower
        else:
            region /= 4
    return value


@pytest.mark.parametrize("floor", TABLES.values(), ids=TABLES)
def test_linear_programs_find_nothing_lower(floor):
    problem, rng = table(floor), np.random.default_rng(1)
    weights = rng.multinomial(60, np.full(60, 1 / 60), 12).astype(float)
    search, _ = search_of("lad")
    best, _, _ = global_fit(search, problem)
    found = from_optimum(search, problem, weights, parameters(best)[0])
    assert best.converged.all()
    assert found.converged.all()
    p = parameters(found)
    values = [by_programs(problem, w, start) for w, start in zip(weights, p, strict=True)]
    assert found.objective == pytest.approx(np.array(values), rel=1e-9)
    assert found.objective == pytest.approx(
        np.array([w @ np.abs(residuals(problem, one)[0]) for w, one in zip(weights, p, strict=True)]), rel=1e-12
    )


def test_a_floor_too_small_to_see_is_zero_in_some_resamples():
    problem = table(0.02)
    search, _ = search_of("lad")
    best, _, _ = global_fit(search, problem)
    weights = np.random.default_rng(1).multinomial(60, np.full(60, 1 / 60), 100).astype(float)
    floors = from_optimum(search, problem, weights, parameters(best)[0]).coefficients[:, 0]
    assert 0 < (floors == 0).sum() < 100


def test_resamples_of_many_tables_are_those_of_each():
    """A δ of zero, which absolute deviations have, must not leave resamples where their table's optimum is."""
    problem, _, search = table(1.7), None, search_of("lad")[0]
    best, _, _ = global_fit(search, problem)
    many = Problem(problem.u, problem.y[None])
    runs = np.arange(60).astype(str)
    [(_, p)] = bootstraps(search, runs, many, best, 20, 0)
    assert (np.abs(p - parameters(best)).max(axis=1) > 1e-3).all()


@pytest.mark.parametrize("objective", ["huber", "log_lsq", "lad"])
def test_resamples_end_where_they_do_when_their_table_is_alone(objective):
    """Three tables of other noise whose resamples walk together; one seed draws the same weights for the first."""
    problem, search = table(0.5), search_of(objective)[0]
    losses = problem.y * np.exp(np.random.default_rng(4).normal(0, [[0.0], [0.01], [0.03]], (3, len(problem.y))))
    many, runs = Problem(problem.u, losses), np.arange(60).astype(str)
    best = [global_fit(search, Problem(problem.u, one))[0] for one in losses]
    together = Solution(*(np.concatenate(parts) for parts in zip(*best, strict=True)))
    [(_, p)] = bootstraps(search, runs, many, together, 20, 0)
    [(_, alone)] = bootstraps(search, runs, Problem(many.u, losses[:1]), best[0], 20, 0)
    assert p[:20] == pytest.approx(alone, rel=1e-7)
