"""What each method says about R simulated tables of one design: estimates, 95 % intervals and how each fit ended.

The numbers are those of `flopscape fit` on each table alone, made for all tables at once. A surface's intervals are
percentiles of resamples of whole runs. Approach 2's are Student's t about its power laws; the one of L* comes from
simulated lowest points, of which only the losses are drawn here.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from flopscape.fitting import approach2
from flopscape.fitting.any_law.linearised import Quantities
from flopscape.fitting.common.linear import EXACT_LOG_SQUARE, ROUNDED_SUM
from flopscape.fitting.common.loss_law import LOSS_LAW, fit_loss_law, loss_along, loss_scatter
from flopscape.fitting.common.row_weights import percentile_interval
from flopscape.fitting.isoflop.curves import LowestPoints, budgets_of
from flopscape.fitting.isoflop.parabola import FEWEST_SIZES
from flopscape.fitting.isoflop.power_law import PowerLaws
from flopscape.fitting.judge.isoflop import FEWEST_BUDGETS, FLAT
from flopscape.fitting.judge.verdict import SE_REFUSED, column
from flopscape.fitting.surface.coordinates import surface_quantities
from flopscape.fitting.surface.global_starts import centred_problem, from_grid, on_bound
from flopscape.fitting.surface.log_residuals import search_of
from flopscape.fitting.surface.many_tables import bootstraps
from flopscape.fitting.surface.variable_projection import Problem, Solution, parameters
from flopscape.laws.law import Array, Compute, Mask, Names
from flopscape.runs.table import RunTable

VARIANTS = {"approach2": "parabola", "approach2-exact": "exact"}
"""Method → the shape of its IsoFLOP curves."""
OBJECTIVES = {"vpnls": "lsq", "approach3-log_lsq": "log_lsq", "approach3-huber": "huber"}
"""Method → what its surface minimises. approach3-lad is left out: a resample of it costs six times one of huber."""
METHODS = (*VARIANTS, *OBJECTIVES)
TOO_FEW = "refused: too few budgets have an interior lowest point"
UNCERTAIN = "refused: a is not determined, or the curves are flat"
NO_OPTIMUM, AT_BOUND, UNSETTLED = "no optimum: A or B is zero", "at a bound: E, α or β", "not converged"
ASKED = ("n_params", "n_tokens", "loss")
OK = "ok"


class Estimates(NamedTuple):
    """Arrays (R, Q) in the order of `names`, NaN where there is nothing; `status` (R,) is `ok` or why not."""

    value: Array
    low: Array
    high: Array
    status: Names


def names(flops: Sequence[float]) -> list[str]:
    """a, b, and N*, D* and L* at each asked compute."""
    return ["a", "b", *(column(name, c) for c in flops for name in ASKED)]


def empty(tables: int, quantities: int, status: str) -> Estimates:
    """Estimates that hold no numbers yet and one status for all tables."""
    nothing = np.full((tables, quantities), np.nan)
    return Estimates(nothing, nothing.copy(), nothing.copy(), np.full(tables, status, dtype="<U80"))


def percentiles(draws: Array) -> tuple[Array, Array]:
    """`percentile_interval` of the draws (R, K, …) of every table: low and high, each (R, …)."""
    # One sort for all tables; those with a draw that is not finite are few, and done one by one.
    whole = np.isfinite(draws).all(axis=1)
    low, high = np.quantile(np.where(np.isfinite(draws), draws, 0.0), [0.025, 0.975], axis=1)
    for place in zip(*np.nonzero(~whole), strict=True):
        at, rest = place[0], place[1:]
        low[place], high[place] = percentile_interval(draws[(at, slice(None), *rest)])
    return low, high


def estimates(
    method: str, table: RunTable, losses: Array, flops: Sequence[float], replicates: int, seed: int
) -> Estimates:
    """Estimates and intervals of one of `METHODS`.

    Parameters
    ----------
    method : str
        One of `METHODS`.
    table : RunTable
        The design; its losses are not used.
    losses : array, shape (R, n)
        Simulated, in nats.
    flops : sequence of float
        Compute budgets C, in FLOPs, to predict for.
    replicates, seed : int
        Resamples or simulations behind an interval; without any a surface has no intervals, and L* of approach2 none.
    """
    fit_all = _by_isoflop_curves if method in VARIANTS else _by_surfaces
    return fit_all(method, table, losses, flops, replicates, seed)


def _by_isoflop_curves(
    method: str, table: RunTable, losses: Array, flops: Sequence[float], replicates: int, seed: int
) -> Estimates:
    """Tables are handled in groups that use the same budgets; those with fewer than three have no estimate."""
    listed = empty(len(losses), len(names(flops)), TOO_FEW)
    if not budgets_of(table, FEWEST_SIZES):
        return listed
    # A budget whose lowest point lies outside its sizes is left out, so that power laws differ in their points.
    for lowest in approach2.VARIANTS[VARIANTS[method]].fit_tables(table, losses):
        if len(lowest.budgets) >= FEWEST_BUDGETS:
            laws = PowerLaws.through(lowest)
            kept = ~_refused(lowest, laws)
            listed.status[lowest.tables] = np.where(kept, OK, UNCERTAIN)
            _put_lines(listed, lowest, laws, kept, flops)
            _put_losses(listed, lowest, laws, kept, flops, replicates, seed)
    return listed


def _refused(lowest: LowestPoints, laws: PowerLaws) -> Mask:
    """Tables of which approach2 gives no number: a is not determined, or too few curves are bent enough, shape (R,)."""
    spans = np.array([np.ptp(budget.log_n) for budget in lowest.budgets])
    # The diagonal of the covariance (R, m, 2, m, 2), and of that the variances of ln N. Both limits are those of
    # `flopscape fit` (judge/isoflop.py).
    errors = np.sqrt(np.einsum("riaia->ria", lowest.covariance)[:, :, 0])
    return np.asarray(
        (laws.n_params.slope_error > SE_REFUSED) | ((errors <= FLAT * spans).sum(axis=1) < FEWEST_BUDGETS)
    )


@np.errstate(all="ignore")
def _put_lines(listed: Estimates, lowest: LowestPoints, laws: PowerLaws, kept: Mask, flops: Sequence[float]) -> None:
    """a, b, and N* and D* at each asked compute, with their intervals; D falls with N, so its ends change sides."""

    def put(quantity: int, *numbers: Array) -> None:
        for part, values in zip(listed[:3], numbers, strict=True):
            part[lowest.tables[kept], quantity] = np.where(np.isfinite(values), values, np.nan)[kept]

    for quantity, line in enumerate((laws.n_params, laws.n_tokens)):
        reach = line.t * line.slope_error
        put(quantity, line.slope, line.slope - reach, line.slope + reach)
    # In the order of `names`: a and b, then N*, D* and L* at each compute.
    for i, c in enumerate(flops):
        log_n, reach = laws.n_params.at(np.log(c)), laws.n_params.t * laws.n_params.error_of_optimum_at(np.log(c))
        best, low, high = (np.exp(values) for values in (log_n, log_n - reach, log_n + reach))
        put(2 + 3 * i, best, low, high)
        put(3 + 3 * i, *(np.exp(lowest.compute.tokens(np.log(n), c)) for n in (best, high, low)))


def _put_losses(
    listed: Estimates, lowest: LowestPoints, laws: PowerLaws, kept: Mask, flops: Sequence[float], replicates: int,
    seed: int,
) -> None:  # fmt: skip
    """L* by the loss law through the lowest points, its interval by laws through simulated ones."""
    x, where = lowest.log_flops - lowest.center, np.log(flops) - lowest.center
    at = np.ix_(lowest.tables[kept], 4 + 3 * np.arange(len(flops)))
    listed.value[at] = _along(laws.loss, where)[kept]
    if not replicates:
        return
    draws = _simulated_losses(lowest, laws, replicates, seed)
    # R tables of K draws are R·K sets of m losses to the loss law, all fitted at once.
    values = _along(fit_loss_law(x, draws.reshape(-1, len(x))), where).reshape(len(kept), replicates, len(flops))
    low, high = percentiles(values)
    listed.low[at], listed.high[at] = low[kept], high[kept]


def _along(law: dict[str, Array], x: Array) -> Array:
    """L* of each law at each ln C − centre, shape (laws, points)."""
    return loss_along({name: law[name][:, None] for name in LOSS_LAW}, x)


def _simulated_losses(lowest: LowestPoints, laws: PowerLaws, replicates: int, seed: int) -> Array:
    """Losses of simulated lowest points (R, K, m): as `power_law.simulate` moves them, without the moves of ln N.

    A part of a multivariate t is one, with its part of the covariance: half of the normal numbers are not needed.
    """
    losses, m = lowest.points[:, :, 1], len(lowest.budgets)
    own = lowest.covariance[:, :, 1, :, 1] * (lowest.dof > 0)
    variance = np.einsum("rii->ri", own)
    scatter = loss_scatter(lowest.log_flops - lowest.center, losses, variance)
    # As in `power_law._moves`: scatter between budgets, and what keeps rounding from making the covariance indefinite.
    extra = scatter + ROUNDED_SUM * variance.mean(axis=1) + EXACT_LOG_SQUARE
    spread = np.linalg.cholesky(own + extra[:, None, None] * np.eye(m))
    # A stream of its own, so that these draws move with no other number of the twin.
    generator, dof = np.random.default_rng([seed, 2]), laws.n_params.dof[:, None]
    scale = np.sqrt(dof / generator.chisquare(dof, (len(losses), replicates)))
    normal = generator.standard_normal((len(losses), replicates, m))
    return np.asarray(losses[:, None] + normal @ spread.swapaxes(1, 2) * scale[:, :, None])


def _by_surfaces(
    method: str, table: RunTable, losses: Array, flops: Sequence[float], replicates: int, seed: int
) -> Estimates:
    """The optimum of each table, and percentiles over resamples of it."""
    search, _ = search_of(OBJECTIVES[method])
    problem, center = centred_problem(table)
    compute = Compute.from_runs(table.n_params, table.n_tokens, table.flops)
    quantities = surface_quantities(center, tuple(float(c) for c in flops), compute)
    # The logs are the design's, the same for all; each table brings its own losses.
    problem = Problem(problem.u, losses)
    best = from_grid(search, problem, np.ones_like(losses))
    value = _values(parameters(best), quantities)
    low, high = np.full_like(value, np.nan), np.full_like(value, np.nan)
    for at, draws in bootstraps(search, table.run_id, problem, best, replicates, seed) if replicates else ():
        values = _values(draws, quantities).reshape(len(at), replicates, -1)
        low[at], high[at] = percentiles(values)
    return Estimates(value, low, high, _status(best, value))


def _values(p: Array, quantities: Quantities) -> Array:
    """The quantities of `names` for each p (R, 5)."""
    frame = quantities.draws(p, np.zeros(len(p), bool))
    values = frame[names(quantities.flops)].to_numpy()
    return np.where(np.isfinite(values), values, np.nan)


def _status(best: Solution, value: Array) -> Names:
    bound = on_bound(best)
    missing = np.isnan(value[:, 0])
    words = [NO_OPTIMUM, AT_BOUND, UNSETTLED]
    # The first that is true counts: an exponent of a term that vanished often runs into its bound, too.
    return np.select([missing, bound, ~best.converged], words, default=OK).astype(str)
