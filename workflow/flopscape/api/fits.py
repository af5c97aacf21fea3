"""Fits: one law fitted to a table of runs, in memory or from its file, and what can be asked of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from flopscape.answers.asked import ask
from flopscape.answers.predict import read_with_draws
from flopscape.api.asked import Numbers, PathLike, number_of, numbers_of, path_of
from flopscape.api.pictures import Quantity, against_compute
from flopscape.api.predictions import Predictions
from flopscape.api.runs import AnyRuns, Runs, file_of, read_runs
from flopscape.api.show import page
from flopscape.config.fits import Fit as CheckedFit
from flopscape.config.read import validate
from flopscape.errors import FlopscapeError
from flopscape.fitting import fit as fitting
from flopscape.fitting.common.draws_file import fit_name, read_draws
from flopscape.fitting.common.made_from import options_given
from flopscape.fitting.methods import ANSWER, CURVES, chosen_options, shipped_methods, why_not_its_options
from flopscape.fitting.options import OF_EVERY_METHOD, is_module
from flopscape.records.fit_result import Estimate, FitResult
from flopscape.report.summary import head, recommendation
from flopscape.report.terminal import fit_text, trust
from flopscape.runs.table import SIX_N_D

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, repr=False)
class Fit:
    """A fitted law: what `fit` and `read_fit` return.

    `result` has every number, `draws` a row a resample of it; `runs` are those it was fitted to, None where a fit was
    read from its file, which `path` is.
    """

    name: str
    result: FitResult
    draws: pd.DataFrame
    runs: Runs | None = None
    path: Path | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    """What it was made by, from which a backtest makes it again."""

    @property
    def status(self) -> str:
        """`ok`, `weak`, `boundary` or `refused`; `reason` says why."""
        return self.result.status

    @property
    def reason(self) -> str:
        """Why the fit has its status, in a sentence."""
        return self.result.reason

    @property
    def parameters(self) -> dict[str, Estimate]:
        """The law's parameters by name, each with the ends of its 95 % interval."""
        return self.result.law_parameters

    @property
    def exponents(self) -> dict[str, Estimate]:
        """a and b of N* ∝ C^a and D* ∝ C^b; empty where the law has none."""
        return self.result.exponents or {}

    @property
    def warnings(self) -> list[str]:
        """What to distrust, in sentences."""
        return self.result.warnings

    def predict(
        self,
        flops: Numbers | None = None,
        *,
        n_params: Numbers | None = None,
        n_tokens: Numbers | None = None,
        loss: float | None = None,
        inference_tokens: float | None = None,
        unique_tokens: float | None = None,
        at: Mapping[str, float] | None = None,
    ) -> Predictions:
        """Ask the fit: for the optimum at a compute, the data of a size, the loss of a run, or what serves cheaply.

        Parameters
        ----------
        flops : number or numbers, optional
            Training compute in FLOPs, spent optimally; with `inference_tokens` that of training and serving together.
        n_params : number or numbers, optional
            Alone: the data for which each size is optimal. With `flops` or `n_tokens`: these sizes.
        n_tokens : number or numbers, optional
            With `n_params`: the loss of these runs.
        loss : float, optional
            Reach this loss with least compute, instead of `flops`.
        inference_tokens : float, optional
            Tokens to serve over the model's life.
        unique_tokens : float, optional
            Distinct tokens, for a fit of the law constrained.
        at : mapping, optional
            Values of the law's covariates, such as `{"experts": 16}`; those that the fit was asked at when left out.

        Raises
        ------
        FlopscapeError
            Questions that exclude each other, or one that this fit cannot answer.

        Examples
        --------
        `fs.fit("runs.csv").predict(flops=1e24)`, on the command line `flopscape predict FIT.json --flops 1e24`.
        """
        sizes: Any = {"n_params": numbers_of(n_params, "n_params"), "n_tokens": numbers_of(n_tokens, "n_tokens")}
        others = {"unique_tokens": unique_tokens, "loss": loss, "inference_tokens": inference_tokens}
        given: Any = {name: None if value is None else number_of(value, name) for name, value in others.items()}
        found = ask(self.result, self.draws, numbers_of(flops, "flops"), **sizes, **given, at=at)
        return Predictions(self, found)

    def summary(self) -> str:
        """What `flopscape fit` prints: status, exponents, the optimum at each asked compute, rows, warnings."""
        return fit_text(self.path or self.name, self.result)

    def trust(self, validation: PathLike | None = None) -> str:
        """A sentence on whether to trust the fit, and with a table of `flopscape validate` whether it held."""
        return trust(self.result, self.name, None if validation is None else path_of(validation, "validation"))

    def to_frame(self) -> pd.DataFrame:
        """A row a number: quantity, the compute it is of or nothing, the estimate and the ends of its interval."""
        named = [(name, None, number) for name, number in {**self.parameters, **self.exponents}.items()]
        asked = [
            (name, at.flops, number)
            for at in self.result.predictions
            for name in ("n_params", "n_tokens", "tokens_per_param", "loss")
            if (number := getattr(at, name)) is not None
        ]
        rows = [(name, flops, one.estimate, one.low, one.high) for name, flops, one in [*named, *asked]]
        columns = ["quantity", "flops", "estimate", "low", "high"]
        return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns[1:], float))

    def plot(self, ax: "Axes | None" = None, quantity: Quantity = "n_params") -> "Axes":
        """The optimum against compute with its band, beside the runs, into the axes that are given or new ones."""
        return against_compute(self.runs, {self.name: self}, ax, quantity)

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        title = f"{self.name}: {self.status}" + (f" ({self.reason})" if self.reason else "")
        return page(title, head(self.result.unit), recommendation(self.result), self.warnings)


def fit(
    runs: AnyRuns,
    method: str = ANSWER,
    *,
    flops: Numbers | None = None,
    bootstrap: int = 4000,
    seed: int = 0,
    seeds: str | None = None,
    exclude: str | None = None,
    min_flops: float | None = None,
    columns: Mapping[str, str] | None = None,
    curves: PathLike | None = None,
    name: str | None = None,
    out: PathLike | None = None,
    **options: Any,
) -> Fit:
    """Fit a scaling law to a table of runs.

    Parameters
    ----------
    runs : path, DataFrame or Runs
        As `read_runs` takes it.
    method : str
        answer, approach1, approach2, approach3, vpnls, law, or a module of your own.
    flops : number or numbers, optional
        Compute in FLOPs to predict the optimum for; a fit can be asked later too.
    bootstrap, seed : int
        Resamples behind the intervals, 100 or more, and their seed: the same seed gives the same numbers.
    seeds : str, optional
        `mean` or `median`: one row for the seeds of a point.
    exclude, min_flops : optional
        Leave out rows, for example "n_params < 1e4", and those of less compute.
    columns : mapping, optional
        As of `read_runs`.
    curves : path, optional
        Training curves, for a method that reads them.
    name : str, optional
        What the fit is called beside others; the method when left out, or the file.
    out : path, optional
        FIT.json to write, with its draws beside it, as `flopscape fit` does; the runs must be in a file then.
    **options
        Those of the method, as a study writes them: `fs.fit(runs, "approach3", objective="lad")`.

    Raises
    ------
    FlopscapeError
        A table that cannot be read, an unknown method or option, a value of another type, a file that must not be
        written. Of all other data there is a fit, which may be `refused`.

    Examples
    --------
    `fs.fit("runs.csv", "vpnls", flops=1e24)`, on the command line
    `flopscape fit runs.csv --method vpnls --flops 1e24 --out fit.json`.
    """
    own = checked_options(method, options, bootstrap, seed)
    budgets = numbers_of(flops, "flops")
    floor = None if min_flops is None else number_of(min_flops, "min_flops")
    asked: dict[str, Any] = {"flops": budgets, "bootstrap": bootstrap, "seed": seed, "seeds": seeds, "exclude": exclude}
    asked |= {"min_flops": floor, **own} | ({CURVES: path_of(curves, CURVES)} if curves is not None else {})
    if out is not None:
        kept = _kept(runs, path_of(out, "out"), method, columns, asked)
        return kept if name is None else replace(kept, name=name)
    read = read_runs(runs, columns)
    result, draws = fitting.fit(read.table, method, **asked)
    others = {key: value for key, value in asked.items() if key not in OF_EVERY_METHOD}
    by = options_given(method, read.columns, budgets, bootstrap, seed, others)
    by |= {CURVES: asked[CURVES]} if CURVES in asked else {}
    return Fit(name or method, result, draws, read, None, by)


def _kept(runs: AnyRuns, out: Path, method: str, columns: Mapping[str, str] | None, asked: dict[str, Any]) -> Fit:
    """A fit that is written, with the hash of the file that it was made from."""
    place, named = file_of(runs, columns, "fit: with out")
    result = fitting.run(place, out, method, columns=named, **asked)
    return Fit(fit_name(out), result, read_draws(out, result), read_runs(place, named), out, _made_by(result))


def _made_by(result: FitResult) -> dict[str, Any]:
    """The options of a fit that was read; none where it does not say them."""
    return dict(result.made_from.get("options") or {})


def checked_options(method: str, options: Mapping[str, Any], bootstrap: int, seed: int) -> dict[str, Any]:
    """The method's own options in its types, checked as those of a study are."""
    if not isinstance(method, str):
        names = ", ".join(shipped_methods())
        raise FlopscapeError(f"method: {type(method).__name__} is no name of a method; there are {names}")
    if method not in shipped_methods() and not is_module(method):
        return dict(options)  # the fit itself says that there is no such method
    given = chosen_options(method, options)
    if why := why_not_its_options(method, given):
        raise FlopscapeError(why)
    words = {"name": "fit", "method": method, "bootstrap": bootstrap, "seed": seed, **given}
    return validate(CheckedFit, words, "fit").options


def read_fit(path: PathLike, runs: AnyRuns | None = None) -> Fit:
    """Read a fit from FIT.json, with its draws beside it.

    Parameters
    ----------
    path : path
        What `flopscape fit --out` or the workflow wrote.
    runs : path, DataFrame or Runs, optional
        The runs that it is of, which `plot` draws beside it.

    Raises
    ------
    FlopscapeError
        The file cannot be read or is no fit, or its draws are not there.

    Examples
    --------
    `fs.read_fit("results/quick/fits/answer.json").predict(flops=1e13)`
    """
    place = path_of(path, "fit")
    result, draws = read_with_draws(place)
    columns = {ours: theirs for ours, theirs in result.conventions.items() if theirs not in (ours, SIX_N_D)}
    read = None if runs is None else read_runs(runs, columns)
    return Fit(fit_name(place), result, draws, read, place, _made_by(result))
