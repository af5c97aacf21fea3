"""The twin of a file: what `flopscape twin` and the workflow call."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from flopscape.answers.evaluate import surface_of
from flopscape.errors import FlopscapeError
from flopscape.figures.save import draw_to
from flopscape.figures.twin import draw
from flopscape.files.outputs import write_text
from flopscape.files.side_outputs import refuse_folder
from flopscape.fitting import vpnls
from flopscape.fitting.judge.verdict import FEW_FOR_BOOTSTRAP
from flopscape.laws.named_surfaces import SURFACES, named_surface
from flopscape.laws.surface import Surface, loss
from flopscape.records.fit_result import FitResult
from flopscape.records.stamps import hash_of, of_twin, text_of
from flopscape.runs.table import UNIQUE, RunTable, design_index, seed_scatter
from flopscape.twin import designs, simulate
from flopscape.twin.advice import advise
from flopscape.twin.designs import Noise
from flopscape.twin.summary import COLUMNS

BEYOND = 10.0
"""Factor beyond the largest compute of the optimum that is looked at where no budget is asked for."""
PLAN_SURFACE, PLAN_NOISE = "chinchilla", 0.01
"""What a plan without runs is simulated from unless told otherwise: Hoffmann et al. 2022, and 0.01 nats."""
AIM = 0.05
"""Relative error of N* for which width and sizes are advised."""
MOST_LOSS = 12.0
"""Nats: chance among 160,000 tokens. A surface with more on a plan is none of its models'."""
DIGITS = 8
"""Significant digits of twin.csv: rounding of sums is not."""

FILES = ("twin.csv", "figure.svg", "figure.png")
"""What is written besides verdict.json."""
MOST_RESAMPLED = 10_000_000_000
"""Rows × simulations × resamples: about an hour for each method."""


class Source(NamedTuple):
    """A surface and the noise around it, and where they come from in words; `refusal` where there is none."""

    surface: Surface
    noise: Noise
    words: str
    refusal: str = ""


def run(path: Path, out: Path, flops: Sequence[float] = (), **options: Any) -> str:
    """Write twin.csv, verdict.json, figure.svg and figure.png of a study; see `examine`. Returns what to print."""
    refuse_folder(out, FILES, [path], "verdict.json", {"status", "simulations", "sentences"})
    frame, content = examine(path, flops, **options)
    stamp = of_twin(path, {"flops": [float(asked) for asked in flops], **options})
    write_text(out / "twin.csv", frame.to_csv(index=False, float_format=f"%.{DIGITS}g"))
    content |= {"made_from": text_of(stamp | {"table": hash_of(out / "twin.csv")})}
    write_text(out / "verdict.json", json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    draw_to(draw, frame, content, out / "figure.svg", stamp)
    rest = [content["advice"], *content["notes"]] if "advice" in content else []
    return "\n".join([f"Twin of {path}: {content['source']}.", *content["sentences"], *rest])


def examine(
    path: Path,
    flops: Sequence[float] = (),
    surface_name: str | None = None,
    noise: float | None = None,
    simulations: int = 500,
    bootstrap: int = 200,
    seed: int = 0,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Simulate a study.

    Parameters
    ----------
    path : Path
        A table of runs, or a plan without losses.
    flops : sequence of float
        Compute budgets C, in FLOPs, whose optimum matters; ten times the largest of the runs unless given.
    surface_name : str, optional
        A surface by name or as E,A,B,alpha,beta. Runs have their own, fitted by vpnls; plans take `chinchilla`.
    noise : float, optional
        σ of a run in nats, instead of the runs' own.
    simulations, bootstrap, seed : int
        Simulated tables, resamples behind an interval, seed of both.

    Returns
    -------
    The rows of twin.csv and the content of verdict.json; without rows where the runs give no surface.

    Raises
    ------
    FlopscapeError
        A file that cannot be read, a plan without spread, an unknown surface, σ < 0, or a budget that is not positive.
    """
    table, measured = designs.read_study(path)
    given = parse_surface(surface_name) if surface_name else None
    _check(flops, noise, simulations)
    asked = tuple(map(float, flops)) or (BEYOND * float(table.flops.max()),)
    settings = simulate.Settings(asked, simulations, bootstrap, seed)
    source = _of_runs(table, given, noise) if measured else _of_plan(table, given, surface_name, noise)
    shared = {"source": source.words, "simulations": simulations, "bootstrap": bootstrap, "seed": seed}
    if why := source.refusal or _too_large(len(table), simulations, bootstrap):
        return _nothing(shared, why)
    try:
        return _simulated(table, source, settings, shared)
    except FlopscapeError as error:
        if given or noise is not None:
            raise
        return _nothing(shared, str(error))


def _simulated(
    table: RunTable, source: Source, settings: simulate.Settings, shared: dict[str, Any]
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The rows of twin.csv, and what verdict.json says besides `shared`."""
    with np.errstate(all="ignore"):  # simulated losses that overflow are no fit, which the table says
        frame, found = simulate.simulate(table, source.surface, source.noise, settings)
    made = {
        "surface": {name: float(value) for name, value in source.surface._asdict().items()},
        "noise": source.noise._asdict(),
        "advice": _advice(table, source),
        "notes": [*_of_misfit(source.noise), *_notes(table)],
    }
    return frame, _rounded({"status": "completed", "reason": ""} | shared | found | made)


def parse_surface(text: str) -> Surface:
    """A surface by name, or five numbers E,A,B,alpha,beta."""
    if "," not in text:
        return named_surface(text)
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != 5 or not (np.isfinite(numbers).all() and min(numbers[1:]) > 0 and numbers[0] >= 0):
        known = ", ".join(SURFACES)
        raise FlopscapeError(f"--surface {text!r}: five positive numbers E,A,B,alpha,beta, or one of {known}")
    return Surface(*numbers)


def _check(flops: Sequence[float], noise: float | None, simulations: int) -> None:
    if wrong := [c for c in flops if not 0 < c < np.inf]:
        raise FlopscapeError(f"--flops {wrong[0]!r}: must be positive and finite")
    if noise is not None and not 0 <= noise < np.inf:
        raise FlopscapeError(f"--noise σ = {noise!r}: must be zero or positive")
    if simulations < 2:
        raise FlopscapeError(f"--simulations {simulations}: at least 2, and hundreds for a verdict")


def _too_large(rows: int, simulations: int, bootstrap: int) -> str:
    """Why a design is too large to be simulated so often, or nothing."""
    resampled = rows * simulations * bootstrap
    if resampled <= MOST_RESAMPLED:
        return ""
    return (
        f"{rows:,} rows × {simulations:,} simulations × {bootstrap:,} resamples are {resampled:.2g} rows to fit, and at"
        f" most {MOST_RESAMPLED:.0e} are: ask for fewer --simulations"
    )


def _of_plan(table: RunTable, given: Surface | None, name: str | None, noise: float | None) -> Source:
    sigma = PLAN_NOISE if noise is None else noise
    chosen = given or named_surface(PLAN_SURFACE)
    most = float(loss(chosen, table.n_params, table.n_tokens).max())
    if given is None and most > MOST_LOSS:
        raise FlopscapeError(
            f"{table.path}: the surface {PLAN_SURFACE} has losses of up to {most:.3g} nats on this plan, more than"
            " chance; give --surface E,A,B,alpha,beta for such small runs"
        )
    words = f"a plan, simulated from the surface {name or PLAN_SURFACE} with σ = {sigma:g} nats"
    default = "" if given and noise is not None else "; --surface and --noise change that"
    return Source(chosen, Noise(sigma), words + default)


def _of_runs(table: RunTable, given: Surface | None, noise: float | None) -> Source:
    """The surface that vpnls fits to the runs, and their noise about it, unless told otherwise."""
    fit, _ = vpnls.estimate(table, bootstrap=2)
    fitted = _fitted(fit)
    chosen = given or fitted
    if chosen is None or (fitted is None and noise is None):
        nothing = Surface(np.nan, np.nan, np.nan, np.nan, np.nan)
        return Source(nothing, Noise(0.0), "its own runs", f"vpnls finds no surface in the runs: {fit.reason}")
    made = Noise(noise) if noise is not None else _noise(table, fit)
    whose = "the surface given" if given else "the surface that vpnls fits to the runs"
    seeds = f", {made.shared:.2g} of it shared by the seeds of a size" if made.shared else ""
    sigma = f"σ = {made.total:.3g} nats{seeds}"
    if made.misfit:
        sigma += f" about a parabola for each budget (about the surface, which misses the losses, {made.departure:.3g})"
    return Source(chosen, made, f"{whose}, {sigma}")


def _fitted(fit: FitResult) -> Surface | None:
    """The fitted surface where it has an optimum."""
    values = None if fit.status == "refused" else surface_of(fit)
    return values if values and min(values[1:]) > 0 else None


def _noise(table: RunTable, fit: FitResult) -> Noise:
    """The residual variance; where seeds repeat, theirs is a run's own and the rest what a size's seeds share.

    Where parabolas of each budget beat the surface, the noise is the scatter about them, and the rest is misfit.
    """
    form = curves = float(fit.goodness.residual_sd or 0.0)
    test, repeats = fit.curve_test, 1.0
    if test and test.beaten:
        repeats = len(table) / len(np.unique(design_index(table)))
        form, curves = test.sd_form, test.sd_curves
    misfit = _beyond(form, curves, repeats)
    own, dof = seed_scatter(table)
    if not dof or len(table) > table.n_runs:
        return Noise(curves, 0.0, misfit)
    return Noise(own, _beyond(curves, own, repeats), misfit)


def _beyond(whole: float, part: float, repeats: float) -> float:
    """Root of what a variance has beyond a part of it; of means of so many repeats, times their number."""
    return float(np.sqrt(max(whole**2 - part**2, 0.0) / repeats))


def _nothing(shared: dict[str, Any], why: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    content = {"status": "refused", "reason": why} | shared | {"sentences": [f"No twin: {why}."]}
    return pd.DataFrame(columns=list(COLUMNS)), content


def _advice(table: RunTable, source: Source) -> str:
    """Width and sizes by which parabolas would reach the aim at the middle of the sweep."""
    middle = float(np.exp(np.log(table.flops).mean()))
    aim = f"For parabolas to find N* within {100 * AIM:g} % at {middle:.2g} FLOPs"
    try:
        return f"{aim}: {advise(source.surface, middle, source.noise.total, AIM).sentence}."
    except FlopscapeError as error:
        return f"{aim}: out of reach; {error}."


def _of_misfit(noise: Noise) -> list[str]:
    """That the surface does not hold, if so."""
    if not noise.misfit:
        return []
    return [
        "The surface does not hold within these runs: the noise simulated is their scatter about a parabola for each"
        f" budget, and the other truths may depart from the surface by as much as the runs do, {noise.departure:.2g}"
        " nats. A method that assumes the surface is favoured here."
    ]


def _notes(table: RunTable) -> list[str]:
    left = [
        "approach1 is left out: the simulated runs have no training curves.",
        "approach3-lad is left out: its cost.",
    ]
    if table.n_runs < FEW_FOR_BOOTSTRAP:
        left.append(
            f"With {table.n_runs} runs `fit` reports the narrower profile-F intervals for vpnls and log_lsq; the twin"
            " tests bootstrap intervals."
        )
    if len(table) > table.n_runs:
        left.append("Rows of one run share its simulated error.")
    if UNIQUE in table.columns:
        left.append("The simulated losses depend on N and D alone: what repeated tokens cost counts as noise here.")
    if not designs.compute_of(table).is_constant:
        left.append("FLOPs per parameter fall with size here: approach2's a is the slope over the budgets.")
    return left


def _rounded(value: Any) -> Any:
    """Floats to the digits that are written."""
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value
