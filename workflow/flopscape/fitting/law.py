r"""Method `law`: any of the laws, by least squares on the log loss.

Laws: surface, coupled, kaplan, constrained (data that repeat), precision and precision-all (training in few bits),
sparsity (mixtures of experts), depth-width, vocabulary, context, and power-n, power-d, power-c, each also with
`-floor`; or any sum of power laws of the table's columns (laws/composition.py).
The search starts from many random points and counts how many of them agree; a resample starts at the optimum and at
points around it. The surface is one of them and has a faster search, with all that is judged of a surface: the same
numbers as approach3's `log_lsq`. `diagnostics["comparison"]` sets the law beside the simpler one that it must beat.

    flopscape fit runs.csv --method law --law coupled --out fit.json
    flopscape fit runs.csv --method law --law '{"terms": ["n_params", "n_tokens", "experts"]}' --at experts=8 \
        --out fit.json
"""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from flopscape.errors import joined
from flopscape.fitting.any_law.asked import compute_at, covariates_of_runs, given_covariates, law_asked, seek_covariates
from flopscape.fitting.any_law.compare import compare
from flopscape.fitting.any_law.fit import fit_law
from flopscape.fitting.any_law.problem import problem_of, unique_tokens_of
from flopscape.fitting.any_law.restriction import restriction_of
from flopscape.fitting.any_law.search import global_fit, law_task
from flopscape.fitting.judge.verdict import refuse, why_too_little, why_too_many_rows
from flopscape.fitting.surface.log_residuals import LogResiduals
from flopscape.fitting.surface.task import fit_surface
from flopscape.laws.composition import Composition
from flopscape.laws.law import Positive
from flopscape.laws.registry import LawName
from flopscape.laws.surface import LAW as SURFACE
from flopscape.records.fit_result import COVARIATES, FitResult
from flopscape.runs.covariates import with_covariates
from flopscape.runs.table import RunTable

OBJECTIVE = "least squares on the log loss"


def estimate(
    table: RunTable,
    *,
    flops: Sequence[float] = (),
    bootstrap: int = 4000,
    seed: int = 0,
    law: LawName | dict[str, Any] = "coupled",
    unique_tokens: Positive | None = None,
    at: dict[str, float] | None = None,
    fix: dict[str, float] | None = None,
    tie: list[list[str]] | None = None,
    bound: dict[str, list[float]] | None = None,
) -> tuple[FitResult, pd.DataFrame]:
    """Fit a law.

    Parameters
    ----------
    table : RunTable
    flops : sequence of float
        Compute budgets C, in FLOPs, to predict the optimum for.
    bootstrap : int
        Resamples of whole runs; 4,000 take about 1 CPU s for 35 runs and 6 for 240. With 0 the intervals are the delta
        method's.
    seed : int
        Seed of the starts and of the resampling.
    law : str or mapping
        The form to fit, such as `coupled`, `constrained`, `sparsity` or `power-n-floor`, or its `terms`: amounts,
        columns or expressions over columns, each of which gets a power law, with `floor` (true unless said otherwise)
        and `coupled` (false): `{"terms": ["n_params", "n_tokens", "experts"]}`.
    unique_tokens : float, optional
        Distinct tokens of the dataset, for the law constrained: those of every run, unless the table has a column
        `unique_tokens`, and of the predictions.
    at : mapping, optional
        Values of the law's covariates at the asked compute, such as `{"experts": 8}`; one that is left out is free, and
        the optimum over it is sought within the runs.
    fix : mapping, optional
        Parameters that are given and not found, such as `{"E": 1.6}`, in nats, parameters and tokens.
    tie : list of lists, optional
        Parameters without a unit that have one value, such as `[["alpha", "beta"]]`.
    bound : mapping, optional
        Lowest and highest value of the floor E or of parameters without a unit, such as `{"alpha": [0, 1]}`.

    Returns
    -------
    FitResult, and the resamples' parameters and optima, one row each. The parameters stand in `parameters`, those of
    the law surface in `surface`.

    Raises
    ------
    FlopscapeError
        An unknown law; distinct tokens or covariates that are missing, not positive, or not of the law; parameters
        that it does not have, or that are asked for what contradicts itself (any_law/restriction.py).
    """
    form = law_asked(law)
    result = FitResult("ok", "", "law", form.name, OBJECTIVE)
    table = with_covariates(table, form.covariates, form.shares)
    supply, asked_supply = unique_tokens_of(table, form, unique_tokens)
    lowest = float(table.loss.min()) if len(table) else np.inf
    restriction = restriction_of(form, fix or {}, tie or [], bound or {}, lowest)
    rivals = partial(compare, supply=supply, restriction=restriction)
    if form is SURFACE and not restriction:
        result, draws = fit_surface(LogResiduals(np.inf), result, table, flops, bootstrap, seed, check=rivals)
    elif why := why_too_many_rows(table) or why_too_little(table, form, supply, len(restriction.free(form))):
        return refuse(result, why, flops)
    else:
        asked = tuple(float(c) for c in flops)
        among = covariates_of_runs(form, table)
        values, said = given_covariates(form, among, at or {})
        if len(values) < len(form.covariates):
            problem = problem_of(form, table, supply, restriction)
            p = problem.in_units(global_fit(problem, seed).p)
            values, sought = seek_covariates(form, p, table, values, asked, asked_supply)
            # Where the law has no optimum of its own, nothing is predicted with these values.
            said += sought if form.optimum else []
        if restriction.fixed:
            known = joined(restriction.fixed)
            said.append(f"the intervals take {known} as known: the errors of what is fixed are not in them")
        compute = compute_at(table, {} if form.shares else values)
        task = law_task(form.bound_at(values), table, supply, asked, asked_supply, said, restriction, compute)
        result, draws = fit_law(task, result, bootstrap, seed, rivals)
        result.diagnostics |= restriction.to_json()
        if values:
            result.diagnostics |= {"at": values, COVARIATES: {term: asdict(one) for term, one in among.items()}}
    if isinstance(law, dict):
        result.diagnostics |= {"composition": {**law}}
        if not form.shares:
            result.diagnostics |= {"expression": Composition.from_json(law).expression}
    result.diagnostics["formula"] = form.formula
    return result, draws
