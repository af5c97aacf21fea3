"""A fit in a few numbers that a stranger can read: the block `summary` at the head of FIT.json.

Every number is its `point`, the best estimate, with `ci95`, the ends of its 95 % interval; an end is null where the
runs do not bound it, or the method gives none.

>>> import json
>>> from flopscape.records.fit_result import Estimate, FitResult
>>> numbers = {"E": Estimate(1.69, 1.6, 1.75), "A": Estimate(406.4), "B": Estimate(410.7)}
>>> numbers |= {"alpha": Estimate(0.34, 0.3, 0.4), "beta": Estimate(0.28)}
>>> summary = summary_of(FitResult("ok", "", "vpnls", "surface", "", surface=numbers))
>>> summary["loss"], summary["parameters"]["E"]
('E + A*N**-alpha + B*D**-beta', {'point': 1.69, 'ci95': [1.6, 1.75]})
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypedDict

from flopscape.records.fit_parts import part
from flopscape.records.fit_result import Estimate, FitResult, Prediction


class Number(TypedDict):
    """A number with its 95 % interval."""

    point: float
    ci95: list[float | None]


class AtBudget(TypedDict):
    """The compute-optimal run at one asked compute: N in parameters, D and D/N in the unit of the data, the loss."""

    flops: float
    n_params: Number | None
    n_tokens: Number | None
    tokens_per_param: Number | None
    loss: Number | None


class Summary(TypedDict):
    """The block. `loss` is the law as a formula of N, D and the names of `parameters`, or the law's name."""

    status: str
    loss: str
    units: dict[str, str]
    parameters: dict[str, Number]
    exponents: dict[str, Number]
    optimum: list[AtBudget]


FORMULAS = {
    "surface": "E + A*N**-alpha + B*D**-beta",
    "coupled": "E + (A*N**-alpha + B*D**-beta)**gamma",
    "drifting": "E + (A*N**-alpha + B*D**-beta)**gamma, at no drift and no discrepancy",
}
"""With the names as they stand in the block, and in the signs of a programming language."""


def summary_of(fit: FitResult) -> Summary:
    """The block of a fit; without numbers for a refused one."""
    return {
        "status": fit.status,
        "loss": FORMULAS.get(fit.law) or str(fit.diagnostics.get("expression") or fit.law),
        "units": {"N": "parameters", "D": f"{fit.unit}s", "C": "FLOPs", "loss": fit.loss_unit},
        "parameters": _numbers(fit.law_parameters),
        "exponents": _numbers(fit.exponents or {}),
        "optimum": [_at_budget(prediction) for prediction in fit.predictions],
    }


def _numbers(group: Mapping[str, Estimate]) -> dict[str, Number]:
    return {name: _number(number) for name, number in group.items()}


def _number(number: Estimate) -> Number:
    return {"point": number.estimate, "ci95": [number.low, number.high]}


def _at_budget(at: Prediction) -> AtBudget:
    n, d, ratio, loss = (
        None if number is None else _number(number)
        for number in (at.n_params, at.n_tokens, at.tokens_per_param, at.loss)
    )
    return {"flops": at.flops, "n_params": n, "n_tokens": d, "tokens_per_param": ratio, "loss": loss}


@dataclass(frozen=True)
class Shares:
    """Parts of a variance, which add up to one: see fitting/drifting_law/shares.py.

    `sd_over_prior` is the standard deviation after the runs in units of that before them.
    """

    noise: float
    law: float
    drift: float
    discrepancy: float
    sd_over_prior: float


def shares_of(fit: FitResult, flops: float, quantity: Literal["n_params", "loss"]) -> Shares | None:
    """Where the width of the interval of ln N* or of L* at an asked C comes from; None where the fit does not say."""
    asked = (entry for entry in fit.diagnostics.get("shares", []) if entry["flops"] == flops)
    return next((part(Shares, entry.get(quantity)) for entry in asked), None)
