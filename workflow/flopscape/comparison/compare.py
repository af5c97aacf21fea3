"""Two or more recipes compared: the compute multiplier between each two, and what it rests on.

On the terminal `flopscape compare adamw muon --flops 1e22` does all of it.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from scipy.stats import f as fisher
from scipy.stats import t as student

from flopscape.answers.extrapolation import refuse_absurd, refuse_too_far
from flopscape.comparison.causes import SEARCHED, crossings, growth, parts, place_of, with_ends
from flopscape.comparison.joint_fit import JointFit, Observed, fit, fit_all, observed, starts
from flopscape.comparison.model import FREE_FLOORS, NAMES, SEPARATE, SHAPE, SHARED_FLOOR, Kind
from flopscape.comparison.multiplier import Curves, Multiplier, difference, multiplier, quantile
from flopscape.comparison.pairs import correlation_parts
from flopscape.comparison.recipes import Recipe, common_compute, doubts, refuse_incomparable
from flopscape.comparison.results import FARTHEST, AtCompute, Comparison, Pair, Range, RestsOn
from flopscape.comparison.single_budgets import single_budgets, verdict_of
from flopscape.errors import FlopscapeError
from flopscape.laws.law import Array, Compute
from flopscape.laws.surface import Surface
from flopscape.laws.surface import loss as surface_loss
from flopscape.runs.table import UNIQUE, seed_scatter
from flopscape.text import numbers

LEVEL = 0.95
FARTHER = (10.0, 100.0)
"""Computes beyond the sweeps that are always told, in multiples of the most that all recipes have runs of."""
CURVE = 61
"""Computes of the curve that is drawn."""
DOUBTFUL = 0.01
"""p of a test below which a sentence warns; no number changes with it."""
FALLS = 0.5
"""Part of the losses' variance that a surface explains, below which a test asks whether they fall at all."""
EVERYTHING = Kind("everything free", NAMES)


def compare(
    recipes: Sequence[Recipe], flops: Sequence[float] = (), *, use_pairs: bool = True, same_text: bool = False
) -> Comparison:
    """Compare recipes, each with every one named before it.

    Parameters
    ----------
    recipes : sequence of Recipe
        Two or more; the first named is the baseline of the others.
    flops : sequence of float
        Computes to answer for; the largest is the target of the verdict, and without any the most compute that all
        recipes have runs of.
    use_pairs : bool
        Whether runs that share seed and budget are taken to share the order of their data.
    same_text : bool
        The user answers for it that the losses are of one held-out text where the tables say other data.

    Raises
    ------
    FlopscapeError
        The recipes cannot be compared, an asked compute is not positive, or the runs do not determine the fit.
    """
    refuse_incomparable(recipes, same_text)
    both = [*combinations(recipes, 2)]
    # Bonferroni: that any of k intervals misses has at most k times the chance that one does.
    level = 1 - (1 - LEVEL) / len(both)
    target = max(flops) if flops else common_compute(recipes)[1]
    for c in flops:
        refuse_too_far("--flops", c, common_compute(recipes)[1])
    pairs = [compare_two(a, b, [*flops, target], target, level, use_pairs, same_text) for a, b in both]
    simulated = any(recipe.table.simulated for recipe in recipes)
    return Comparison([recipe.name for recipe in recipes], target, LEVEL, pairs, simulated)


def compare_two(
    a: Recipe,
    b: Recipe,
    flops: Sequence[float],
    target: float,
    level: float,
    use_pairs: bool = True,
    same_text: bool = False,
) -> Pair:
    """B beside A, with intervals of this level."""
    data, by_kind = fitted(a, b, [SHARED_FLOOR, SEPARATE], use_pairs)
    curves = by_kind[FREE_FLOORS]
    _refuse_absurd(curves, flops)
    bottom, top = common_compute([a, b])
    computes = sorted({*flops, bottom, top, *(factor * top for factor in FARTHER)})
    points = at_computes(by_kind, np.array(computes), (bottom, top), level)
    t = quantile(curves.fit, level)
    theta, unit = curves.fit.theta, np.eye(len(NAMES))
    nu, floor = (
        with_ends(float(theta[i]), float(curves.fit.error_of(unit[i])), t) for i in map(NAMES.index, ("nu", "delta_E"))
    )
    shape_p = _p_of_one_shape(curves.fit, fit(data, EVERYTHING, [theta, *starts(data)], curves.fit.rho))
    return Pair(
        a=a.name,
        b=b.name,
        bottom=bottom,
        top=top,
        target=points[computes.index(target)],
        points=points,
        curve=at_computes(by_kind, np.geomspace(bottom, computes[-1], CURVE), (bottom, top), level),
        growth=growth(curves, bottom, top, t),
        nu=nu,
        delta_floor=floor,
        parts=parts(curves, target, t),
        crossings=crossings(curves, bottom, top, level),
        searched=(SEARCHED[0] * bottom, SEARCHED[1] * top),
        single_budgets=single_budgets(a.table, b.table, level),
        rests_on=_rests_on(a, b, curves.fit, data, curves.compute),
        warnings=[*doubts(a, b, same_text), *_warnings(a, b, curves.fit, shape_p)],
    )


def fitted(a: Recipe, b: Recipe, kinds: Sequence[Kind], use_pairs: bool) -> tuple[Observed, dict[Kind, Curves]]:
    """The runs of two recipes, and both curves by the fit that answers and by these.

    Raises
    ------
    FlopscapeError
        The losses of one do not fall, or the runs do not determine the fit that answers.
    """
    data = observed(a.table, b.table, use_pairs)
    for recipe, surface in zip((a, b), data.surfaces, strict=True):
        _refuse_flat(recipe, surface)
    fits = fit_all(data, kinds)
    _refuse_undetermined(a, b, fits[FREE_FLOORS])
    of_a, of_b = (Compute.from_runs(one.table.n_params, one.table.n_tokens, one.table.flops) for one in (a, b))
    return data, {kind: Curves(found, data.center, (of_a, of_b)) for kind, found in fits.items()}


def _refuse_flat(recipe: Recipe, surface: Surface) -> None:
    """Raise FlopscapeError where a recipe's losses hardly fall with N and D: B would be compared with noise."""
    table = recipe.table
    left = float(((table.loss - surface_loss(surface, table.n_params, table.n_tokens)) ** 2).sum())
    whole, dof = float(((table.loss - table.loss.mean()) ** 2).sum()), max(len(table) - len(SHAPE), 1)
    # Per degree of freedom: of few runs a surface follows much even where there is nothing.
    share = 1 - left / dof / (whole / (len(table) - 1)) if whole else 0.0
    p = float(fisher.sf((whole - left) / (len(SHAPE) - 1) / (left / dof), len(SHAPE) - 1, dof)) if left else 1.0
    if share < FALLS and (not whole or p > DOUBTFUL):
        raise FlopscapeError(
            f"{table.path}: the loss does not clearly fall with N and D: a surface explains"
            f" {numbers.percent(max(share, 0.0))} of how its runs differ; see whether the columns are what they are"
            " called, or add runs further apart"
        )


def _refuse_absurd(curves: Curves, flops: Sequence[float]) -> None:
    """Raise FlopscapeError for a compute at which the best model has less than one parameter or token."""
    for is_b in (False, True):
        found = curves.best(np.array(flops), is_b)
        for c, n, d in zip(flops, found.n_params, found.n_tokens, strict=True):
            refuse_absurd(f"--flops {c:g}", float(n), float(d))


def _refuse_undetermined(a: Recipe, b: Recipe, found: JointFit) -> None:
    """Raise FlopscapeError where some direction of θ is not measured at all."""
    if found.converged and np.isfinite(found.covariance).all():
        return
    raise FlopscapeError(
        f"{a.table.path} and {b.table.path}: the runs do not determine one surface for both, as where the loss does not"
        " fall with N or with D, or bends nowhere; add sizes at each budget, or budgets further apart"
    )


def at_computes(by_kind: dict[Kind, Curves], flops: Array, ends: tuple[float, float], level: float) -> list[AtCompute]:
    """Everything that is told of single computes."""
    curves = by_kind[FREE_FLOORS]
    t = quantile(curves.fit, level)
    multipliers = {kind: ranges(multiplier(one, flops, level)) for kind, one in by_kind.items()}
    apart = difference(curves, flops, np.zeros(len(flops)))
    lowest = [curves.best(flops, is_b) for is_b in (False, True)]
    errors = [curves.fit.error_of(one.gradient) for one in lowest]
    likely = student.cdf(apart.value / apart.error, curves.fit.dof)
    points = []
    for i, c in enumerate(flops):
        losses = [with_ends(float(one.loss[i]), float(error[i]), t) for one, error in zip(lowest, errors, strict=True)]
        between = with_ends(float(apart.value[i]), float(apart.error[i]), t)
        points.append(
            AtCompute(
                flops=float(c),
                place=place_of(float(c), *ends),
                multiplier=multipliers[FREE_FLOORS][i],
                shared_floor=multipliers[SHARED_FLOOR][i],
                separate=multipliers[SEPARATE][i],
                loss_a=losses[0],
                loss_b=losses[1],
                difference=between,
                probability=float(likely[i]),
                verdict=verdict_of(between),
            )
        )
    return points


def ranges(found: Multiplier) -> list[Range]:
    """m itself; None where no m is enough, and for open ends. A smaller m than is told is told as the least."""
    least = np.maximum(found.estimate, -FARTHEST)
    return [
        Range(*(float(np.exp(value)) if np.isfinite(value) else None for value in one))
        for one in zip(least, found.low, found.high, strict=True)
    ]


def _p_of_one_shape(shared: JointFit, free: JointFit) -> float:
    """p of the F test that both recipes have the same exponents, two numbers fewer; it decides nothing here."""
    more = len(free.kind.names) - len(shared.kind.names)
    gain = max(shared.objective - free.objective, 0.0) / more
    return float(fisher.sf(gain / (free.objective / max(free.dof, 1)), more, max(free.dof, 1)))


def _rests_on(a: Recipe, b: Recipe, found: JointFit, data: Observed, compute: tuple[Compute, Compute]) -> RestsOn:
    parts_of_rho = correlation_parts(found.residual / data.sigma, a.table, b.table, data.pairs)
    seeds = [seed_scatter(one.table)[0] for one in (a, b)]
    ends = [np.exp(one.log_kappa[[0, -1]]) for one in compute]
    return RestsOn(
        runs_a=len(a.table),
        runs_b=len(b.table),
        dof=found.dof,
        sigma_a=found.sigma[0],
        sigma_b=found.sigma[1],
        seed_sigma_a=seeds[0] if np.isfinite(seeds[0]) else None,
        seed_sigma_b=seeds[1] if np.isfinite(seeds[1]) else None,
        pairs=len(data.pairs),
        rho=found.rho,
        rho_seeds=parts_of_rho.seeds,
        rho_cells=parts_of_rho.cells,
        kappa_a=(float(ends[0][0]), float(ends[0][1])),
        kappa_b=(float(ends[1][0]), float(ends[1][1])),
        unit_a=a.table.unit,
        unit_b=b.table.unit,
        loss_unit=a.table.loss_unit or f"nats per {a.table.unit}",
        conventions=dict(a.table.conventions),
    )


def _warnings(a: Recipe, b: Recipe, found: JointFit, shape_p: float) -> Iterator[str]:
    """What to doubt, in sentences."""
    for recipe, sigma in zip((a, b), found.sigma, strict=True):
        yield from (f"{recipe.name}: {text}" for text in recipe.table.warnings)
        noise, dof = seed_scatter(recipe.table)
        if dof and fisher.sf((sigma / noise) ** 2, found.dof, dof) < DOUBTFUL:
            yield (
                f"{recipe.name}: its runs scatter about the fit by {sigma:.2g} and its seeds by {noise:.2g} only: the "
                "surface misses something of them, and beyond the sweeps it may miss more than the intervals say"
            )
        if recipe.table.n_runs < len(recipe.table):
            rows, runs = numbers.plural(len(recipe.table), "row"), numbers.plural(recipe.table.n_runs, "run")
            yield (
                f"{recipe.name}: {rows} of {runs}: rows of one run err together and count as runs of their own here, so"
                " that intervals are too narrow; keep one row of each, the others left out with --exclude"
            )
        if UNIQUE in recipe.table.columns and (recipe.table.distinct_tokens < recipe.table.n_tokens).any():
            yield f"{recipe.name}: some runs repeat their data, which the surface counts as new"
    if shape_p < DOUBTFUL:
        yield (
            f"exponents of their own for {a.name} and {b.name} describe the runs better (p = {shape_p:.2g}): beyond"
            " the sweeps look at the separate fits as well"
        )
    if sum(found.sigma) <= numbers.EXACT:
        yield "the losses have next to no scatter: intervals are of rounding alone"
