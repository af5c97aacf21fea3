"""Verbs on fits: make one, vary it, ask it."""

from pathlib import Path
from typing import Annotated

import typer

from flopscape.cli.options import RunsFile, output, pairs
from flopscape.errors import FlopscapeError
from flopscape.text.terminal import say

verbs = typer.Typer()


@verbs.command(epilog="Example: `flopscape fit results/quick/runs.csv --method vpnls --flops 1e13 --out fit.json`")
def fit(
    runs: RunsFile,
    method: Annotated[str, typer.Option(help="approach1, approach2, approach3, vpnls, law, or a module of your own.")],
    out: Annotated[Path, output("FIT.json to write; the draws land beside it as FIT.draws.parquet.")],
    flops: Annotated[list[float] | None, typer.Option(help="Compute to predict the optimum for; repeatable.")] = None,
    objective: Annotated[str | None, typer.Option(help="Of approach3: huber, lad, log_lsq or lsq.")] = None,
    delta: Annotated[str | None, typer.Option(help="Huber's δ in log residuals, or scaled; 1e-3 unless given.")] = None,
    variant: Annotated[str | None, typer.Option(help="Of approach2: parabola or exact.")] = None,
    bias_correction: Annotated[
        bool, typer.Option("--bias-correction", help="Take the parabolas' bias off approach2's vertices.")
    ] = False,
    rule: Annotated[str | None, typer.Option(help="Of approach1: hull, binned or horizon.")] = None,
    curves: Annotated[Path | None, typer.Option(help="Training curves for approach1: curves.parquet.")] = None,
    weights: Annotated[str | None, typer.Option(help="seeds: by the variance between seeds.")] = None,
    law: Annotated[str | None, typer.Option(help="Of method law: coupled, kaplan, constrained, power-n …")] = None,
    unique_tokens: Annotated[float | None, typer.Option(help="Distinct tokens, for the law constrained.")] = None,
    bootstrap: Annotated[int, typer.Option(min=100, help="Resamples behind the intervals.")] = 4000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the resampling.")] = 0,
    seeds: Annotated[str | None, typer.Option(help="mean or median: one row for the seeds of a point.")] = None,
    exclude: Annotated[str | None, typer.Option(help="Leave out rows, for example 'n_params < 1e4'.")] = None,
    min_flops: Annotated[float | None, typer.Option(help="Leave out rows of less compute.")] = None,
    column: Annotated[list[str] | None, typer.Option(help="Another convention: n_params=n_params_total.")] = None,
) -> None:
    """Fit a scaling law to a table of runs. Whatever it judges, `refused` included, is written."""
    from flopscape.fitting.fit import run
    from flopscape.report.terminal import fit_text

    given = {
        "objective": objective, "delta": _delta(delta), "variant": variant, "rule": rule, "curves": curves,
        "bias_correction": bias_correction or None,
        "weights": weights, "law": law, "unique_tokens": unique_tokens, "exclude": exclude, "min_flops": min_flops,
        "seeds": seeds,
    }  # fmt: skip
    columns = pairs(column, "--column", "n_params=n_params_total")
    result = run(runs, out, method, columns=columns, flops=flops or [], bootstrap=bootstrap, seed=seed, **given)
    say(fit_text(out, result))


def _delta(text: str | None) -> float | str | None:
    """A number, or the word `scaled`."""
    try:
        return text if text in (None, "scaled") else float(text)
    except ValueError:
        raise FlopscapeError(f"--delta {text!r}: write a number or the word scaled") from None


@verbs.command(epilog="Example: `flopscape sensitivity results/quick/runs.csv --flops 1e13 --out sensitivity.csv`")
def sensitivity(
    runs: RunsFile,
    out: Annotated[Path, output("CSV to write: a line a fit.")],
    method: Annotated[str, typer.Option(help="Method of the base fit, as for `flopscape fit`.")] = "vpnls",
    flops: Annotated[list[float] | None, typer.Option(help="Compute to predict the optimum for; repeatable.")] = None,
    objective: Annotated[str | None, typer.Option(help="Of the base fit; so are the next.")] = None,
    delta: Annotated[str | None, typer.Option()] = None,
    variant: Annotated[str | None, typer.Option()] = None,
    bias_correction: Annotated[
        bool, typer.Option("--bias-correction", help="Take the parabolas' bias off approach2's vertices.")
    ] = False,
    rule: Annotated[str | None, typer.Option()] = None,
    curves: Annotated[Path | None, typer.Option()] = None,
    weights: Annotated[str | None, typer.Option()] = None,
    law: Annotated[str | None, typer.Option()] = None,
    unique_tokens: Annotated[float | None, typer.Option()] = None,
    bootstrap: Annotated[int, typer.Option(min=100, help="Resamples behind each fit's intervals.")] = 400,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the resampling.")] = 0,
    seeds: Annotated[str | None, typer.Option(help="mean or median: one row for the seeds of a point.")] = None,
    exclude: Annotated[str | None, typer.Option(help="Leave out rows everywhere, as for `flopscape fit`.")] = None,
    min_flops: Annotated[float | None, typer.Option(help="Leave out rows of less compute everywhere.")] = None,
    column: Annotated[list[str] | None, typer.Option(help="Another convention: n_params=n_params_total.")] = None,
) -> None:
    """Fit again with one thing changed at a time: objective, method, rows, convention of N, D and C."""
    from flopscape.answers.sensitivity import run
    from flopscape.report.terminal import sensitivity_text
    from flopscape.text.terminal import progress_lines

    given = {
        "objective": objective, "delta": _delta(delta), "variant": variant, "rule": rule, "curves": curves,
        "bias_correction": bias_correction or None,
        "weights": weights, "law": law, "unique_tokens": unique_tokens,
        "flops": flops or [], "bootstrap": bootstrap, "seed": seed, "report": progress_lines(),
    }  # fmt: skip
    columns = pairs(column, "--column", "n_params=n_params_total")
    table = run(runs, out, method, columns=columns, exclude=exclude, min_flops=min_flops, seeds=seeds, **given)
    say(sensitivity_text(table))


@verbs.command(epilog="Example: `flopscape predict results/quick/fits/vpnls.json --flops 1e13 --inference-tokens 1e7`")
def predict(
    fit_file: Annotated[Path, typer.Argument(metavar="FIT.json", help="A fit, with its draws beside it.")],
    flops: Annotated[list[float] | None, typer.Option(help="Compute in FLOPs; repeatable.")] = None,
    n_params: Annotated[float | None, typer.Option(help="Use this size instead of the optimal one.")] = None,
    unique_tokens: Annotated[float | None, typer.Option(help="Distinct tokens, for a fit of law constrained.")] = None,
    loss: Annotated[float | None, typer.Option(help="Reach this loss with least compute; instead of --flops.")] = None,
    inference_tokens: Annotated[
        float | None, typer.Option(help="Tokens to serve: compute is then that of training and serving together.")
    ] = None,
) -> None:
    """Print the optimal size, tokens and loss at any compute, of a given size, or with serving paid for as well."""
    from flopscape.report.terminal import predictions, trust

    asked = {
        "n_params": n_params, "unique_tokens": unique_tokens, "loss": loss, "inference_tokens": inference_tokens,
    }  # fmt: skip
    say(predictions(fit_file, flops or [], **asked))
    say(trust(fit_file))
