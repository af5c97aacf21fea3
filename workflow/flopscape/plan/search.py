"""The search for a learning rate as rows: the study's own recipe at several rates and sizes.

They are ordinary runs with ordinary ids: one that the sweep plans too is trained once. What they came to is judged in
transfer/verdict.py.
"""

from dataclasses import asdict, replace

from flopscape.config.study import Study
from flopscape.config.sweep import Grid, Sweep, Transfer
from flopscape.errors import FlopscapeError
from flopscape.plan.rows import plan_rows
from flopscape.recipe.settings import SCALED_BY_PLAN, TrainingSettings
from flopscape.records.plan_row import PlanRow


def search_rows(study: Study) -> list[PlanRow]:
    """Every run of the study's `transfer`, rate by rate; none where it has no such key.

    The rates stand for `training.learning_rate`, under the study's own scaling. A rule that gives a rate to each size
    is replaced by the rates themselves.

    Raises
    ------
    FlopscapeError
        A size that the model refuses, or fewer tokens than a batch.
    """
    if study.transfer is None:
        return []
    recipe = study.training
    if recipe.learning_rate_scaling in SCALED_BY_PLAN:
        # `width` and `mup` stay, for they scale whichever rate they are given.
        recipe = replace(recipe, learning_rate_scaling="fixed", learning_rate_law=None, learning_rate_by_width=None)
    recipes = [replace(recipe, learning_rate=rate) for rate in study.transfer.rates]
    return [row for changed in recipes for row in _grid(study, study.transfer, changed)]


def assumed_rows(study: Study) -> list[PlanRow]:
    """The runs of the search as the study itself would train them: at the rate that it assumes for each size."""
    if study.transfer is None:
        raise FlopscapeError("transfer is missing: name rates, sizes and n_tokens of the search")
    return _grid(study, study.transfer, study.training)


def searched_rate(row: PlanRow) -> float:
    """`training.learning_rate` of a run, before it is scaled to the run's width: rates of all widths on one scale."""
    return TrainingSettings(**row.spec.get("training", {})).learning_rate


def search_options(study: Study, seed: int = 0) -> list[object]:
    """All that the verdict on a search depends on besides its records: for the stamp that tells a stale verdict."""
    searched = list(dict.fromkeys(row.run_id for row in search_rows(study)))
    assumed = [searched_rate(row) for row in assumed_rows(study)] if study.transfer else []
    return [searched, assumed, asdict(study.training), study.title, seed]


def _grid(study: Study, transfer: Transfer, recipe: TrainingSettings) -> list[PlanRow]:
    grid = Grid(sizes=transfer.sizes, n_tokens=[transfer.n_tokens], seeds=transfer.seeds)
    try:
        return plan_rows(study.model_copy(update={"training": recipe, "sweep": Sweep(grid=grid)}))
    except FlopscapeError as error:
        raise FlopscapeError(f"transfer: {error}") from error
