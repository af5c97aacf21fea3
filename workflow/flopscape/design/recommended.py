"""From an answer to runs: the sizes, tokens and steps of the study's own family at a compute, and what they would take.

    flopscape rung config/studies/kjv-gpt.yaml --flops 3e12

An optimum is a number of parameters, and a model has whole widths and depths: the run is of the member of the family
that is nearest to N*, with all tokens that the compute pays for there, and the study's own recipe. Beside it stand the
runs at the two ends of the near-optimal band, which cost at most 1 % of the compute: a smaller one is cheaper to serve,
a larger one learns from fewer tokens.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from flopscape.answers.extrapolation import refuse_too_far
from flopscape.answers.predict import predict, read_with_draws
from flopscape.answers.serving import predict_inference
from flopscape.config.machine import Prices
from flopscape.config.study import Study
from flopscape.config.sweep import Row, Sweep
from flopscape.design.memory import Memory, memories, units_at_once
from flopscape.errors import FlopscapeError
from flopscape.laws.inference import FORWARD
from flopscape.plan.family import Member, members, nearest, why_beyond
from flopscape.plan.finished import look_at_runs
from flopscape.plan.price import device_cost, speed_of
from flopscape.plan.rows import plan_rows
from flopscape.plan.studies import PlannedStudy, plan_study, train_units
from flopscape.records.fit_result import Estimate, FitResult
from flopscape.records.plan_row import PlanRow
from flopscape.runs.speed import Speed
from flopscape.text import numbers

FAR = 0.25
"""Distance in ln N of a member from a wish from which on it is said: a quarter is 28 % more or less parameters."""


@dataclass(frozen=True)
class Recommended:
    """One run: what it stands for, its row of a plan, and what is expected of it.

    `wished` is the N that it stands for, `loss` in nats per unit with its 95 % interval, `memory` in bytes of one
    process, None where it cannot be told. `devices` are GPUs, or CPU threads, `hours` those of the wall. `also` are
    other N for which this size of the family is the nearest one, by what they stand for.
    """

    what: str
    row: PlanRow
    wished: float
    loss: Estimate | None
    memory: float | None
    devices: int
    hours: float
    usd: float
    also: Mapping[str, float]

    @property
    def is_far(self) -> bool:
        """Whether the family has no size near the wish."""
        return abs(math.log(self.row.n_params / self.wished)) > FAR


@dataclass(frozen=True)
class Recommendation:
    """The runs at one compute C in FLOPs, of a fit of a study; `tokens_served` where serving counts.

    `left_out` are sentences on ends of the near-optimal band that lie beyond the sizes of the family.
    """

    planned: PlannedStudy
    fit: FitResult
    flops: float
    runs: list[Recommended]
    speed_source: str
    train_units: int | None
    tokens_served: float | None = None
    left_out: Sequence[str] = ()

    @property
    def study(self) -> Study:
        """The study whose family and recipe they have."""
        return self.planned.study


def recommended_runs(
    path: Path, flops: float, results: Path, prices: Prices, tokens_served: float | None = None
) -> Recommendation:
    """The runs that the recommended fit of a study stands for at C.

    Parameters
    ----------
    path : Path
        The study's file.
    flops : float
        Compute C in FLOPs; of training and serving together with `tokens_served`.
    results : Path
        Folder of all results: the fit, its draws and the finished runs, whose speed prices the new ones.
    prices : Prices
    tokens_served : float, optional
        Tokens that the model serves over its life.

    Raises
    ------
    FlopscapeError
        There is no fit yet, it has no answer, C is too far from the runs or pays for less than a batch, serving alone
        takes more, the study's sizes follow no rule, or the optimum lies beyond them.
    """
    planned = plan_study(path.stem, path, results)
    file = fit_file(planned, results)
    result, draws = read_with_draws(file)
    if result.sampled:
        refuse_too_far("--flops", flops, result.sampled.flops[1])
    if tokens_served is not None:
        _refuse_served(planned.study, tokens_served, flops)
    chosen, left_out = _chosen(planned.study, _wishes(result, draws, flops, tokens_served), flops)
    rows = [_row(planned.study, one, flops) for one in chosen]
    speed = speed_of(planned.study, prices, look_at_runs(planned.rows, planned.name, results).sample)
    told = memories(planned.study, [row.size for row in rows])
    runs = [
        _priced(planned.study, one, row, _loss(result, draws, row), told[i] if told else None, speed, prices)
        for i, (one, row) in enumerate(zip(chosen, rows, strict=True))
    ]
    units = train_units(planned.study, results)
    return Recommendation(planned, result, flops, runs, speed.source, units, tokens_served, left_out)


def fit_file(planned: PlannedStudy, results: Path) -> Path:
    """The fit that a study's recommendation rests on; raises FlopscapeError where it is not there yet."""
    path = results / planned.name / "fits" / f"{planned.study.recommended_fit}.json"
    if not path.exists():
        raise FlopscapeError(f"{path}: no such fit yet; run `snakemake --config studies={planned.name}` first")
    return path


class _Wish(NamedTuple):
    """A number of parameters, in words what it stands for, and its tokens where they do not follow from C."""

    what: str
    n_params: float
    n_tokens: float | None = None


class _Choice(NamedTuple):
    """A member for one wish, and for others to which it is the nearest as well."""

    wish: _Wish
    member: Member
    also: list[_Wish]


def _refuse_served(study: Study, tokens: float, flops: float) -> None:
    """Raise FlopscapeError where serving so many tokens takes all compute at any size of the family."""
    smallest = members(study, 0.0)[0]
    needed = FORWARD * smallest.flops_per_unit * tokens
    if needed >= flops:
        raise FlopscapeError(
            f"--inference-tokens {tokens:g}: to serve them with {smallest.size}, the smallest size of the family, "
            f"takes {numbers.flops(needed)} FLOPs, and {flops:g} are for training and serving together; serve fewer, "
            "or give more compute"
        )


def _wishes(result: FitResult, draws: pd.DataFrame, flops: float, tokens_served: float | None) -> list[_Wish]:
    """N* and the two ends of the near-optimal band; with serving the cheapest model alone."""
    if tokens_served is not None:
        served = predict_inference(result, draws, tokens_served, flops=flops)
        return [_Wish("cheapest with serving", served.n_params.estimate, served.n_tokens.estimate)]
    (at,) = predict(result, draws, [flops])
    if at.n_params is None:
        raise FlopscapeError(f"the fit {result.method} has no N* at {flops:g} FLOPs; recommend another fit")
    wishes = [_Wish("optimum", at.n_params.estimate)]
    if band := at.near_optimal_n_params:
        wishes += [_Wish("smaller, 1 % of compute", band[0]), _Wish("larger, 1 % of compute", band[1])]
    return wishes


def _chosen(study: Study, wishes: Sequence[_Wish], flops: float) -> tuple[list[_Choice], list[str]]:
    """The member nearest to each wish, listed once for the first that it stands for; and what no member stands for.

    The first wish is what was asked for: one that the family does not reach raises FlopscapeError.
    """
    family = members(study, 4 * max(wish.n_params for wish in wishes))
    out = {wish: why for wish in wishes if (why := _why_beyond(family, wish))}
    if wishes[0] in out:
        raise FlopscapeError(
            f"--flops {flops:g}: {out[wishes[0]]}; give sweep.family sizes there, or ask for another compute"
        )
    choices: dict[int, _Choice] = {}
    for wish in wishes:
        if wish not in out:
            member = nearest(family, math.log(wish.n_params))
            choice = choices.setdefault(member.n_params, _Choice(wish, member, []))
            choice.also.extend([wish] if choice.wish is not wish else [])
    return list(choices.values()), list(out.values())


def _why_beyond(family: Sequence[Member], wish: _Wish) -> str:
    """Why the family has no size for a wish, as a sentence; or nothing."""
    why = why_beyond(family, math.log(wish.n_params))
    return f"{wish.what}: {numbers.count(wish.n_params)} parameters are meant, and {why}" if why else ""


def _row(study: Study, choice: _Choice, flops: float) -> PlanRow:
    """The run as the study would plan it: whole batches, with the rate and the batch of its recipe."""
    member, n_tokens = choice.member, choice.wish.n_tokens
    units = flops / member.flops_per_unit if n_tokens is None else n_tokens
    if units < 1:
        raise FlopscapeError(f"{flops:g} FLOPs pay for less than one unit of data at {member.size}; ask for more")
    row = Row(size=member.size, n_tokens=round(units))
    (planned,) = plan_rows(study.model_copy(update={"sweep": Sweep(rows=[row])}))
    return planned


def _loss(result: FitResult, draws: pd.DataFrame, row: PlanRow) -> Estimate | None:
    """What the fit says of this very run; None for a fit without a loss beside its optima."""
    try:
        return predict(result, draws, [row.flops], n_params=row.n_params)[0].loss
    except FlopscapeError:
        return None


def _priced(
    study: Study,
    choice: _Choice,
    row: PlanRow,
    loss: Estimate | None,
    memory: Memory | None,
    speed: Speed,
    prices: Prices,
) -> Recommended:
    cost = device_cost(study, prices, speed.seconds(row, row.n_tokens))
    needed = memory.of(units_at_once(study, row)) if memory else None
    return Recommended(
        what=choice.wish.what,
        row=row,
        wished=choice.wish.n_params,
        loss=loss,
        memory=needed,
        devices=cost.devices,
        hours=cost.hours / cost.devices,
        usd=cost.usd,
        also={other.what: other.n_params for other in choice.also},
    )
