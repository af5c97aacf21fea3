"""The verbs that write what a person edits: a folder to work in, and a study from a question."""

import os
import shlex
from pathlib import Path
from typing import Annotated, Literal

import typer

from flopscape.cli.options import ConfigFile, Results, output_argument, refuse_together, several
from flopscape.text.terminal import say

verbs = typer.Typer()
CORES = os.cpu_count() or 1
LOSS = "flopscape.plugins.losses:NextToken"

Name = Annotated[str | None, typer.Argument(help="Name of the study.")]
Like = Annotated[Path | None, typer.Option(metavar="CONFIG", help="A study whose model, data and recipe are taken.")]
Model = Annotated[str | None, typer.Option(metavar="module:Class", help="Instead of --like: a model plug-in.")]
Dataset = Annotated[str | None, typer.Option(metavar="module:Class", help="With --model: a dataset plug-in.")]
Loss = Annotated[
    str | None, typer.Option(metavar="module:Class", help=f"With --model: a loss plug-in; {LOSS} when left out.")
]
Kwargs = Annotated[str | None, typer.Option(metavar="JSON", help="Its arguments.")]
Device = Annotated[
    Literal["cpu", "gpu"] | None, typer.Option(help="With --model: where its runs train; cpu when left out.")
]
Family = Annotated[
    str | None,
    typer.Option(metavar="JSON", help='Sizes to choose from, such as {"width_multiple": 64, "aspect_ratio": 64}.'),
]
Target = Annotated[list[float] | None, several("Compute to answer for, in FLOPs; repeatable.")]
Usd = Annotated[float | None, typer.Option(help="US dollars for all runs together.")]
Hours = Annotated[float | None, typer.Option(help="Or device-hours: of GPUs, or of CPU threads.")]
WallHours = Annotated[float | None, typer.Option(help="Or hours until all runs are done.")]
Flops = Annotated[float | None, typer.Option(help="Or FLOPs of all runs together.")]
Parallel = Annotated[int, typer.Option(min=1, help="Runs at a time.")]
Repeats = Annotated[bool, typer.Option("--allow-repeats", help="Let runs repeat the data more often than is sound.")]
Print = Annotated[bool, typer.Option("--print", help="Print the study, and write nothing.")]
Studies = Annotated[Path, typer.Option(help="Folder of studies.")]


@verbs.command(
    epilog="Example: `flopscape new mine --like config/studies/kjv-gpt.yaml --target 1e14 --hours 0.5`; without "
    "options in a terminal it asks"
)
def new(
    name: Name = None,
    like: Like = None,
    model: Model = None,
    model_kwargs: Kwargs = None,
    dataset: Dataset = None,
    dataset_kwargs: Kwargs = None,
    loss: Loss = None,
    device: Device = None,
    family: Family = None,
    target: Target = None,
    usd: Usd = None,
    hours: Hours = None,
    wall_hours: WallHours = None,
    flops: Flops = None,
    parallel: Parallel = CORES,
    allow_repeats: Repeats = False,
    print_only: Print = False,
    studies: Studies = Path("config/studies"),
    config_file: ConfigFile = Path("config/config.yaml"),
    results: Results = Path("results"),
) -> None:
    """Write a commented, priced study from a question: what can be known at a compute, for some money."""
    from flopscape.cli.question import Options, asked_question
    from flopscape.design.new import answer_question
    from flopscape.plan.capacity import Capacity
    from flopscape.plan.studies import settings

    money = {"usd": usd, "hours": hours, "wall_hours": wall_hours, "flops": flops}
    of_plugins = {"--model-kwargs": model_kwargs, "--dataset": dataset, "--dataset-kwargs": dataset_kwargs}
    for option, value in (of_plugins | {"--loss": loss, "--device": device}).items():
        refuse_together("new", {"--like": like, option: value})
    plugins = {"model": (model, model_kwargs), "dataset": (dataset, dataset_kwargs), "loss": (loss or LOSS, None)}
    given = Options(name, like, plugins, device or "cpu", family, tuple(target or ()), money, allow_repeats, studies)
    asked, base = asked_question(given)
    path = studies / f"{asked.name}.yaml"
    made = answer_question(asked, settings(config_file).prices, Capacity(parallel), results, base)
    if print_only:
        say(made.text.rstrip("\n"))
        return
    made.write(path)
    say("\n".join([*made.lines, "", f"{path}: written. Look with `snakemake -n --config studies={asked.name}`"]))


@verbs.command(epilog="Example: `flopscape init sweeps`, then `cd sweeps` and `snakemake -n`")
def init(
    folder: Annotated[Path, output_argument("A new folder, or an empty one.", "FOLDER")],
    study: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="An example study to begin with; repeatable. quick and digits-mlp else."),
    ] = None,
) -> None:
    """Lay out a folder to work in: Snakefile, config, studies, profiles."""
    from flopscape.config.working_folder import FIRST_STUDIES, make_working_folder
    from flopscape.errors import joined

    studies = study or FIRST_STUDIES
    make_working_folder(folder, studies)
    say(f"{folder}: a folder for sweeps, with the example studies {joined(studies)}")
    say(f"cd {shlex.quote(str(folder))}\nsnakemake -n    # what would run, and its price\nsnakemake       # run it")
