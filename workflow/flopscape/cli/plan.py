"""Verbs before anything trains: a study's plan and price, checks of its plug-ins and widths, the schemas."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flopscape.cli.options import (
    ConfigFile,
    GivenPrices,
    Results,
    StudyFile,
    output,
    prices_of,
    refuse_together,
    several,
)
from flopscape.errors import FlopscapeError
from flopscape.text.terminal import say

if TYPE_CHECKING:
    from flopscape.config.study import ImportedStudy

verbs = typer.Typer()


@verbs.command(epilog="Example: `flopscape plan config/studies/kjv-gpt.yaml`")
def plan(
    study_file: StudyFile,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print runs, price, coverage and expected intervals as JSON.")
    ] = False,
    resolved: Annotated[bool, typer.Option("--resolved", help="Print the study with every default filled in.")] = False,
    csv_out: Annotated[Path | None, output("Write the plan's rows to this file instead.", "--csv")] = None,
    cores: Annotated[int, typer.Option(min=1, help="Runs at a time for the wall time.")] = os.cpu_count() or 1,
    config_file: ConfigFile = Path("config/config.yaml"),
    results: Results = Path("results"),
) -> None:
    """Print the plan of a study and its price; starts nothing."""
    from flopscape.api.plans import plan
    from flopscape.config.read import read_study
    from flopscape.config.study import ImportedStudy
    from flopscape.files.outputs import refuse_output, write_text
    from flopscape.plan.studies import resolved_yaml

    refuse_together("plan", {"--json": as_json, "--resolved": resolved, "--csv": csv_out})
    if csv_out is not None:
        refuse_output(csv_out, [study_file, config_file])
    if resolved:
        print(resolved_yaml(study_file))
        return
    if isinstance(study := read_study(study_file), ImportedStudy) and not (csv_out or as_json):
        _print_import(study, study_file, config_file)
        return
    made = plan(study_file, results=results, config=config_file, cores=cores)
    if csv_out:
        write_text(csv_out, made.to_csv())
    elif as_json:
        print(made.to_json())
    else:
        say(made.summary())


@verbs.command(epilog="Example: `flopscape forecast config/studies/kjv-gpt.yaml --out forecast.json`")
def forecast(
    study_file: StudyFile,
    out: Annotated[Path, output("Write the forecast here.")],
    prices: GivenPrices = None,
    config_file: ConfigFile = Path("config/config.yaml"),
    results: Results = Path("results"),
) -> None:
    """Write what a study's plan expects before any run: intervals, FLOPs, hours and money, by its config alone."""
    from flopscape.design.forecast import write_forecast
    from flopscape.files.outputs import refuse_output
    from flopscape.plan.studies import plan_study

    refuse_output(out, [study_file, config_file])
    write_forecast(plan_study(study_file.stem, study_file, results), prices_of(prices, config_file), out)


def _print_import(study: "ImportedStudy", study_file: Path, config_file: Path) -> None:
    from flopscape.plan.imported import plan_import
    from flopscape.plan.imported_text import import_text
    from flopscape.plan.studies import settings

    mirror = settings(config_file).data_mirror
    say(import_text(plan_import(study_file.stem, study_file, study, mirror), mirror))


@verbs.command("check-plugin", epilog="Example: `flopscape check-plugin --study config/studies/kjv-gpt.yaml`")
def check_plugin(
    plugin: Annotated[str | None, typer.Argument(metavar="[module:Class]", help="A model, dataset or loss.")] = None,
    kwargs: Annotated[str, typer.Option(metavar="JSON", help="Its arguments.")] = "{}",
    sizes: Annotated[list[str] | None, typer.Option(metavar="JSON", help="A size of the model; repeatable.")] = None,
    dataset: Annotated[str | None, typer.Option(metavar="module:Class", help="Dataset to check a model with.")] = None,
    dataset_kwargs: Annotated[str, typer.Option(metavar="JSON", help="Its arguments.")] = "{}",
    loss: Annotated[str | None, typer.Option(metavar="module:Class", help="Loss to check a model with.")] = None,
    loss_kwargs: Annotated[str, typer.Option(metavar="JSON", help="Its arguments.")] = "{}",
    batch_units: Annotated[int, typer.Option(min=1, help="Units of a batch of the dataset.")] = 256,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the prepared dataset. When left out: with --study the one in results/data, else the "
            "dataset is prepared in a temporary folder."
        ),
    ] = None,
    study: Annotated[Path | None, typer.Option(metavar="CONFIG", help="Check all plug-ins of a study instead.")] = None,
    out: Annotated[Path | None, output("Write the list of checks here if all of them pass.")] = None,
) -> None:
    """Check plug-ins before they cost: signatures, parameters, FLOPs, gradients, causality, data."""
    from flopscape.checks.load import part_of, subject_of_plugins, subject_of_study
    from flopscape.checks.run import report
    from flopscape.files.outputs import refuse_output

    if (plugin is None) == (study is None):
        raise FlopscapeError("check-plugin: give a plug-in as module:Class, or --study CONFIG")
    if out is not None:
        refuse_output(out, [study])
    if study:
        report(subject_of_study(study, data), out)
        return
    plugins = {
        part_of(str(plugin)): (plugin, kwargs),
        "dataset": (dataset, dataset_kwargs),
        "loss": (loss, loss_kwargs),
    }
    specs = {part: _plugin_spec(path, text) for part, (path, text) in plugins.items() if path}
    with subject_of_plugins(specs, [_object(size, "--sizes") for size in sizes or []], batch_units, data) as subject:
        report(subject, out)


def _plugin_spec(path: str, kwargs: str) -> dict[str, object]:
    arguments = _object(kwargs, "--kwargs")
    # Without an empty `kwargs`, as in a run's spec: a dataset has one id, however it is asked for.
    return {"plugin": path} | ({"kwargs": arguments} if arguments else {})


def _object(text: str, option: str) -> dict[str, object]:
    from flopscape.files.json_text import parse_object

    return parse_object(text, option, "quote it, such as '{\"width\": 32}'")


@verbs.command(epilog="Example: `flopscape coord-check config/studies/kjv-gpt.yaml --width 32 --width 64 --width 128`")
def coord_check(
    study_file: StudyFile,
    width: Annotated[list[int], several("Widths to train; three or more.")],
    steps: Annotated[int, typer.Option(min=1, help="Steps at the peak rate before activations are measured.")] = 5,
    scaling: Annotated[
        list[str] | None, typer.Option(help="fixed, width or mup; repeatable. The study's own when left out.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder of the prepared dataset, instead of the one in results/data.")
    ] = None,
) -> None:
    """Train the study's first size at several widths for a few steps: do activations keep their size?"""
    from flopscape.checks.coordinates import study_check
    from flopscape.config.read import load_study

    say(study_check(load_study(study_file), width, steps, scaling or [], data))


@verbs.command(epilog="Example: `flopscape schemas --check`")
def schemas(
    check: Annotated[bool, typer.Option("--check", help="Only say whether the files on disk are current.")] = False,
) -> None:
    """Generate workflow/schemas/ from the models of a study and of config.yaml."""
    from flopscape.config.schemas import drifted, write_schemas

    if not check:
        write_schemas()
    elif stale := drifted():
        raise FlopscapeError(f"workflow/schemas: {', '.join(stale)} differ from the models; run `flopscape schemas`")
