"""A study's sweep as rows: one PlanRow per run. A pure function of the study.

A budget C at a size whose unit costs c FLOPs pays for D = C / c units, rounded to whole batches: so C is the FLOPs that
are counted, attention and head included, and not 6·N·D. A run's id is the hash of its spec, in which only what differs
from a default stands: a new key of a recipe, and a new order or a new neighbour in the sweep, change no id.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from flopscape.config.plugins import LOOP
from flopscape.config.study import Study
from flopscape.config.sweep import IsoFlop, Row
from flopscape.errors import FlopscapeError
from flopscape.files.json_text import Spec, canonical, short_hash
from flopscape.plan.branches import with_parents
from flopscape.plan.rates import batch_of, resolved
from flopscape.plan.rungs import REFINE, Rung, scouts
from flopscape.plan.sizes import count_sizes
from flopscape.plugins.base import Counts
from flopscape.recipe.settings import TrainingSettings
from flopscape.records.plan_row import PlanRow, Role


class _Request(NamedTuple):
    """A run as the sweep asks for it, before tokens are known or rounded."""

    size: dict[str, Any]
    seed: int
    budget: float | None
    n_tokens: int | None
    role: Role = "fit"
    may_repeat: bool = False


def plan_rows(study: Study, rungs: Sequence[Rung] = ()) -> list[PlanRow]:
    """All runs of a study, in the order of its sweep, hidden runs last; grid and rows may name a run twice.

    `rungs` are those of a ladder or a refinement that are planned (plan/rungs.py); the runs of others are not known.

    Raises
    ------
    FlopscapeError
        A size that the model refuses, a budget or a token count smaller than one batch or too small for the warm-up, a
        size listed twice at one budget, two budgets so close that they plan the same run, or a hidden run that is also
        fitted.
    """
    # Hidden runs come last, so that a run which is fitted as well is met there.
    requests = [*_requests(study, rungs), *_hidden(study)]
    distinct = {canonical(request.size): request.size for request in requests}
    counts = dict(zip(distinct, count_sizes(study.model, list(distinct.values()), study.loss), strict=True))
    shared = _shared_spec(study)
    rows: dict[str, PlanRow] = {}
    for request in requests:
        row = _row(request, counts[canonical(request.size)], study, shared)
        # Dicts keep the order of the sweep, and ids are equal where runs are: the grid and the rows may name one run
        # twice.
        earlier = rows.setdefault(row.run_id, row)
        if earlier is not row:
            _refuse_seen(earlier, row)
            if row.budget is not None and not request.may_repeat:
                _refuse_repetition(earlier, row)
    _refuse_short(list(rows.values()), study.training)
    share = study.sweep.branches and not study.simulated
    return with_parents(list(rows.values()), study.training) if share else list(rows.values())


def runs_below(study: Study, name: str, below: Sequence[Rung]) -> list[PlanRow]:
    """The runs whose records a rung is planned from: the scouts and the rungs below it, and no others.

    A refinement is planned from the budgets of the sweep's own and of the ladder; the scouts are none of them.
    """
    sweep = study.sweep.model_copy(
        update={"grid": None, "rows": [], "hidden": None} | ({} if name == REFINE else {"isoflop": None})
    )
    rows = plan_rows(study.model_copy(update={"sweep": sweep}), below)
    return [row for row in rows if name != REFINE or row.role == "fit"]


def _requests(study: Study, rungs: Sequence[Rung]) -> Iterator[_Request]:
    sweep = study.sweep
    if sweep.isoflop:
        yield from _of_isoflop(sweep.isoflop)
    # Before the grid and the rows: a run that these name too is a run of its budget.
    yield from _of_rungs(study, rungs)
    if sweep.grid:
        for size in sweep.grid.sizes:
            for n_tokens in sweep.grid.n_tokens:
                for seed in sweep.grid.seeds:
                    yield _Request(size, seed, None, n_tokens)
    yield from _of_rows(sweep.rows)


def _of_isoflop(isoflop: IsoFlop, role: Role = "fit") -> Iterator[_Request]:
    for budget in isoflop.budgets:
        for size in budget.sizes or isoflop.sizes or []:
            for seed in budget.seeds or isoflop.seeds:
                yield _Request(size, seed, budget.flops, None, role)


def _of_rows(rows: Iterable[Row], role: Role = "fit") -> Iterator[_Request]:
    for row in rows:
        yield _Request(row.size, row.seed, row.flops, row.n_tokens, role, may_repeat=True)


def _hidden(study: Study) -> Iterator[_Request]:
    """The runs that no fit sees."""
    if hidden := study.sweep.hidden:
        yield from _of_isoflop(hidden.isoflop, "validate") if hidden.isoflop else ()
        yield from _of_rows(hidden.rows, "validate")


def _of_rungs(study: Study, rungs: Sequence[Rung]) -> Iterator[_Request]:
    """The scouts of a ladder, and the runs of its rungs."""
    first = scouts(study)
    for rung in ([first] if first else []) + list(rungs):
        for budget in rung.budgets:
            for size in budget.sizes:
                for seed in budget.seeds:
                    yield _Request(size, seed, budget.flops, None, "scout" if rung is first else "fit")


def _shared_spec(study: Study) -> Spec:
    """What the specs of all runs of a study have in common.

    The loop and the dataset of a simulated study are left out where they are the default or missing, for the same
    reason as defaults of the recipe are.
    """
    spec: Spec = {"model": study.model.spec(), "loss": study.loss.spec(), "recipe": study.recipe}
    if study.dataset:
        spec["dataset"] = study.dataset.spec()
    if study.heldout:
        spec["heldout"] = {name: one.spec() for name, one in study.heldout.items()}
    if study.trainer.plugin != LOOP:
        spec["trainer"] = study.trainer.spec()
    return spec


def _row(request: _Request, counts: Counts, study: Study, shared: Spec) -> PlanRow:
    # The batch may follow from D by a law, and D is rounded to batches: the law is asked with D before rounding.
    units_paid = request.budget / counts.flops_per_unit if request.budget is not None else request.n_tokens or 0
    batch = batch_of(study, counts, units_paid)
    n_steps = _whole_batches(request, units_paid, batch)
    spec = shared | {"size": request.size, "seed": request.seed, "n_tokens": n_steps * batch}
    if changes := resolved(study, request.size, counts, n_steps * batch, batch).changes():
        spec["training"] = changes
    return PlanRow(
        run_id=short_hash(spec),
        budget=request.budget,
        size=request.size,
        seed=request.seed,
        n_params_body=counts.n_params_body,
        n_params_head=counts.n_params_head,
        n_params_embedding=counts.n_params_embedding,
        flops_per_unit=counts.flops_per_unit,
        n_tokens=n_steps * batch,
        n_steps=n_steps,
        spec=spec,
        role=request.role,
    )


def _whole_batches(request: _Request, units_paid: float, batch: int) -> int:
    """Steps of a run: the units that its budget or its tokens amount to, rounded to whole batches."""
    if units_paid < batch:
        reason = f"budget {request.budget:g}" if request.budget is not None else f"n_tokens {request.n_tokens}"
        raise FlopscapeError(
            f"sweep: {reason} at size {request.size} pays for {units_paid:.0f} units, less than one batch of {batch}; "
            "raise it, or lower training.batch_units"
        )
    # To the nearest: D is then off by at most half a batch, and over a sweep as often up as down.
    return round(units_paid / batch)


def _refuse_short(rows: list[PlanRow], training: TrainingSettings) -> None:
    if short := [row for row in rows if not training.has_room(row.n_tokens)]:
        row = min(short, key=lambda row: row.n_tokens)
        raise FlopscapeError(
            f"sweep: a run of {row.n_tokens} units at size {row.size} has no room for training.warmup_units = "
            f"{training.warmup_units} and its decay; lower warmup_units"
        )


def _refuse_seen(earlier: PlanRow, row: PlanRow) -> None:
    """Refuse to hide a run that is used."""
    if row.role == "validate" and earlier.role != "validate":
        used = "fitted" if earlier.role == "fit" else "one of the scouts, which place the ladder"
        raise FlopscapeError(
            f"sweep.validate: the run of size {row.size} with seed {row.seed} on {row.n_tokens} units is also {used}: "
            "it can score no prediction; take it out of validate or out of the rest of the sweep"
        )


def _refuse_repetition(earlier: PlanRow, row: PlanRow) -> None:
    if earlier.budget == row.budget:
        raise FlopscapeError(f"sweep: size {row.size} with seed {row.seed} is listed twice at budget {row.budget:g}")
    raise FlopscapeError(
        f"sweep: budgets {earlier.budget:g} and {row.budget:g} plan the same run at size {row.size}; "
        "they are less than a batch apart"
    )
