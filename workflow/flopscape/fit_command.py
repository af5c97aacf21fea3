"""A study's fits as the words of `flopscape fit`: what the workflow runs, and what the report says to run."""

import shlex
from collections.abc import Sequence

from flopscape.config.fits import Fit
from flopscape.fitting.methods import METHODS


def fit_options(fit: Fit, flops: Sequence[float], folder: str) -> str:
    """Command-line options of one fit of the study in `folder`, asked for some compute in FLOPs."""
    return f"{choices(fit, flops, folder)} --bootstrap {fit.bootstrap}"


def choices(fit: Fit, flops: Sequence[float], folder: str) -> str:
    """All of a fit's options but the number of resamples, of which `flopscape sensitivity` takes fewer."""
    given = fit.options | {"exclude": fit.exclude, "min_flops": fit.min_flops, "seed": fit.seed}
    given |= {"seeds": None if fit.seeds == "each" else fit.seeds}
    options = [(name.replace("_", "-"), value) for name, value in given.items() if value is not None]
    options += [("column", f"{ours}={theirs}") for ours, theirs in fit.columns.items()]
    options += [("curves", path) for path in curves_of(fit, folder)]
    options += [("flops", asked) for asked in flops]
    return f"--method {shlex.quote(fit.method)} " + " ".join(_option(name, value) for name, value in options)


def _option(name: str, value: object) -> str:
    """An option as a shell takes it: a flag alone, a number as short as it goes without loss."""
    if value is True:
        return f"--{name}"
    short = f"{value:g}" if isinstance(value, float) else str(value)
    return f"--{name} " + shlex.quote(short if not isinstance(value, float) or float(short) == value else repr(value))


def curves_of(fit: Fit, folder: str) -> list[str]:
    """The study's training curves, for the method that reads them."""
    return [f"{folder}/curves.parquet"] if "curves" in METHODS.get(fit.method, {}) else []


def recompute(fits: Sequence[Fit], recommended: str, flops: Sequence[float], folder: str) -> list[str]:
    """The commands that make the fits of a study again, and its table of sensitivity."""
    table = shlex.quote(f"{folder}/runs.csv")
    varied = next(fit for fit in fits if fit.name == recommended)
    return [
        *(f"flopscape fit {table} {fit_options(fit, flops, folder)} --out {fit.name}.json" for fit in fits),
        f"flopscape sensitivity {table} {choices(varied, flops, folder)} --out sensitivity.csv",
    ]
