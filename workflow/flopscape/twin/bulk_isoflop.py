"""approach2, with either shape of its curves, on thousands of tables of one design: what `approach2.estimate` gives.

The curves and the loss laws are fitted to all tables at once, the power laws table by table. Tables that use the same
budgets are handled together, for a budget whose lowest point lies outside its sizes is left out.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from flopscape.fitting.common.loss_law import LOSS_LAW, fit_loss_law, loss_along
from flopscape.fitting.common.results import prediction
from flopscape.fitting.isoflop import exact_curves, exact_shape, parabola
from flopscape.fitting.isoflop.curves import Budget, budgets, compute_of, noise_floor
from flopscape.fitting.isoflop.exact_shape import Blocks, SharedFit, solve
from flopscape.fitting.isoflop.power_law import LowestPoints, power_laws
from flopscape.fitting.judge.isoflop import FEWEST_BUDGETS, FLAT
from flopscape.fitting.judge.verdict import SE_REFUSED
from flopscape.fitting.surface.variable_projection import Solution
from flopscape.laws.arrays import Array, Index
from flopscape.records.fit_result import Estimate
from flopscape.runs.table import RunTable, design_index
from flopscape.twin.estimates import OK, Estimates, empty, names, percentiles

TOO_FEW = "refused: too few budgets have an interior lowest point"
UNCERTAIN = "refused: a is not determined, or the curves are flat"


class Curves(NamedTuple):
    """Tables `at` (r,) that use the same m budgets: points (r, m, 2) in (ln N, loss), covariance (r, m, 2, m, 2)."""

    at: Index
    used: list[Budget]
    points: Array
    covariance: Array
    dof: int


def parabolas(table: RunTable, losses: Array) -> Iterator[Curves]:
    """The vertices of all tables (R, n) by parabolas; see fitting/isoflop/parabola.py."""
    every = [b for b in budgets(table) if b.n_sizes >= parabola.FEWEST_SIZES]
    points, unit, squares = (
        np.stack(part, axis=1) for part in zip(*(_parabola(b, losses) for b in every), strict=True)
    )
    floor, spare = noise_floor(replace(table, loss=losses[0])), np.array([len(b.rows) - 3 for b in every])
    for at, kept in _same_budgets(points, every):
        used, dof = [every[i] for i in kept], int(spare[kept].sum())
        covariance = np.zeros((len(at), len(kept), 2, len(kept), 2))
        variance = _noise(squares[np.ix_(at, kept)], spare[kept], _repeats(table, used), floor)
        for i, place in enumerate(kept):
            covariance[:, i, :, i] = variance[:, i, None, None] * unit[at, place]
        yield Curves(at, used, points[np.ix_(at, kept)], covariance, dof)


def _parabola(budget: Budget, losses: Array) -> tuple[Array, Array, Array]:
    """Points (R, 2), their covariance for unit noise (R, 2, 2), and the residuals' sum of squares (R,)."""
    center, y = float(budget.log_n.mean()), losses[:, budget.rows]
    x = budget.log_n - center
    c, unit, _ = parabola.coefficients(x, y, np.ones(len(x)))
    points = parabola.vertices(c)
    residual = y - c @ np.stack([np.ones_like(x), x, x**2])
    place, bend = points[:, 0], np.where(c[:, 2] > 0, c[:, 2], np.nan)
    J = np.zeros((len(c), 2, 3))
    J[:, 0, 1], J[:, 0, 2] = -1 / (2 * bend), -place / bend
    J[:, 1] = np.stack([np.ones_like(place), place, place**2], axis=1)
    return points + np.array([center, 0.0]), J @ unit @ J.swapaxes(1, 2), (residual**2).sum(axis=1)


def _noise(squares: Array, spare: Index, repeats: int, floor: float) -> Array:
    """Noise variance (r, m): pooled, or each budget's own where every one has enough repeats."""
    if repeats >= parabola.OWN_NOISE_DOF:
        return np.maximum(squares / spare, floor)
    pooled = squares.sum(axis=1) / spare.sum() if spare.sum() else np.zeros(len(squares))
    return np.tile(np.maximum(pooled, floor)[:, None], len(spare))


def _repeats(table: RunTable, used: list[Budget]) -> int:
    """Fewest repeats of any used budget."""
    design = design_index(table)
    return min((len(b.rows) - len(np.unique(design[b.rows])) for b in used), default=0)


def _same_budgets(points: Array, every: list[Budget]) -> Iterator[tuple[Index, Index]]:
    """Tables that use the same budgets, with the places of these; points (R, m, 2)."""
    ends = np.array([[b.log_n.min(), b.log_n.max()] for b in every])
    with np.errstate(invalid="ignore"):
        inside = (points[..., 0] > ends[:, 0]) & (points[..., 0] < ends[:, 1])
    patterns, which = np.unique(inside, axis=0, return_inverse=True)
    for i, pattern in enumerate(patterns):
        yield np.flatnonzero(which.ravel() == i), np.flatnonzero(pattern)


def exact(table: RunTable, losses: Array) -> Iterator[Curves]:
    """The vertices of all tables by the exact shape; see fitting/isoflop/exact_curves.py."""
    every = [b for b in budgets(table) if b.n_sizes >= exact_curves.FEWEST_SIZES]
    yield from _exact(table, losses, np.arange(len(losses)), every)


def _exact(table: RunTable, losses: Array, at: Index, entered: list[Budget]) -> Iterator[Curves]:
    """Budgets without a lowest point leave the shared fit, which is made again for the tables concerned."""
    if sum(b.n_sizes - exact_curves.FEWEST_SIZES for b in entered) < exact_curves.SPARE_SIZES:
        yield Curves(at, [], np.zeros((len(at), 0, 2)), np.zeros((len(at), 0, 2, 0, 2)), 0)
        return
    fitted = _frame(table, entered)
    solution = solve(fitted.blocks, losses[at][:, np.concatenate([b.rows for b in entered])])
    two_sided = (solution.coefficients[..., 1:] > 0).all(axis=2)
    patterns, which = np.unique(two_sided, axis=0, return_inverse=True)
    for i, pattern in enumerate(patterns):
        rows = np.flatnonzero(which.ravel() == i)
        if pattern.all():
            yield from _exact_vertices(table, losses, at[rows], fitted, solution.take(rows))
        else:
            kept = [b for b, good in zip(entered, pattern, strict=True) if good]
            yield from _exact(table, losses, at[rows], kept)


def _frame(table: RunTable, entered: list[Budget]) -> SharedFit:
    """The shared problem of some budgets, without a solution."""
    rows = np.concatenate([b.rows for b in entered])
    member = np.repeat(np.arange(len(entered)), [len(b.rows) for b in entered])
    logs = np.log(np.stack([table.n_params[rows], table.n_tokens[rows]]))
    center = np.stack([np.bincount(member, v) for v in logs], axis=1) / np.bincount(member)[:, None]
    u, weights = logs - center[member].T, np.ones(len(rows))
    nothing = Solution(np.empty(0), np.empty(0), np.empty(0), np.empty(0, bool))
    return SharedFit(entered, member, center, u, weights, table.loss[rows], Blocks.of(u, weights, member), nothing)


def _exact_vertices(
    table: RunTable, losses: Array, at: Index, frame: SharedFit, solution: Solution
) -> Iterator[Curves]:
    """Vertices and their joint covariance, table by table; tables whose exponents are not told apart have none."""
    entered, rows = frame.budgets, np.concatenate([b.rows for b in frame.budgets])
    m, compute = len(entered), compute_of(table, entered)
    points, covariance = np.full((len(at), m, 2), np.nan), np.zeros((len(at), m, 2, m, 2))
    parameters = _parameters(solution)
    seen = [exact_shape.vertices(parameters[:, i], frame.center[i], b.flops, compute) for i, b in enumerate(entered)]
    for r, table_index in enumerate(at):
        fitted = replace(frame, loss=losses[table_index, rows], solution=solution.one(r))
        if fitted.condition > exact_curves.CONDITION_REFUSED:
            continue
        factor, _ = exact_curves.unit_errors(fitted)
        J = np.zeros((m, 2, 3 * m + 2))
        for i, (point, gradient) in enumerate(seen):
            points[r, i] = point[r]
            J[i][:, [3 * i, 3 * i + 1, 3 * i + 2, -2, -1]] = gradient[r]
        moves = J.reshape(2 * m, -1) @ factor
        dof = len(rows) - 3 * m - 2
        variance = max(float(fitted.residual @ fitted.residual) / dof, noise_floor(table))
        covariance[r] = (variance * moves @ moves.T).reshape(m, 2, m, 2)
    for group, kept in _same_budgets(points, entered):
        chosen = covariance[group][:, kept][:, :, :, kept]
        yield Curves(at[group], [entered[i] for i in kept], points[np.ix_(group, kept)], chosen, len(rows) - 3 * m - 2)


def _parameters(solution: Solution) -> Array:
    """(E, ln P, ln R, α, β) of every table and budget, shape (R, m, 5)."""
    c = solution.coefficients
    shared = np.broadcast_to(solution.exponents[:, None], (*c.shape[:2], 2))
    with np.errstate(divide="ignore"):
        return np.concatenate([c[..., :1], np.log(c[..., 1:]), shared], axis=2)


VARIANTS: dict[str, Callable[[RunTable, Array], Iterator[Curves]]] = {"approach2": parabolas, "approach2-exact": exact}
"""Method → the vertices of many tables."""


def estimates(
    method: str, table: RunTable, losses: Array, flops: Sequence[float], replicates: int, seed: int
) -> Estimates:
    """Estimates and intervals from losses (R, n); without replicates L* has no interval."""
    found = empty(len(losses), len(names(flops)), TOO_FEW)
    if not sum(b.n_sizes >= parabola.FEWEST_SIZES for b in budgets(table)):
        return found
    for curves in VARIANTS[method](table, losses):
        if len(curves.used) >= FEWEST_BUDGETS:
            _fill(found, curves, table, flops, replicates, seed)
    return found


@np.errstate(all="ignore")
def _fill(
    found: Estimates, curves: Curves, table: RunTable, flops: Sequence[float], replicates: int, seed: int
) -> None:
    """Power laws and predictions of one group of tables."""
    compute = compute_of(table, curves.used)
    log_flops = np.log([b.flops for b in curves.used])
    spans = np.array([np.ptp(b.log_n) for b in curves.used])
    freedom = np.empty(len(curves.at))
    for r, at in enumerate(curves.at):
        vertices = LowestPoints(log_flops, curves.points[r], curves.covariance[r], curves.dof, compute)
        lines = power_laws(vertices)
        freedom[r] = lines[0].dof
        errors = np.sqrt(np.einsum("iaia->ia", curves.covariance[r])[:, 0])
        refused = lines[0].slope_error > SE_REFUSED or (errors <= FLAT * spans).sum() < FEWEST_BUDGETS
        found.status[at] = UNCERTAIN if refused else OK
        if refused:
            continue
        for q, line in enumerate(lines):
            reach = line.t * line.slope_error
            _put(found, at, q, Estimate(line.slope, line.slope - reach, line.slope + reach))
        for i, c in enumerate(flops):
            log_n, reach = lines[0].at(np.log(c)), lines[0].t * lines[0].error_at(np.log(c))
            best = prediction(c, Estimate(*np.exp([log_n, log_n - reach, log_n + reach]).tolist()), None, compute)
            _put(found, at, 2 + 3 * i, best.n_params)
            _put(found, at, 3 + 3 * i, best.n_tokens)
    _fill_losses(found, curves, log_flops, freedom, flops, replicates, seed)


def _put(found: Estimates, at: int, quantity: int, number: Estimate | None) -> None:
    if number is not None:
        found.value[at, quantity], found.low[at, quantity] = number.estimate, number.low
        found.high[at, quantity] = number.high


def _fill_losses(
    found: Estimates,
    curves: Curves,
    log_flops: Array,
    freedom: Array,
    flops: Sequence[float],
    replicates: int,
    seed: int,
) -> None:
    """L* by the loss law through the vertices, its interval by laws through simulated vertices."""
    x, losses, r = log_flops - log_flops.mean(), curves.points[:, :, 1], len(curves.at)
    where = np.log(flops) - log_flops.mean()
    law = fit_loss_law(x, losses)
    kept = found.status[curves.at] == OK
    at, columns = curves.at[kept], 4 + 3 * np.arange(len(flops))
    found.value[np.ix_(at, columns)] = _along(law, where)[kept]
    if not replicates:
        return
    draws = _simulated(law, x, losses, curves.covariance[:, :, 1, :, 1] * (curves.dof > 0), freedom, replicates, seed)
    values = _along(fit_loss_law(x, draws.reshape(-1, len(x))), where).reshape(r, replicates, len(flops))
    low, high = percentiles(values)
    found.low[np.ix_(at, columns)], found.high[np.ix_(at, columns)] = low[kept], high[kept]


def _along(law: dict[str, Array], x: Array) -> Array:
    """L* of each law at each ln C − centre, shape (laws, points)."""
    return loss_along({name: law[name][:, None] for name in LOSS_LAW}, x)


def _simulated(
    law: dict[str, Array], x: Array, losses: Array, own: Array, freedom: Array, replicates: int, seed: int
) -> Array:
    """Losses of simulated vertices (r, K, m): their errors and the scatter about the law, as `vertices.simulate`."""
    r, m = losses.shape
    residual = losses - _along(law, x)
    mean = np.einsum("rii->r", own) / m
    beyond = (residual**2).sum(axis=1) / max(m - len(LOSS_LAW), 1) - mean
    scatter = np.maximum(beyond, 0.0) * (m > len(LOSS_LAW))
    spread = np.linalg.cholesky(own + (scatter + 1e-14 * mean + 1e-30)[:, None, None] * np.eye(m))
    generator = np.random.default_rng([seed, 2])
    scale = np.sqrt(freedom[:, None] / generator.chisquare(freedom[:, None], (r, replicates)))
    normal = generator.standard_normal((r, replicates, m))
    return np.asarray(losses[:, None] + normal @ spread.swapaxes(1, 2) * scale[:, :, None])
