"""`flopscape <verb>`: each verb reads files, calls one function of the package, writes files.

Heavy imports stay inside the verbs, so that `--help` and the plan are instant and one verb's code is not another's.
"""

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flopscape.errors import FlopscapeError
from flopscape.figures.names import FIGURES
from flopscape.text.terminal import say

if TYPE_CHECKING:
    from flopscape.config.study import ImportedStudy

app = typer.Typer(
    help="Plan, price, run and fit scaling-law sweeps.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _named(text: str) -> Path:
    """The path of an output; an empty one, as of a variable that is not set, would mean the current folder."""
    if not text:
        raise FlopscapeError("the path of an output is empty; name a file or a folder")
    return Path(text)


def _output(words: str, *names: str) -> Any:
    """The option of an output, under the parameter's own name unless another is given."""
    return typer.Option(*names, parser=_named, metavar="PATH", help=words)


@app.callback()
def everything(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where a command failed, as FLOPSCAPE_DEBUG=1 does.")
    ] = False,
) -> None:
    """Plan, price, run and fit scaling-law sweeps."""


StudyFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="Study file, such as config/studies/kjv-gpt.yaml.")]
ConfigFile = Annotated[Path, typer.Option("--config", help="Prices and list of studies.")]
Results = Annotated[Path, typer.Option("--results", help="Folder of all results.")]
RunsFile = Annotated[Path, typer.Argument(metavar="RUNS.csv", help="Table with n_params, n_tokens, loss.")]


@app.command(epilog="Example: `flopscape plan config/studies/kjv-gpt.yaml`")
def plan(
    study_file: StudyFile,
    as_json: Annotated[bool, typer.Option("--json", help="Print runs, price and coverage as JSON.")] = False,
    resolved: Annotated[bool, typer.Option("--resolved", help="Print the study with every default filled in.")] = False,
    csv_out: Annotated[Path | None, _output("Write the plan's rows to this file instead.", "--csv")] = None,
    cores: Annotated[int, typer.Option(help="Runs at a time for the wall time.")] = os.cpu_count() or 1,
    config_file: ConfigFile = Path("config/config.yaml"),
    results: Results = Path("results"),
) -> None:
    """Print the plan of a study and its price; starts nothing."""
    from flopscape.config.read import read_study
    from flopscape.config.study import ImportedStudy
    from flopscape.files.outputs import refuse_output, write_text
    from flopscape.plan.capacity import Room
    from flopscape.plan.price_table import plan_csv, plan_json, price_text
    from flopscape.plan.studies import overview, resolved_yaml

    if csv_out is not None:
        refuse_output(csv_out, [study_file, config_file])
    if resolved:
        print(resolved_yaml(study_file))
        return
    if isinstance(study := read_study(study_file), ImportedStudy) and not (csv_out or as_json):
        _print_import(study, study_file, config_file)
        return
    seen = overview(study_file, config_file, results, Room(cores))
    if csv_out:
        write_text(csv_out, plan_csv(seen.rows))
    elif as_json:
        print(plan_json(seen.rows, seen.price, seen.coverage))
    else:
        say(price_text(seen.study, seen.price, seen.coverage, seen.finished))


def _print_import(study: "ImportedStudy", study_file: Path, config_file: Path) -> None:
    from flopscape.plan.imported import plan_import
    from flopscape.plan.imported_text import import_text
    from flopscape.plan.studies import settings

    mirror = settings(config_file).data_mirror
    say(import_text(plan_import(study_file.stem, study_file, study, mirror), mirror))


@app.command("check-plugin", epilog="Example: `flopscape check-plugin --study config/studies/kjv-gpt.yaml`")
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
        Path | None, typer.Option(help="Prepared dataset; prepared anew in a study's place if not.")
    ] = None,
    study: Annotated[Path | None, typer.Option(metavar="CONFIG", help="Check all plug-ins of a study instead.")] = None,
    out: Annotated[Path | None, _output("Write the list of checks here if all of them pass.")] = None,
) -> None:
    """Check plug-ins before they cost: signatures, parameters, FLOPs, gradients, causality, data."""
    from flopscape.checks.load import of_plugins, of_study, part_of
    from flopscape.checks.run import report
    from flopscape.files.outputs import refuse_output

    if (plugin is None) == (study is None):
        raise FlopscapeError("check-plugin: give a plug-in as module:Class, or --study CONFIG")
    if out is not None:
        refuse_output(out, [study])
    if study:
        report(of_study(study, data), out)
        return
    given = {part_of(str(plugin)): (plugin, kwargs), "dataset": (dataset, dataset_kwargs), "loss": (loss, loss_kwargs)}
    specs = {part: _plugin_spec(path, text) for part, (path, text) in given.items() if path}
    with of_plugins(specs, [_object(size, "--sizes") for size in sizes or []], batch_units, data) as subject:
        report(subject, out)


def _plugin_spec(path: str, kwargs: str) -> dict[str, object]:
    given = _object(kwargs, "--kwargs")
    return {"plugin": path} | ({"kwargs": given} if given else {})


def _object(text: str, option: str) -> dict[str, object]:
    from flopscape.records.json_text import parse_object

    return parse_object(text, option, "quote it, such as '{\"width\": 32}'")


@app.command(
    epilog='Example: `flopscape prepare \'{"plugin":"flopscape.plugins.text:BibleText"}\' --out results/data/kjv`'
)
def prepare(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="A dataset's plugin and kwargs, as JSON.")],
    out: Annotated[Path, _output("Folder for the data and manifest.json.")],
) -> None:
    """Prepare a dataset once: data and manifest.json in a folder."""
    from flopscape.plugins.prepare import prepare_dataset
    from flopscape.records.json_text import parse_object

    prepare_dataset(parse_object(dataset, "DATASET", "quote it as in the example"), out)


@app.command(epilog="Example: `flopscape train RUN.json --out again.json` (also: JSON text, or a file of a spec)")
def train(
    spec: Annotated[str, typer.Argument(metavar="SPEC", help="A run's spec: JSON text, a file, or a run record.")],
    out: Annotated[Path, _output("Where to write the run record.")],
) -> None:
    """Carry out one run in this process and write its record."""
    raise AssertionError("dispatched by __main__ before this module is loaded")


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    epilog="Example: `flopscape launch --processes 2 RUN.json --out again.json`",
)
def launch() -> None:
    """Carry out one run in several processes, on this machine or as its part of several."""
    raise AssertionError("dispatched by __main__ before this module is loaded")


@app.command(epilog="Example: `flopscape collect config/studies/quick.yaml --runs results/quick/runs --out runs.csv`")
def collect(
    study_file: StudyFile,
    runs: Annotated[Path, typer.Option(help="Folder of the run records.")],
    out: Annotated[Path, _output("CSV to write; its .parquet and its curves land beside it.")],
) -> None:
    """Collect a study's run records into one tidy table."""
    from flopscape.config.read import load_study
    from flopscape.plan.rows import plan_rows
    from flopscape.runs.collect import run

    for note in run(plan_rows(load_study(study_file)), runs, out, [study_file]):
        typer.echo(f"warning: {note}", err=True)


@app.command(epilog="Example: `flopscape transfer config/studies/kjv-gpt.yaml --runs results/kjv-gpt/runs --out DIR`")
def transfer(
    study_file: StudyFile,
    runs: Annotated[Path, typer.Option(help="Folder of the run records, those of the search among them.")],
    out: Annotated[Path, _output("Folder for table.csv, verdict.json, figure.svg, figure.png.")],
    seed: Annotated[int, typer.Option(min=0, help="Seed of the redrawn losses.")] = 0,
) -> None:
    """Say whether the best learning rate transfers between widths, from a study's finished search."""
    from flopscape.config.read import load_study
    from flopscape.transfer.run import run

    say(run(load_study(study_file), runs, out, seed, [study_file]))


@app.command(epilog="Example: `flopscape coord-check config/studies/kjv-gpt.yaml --width 32 --width 64 --width 128`")
def coord_check(
    study_file: StudyFile,
    width: Annotated[list[int], typer.Option(help="Widths to train; three or more.")],
    steps: Annotated[int, typer.Option(min=1, help="Steps at the peak rate before activations are measured.")] = 5,
    scaling: Annotated[
        list[str] | None, typer.Option(help="fixed, width or mup; repeatable. The study's own when left out.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Prepared dataset, instead of the one in results/data.")] = None,
) -> None:
    """Train the study's first size at several widths for a few steps: do activations keep their size?"""
    from flopscape.checks.coordinates import study_check
    from flopscape.config.read import load_study

    say(study_check(load_study(study_file), width, steps, scaling or [], data))


@app.command("import", epilog="Example: `flopscape import theirs.csv --map loss=val_loss --map flops=C --out runs.csv`")
def import_(
    source: Annotated[
        str, typer.Argument(metavar="FILE", help="CSV, JSON or Parquet, .gz or not; or a published table.")
    ],
    out: Annotated[Path | None, _output("Table to write, .csv or .parquet.")] = None,
    folder: Annotated[
        Path | None, _output("Write runs.csv, .parquet, curves.parquet and manifest.json here instead.")
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
    from flopscape.files.outputs import refuse_output
    from flopscape.runs.import_rows import Choice
    from flopscape.runs.import_study import import_study
    from flopscape.runs.import_table import import_runs, sentence, write_table
    from flopscape.runs.published import source_file

    mapping = _pairs(columns, "--map", "loss=val_loss")
    choice = Choice([name.strip() for name in run_id.split(",")] if run_id else [], exclude, lowest)
    if folder and not out:
        say(import_study(source, mirror, mapping, curves, folder, choice, _words_but("--folder")))
    elif out and not (folder or curves):
        refuse_output(out, [source_file(source, mirror)])
        imported = import_runs(source, mirror, mapping, choice)
        write_table(imported.frame, out)
        say(sentence(imported, out, source))
    else:
        raise FlopscapeError("import: give --out RUNS.csv, or --folder and perhaps --curves")


@app.command(epilog="Example: `flopscape fit results/quick/runs.csv --method vpnls --flops 1e13 --out fit.json`")
def fit(
    runs: RunsFile,
    method: Annotated[str, typer.Option(help="approach1, approach2, approach3, vpnls, law, or a module of your own.")],
    out: Annotated[Path, _output("FIT.json to write; the draws land beside it as FIT.draws.parquet.")],
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
    columns = _pairs(column, "--column", "n_params=n_params_total")
    result = run(runs, out, method, columns=columns, flops=flops or [], bootstrap=bootstrap, seed=seed, **given)
    say(fit_text(out, result))


def _delta(text: str | None) -> float | str | None:
    """A number, or the word `scaled`."""
    try:
        return text if text in (None, "scaled") else float(text)
    except ValueError:
        raise FlopscapeError(f"--delta {text!r}: write a number or the word scaled") from None


@app.command(epilog="Example: `flopscape sensitivity results/quick/runs.csv --flops 1e13 --out sensitivity.csv`")
def sensitivity(
    runs: RunsFile,
    out: Annotated[Path, _output("CSV to write: a line a fit.")],
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
    columns = _pairs(column, "--column", "n_params=n_params_total")
    table = run(runs, out, method, columns=columns, exclude=exclude, min_flops=min_flops, seeds=seeds, **given)
    say(sensitivity_text(table))


@app.command(epilog="Example: `flopscape predict results/quick/fits/vpnls.json --flops 1e13 --inference-tokens 1e7`")
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


def _pairs(texts: list[str] | None, option: str, example: str) -> dict[str, str]:
    """Names and values of a repeatable option; a name that is given twice is refused."""
    pairs = [_pair(text, option, example) for text in texts or []]
    if twice := [name for name, n in Counter(name for name, _ in pairs).items() if n > 1]:
        raise FlopscapeError(f"{option} {twice[0]}=…: given twice; leave one out")
    return dict(pairs)


def _words_but(option: str) -> list[str]:
    """The words after the verb on the command line, without an option and its value."""
    import sys

    words = sys.argv[2:]
    at = words.index(option) if option in words else len(words)
    return [*words[:at], *words[at + 2 :]]


def _pair(text: str, option: str, example: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not (separator and name and value):
        raise FlopscapeError(f"{option} {text!r}: write it as {example}")
    return name, value


@app.command(
    epilog="Example: `flopscape figure isoflop fits/approach2.json --runs runs.csv --curves curves.parquet --out a.svg`"
)
def figure(
    name: Annotated[str, typer.Argument(metavar="NAME", help=", ".join(FIGURES))],
    fits: Annotated[list[Path] | None, typer.Argument(metavar="[FIT.json]...", help="Fits to draw.")] = None,
    runs: Annotated[Path, typer.Option(help="The study's runs.csv.")] = Path("runs.csv"),
    curves: Annotated[Path | None, typer.Option(help="The study's curves.parquet.")] = None,
    title: Annotated[str, typer.Option(help="The study's title.")] = "",
    sensitivity: Annotated[Path | None, typer.Option(help="Table of `flopscape sensitivity`, to draw it.")] = None,
    out: Annotated[Path, _output("SVG to write; a PNG lands beside it.")] = Path("figure.svg"),
) -> None:
    """Draw one figure of a study."""
    from flopscape.figures.draw import run

    run(name, runs, curves, fits or [], title, out, sensitivity)


@app.command(epilog="Example: `flopscape bias exp06 --out results/bias/exp06`")
def bias(
    experiment: Annotated[str, typer.Argument(metavar="EXPERIMENT", help="exp00 … exp12.")],
    out: Annotated[Path, _output("Folder for table.csv, figure.svg, figure.png, verdict.json.")],
    settings: Annotated[str | None, typer.Option(help="This experiment's settings as JSON, or a bias.yaml.")] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Few points and seeds; the outputs say so.")] = False,
    mirror: Annotated[Path | None, typer.Option(help="Folder with the files of published tables.")] = None,
) -> None:
    """Run one experiment on surfaces whose truth is known: how wrong is each method, and why?"""
    from flopscape.bias.run import run

    say(run(experiment, out, settings, fast, mirror))


@app.command(epilog="Example: `flopscape bias-report --results results/bias --out results/bias/report.html`")
def bias_report(
    results: Annotated[Path, typer.Option(help="Folder of the experiments' folders.")],
    out: Annotated[Path, _output("report.html to write; report.md lands beside it.")],
) -> None:
    """Write the page of all bias experiments as Markdown and as one self-contained HTML file."""
    from flopscape.bias.report import write_report

    write_report(results, out)


@app.command(epilog="Example: `flopscape twin results/quick/runs.csv --flops 1e13 --out results/quick/twin`")
def twin(
    study: Annotated[Path, typer.Argument(metavar="RUNS.csv|PLAN.csv", help="A table of runs, or a plan.")],
    out: Annotated[Path, _output("Folder for twin.csv, verdict.json, figure.svg, figure.png.")],
    flops: Annotated[list[float] | None, typer.Option(help="Compute whose optimum matters; repeatable.")] = None,
    surface: Annotated[
        str | None, typer.Option(help="Truth: a name, or E,A,B,alpha,beta; runs have their own.")
    ] = None,
    noise: Annotated[float | None, typer.Option(help="σ of a run in nats, instead of the runs' own.")] = None,
    simulations: Annotated[int, typer.Option(help="Simulated copies of the study.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the noise and of the resampling.")] = 0,
    bootstrap: Annotated[int, typer.Option(min=20, help="Resamples behind each interval.")] = 200,
) -> None:
    """Simulate a study's own design and say which method to trust on it, and what more runs would buy."""
    from flopscape.twin.run import run

    options = {"surface_name": surface, "noise": noise, "simulations": simulations, "bootstrap": bootstrap}
    say(run(study, out, flops or [], seed=seed, **options))


@app.command(epilog="Example: `flopscape report config/studies/quick.yaml --results results/quick --out report.html`")
def report(
    study_file: StudyFile,
    results: Annotated[Path, typer.Option(help="The study's folder: runs.csv, fits/, figures/.")],
    out: Annotated[Path, _output("report.html to write; report.md lands beside it.")],
) -> None:
    """Write a study's report as Markdown and as one self-contained HTML file."""
    from flopscape.report.write import report_study

    report_study(study_file, results, out)


@app.command(epilog="Example: `flopscape schemas --check`")
def schemas(
    check: Annotated[bool, typer.Option("--check", help="Only say whether the files on disk are current.")] = False,
) -> None:
    """Generate workflow/schemas/ from the models of a study and of config.yaml."""
    from flopscape.config.schemas import drifted, write_schemas

    if not check:
        write_schemas()
    elif stale := drifted():
        raise FlopscapeError(f"workflow/schemas: {', '.join(stale)} differ from the models; run `flopscape schemas`")
