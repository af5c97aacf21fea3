"""Verbs on fits: make one, vary it, ask it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from flopscape.cli.fit_options import (
    Bootstrap,
    Column,
    Exclude,
    Flops,
    Method,
    MethodCommand,
    MinFlops,
    RunsFile,
    Seed,
    Seeds,
    columns_of,
    options_given,
)
from flopscape.cli.options import Results, numbers_of, output, pairs, several
from flopscape.errors import FlopscapeError
from flopscape.fitting.methods import RESAMPLES_OF_SENSITIVITY
from flopscape.text.terminal import say

verbs = typer.Typer()


@verbs.command(
    cls=MethodCommand,
    epilog="Example: `flopscape fit results/quick/runs.csv --method vpnls --flops 1e13 --out fit.json`",
)
def fit(
    context: typer.Context,
    runs: RunsFile,
    method: Method,
    out: Annotated[Path, output("FIT.json to write; the draws land beside it as FIT.draws.parquet.")],
    flops: Flops = None,
    bootstrap: Bootstrap = 4000,
    seed: Seed = 0,
    seeds: Seeds = None,
    exclude: Exclude = None,
    min_flops: MinFlops = None,
    column: Column = None,
) -> None:
    """Fit a scaling law to a table of runs. Whatever it judges, `refused` included, is written."""
    from flopscape.api.fits import fit

    rows: dict[str, Any] = {"exclude": exclude, "min_flops": min_flops, "seeds": seeds}
    draws: dict[str, Any] = {"flops": flops or [], "bootstrap": bootstrap, "seed": seed, "out": out}
    made = fit(runs, method, columns=columns_of(column), **draws, **rows, **options_given(context, method))
    say(made.summary())


@verbs.command(
    cls=MethodCommand,
    epilog="Example: `flopscape sensitivity results/quick/runs.csv --flops 1e13 --out sensitivity.csv`",
)
def sensitivity(
    context: typer.Context,
    runs: RunsFile,
    out: Annotated[Path, output("CSV to write: a line a fit.")],
    method: Method = "vpnls",
    flops: Flops = None,
    bootstrap: Bootstrap = RESAMPLES_OF_SENSITIVITY,
    seed: Seed = 0,
    seeds: Seeds = None,
    exclude: Exclude = None,
    min_flops: MinFlops = None,
    column: Column = None,
) -> None:
    """Fit again with one thing changed at a time: objective, method, rows, convention of N, D and C."""
    from flopscape.answers.sensitivity import run
    from flopscape.report.terminal import sensitivity_text
    from flopscape.text.terminal import progress_lines

    rows: dict[str, Any] = {"exclude": exclude, "min_flops": min_flops, "seeds": seeds}
    draws: dict[str, Any] = {"flops": flops or [], "bootstrap": bootstrap, "seed": seed, "report": progress_lines()}
    table = run(runs, out, method, columns=columns_of(column), **rows, **draws, **options_given(context, method))
    say(sensitivity_text(table))


@verbs.command(
    cls=MethodCommand,
    epilog="Example: `flopscape backtest results/quick/runs.csv --method vpnls --out backtest.csv`",
)
def backtest(
    context: typer.Context,
    runs: RunsFile,
    out: Annotated[Path, output("CSV to write: a line a hidden optimum, and a line a hidden run.")],
    method: Annotated[
        str | None, typer.Option(help="Refit this one; all that need no training curves when left out.")
    ] = None,
    fits: Annotated[
        list[Path] | None, typer.Option(metavar="FIT.json", help="Refit what these were made by; repeatable.")
    ] = None,
    bootstrap: Bootstrap = RESAMPLES_OF_SENSITIVITY,
    seed: Seed = 0,
    seeds: Seeds = None,
    exclude: Exclude = None,
    min_flops: MinFlops = None,
    column: Column = None,
) -> None:
    """Hide the largest budgets, fit the rest, and compare: how far can the intervals of each method be believed?"""
    from flopscape.api.backtest import backtest

    rows: dict[str, Any] = {"exclude": exclude, "min_flops": min_flops, "seeds": seeds, "columns": columns_of(column)}
    draws: dict[str, Any] = {"bootstrap": bootstrap, "seed": seed, "out": out}
    say(backtest(runs, method, fits=fits or [], **draws, **rows, **options_given(context, method)).summary())


@verbs.command(
    epilog="Example: `flopscape validate results/kjv-gpt/runs.csv --fits results/kjv-gpt/fits/answer.json "
    "--out validation.csv`"
)
def validate(
    runs: RunsFile,
    fits: Annotated[list[Path], typer.Option(metavar="FIT.json", help="A finished fit of the table; repeatable.")],
    out: Annotated[Path, output("CSV to write: a line a fit and hidden run, or hidden optimum.")],
    archive: Annotated[
        Path | None, output("Journal (.jsonl) to which the same is added, if it is new; what it has is never changed.")
    ] = None,
) -> None:
    """Score what finished fits had said of the runs that stay hidden from them, those true in a column validate."""
    from flopscape.answers.outcomes import text
    from flopscape.answers.validation import run

    say(text(run(runs, out, fits, archive)))


@verbs.command(
    epilog="Example: `flopscape predict results/quick/fits/vpnls.json --n-params 1e6`, the data of a size; "
    "`… --n-params 1e6 --n-tokens 1e8`, the loss of a run; `… --flops 1e13 --inference-tokens 1e7`; "
    "`… --flops 1e22 --at experts=16`, of a law with covariates; `… --out prediction.md`, a page to hand on"
)
def predict(
    fit_file: Annotated[Path, typer.Argument(metavar="FIT.json", help="A fit, with its draws beside it.")],
    flops: Annotated[list[float] | None, several("Compute in FLOPs; repeatable.")] = None,
    n_params: Annotated[
        list[float] | None,
        several("Alone: the data for which this size is optimal. Else this size in its place. Repeatable."),
    ] = None,
    n_tokens: Annotated[list[float] | None, several("The loss of --n-params on so many; repeatable.")] = None,
    unique_tokens: Annotated[float | None, typer.Option(help="Distinct tokens, for a fit of law constrained.")] = None,
    loss: Annotated[float | None, typer.Option(help="Reach this loss with least compute; instead of --flops.")] = None,
    inference_tokens: Annotated[
        float | None,
        typer.Option(help="Tokens to serve: compute is then of both. For fits of `answer` and of a surface."),
    ] = None,
    at: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=NUMBER", help="Other values of the law's covariates than the fit's own; repeatable."
        ),
    ] = None,
    out: Annotated[Path | None, output("Write a page on the asked budgets and sizes, as Markdown.")] = None,
    title: Annotated[str, typer.Option(help="With --out: the study's title.")] = "",
    backtest: Annotated[Path | None, typer.Option(help="With --out: table of `flopscape backtest` of the fit.")] = None,
    validation: Annotated[Path | None, typer.Option(help="Table of `flopscape validate` of the fit.")] = None,
) -> None:
    """Print the optimal size and tokens at any compute, the tokens of a size, the loss of a run, or a page of these."""
    from flopscape.api.fits import read_fit
    from flopscape.report.prediction import write_prediction

    sizes: dict[str, Any] = {"n_params": n_params or [], "n_tokens": n_tokens or []}
    others: dict[str, Any] = {"unique_tokens": unique_tokens, "loss": loss, "inference_tokens": inference_tokens}
    others |= {"at": numbers_of(at, "--at") or None}
    if out is None:
        if title or backtest:
            raise FlopscapeError("predict: --title and --backtest are for the page of --out; leave them out")
        say(read_fit(fit_file).predict(flops or [], **sizes, **others).summary())
    elif n_tokens or any(value is not None for value in others.values()):
        raise FlopscapeError("predict: a page has --flops and --n-params alone; leave out --out or the other options")
    else:
        tests: dict[str, Any] = {"backtest": backtest, "validation": validation}
        write_prediction(fit_file, out, flops or [], n_params or [], title=title, **tests)
        say(f"{out}: written")
    say(read_fit(fit_file).trust(validation))


@verbs.command(
    epilog="Example: `flopscape shape results/mine/fits/depth.json config/studies/mine.yaml --flops 1e13`; "
    "`… --among depth=1:16 --among width=64:1024:32`; `flopscape shape depth.json runs.csv --flops 1e21`"
)
def shape(
    fit_file: Annotated[Path, typer.Argument(metavar="FIT.json", help="A fit of `law`, with its draws beside it.")],
    subject: Annotated[Path, typer.Argument(metavar="CONFIG|RUNS.csv", help="The study's file, or the fitted table.")],
    flops: Annotated[list[float], several("Compute in FLOPs; repeatable.")],
    among: Annotated[
        list[str] | None,
        typer.Option(metavar="PART=VALUES", help="Whole values of a part of the size: low:high:step, or 2,4,8."),
    ] = None,
    results: Results = Path("results"),
) -> None:
    """Print the best shape of a model at any compute: depth, width and other parts, N, D and the loss."""
    from flopscape.design.shape import run

    say(run(fit_file, subject, flops, pairs(among, "--among", "depth=2:12"), results))
