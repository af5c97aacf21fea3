"""Fits that are made one simulated table at a time: by the method answer, and by methods of a user's own.

Five shipped methods have code for many tables at once (estimates.py); any other has its `estimate` alone. It is called
as `flopscape fit` calls it, so that what is judged is what the study does. That takes time, of a user's method nobody
knows how much: such a fit gets the first tables of each truth, so many as the study says, and no method is compared
with it on more.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from flopscape.fitting.fit import fit
from flopscape.laws.law import Array
from flopscape.records.fit_result import Estimate, FitResult, Prediction
from flopscape.runs.table import RunTable
from flopscape.twin.designs import frame_of
from flopscape.twin.estimates import OK, Estimates, empty, names

Asked = Mapping[str, Any]
"""A fit as a study writes it: `name`, `method`, and the method's options."""

REFUSED, BOUNDARY, NO_SIZE = "refused", "boundary", "no N* at the asked compute"
LONGEST = 160
"""Characters of an error's text that are kept."""
NOTHING = Estimate(float("nan"))


def estimates_of(
    asked: Asked, table: RunTable, losses: Array, flops: Sequence[float], replicates: int, seed: int
) -> Estimates:
    """Estimates and intervals of one fit, in the form of `estimates.estimates`.

    Parameters
    ----------
    asked : mapping
        `name`, `method`, and the method's options.
    table : RunTable
        The design; its losses are not used.
    losses : array, shape (R, n)
        Simulated, in nats.
    flops : sequence of float
        Compute budgets C, in FLOPs, to predict for.
    replicates, seed : int
        Resamples of each fit, and their seed.

    Returns
    -------
    Estimates
        An error that the method raises is the status of its table alone, in the words of the first error of its kind.
    """
    options = {name: value for name, value in asked.items() if name != "name"}
    found, status = empty(len(losses), len(names(flops)), OK), list[str]()
    said: dict[str, str] = {}
    for place, values in enumerate(losses):
        try:
            result, _ = fit(_simulated(table, values), flops=flops, bootstrap=replicates, seed=seed, **options)
            _put(found, place, result, flops)
            status.append(_status(result, found.value[place, 2]))
        except Exception as error:  # whatever a user's code raises: the other tables are not to be lost for it
            # Messages hold numbers of their table: counted by kind, fifty of them are one line of twin.csv.
            kind = type(error).__name__
            status.append(said.setdefault(kind, " ".join(f"{kind}: {error}".split())[:LONGEST]))
    return found._replace(status=np.array(status, dtype=str))


def _simulated(table: RunTable, losses: Array) -> RunTable:
    """The design with these losses wherever a method may look for them."""
    # A copy, for a method may write into its table, and the next one is to find what was simulated.
    values = losses.copy()
    columns = frame_of(table).assign(loss=values, unit=table.unit)
    return replace(copy.deepcopy(table), loss=values, columns=columns)


def _put(found: Estimates, place: int, result: FitResult, flops: Sequence[float]) -> None:
    """Write the numbers of one fit into its row: a, b, and N*, D* and L* at each asked compute."""
    if result.status == REFUSED:
        return
    best = {prediction.flops: prediction for prediction in result.predictions}
    asked = [best.get(c, Prediction(c, None, None, None, None)) for c in flops]
    numbers = [(result.exponents or {}).get(name) for name in ("a", "b")]
    numbers += [number for at in asked for number in (at.n_params, at.n_tokens, at.loss)]
    for quantity, number in enumerate(numbers):
        for part, value in zip(found[:3], _ends(number or NOTHING), strict=True):
            part[place, quantity] = value


def _ends(number: Estimate) -> tuple[float, float, float]:
    """A number and its interval; an interval with one end is open at the other, one without ends is none."""
    if number.low is None and number.high is None:
        return number.estimate, np.nan, np.nan
    low = -np.inf if number.low is None else number.low
    return number.estimate, low, np.inf if number.high is None else number.high


def _status(result: FitResult, n_params: float) -> str:
    """How a fit ended; a weak one counts, as of the methods that are fitted in bulk."""
    if result.status in (REFUSED, BOUNDARY):
        return result.status
    return OK if np.isfinite(n_params) else NO_SIZE


def outcome(name: str, asked: Asked, tables: tuple[int, int], status: Sequence[str]) -> dict[str, Any]:
    """What became of a fit, for verdict.json: how many tables it had, all its fits, and those that failed, with why.

    Parameters
    ----------
    name : str
        What the twin calls it.
    asked : mapping
    tables : (int, int)
        Copies of the possible laws, and of each other truth.
    status : sequence of str
        How each of its fits ended, over all truths.
    """
    failed = [word for word in status if word != OK]
    kinds = [word.partition(":")[0] for word in failed]
    most = max(sorted(set(kinds)), key=kinds.count, default="")
    return {
        "name": name,
        "method": asked["method"],
        "simulations": tables[0],
        "simulations_elsewhere": tables[1],
        "fits": len(status),
        "failed": len(failed),
        "most_failed": kinds.count(most),
        "reason": failed[kinds.index(most)] if failed else "",
    }


def note_of(row: Mapping[str, Any], simulations: int) -> str:
    """The same in words: on how many of the simulated tables a fit was judged, and how many of its fits failed."""
    few, fewer = row["simulations"], row["simulations_elsewhere"]
    which = f"{few} of {simulations} of each truth"
    if fewer != few:
        which = f"{few} of {simulations} copies of possible laws, and the first {fewer} of each other truth"
    judged = (
        f"{row['name']} is fitted to one simulated table at a time, with all its runs, and to the first {which}: on"
        " these alone it is compared with the others."
    )
    if not row["failed"]:
        return judged
    how_many = "All" if row["failed"] == row["fits"] else f"{row['failed']:,}"
    return (
        f"{judged} {how_many} of its {row['fits']:,} fits fail, {row['most_failed']:,} such as this: {row['reason']}."
    )
