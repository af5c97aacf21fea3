"""Verbs that show a study whose runs are finished, and what the methods do to surfaces whose truth is known."""

from pathlib import Path
from typing import Annotated, Any

import typer

from flopscape.atlas.tables import TABLES
from flopscape.cli.options import Results, StudyFile, output, several
from flopscape.figures.names import FIGURES
from flopscape.text.terminal import say

verbs = typer.Typer()


@verbs.command(
    epilog="Example: `flopscape figure isoflop results/quick/fits/approach2.json --runs results/quick/runs.csv "
    "--curves results/quick/curves.parquet --out isoflop.svg`"
)
def figure(
    name: Annotated[str, typer.Argument(metavar="NAME", help=", ".join(FIGURES))],
    fits: Annotated[list[Path] | None, typer.Argument(metavar="[FIT.json]...", help="Fits to draw.")] = None,
    runs: Annotated[Path, typer.Option(help="The study's runs.csv.")] = Path("runs.csv"),
    curves: Annotated[Path | None, typer.Option(help="The study's curves.parquet.")] = None,
    title: Annotated[str, typer.Option(help="The study's title.")] = "",
    sensitivity: Annotated[Path | None, typer.Option(help="Table of `flopscape sensitivity`, to draw it.")] = None,
    backtest: Annotated[Path | None, typer.Option(help="Table of `flopscape backtest`, to draw it.")] = None,
    out: Annotated[Path, output("SVG to write; a PNG lands beside it.")] = Path("figure.svg"),
) -> None:
    """Draw one figure of a study."""
    from flopscape.figures.draw import run

    run(name, runs, curves, fits or [], title, out, sensitivity, backtest)


@verbs.command(epilog="Example: `flopscape twin results/quick/runs.csv --flops 1e13 --out results/quick/twin`")
def twin(
    study: Annotated[Path, typer.Argument(metavar="RUNS.csv|PLAN.csv", help="A table of runs, or a plan.")],
    out: Annotated[Path, output("Folder for twin.csv, verdict.json, figure.svg, figure.png.")],
    flops: Annotated[list[float] | None, several("Compute whose optimum matters; repeatable.")] = None,
    surface: Annotated[
        str | None, typer.Option(help="Truth: a name, or E,A,B,alpha,beta; runs have their own.")
    ] = None,
    noise: Annotated[float | None, typer.Option(help="σ of a run in nats, instead of the runs' own.")] = None,
    simulations: Annotated[int, typer.Option(help="Simulated copies of the study.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the noise and of the resampling.")] = 0,
    bootstrap: Annotated[int, typer.Option(min=20, help="Resamples behind each interval.")] = 200,
    fit: Annotated[
        list[str] | None,
        typer.Option(
            help="A fit of the study, as it writes it; one by a module of your own is judged too; repeatable."
        ),
    ] = None,
    own_simulations: Annotated[int, typer.Option(min=0, help="Copies of each truth that your own is fitted to.")] = 50,
    answer_simulations: Annotated[int, typer.Option(min=0, help="Copies that the method answer is fitted to.")] = 20,
    among_fits: Annotated[bool, typer.Option("--among-fits", help="Recommend none but these fits.")] = False,
    validation: Annotated[
        Path | None, typer.Option(help="Table of `flopscape validate`: what came beside what the copies promise.")
    ] = None,
) -> None:
    """Simulate a study's own design and say which method to trust on it, and what more runs would buy."""
    from flopscape.api.twin import twin

    options: dict[str, Any] = {"surface": surface, "noise": noise, "simulations": simulations, "bootstrap": bootstrap}
    options |= {"fits": fit or [], "own_simulations": own_simulations, "answer_simulations": answer_simulations}
    options |= {"among_fits": among_fits, "validation": validation, "seed": seed}
    say(twin(study, flops=flops, out=out, **options).summary())


@verbs.command(epilog="Example: `flopscape report config/studies/quick.yaml --results results/quick --out report.html`")
def report(
    study_file: StudyFile,
    results: Annotated[Path, typer.Option(help="The study's folder: runs.csv, fits/, figures/.")],
    out: Annotated[Path, output("report.html to write; report.md lands beside it.")],
) -> None:
    """Write a study's report as Markdown and as one self-contained HTML file."""
    from flopscape.report.write import report_study

    report_study(study_file, results, out)


@verbs.command(name="open", epilog="Example: `flopscape open kjv-gpt`, or `flopscape open` for all studies on one page")
def open_(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A study or comparison that has a page; all studies without.")
    ] = None,
    results: Results = Path("results"),
) -> None:
    """Show a study's report, a comparison's page, or a page over all studies in the browser."""
    from flopscape.report.open_page import open_page
    from flopscape.report.studies_page import open_studies

    say(open_studies(results) if name is None else open_page(name, results))


@verbs.command(
    epilog="Example: `flopscape checklist config/studies/quick.yaml --results results/quick --out checklist.md`"
)
def checklist(
    study_file: StudyFile,
    results: Annotated[Path, typer.Option(help="The study's folder: runs.csv, fits/.")],
    out: Annotated[Path, output("checklist.md to write.")],
) -> None:
    """Fill in the reporting checklist of (Mis)Fitting from a study's files; what is unknown stays an empty box."""
    from flopscape.report.checklist import summary
    from flopscape.report.write_checklist import write_checklist

    say(summary(write_checklist(study_file, results, out)))


@verbs.command(
    epilog="Example: `flopscape guide config/studies/quick.yaml`, or `flopscape guide runs.csv --flops 1e24`"
)
def guide(
    subject: Annotated[Path, typer.Argument(metavar="CONFIG|RUNS.csv", help="A study file, or a table of runs.")],
    flops: Annotated[list[float] | None, several("For a table: compute whose optimum matters; repeatable.")] = None,
    results: Results = Path("results"),
) -> None:
    """Say which approach fits a design and its question, why, how the others err on it, and what to do next."""
    from flopscape.guide.sources import guide_of
    from flopscape.guide.walk import text

    say(text(guide_of(subject, flops or [], results)))


@verbs.command(epilog="Example: `flopscape bias exp06 --out results/bias/exp06`")
def bias(
    experiment: Annotated[str, typer.Argument(metavar="EXPERIMENT", help="exp00 … exp12.")],
    out: Annotated[Path, output("Folder for table.csv, figure.svg, figure.png, verdict.json.")],
    settings: Annotated[str | None, typer.Option(help="This experiment's settings as JSON, or a bias.yaml.")] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Few points and seeds; the outputs say so.")] = False,
    mirror: Annotated[Path | None, typer.Option(help="Folder with the files of published tables.")] = None,
) -> None:
    """Run one experiment on surfaces whose truth is known: how wrong is each method, and why?"""
    from flopscape.bias.run import run

    say(run(experiment, out, settings, fast, mirror))


@verbs.command(epilog="Example: `flopscape bias-report --results results/bias --out results/bias/report.html`")
def bias_report(
    results: Annotated[Path, typer.Option(help="Folder of the experiments' folders.")],
    out: Annotated[Path, output("report.html to write; report.md lands beside it.")],
) -> None:
    """Write the page of all bias experiments as Markdown and as one self-contained HTML file."""
    from flopscape.bias.report import write_report

    write_report(results, out)


@verbs.command(epilog="Example: `flopscape atlas chinchilla --mirror published/ --out chinchilla.csv`")
def atlas(
    table: Annotated[str, typer.Argument(metavar="TABLE", help=", ".join(TABLES))],
    out: Annotated[Path, output("CSV to write: a line a fit.")],
    mirror: Annotated[Path | None, typer.Option(help="Folder with the files of published tables.")] = None,
    fit: Annotated[
        list[str] | None, typer.Option(help="This recipe alone, such as approach3-lad; repeatable, all when left out.")
    ] = None,
    bootstrap: Annotated[
        int | None, typer.Option(min=20, help="Resamples behind each interval; each recipe's own when left out.")
    ] = None,
) -> None:
    """Fit a published table again by every method, set it beside what was published, and hide its largest budgets."""
    from flopscape.atlas.refits import run
    from flopscape.text.terminal import progress_lines

    say(run(table, out, mirror, fit or [], bootstrap, progress_lines()))


@verbs.command(epilog="Example: `flopscape atlas-page results/atlas/tables/*.csv --out results/atlas/atlas.html`")
def atlas_page(
    tables: Annotated[list[Path], typer.Argument(metavar="TABLE.csv...", help="What `flopscape atlas` wrote.")],
    out: Annotated[Path, output("atlas.html to write; atlas.md and atlas.csv land beside it.")],
) -> None:
    """Write claims and refits of all tables on one page, and all their numbers into one CSV."""
    from flopscape.atlas.write import write_page

    say(write_page(tables, out))
