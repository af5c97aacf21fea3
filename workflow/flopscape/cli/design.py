"""Verbs on sweeps that design themselves: rungs of a ladder, what to run next, an answer as a run."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from flopscape.cli.compare import Pairs, SameText
from flopscape.cli.fit_options import Column, columns_of
from flopscape.cli.options import (
    ConfigFile,
    GivenPrices,
    Results,
    StudyFile,
    output,
    prices_of,
    refuse_together,
    refuse_without,
    several,
)
from flopscape.errors import FlopscapeError
from flopscape.text.terminal import say

verbs = typer.Typer()


@verbs.command(
    epilog="Example: `flopscape plan-rung STUDY.yaml --rung 2 --results results/STUDY --out results/STUDY/rungs/2.json`"
)
def plan_rung(
    study_file: StudyFile,
    rung: Annotated[str, typer.Option(help="1, 2, … of sweep.ladder, or `refine`.")],
    results: Annotated[Path, typer.Option(help="Folder of the study's results: rungs/ and runs/.")],
    out: Annotated[Path, output("Where to write the rung.")],
    prices: GivenPrices = None,
    config_file: ConfigFile = Path("config/config.yaml"),
) -> None:
    """Plan the next budget of a ladder, or more sizes around finished optima, from the finished runs."""
    from flopscape.design.planned_rung import run
    from flopscape.files.outputs import refuse_output
    from flopscape.plan.rung_words import warnings_of

    refuse_output(out, [study_file, config_file])
    for warning in warnings_of([run(study_file, rung, results, prices_of(prices, config_file), out)]):
        typer.echo(f"warning: {warning}", err=True)


@verbs.command(
    epilog="Example: `flopscape rung config/studies/kjv-gpt.yaml --flops 3e12`; `… --as rows` for the study's "
    "sweep, `… --as huggingface --out config.json` for another trainer"
)
def rung(
    study_file: StudyFile,
    flops: Annotated[float, typer.Option(help="Compute of the run in FLOPs.")],
    inference_tokens: Annotated[
        float | None, typer.Option(help="Tokens to serve: compute is then of training and serving together.")
    ] = None,
    as_: Annotated[
        Literal["table", "rows", "study", "json", "huggingface", "nanochat"],
        typer.Option("--as", help="A table, YAML of rows or of a new study, or JSON for other trainers."),
    ] = "table",
    out: Annotated[Path | None, output("Write it to this file instead.")] = None,
    config_file: ConfigFile = Path("config/config.yaml"),
    results: Results = Path("results"),
) -> None:
    """Turn the answer of a finished study into runs: size, tokens, steps, rate, memory, time and money."""
    from flopscape.dag.stale import Files
    from flopscape.design.exports import written
    from flopscape.design.recommended import recommended_runs
    from flopscape.files.outputs import refuse_output, write_text
    from flopscape.plan.studies import settings

    if out is not None:
        refuse_output(out, [study_file, config_file])
    found = recommended_runs(study_file, flops, results, settings(config_file).prices, inference_tokens)
    name = found.planned.name
    stale = Files(found.planned, results / name).why_fit(found.study.recommended_fit)
    text = written(found, study_file, as_)
    if out is None:
        say(text)
    else:
        write_text(out, text + "\n")
        say(f"{out}: written")
    if stale and as_ == "table":
        say(f"warning: the fit was made {stale}: run `snakemake --config studies={name}` again")


@verbs.command(
    "next",
    epilog="Example: `flopscape next config/studies/kjv-gpt.yaml --target 1e13 --spend 2e12 --write`, "
    "`flopscape next runs.csv --target 1e24 --spend 5e21 --out next.csv`, "
    "or `flopscape next --compare kjv-gpt kjv-gpt-swiglu --target 1e13 --spend 2e12`",
)
def next_verb(
    target: Annotated[list[float], several("Compute whose optimum matters, in FLOPs; repeatable.")],
    spend: Annotated[str, typer.Option(metavar="FLOPS|$USD", help="What may be spent: 2e20, or '$50' of a study.")],
    subject: Annotated[
        Path | None, typer.Argument(metavar="CONFIG|RUNS.csv", help="A study file, or a table of runs.")
    ] = None,
    compare: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="A B", help="Choose what decides soonest which of two studies or tables is better."),
    ] = None,
    pool: Annotated[
        Path | None, typer.Option(help="Choose from these: a table with n_params, n_tokens, perhaps flops.")
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Add the runs to the study's file, as sweep.rows.")] = False,
    out: Annotated[Path | None, output("CSV to write: a line a run, with all that is told of it.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print everything as JSON; of --compare alone.")] = False,
    pairs: Pairs = True,
    same_text: SameText = False,
    column: Column = None,
    config_file: ConfigFile = Path("config/config.yaml"),
    results: Results = Path("results"),
) -> None:
    """Say which runs to buy next, by what each would do to the intervals of N*, D* and L* at the targets.

    With --compare it is by what each would do to the difference of two recipes there.
    """
    columns = columns_of(column)
    if compare is None:
        from flopscape.design.run_next import run

        refuse_without("--compare", {"--json": json_, "--no-pairs": not pairs, "--same-text": same_text})
        if subject is None:
            raise FlopscapeError("next: name a study or a table of runs, or two of them behind --compare")
        say(run(subject, target, spend, pool, write, out, columns, config_file, results))
        return
    from flopscape.design.run_decide import Asked
    from flopscape.design.run_decide import run as run_comparison

    refuse_together("next", {"--compare": True, "--pool": pool, f"the argument {subject}": subject})
    asked = Asked(target, spend, write, out, json_, columns, pairs, same_text)
    found = run_comparison(compare, asked, config_file, results)
    print(found) if json_ else say(found)
