"""Verbs of sweeps that design themselves."""

from pathlib import Path
from typing import Annotated

import typer

from flopscape.cli.options import ConfigFile, StudyFile, output

verbs = typer.Typer()


@verbs.command(
    epilog="Example: `flopscape plan-rung STUDY.yaml --rung 2 --results results/STUDY --out results/STUDY/rungs/2.json`"
)
def plan_rung(
    study_file: StudyFile,
    rung: Annotated[str, typer.Option(help="1, 2, … of sweep.ladder, or `refine`.")],
    results: Annotated[Path, typer.Option(help="Folder of the study's results: rungs/ and runs/.")],
    out: Annotated[Path, output("Where to write the rung.")],
    config_file: ConfigFile = Path("config/config.yaml"),
) -> None:
    """Plan the next budget of a ladder, or more sizes around finished optima, from the finished runs."""
    from flopscape.design.planned_rung import run
    from flopscape.design.rung import warnings_of
    from flopscape.files.outputs import refuse_output
    from flopscape.plan.studies import settings

    refuse_output(out, [study_file, config_file])
    for warning in warnings_of(run(study_file, rung, results, settings(config_file).prices, out)):
        typer.echo(f"warning: {warning}", err=True)
