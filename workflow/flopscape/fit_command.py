"""A study's fits as the words of `flopscape fit`: what the workflow runs, and what the report says to run."""

import shlex
from collections.abc import Sequence

from flopscape.config.fits import Fit
from flopscape.fitting.made_from import Options, options_given, words
from flopscape.fitting.methods import METHODS, RESAMPLES_OF_SENSITIVITY


def asked_options(fit: Fit, flops: Sequence[float]) -> Options:
    """What the file of a study's fit keeps as `made_from["options"]`, if it is made for some compute in FLOPs."""
    others = fit.options | {"exclude": fit.exclude, "min_flops": fit.min_flops, "seeds": fit.seeds}
    return options_given(fit.method, fit.columns, flops, fit.bootstrap, fit.seed, others)


def fit_options(fit: Fit, flops: Sequence[float], folder: str) -> str:
    """Command-line options of one fit of the study in `folder`, asked for some compute in FLOPs."""
    return words(asked_options(fit, flops), _curves(fit, folder))


def choices(fit: Fit, flops: Sequence[float], folder: str) -> str:
    """All of a fit's options but the number of resamples, of which `flopscape sensitivity` takes fewer."""
    options = asked_options(fit, flops)
    del options["bootstrap"]
    return words(options, _curves(fit, folder))


def varied_options(fit: Fit, flops: Sequence[float]) -> Options:
    """What the table of sensitivity of a study keeps, whose fit is varied."""
    return asked_options(fit, flops) | {"bootstrap": RESAMPLES_OF_SENSITIVITY}


def curves_of(fit: Fit, folder: str) -> list[str]:
    """The study's training curves, for the method that reads them."""
    return [f"{folder}/curves.parquet"] if "curves" in METHODS.get(fit.method, {}) else []


def _curves(fit: Fit, folder: str) -> str | None:
    return next(iter(curves_of(fit, folder)), None)


def recompute(fits: Sequence[Fit], recommended: str, flops: Sequence[float], folder: str) -> list[str]:
    """The commands that make the fits of a study again, and its table of sensitivity."""
    table = shlex.quote(f"{folder}/runs.csv")
    varied = next(fit for fit in fits if fit.name == recommended)
    return [
        *(f"flopscape fit {table} {fit_options(fit, flops, folder)} --out {fit.name}.json" for fit in fits),
        f"flopscape sensitivity {table} {choices(varied, flops, folder)} --out sensitivity.csv",
    ]
