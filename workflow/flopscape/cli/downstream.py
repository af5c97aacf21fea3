"""The verb that predicts accuracies of tasks."""

from pathlib import Path
from typing import Annotated

import typer

from flopscape.cli.fit_options import Column, Exclude, RunsFile, Seed, columns_of
from flopscape.cli.options import output, several
from flopscape.text.terminal import say

verbs = typer.Typer()


@verbs.command(
    epilog="Example: `flopscape downstream runs.csv --fit fit.json --accuracy accuracy@hellaswag --loss loss@hellaswag "
    "--chance 0.25 --flops 1e22`, with the fit of `flopscape fit runs.csv --column loss=loss@hellaswag`; "
    "`… --n-params 7e9 --n-tokens 2e12`, a run trained longer than is optimal"
)
def downstream(
    runs: RunsFile,
    fit: Annotated[Path, typer.Option(metavar="FIT.json", help="Fit of the task's loss, with its draws beside it.")],
    accuracy: Annotated[str, typer.Option(metavar="COLUMN", help="The accuracy, such as accuracy@hellaswag.")],
    loss: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The loss that it follows from; by default that of the fit.")
    ] = None,
    chance: Annotated[
        float | None, typer.Option(help="Share that guessing gets right, the curve's floor; fitted when left out.")
    ] = None,
    items: Annotated[
        float | None, typer.Option(help="Questions behind each accuracy; by default by the column of its errors, _se.")
    ] = None,
    flops: Annotated[list[float] | None, several("Compute in FLOPs, spent optimally; repeatable.")] = None,
    n_params: Annotated[list[float] | None, several("Size of a run, with --n-tokens; repeatable.")] = None,
    n_tokens: Annotated[list[float] | None, several("Tokens of a run of that size; repeatable.")] = None,
    seed: Seed = 0,
    json_: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    out: Annotated[Path | None, output("Figure to write, as SVG and PNG.")] = None,
    numbers: Annotated[
        Path | None, output("JSON to write: all numbers, or why the runs tell no accuracy, which is then no error.")
    ] = None,
    exclude: Exclude = None,
    column: Column = None,
) -> None:
    """Predict the accuracy on a task in two steps: its loss by a fitted law, the accuracy as a sigmoid of that loss."""
    from flopscape.downstream.run import run

    found = run(
        runs,
        fit,
        accuracy,
        flops=flops or [],
        n_params=n_params or [],
        n_tokens=n_tokens or [],
        loss=loss,
        chance=chance,
        items=items,
        exclude=exclude,
        columns=columns_of(column),
        seed=seed,
        out=out,
        numbers=numbers,
        as_json=json_,
    )
    print(found) if json_ else say(found)
