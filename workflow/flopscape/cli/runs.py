"""Verbs that make runs and the tables of them: data, training, a study's table, its search, other people's table."""

from pathlib import Path
from typing import Annotated, Any

import typer

from flopscape.cli.options import Results, StudyFile, output, pairs, refuse_together
from flopscape.errors import FlopscapeError
from flopscape.text.terminal import say

verbs = typer.Typer()


@verbs.command(
    epilog='Example: `flopscape prepare \'{"plugin":"flopscape.plugins.text:BibleText"}\' --out results/data/kjv`'
)
def prepare(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="A dataset's plugin and kwargs, as JSON.")],
    out: Annotated[Path, output("Folder for the data and manifest.json.")],
) -> None:
    """Prepare a dataset once: data and manifest.json in a folder."""
    from flopscape.files.json_text import parse_object
    from flopscape.plugins.prepare import prepare_dataset

    prepare_dataset(parse_object(dataset, "DATASET", "quote it as in the example"), out)


@verbs.command(epilog="Example: `flopscape train RUN.json --out again.json` (also: JSON text, or a file of a spec)")
def train(
    spec: Annotated[str, typer.Argument(metavar="SPEC", help="A run's spec: JSON text, a file, or a run record.")],
    out: Annotated[Path, output("Where to write the run record.")],
) -> None:
    """Carry out one run in this process and write its record."""
    raise AssertionError("dispatched by __main__ before this module is loaded")


@verbs.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    epilog="Example: `flopscape launch --processes 2 RUN.json --out again.json`",
)
def launch() -> None:
    """Carry out one run in several processes, on this machine or as its part of several."""
    raise AssertionError("dispatched by __main__ before this module is loaded")


@verbs.command(
    epilog="Example: `flopscape take-run results/recipes.a/runs/0123456789ab.json RUN.json --out "
    "results/recipes.b/runs/0123456789ab.json`"
)
def take_run(
    record: Annotated[Path, typer.Argument(metavar="RECORD", help="The record of a finished run.")],
    spec: Annotated[str, typer.Argument(metavar="SPEC", help="The spec that it must be of: JSON text, or a file.")],
    out: Annotated[Path, output("Where the same record is written.")],
) -> None:
    """Copy the record of a finished run that two studies plan, if it is of this very spec."""
    from flopscape.training import take

    take.take_run(record, spec, out)


@verbs.command(epilog="Example: `flopscape collect config/studies/quick.yaml --runs results/quick/runs --out runs.csv`")
def collect(
    study_file: StudyFile,
    runs: Annotated[Path, typer.Option(help="Folder of the run records.")],
    out: Annotated[Path, output("CSV to write; its .parquet and its curves land beside it.")],
) -> None:
    """Collect a study's run records into one tidy table."""
    from flopscape.config.read import load_study
    from flopscape.plan.rows import plan_rows
    from flopscape.plan.rungs import read_rungs
    from flopscape.runs.collect import run

    study = load_study(study_file)
    rungs = read_rungs(study, runs.parent / "rungs")
    for note in run(plan_rows(study, rungs), runs, out, [study_file]):
        typer.echo(f"warning: {note}", err=True)


@verbs.command(
    epilog="Example: `flopscape transfer config/studies/kjv-gpt.yaml --runs results/kjv-gpt/runs "
    "--out results/kjv-gpt/transfer`"
)
def transfer(
    study_file: StudyFile,
    runs: Annotated[Path, typer.Option(help="Folder of the run records, those of the search among them.")],
    out: Annotated[Path, output("Folder for table.csv, verdict.json, figure.svg, figure.png.")],
    seed: Annotated[int, typer.Option(min=0, help="Seed of the redrawn losses.")] = 0,
) -> None:
    """Say whether the best learning rate transfers between widths, from a study's finished search."""
    from flopscape.config.read import load_study
    from flopscape.transfer.run import run

    say(run(load_study(study_file), runs, out, seed, [study_file]))


@verbs.command(
    "import", epilog="Example: `flopscape import theirs.csv --map loss=val_loss --map flops=C --out runs.csv`"
)
def import_(
    source: Annotated[
        str, typer.Argument(metavar="FILE", help="CSV, JSON or Parquet, .gz or not; or a published table.")
    ],
    out: Annotated[Path | None, output("Table to write, .csv or .parquet.")] = None,
    folder: Annotated[
        Path | None, output("Write runs.csv, .parquet, curves.parquet and manifest.json here instead.")
    ] = None,
    columns: Annotated[list[str] | None, typer.Option("--map", help="Our name = theirs: loss=val_loss.")] = None,
    run_id: Annotated[str, typer.Option(help="Columns that together name a run: 'n_params,lr,seed'.")] = "",
    exclude: Annotated[str | None, typer.Option(help="Leave out rows, for example 'lr > 0.1'.")] = None,
    lowest: Annotated[
        bool, typer.Option("--lowest", help="Of several rows at one N and D use the lowest loss.")
    ] = False,
    mirror: Annotated[Path | None, typer.Option(help="Folder with the files of published tables.")] = None,
    curves: Annotated[Path | None, typer.Option(help="With --folder: a table of training curves.")] = None,
) -> None:
    """Turn other people's runs into a table that `fit` reads: columns mapped, N or D from C = 6ND, rows checked."""
    from flopscape.api.imports import import_runs

    refuse_together("import", {"--out": out, "--folder": folder})
    mapping = pairs(columns, "--map", "loss=val_loss")
    names = [name.strip() for name in run_id.split(",")] if run_id else []
    if not folder and (curves or not out):
        raise FlopscapeError("import: give --out RUNS.csv, or --folder and perhaps --curves")
    files: dict[str, Any] = {"mirror": mirror, "curves": curves, "out": out, "folder": folder}
    say(import_runs(source, mapping, run_id=names, exclude=exclude, lowest=lowest, **files).summary())


@verbs.command(epilog="Example: `flopscape status kjv-gpt --watch`")
def status(
    studies: Annotated[
        list[str] | None, typer.Argument(metavar="[STUDY]...", help="Names of studies; all that have begun without.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Look every two seconds until all runs are done.")] = False,
    results: Results = Path("results"),
    configs: Annotated[Path, typer.Option(help="Folder of the studies' configs.")] = Path("config/studies"),
) -> None:
    """Show which runs are done, running, waiting or failed, why, what was spent, and how long the rest takes."""
    from contextlib import suppress

    from flopscape.status.words import status

    with suppress(KeyboardInterrupt):
        status(studies or [], results, configs, watch)
