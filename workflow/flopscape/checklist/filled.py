"""The checklist of one study: every item once, with what the workflow knows, or open.

Here are the items on the claim, on what is taken from the runs and on the fit, from the study's fits as their files
say; those on the training of the runs are in training.py.
"""

import ast
from collections.abc import Callable, Collection, Iterator

from flopscape.answers import outcomes
from flopscape.answers.backtest.words import sentences
from flopscape.answers.evaluate import formula_of
from flopscape.checklist import training
from flopscape.checklist.items import ITEMS, PARTS, Entry, Filled
from flopscape.checklist.known import Known
from flopscape.config.study import Study
from flopscape.errors import joined
from flopscape.fitting.methods import module_of
from flopscape.fitting.options import source_of
from flopscape.laws.registry import LAWS
from flopscape.records.fit_result import FitResult
from flopscape.runs.statuses import measured
from flopscape.text import numbers

SAMPLED = (
    "laws and drifts are drawn around the most likely ones and weighed by importance, or where runs leave much open"
    " carried in steps from draws of the prior; what the law misses is drawn beside each"
)
STARTS_OF_SAMPLED = (
    "the law at several points of its priors, the scales of noise, drift and misfit at the middle of theirs"
)
"""The algorithm and the starts of a fit that is drawn, and not optimised."""
NOT_SETTINGS = ("method", "flops", "columns", "exclude", "min_flops", "seeds", "seed", "bootstrap")
"""Options that other items tell, or that every fit has."""


def filled(known: Known) -> Filled:
    """Fill the checklist in from a study's files."""
    told = dict(_told(known))
    if unknown := set(told) - set(ITEMS):
        raise ValueError(f"no items of the checklist: {sorted(unknown)}")
    return Filled({part.title: [Entry(item, told.get(item.key, "")) for item in part.items] for part in PARTS})


def _told(known: Known) -> Iterator[tuple[str, str]]:
    yield from of_claim(known).items()
    yield from training.of_runs(known).items()
    yield from training.of_conventions(known).items()
    yield from training.of_training(known).items()
    yield from of_taken(known).items()
    yield from of_fit(known).items()


def of_claim(known: Known) -> dict[str, str]:
    """Form, purpose, variables and number of free parameters of the fit that the claim rests on, and of the others."""
    fit = known.fit
    if fit is None:
        return {}
    asked = joined(f"{numbers.flops(p.flops)} FLOPs" for p in fit.predictions) if fit.predictions else "no compute"
    others = [name for name in known.fits if name != known.recommended]
    beside = f" {joined(others)} {'is' if len(others) == 1 else 'are'} fitted for comparison." if others else ""
    total = numbers.plural(len(known.fits), "fit")
    return {
        "form": _each(known, lambda one: _form(one)),
        "purpose": f"The split of compute and the lowest loss at {asked}.",
        "variables": f"N in parameters, D in {known.unit}s, C in FLOPs; the loss in {known.loss_unit}.",
        "free": _each(known, _free),
        "laws": f"{total} of the same runs; the claim rests on {known.recommended}.{beside}",
    }


def _each(known: Known, tell: Callable[[FitResult], str]) -> str:
    """A sentence of every fit that tells something, the one of the claim first."""
    names = [known.recommended, *(name for name in known.fits if name != known.recommended)]
    told = {name: tell(known.fits[name]) for name in names if name in known.fits}
    if len(set(told.values())) == 1:
        return f"{words}." if (words := next(iter(told.values()))) else ""
    return "; ".join(f"{name}: {words}" for name, words in told.items() if words) + "."


def _form(fit: FitResult) -> str:
    if fit.law in LAWS:
        return LAWS[fit.law].formula
    lines = f"N* ∝ C^a, D* ∝ C^b, L* = E + K·C^−γ ({fit.law})" if fit.power_law else fit.law
    return formula_of(fit) or lines


def _free(fit: FitResult) -> str:
    """How many numbers are free, where the fit names them."""
    if fit.drifting_law:
        return _free_of_drawn(fit.drifting_law.numbers, len(fit.diagnostics["scales"]))
    if fit.law_parameters:
        free = fit.free_parameters
        return f"{len(free)} ({', '.join(free)}{f'; {fit.held}' if fit.held else ''})"
    # A line through the vertices has two numbers, and the loss along it three: E, K and γ.
    return "5 (two of N*(C), three of L*(C))" if fit.power_law else ""


def _free_of_drawn(names: Collection[str], scales: int) -> str:
    """Numbers of the law, of its drift and of what it misses; its parameters are other words for the first."""
    drift, missed = (sum(name.startswith(kind) for name in names) for kind in ("drift_", "missed_"))
    law = len(names) - drift - missed
    return (
        f"{law + drift + scales}, all with priors ({law} of the law, {drift} of its drift, {scales} scales), and"
        f" {missed:,} of what the law misses, normal beside them"
    )


def of_taken(known: Known) -> dict[str, str]:
    """Points, checkpoints, metric, changes and rows left out."""
    fit, trained = known.fit, known.study is not None
    # Runs that no fit sees, hidden ones and scouts, are lost as well where they did not complete.
    lost = len(known.runs) - len(known.completed) + int((~measured(known.aside)).sum())
    told = {
        "metric": _metric(known),
        "scores": "runs.csv beside this page, a row for each run; publish it." if trained else "",
        "checkpoints": "The last of each run, where its schedule has ended." if trained else "",
        "modified": f"No: the loss of the last step as it was {_made(known.study)}." if known.study else "",
    }
    if fit is None:
        return told
    per_fit = _each(known, lambda one: f"{one.n_rows:,} rows of {numbers.plural(one.n_runs, 'run')}")
    if fit.n_rows > fit.n_runs:
        told["checkpoints"] = f"Several of each run: {per_fit}"
    if merged := fit.made_from.get("options", {}).get("seeds"):
        told["modified"] = f"The seeds of a point are merged into their {merged}."
    gone = f"{numbers.plural(lost, 'run')} did not complete" if trained else f"{lost} of the table are not used"
    return told | {"points": per_fit, "left_out": f"{gone if lost else 'No run was lost'}; {_excluded(known)}."}


def _made(study: Study) -> str:
    return "simulated" if study.simulated else "measured"


def _excluded(known: Known) -> str:
    """The rows that fits leave out, each reason once, with the fits that have it."""
    by: dict[str, list[str]] = {}
    for name, fit in known.fits.items():
        for exclusion in fit.excluded:
            by.setdefault(exclusion.words, []).append(name)
    whose = {words: "every fit" if len(names) == len(known.fits) else joined(names) for words, names in by.items()}
    return "; ".join(f"left out by {whose[words]}: {words}" for words in by) or "no fit leaves out any other"


def _metric(known: Known) -> str:
    """The loss and the data that it was measured on."""
    study, units = known.study, known.manifest.get("n_units", {})
    if study is None:
        return ""
    if study.simulated:
        return "Simulated losses, in place of a held-out loss."
    heldout = study.training.heldout_units or units.get("heldout")
    of = f" on {heldout:,} held-out {known.unit}s, the same for all runs" if heldout else " on held-out data"
    return f"Mean loss in {known.loss_unit}{of}."


def of_fit(known: Known) -> dict[str, str]:
    """Objective, algorithm, settings, starts, intervals, tests and code of the analysis."""
    if known.fit is None:
        return {}
    commands = [fit.made_from["command"] for fit in known.fits.values() if "command" in fit.made_from]
    return {
        "objective": _each(known, lambda fit: fit.objective),
        "algorithm": _each(known, _algorithm),
        "settings": _each(known, _settings),
        "starts": _each(known, _starts),
        "intervals": _each(known, _intervals),
        "validated": _validated(known),
        "analysis_code": f"flopscape: {'; '.join(commands)}." if commands else "",
    }


def _algorithm(fit: FitResult) -> str:
    return SAMPLED if fit.drifting_law else _summary(fit.method)


def _summary(method: str) -> str:
    """What a method's own source says of it in its first line."""
    source = source_of(module_of(method))
    text = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) if source else None
    first = (text or "").partition("\n")[0].strip().rstrip(".")
    return first.partition("`: ")[2] or first


def _settings(fit: FitResult) -> str:
    """The options that the fit was given, if any."""
    given = fit.made_from.get("options", {})
    told = [f"{name} {value}" for name, value in given.items() if name not in NOT_SETTINGS]
    return ", ".join(told) if told else "the defaults of its method, which flopscape fit --help lists"


def _starts(fit: FitResult) -> str:
    """From how many starts the search began, where it is a search and says so."""
    if fit.drifting_law:
        return STARTS_OF_SAMPLED
    starts = fit.diagnostics.get("n_starts")
    if starts:
        share = fit.diagnostics.get("share_of_starts_at_optimum")
        agree = f", {numbers.percent(float(share))} of which end at the optimum" if share is not None else ""
        return f"{int(starts):,} starts over the whole range{agree}"
    return "none: the solution is closed" if fit.power_law and "parabola" in fit.objective else ""


def _intervals(fit: FitResult) -> str:
    if fit.status == "refused":
        return "none, for the fit is refused"
    resamples = fit.made_from.get("options", {}).get("bootstrap")
    if not resamples:
        return fit.interval or "none"
    # Fits that are drawn say how many draws they kept, which may be fewer than were asked for.
    count = "" if fit.drifting_law else f"{resamples:,} resamples or draws, "
    return f"{fit.interval or 'none'}, {count}seed {fit.seed}"


def _validated(known: Known) -> str:
    """What runs that stay hidden say of the answer, and the backtest of all fits; nothing where there is neither."""
    held = outcomes.bearing(known.recommended, outcomes.of_fit(known.scored, known.recommended))
    return " ".join(filter(None, [held, *(sentences(known.tested) if known.tested else [])]))
