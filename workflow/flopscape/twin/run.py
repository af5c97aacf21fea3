"""The twin of a file: what `flopscape twin` and the workflow call.

A file's surface, its noise and the laws that are possible besides (source.py) are simulated on its own design
(simulate.py); the table of errors and the verdict on the methods are written beside a figure.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from flopscape.errors import FlopscapeError
from flopscape.figures.save import draw_to
from flopscape.figures.tables import read_validation
from flopscape.files.outputs import write_text
from flopscape.files.side_outputs import refuse_folder
from flopscape.fitting.judge.verdict import FEW_FOR_BOOTSTRAP
from flopscape.fitting.methods import modules_of_twin
from flopscape.laws.surface import Surface
from flopscape.records.stamps import hash_of, of_twin, text_of
from flopscape.runs.table import UNIQUE, RunTable
from flopscape.twin import designs, judged, one_by_one, simulate
from flopscape.twin.advice import advice_for
from flopscape.twin.designs import Noise
from flopscape.twin.figure import draw
from flopscape.twin.hidden_runs import beside_outcomes
from flopscape.twin.one_by_one import Asked
from flopscape.twin.source import Source, of_plan, of_runs, parse_surface
from flopscape.twin.summary import COLUMNS

BEYOND = 10.0
"""Factor beyond the largest compute of the optimum that is looked at where no budget is asked for."""
DIGITS = 8
"""Significant digits of twin.csv: rounding of sums is not."""

FILES = ("twin.csv", "figure.svg", "figure.png")
"""What is written besides verdict.json."""
MOST_SIMULATED = 20_000_000
"""Rows × simulations: 160 MB for the losses of a truth, and minutes for each method."""


def run(path: Path, out: Path, flops: Sequence[float] = (), validation: Path | None = None, **options: Any) -> str:
    """Write twin.csv, verdict.json, figure.svg and figure.png of a study; see `examine`. Returns what to print.

    `validation` is the table of `flopscape validate`: what came of runs that no fit has seen stands beside what the
    copies promise.
    """
    refuse_folder(out, FILES, [path, validation], "verdict.json", {"status", "simulations", "sentences"})
    came = [] if validation is None else read_validation(validation)
    frame, content = examine(path, flops, **options)
    content |= beside_outcomes(content, came)
    modules = modules_of_twin(str(fit["method"]) for fit in options.get("fits", ()))
    stamp = of_twin(modules, path, {"flops": [float(budget) for budget in flops], **options}, validation)
    write_text(out / "twin.csv", frame.to_csv(index=False, float_format=f"%.{DIGITS}g"))
    # The table is written first, for the verdict carries its hash: a verdict beside another table is known by that.
    content |= {"made_from": text_of(stamp | {"table": hash_of(out / "twin.csv")})}
    write_text(out / "verdict.json", json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    draw_to(out / "figure.svg", draw, frame, content, stamp=stamp)
    return text(path, content)


def text(name: object, content: Mapping[str, Any]) -> str:
    """What `flopscape twin` prints of a verdict."""
    rest = [content["advice"], *content["notes"]] if "advice" in content else []
    return "\n".join([f"Twin of {name}: {content['source']}.", *content["sentences"], *rest])


def examine(
    source: Path | pd.DataFrame,
    flops: Sequence[float] = (),
    surface_name: str | None = None,
    noise: float | None = None,
    simulations: int = 500,
    bootstrap: int = 200,
    seed: int = 0,
    fits: Sequence[Asked] = (),
    own_simulations: int = 50,
    answer_simulations: int = 20,
    among_fits: bool = False,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Simulate a study, fit every method to each simulated table, and judge the methods.

    Parameters
    ----------
    source : Path or DataFrame
        A table of runs, or a plan without losses.
    flops : sequence of float
        Compute budgets C, in FLOPs, whose optimum matters; ten times the largest of the runs unless given.
    surface_name : str, optional
        A surface by name or as E,A,B,alpha,beta. Runs have their own, fitted by vpnls; plans take `chinchilla`.
    noise : float, optional
        σ of a run in nats, instead of the runs' own.
    simulations, bootstrap, seed : int
        Simulated tables, resamples behind an interval, seed of both.
    fits : sequence of mapping
        Fits of the study: `name`, `method` and the method's options. The shipped methods get their names; those by a
        method of a user's own are judged besides, one table at a time.
    own_simulations : int
        Tables of each truth that these are fitted to, the first ones; 0 leaves them out.
    answer_simulations : int
        Copies of the possible laws that the answer is fitted to; of other truths a quarter as many. 0 leaves it out.
    among_fits : bool
        Whether none but `fits` may be recommended.

    Returns
    -------
    The rows of twin.csv and the content of verdict.json; without rows where the runs give no surface.

    Raises
    ------
    FlopscapeError
        A file that cannot be read, a plan without spread, an unknown surface, σ < 0, or a budget that is not positive.
    """
    table, measured = designs.read_study(source)
    named_by_user = parse_surface(surface_name) if surface_name else None
    _refuse_options(flops, noise, simulations)
    budgets = tuple(map(float, flops)) or (BEYOND * float(table.flops.max()),)
    few = own_simulations, answer_simulations
    settings = simulate.Settings(budgets, simulations, bootstrap, seed, tuple(fits), *few, among_fits)
    simulated = _source(table, measured, named_by_user, surface_name, noise, seed)
    shared = {"source": simulated.words, "simulations": simulations, "bootstrap": bootstrap, "seed": seed}
    if why := simulated.refusal or _why_too_large(len(table), simulations):
        return _nothing(shared, why)
    chosen_by_twin = named_by_user is None and noise is None
    return _simulated_or_why_not(table, simulated, settings, shared, chosen_by_twin)


def _source(
    table: RunTable, measured: bool, named: Surface | None, name: str | None, noise: float | None, seed: int
) -> Source:
    """What runs, or a plan of them, are simulated from."""
    with np.errstate(all="ignore"):  # draws that overflow are possible laws no more than others, and weigh nothing
        return of_runs(table, named, noise, seed) if measured else of_plan(table, named, name, noise, seed)


def _simulated_or_why_not(
    table: RunTable, source: Source, settings: simulate.Settings, shared: dict[str, Any], chosen_by_twin: bool
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """As `_simulated`, or no rows and the reason.

    What a person asked for and cannot be simulated is theirs to mend, and raises. Where the twin chose surface and
    noise itself, a study goes on without a twin, which says why.
    """
    try:
        return _simulated(table, source, settings, shared)
    except FlopscapeError as error:
        if not chosen_by_twin:
            raise
        return _nothing(shared, str(error))


def _simulated(
    table: RunTable, source: Source, settings: simulate.Settings, shared: dict[str, Any]
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The rows of twin.csv, and what verdict.json says besides `shared`."""
    with np.errstate(all="ignore"):  # simulated losses that overflow are no fit, which the table says
        frame, verdict = simulate.simulate(table, source, settings)
    described = {
        "surface": {name: float(value) for name, value in source.surface._asdict().items()},
        "noise": source.noise._asdict(),
        "advice": advice_for(source.surface, float(np.exp(np.log(table.flops).mean())), source.noise.total),
        "notes": [*_of_misfit(source.noise), *_notes(table, source.noise), *_of_fits(settings, verdict)],
    }
    return frame, _rounded({"status": "completed", "reason": ""} | shared | verdict | described)


def _refuse_options(flops: Sequence[float], noise: float | None, simulations: int) -> None:
    """Raise FlopscapeError for a number that nothing can be simulated with."""
    if wrong := [c for c in flops if not 0 < c < np.inf]:
        raise FlopscapeError(f"--flops {wrong[0]!r}: must be positive and finite")
    if noise is not None and not 0 <= noise < np.inf:
        raise FlopscapeError(f"--noise σ = {noise!r}: must be zero or positive")
    if simulations < 2:
        raise FlopscapeError(f"--simulations {simulations}: at least 2, and hundreds for a verdict")


def _why_too_large(rows: int, simulations: int) -> str:
    """Why a design is too large to be simulated so often, or nothing."""
    simulated = rows * simulations
    if simulated <= MOST_SIMULATED:
        return ""
    return (
        f"{rows:,} rows × {simulations:,} simulations are {simulated:.2g} rows to simulate, and at most"
        f" {MOST_SIMULATED:.0e} are: ask for fewer --simulations"
    )


def _nothing(shared: dict[str, Any], why: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    content = {"status": "refused", "reason": why} | shared | {"sentences": [f"No twin: {why}."]}
    return pd.DataFrame(columns=list(COLUMNS)), content


def _of_misfit(noise: Noise) -> list[str]:
    """A sentence where the surface does not hold within the runs, and what that means for the comparison."""
    if noise.misfit <= noise.total:
        return []
    return [
        f"The surface does not hold within these runs: it is {noise.misfit:.2g} nats (RMS) from the answer's law, more"
        f" than the noise of a run, {noise.total:.2g}. The truths that no method assumes may depart from it as far."
    ]


def _of_fits(settings: simulate.Settings, verdict: Mapping[str, Any]) -> list[str]:
    """What was made of the fits that were asked for, and which are left out."""
    notes = (one_by_one.note_of(row, settings.simulations) for row in verdict.get("one_by_one", []))
    return [*notes, *judged.left_out(settings.fits, settings.own_simulations, settings.answer_simulations)]


def _notes(table: RunTable, noise: Noise) -> list[str]:
    notes = []
    if table.n_runs < FEW_FOR_BOOTSTRAP:
        notes.append(
            f"With {table.n_runs} runs `fit` reports the narrower profile-F intervals for vpnls and log_lsq; the twin"
            " tests bootstrap intervals."
        )
    if len(table) > table.n_runs:
        own = f", beside one of its own, σ = {noise.row:.2g} nats" if noise.row else ""
        notes.append(f"Rows of one run share its simulated error, σ = {noise.own:.2g} nats{own}.")
    if UNIQUE in table.columns:
        notes.append("The simulated losses depend on N and D alone: what repeated tokens cost counts as noise here.")
    if not designs.compute_of(table).is_constant:
        notes.append("FLOPs per parameter fall with size here: the a of approach2 and of answer are slopes under that.")
    return notes


def _rounded(value: Any) -> Any:
    """Floats to the digits that are written."""
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    # The same digits on every machine: sums in another order differ only behind them.
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value
