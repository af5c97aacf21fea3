"""The commands of the workflow's jobs in words for a shell: a study's fits, its twin, and each of its runs.

What a report says to run is said by the same functions. Options of the launcher of a run never decide a result.
"""

import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from flopscape.config.downstream import accuracy_of
from flopscape.config.fits import Fit
from flopscape.config.machine import Prices, Resources, Tracking
from flopscape.config.study import ImportedStudy, Study
from flopscape.downstream.kept import options_given as options_of_task
from flopscape.downstream.kept import words as words_of_task
from flopscape.files.json_text import canonical
from flopscape.fitting.common.made_from import Options, options_given, words
from flopscape.fitting.methods import RESAMPLES_OF_SENSITIVITY, reads_curves
from flopscape.records.metrics import LOSS
from flopscape.records.plan_row import PlanRow


def asked_options(fit: Fit, flops: Sequence[float]) -> Options:
    """What the file of a study's fit keeps as `made_from["options"]`, if it is made for some compute in FLOPs."""
    others = fit.options | {"exclude": fit.exclude, "min_flops": fit.min_flops, "seeds": fit.seeds}
    return options_given(fit.method, fit.columns, flops, fit.bootstrap, fit.seed, others)


def fit_options(fit: Fit, flops: Sequence[float], folder: str) -> str:
    """Command-line options of one fit of the study in `folder`, asked for some compute in FLOPs."""
    return words(asked_options(fit, flops), _curves(fit, folder))


def choices(fit: Fit, flops: Sequence[float], folder: str) -> str:
    """All of a fit's options but the number of resamples, of which `flopscape sensitivity` takes fewer."""
    options = asked_options(fit, flops)
    del options["bootstrap"]
    return words(options, _curves(fit, folder))


def varied_options(fit: Fit, flops: Sequence[float]) -> Options:
    """What the table of sensitivity of a study keeps, whose fit is varied."""
    return asked_options(fit, flops) | {"bootstrap": RESAMPLES_OF_SENSITIVITY}


def curves_of(fit: Fit, folder: str) -> list[str]:
    """The study's training curves, for the method that reads them."""
    return [f"{folder}/curves.parquet"] if reads_curves(fit.method) else []


def curves_of_any(fits: Sequence[Fit], folder: str) -> list[str]:
    """The same, where any of several fits reads them."""
    return next(filter(None, (curves_of(fit, folder) for fit in fits)), [])


def _curves(fit: Fit, folder: str) -> str | None:
    return next(iter(curves_of(fit, folder)), None)


def recompute(fits: Sequence[Fit], recommended: str, flops: Sequence[float], folder: str) -> list[str]:
    """The commands that make the fits of a study again, and its table of sensitivity."""
    table = shlex.quote(f"{folder}/runs.csv")
    varied = next(fit for fit in fits if fit.name == recommended)
    return [
        *(f"flopscape fit {table} {fit_options(fit, flops, folder)} --out {fit.name}.json" for fit in fits),
        f"flopscape sensitivity {table} {choices(varied, flops, folder)} --out sensitivity.csv",
    ]


def backtest_options(fits: Sequence[str], curves: Sequence[str]) -> str:
    """The words of `flopscape backtest` after its table: the files of the fits to refit, and the curves they need."""
    words = [*(f"--fits {shlex.quote(path)}" for path in fits), *(f"--curves {shlex.quote(path)}" for path in curves)]
    return " ".join(words)


def backtest_again(fits: Sequence[Fit], folder: str) -> str:
    """The command that makes the backtest of a study again, from its finished fits."""
    options = backtest_options([f"{folder}/fits/{fit.name}.json" for fit in fits], curves_of_any(fits, folder))
    return f"flopscape backtest {shlex.quote(f'{folder}/runs.csv')} {options} --out backtest.csv"


def validation_options(fits: Sequence[str]) -> str:
    """The words of `flopscape validate` after its table: the files of the fits to score."""
    return " ".join(f"--fits {shlex.quote(path)}" for path in fits)


def task_settings(study: Study | ImportedStudy, name: str) -> Options:
    """What is asked of a task, as the stamp of its files has it."""
    task, fit = study.downstream[name], study.fit_of_task(name)
    # N, D and C as the fit of the loss counts them.
    columns = {ours: theirs for ours, theirs in fit.columns.items() if ours != LOSS}
    known: Options = {"chance": task.chance, "items": task.items, "exclude": task.exclude, "columns": columns}
    flops = task.flops or study.recommend.flops
    return options_of_task(accuracy_of(name, task), flops, task.n_params, task.n_tokens, **known, seed=task.seed)


def task_options(study: Study | ImportedStudy, name: str) -> str:
    """The words of `flopscape downstream` after its table and its fit."""
    return words_of_task(task_settings(study, name))


def tasks_again(study: Study | ImportedStudy, folder: str) -> list[str]:
    """The commands that predict the accuracies of a study's tasks again, from its finished fits."""
    return [
        f"flopscape downstream {shlex.quote(f'{folder}/runs.csv')} "
        f"--fit {shlex.quote(f'{folder}/fits/{study.fit_of_task(name).name}.json')} {task_options(study, name)}"
        for name in study.downstream
    ]


def may_have_hidden_runs(study: Study | ImportedStudy) -> bool:
    """Whether a study has runs that no fit sees; of other people's table only the table itself tells."""
    return isinstance(study, ImportedStudy) or study.sweep.hidden is not None


def prediction_options(study: Study | ImportedStudy, backtest: str, validation: str = "") -> str:
    """The words of `flopscape predict` after a fit of the study, for its page on the asked budgets and sizes."""
    sizes = " ".join(f"--n-params {n!r} " for n in _asked_sizes(study))
    scored = f" --validation {shlex.quote(validation)}" if validation else ""
    return f"{sizes}--title {shlex.quote(study.title)} --backtest {shlex.quote(backtest)}{scored}"


def prediction_settings(study: Study | ImportedStudy) -> list[Any]:
    """What the page is made with, as `flopscape predict` keeps it; its budgets are those of the fit."""
    return [study.title, [], _asked_sizes(study)]


def _asked_sizes(study: Study | ImportedStudy) -> list[float]:
    return [float(n) for n in study.recommend.n_params]


def twin_settings(study: Study | ImportedStudy) -> Options:
    """What a twin of the study is simulated with, for which compute in FLOPs, and which fits it may recommend.

    The shipped methods are in every twin, those that the study has by the names of its fits.
    """
    # As floats, for 1e13 and 10000000000000 in a study are one budget, and their hashes should be one as well.
    # A twin simulates the study's loss: it judges no fit of another metric.
    of_the_loss = [fit.asked for fit in study.fits if fit.metric == LOSS]
    asked = {"flops": [float(flops) for flops in study.recommend.flops], "fits": of_the_loss}
    return study.twin.model_dump() | asked | {"among_fits": True}


def twin_options(study: Study | ImportedStudy, validation: str = "") -> str:
    """The words of `flopscape twin` after its table; `validation` scores hidden runs, where there are any."""
    settings = twin_settings(study)
    flops, fits, _ = settings.pop("flops"), settings.pop("fits"), settings.pop("among_fits")
    listed = [(name.replace("_", "-"), value) for name, value in settings.items()]
    listed += [("fit", shlex.quote(canonical(fit))) for fit in fits] + [("flops", repr(c)) for c in flops]
    listed += [("validation", shlex.quote(validation))] if validation else []
    return " ".join(["--among-fits", *(f"--{name} {value}" for name, value in listed)])


def launch_command(study: Study, prices: Prices, branches: Sequence[PlanRow] = ()) -> str:
    """Words for a shell, with the branches that the run serves.

    Simulated runs start directly, and so does the training loop in one process on CPUs. All other runs start through
    `flopscape launch`, which holds GPUs, and starts several processes by `accelerate launch` on each machine.
    """
    if study.simulated:
        return "flopscape train"
    options = [*_options(study.resources, prices), *_tracking(study.tracking)]
    if branches:
        options.append(f"--branches {','.join(str(row.n_tokens) for row in branches)}")
    return f"{_launcher(study.resources)} {' '.join(options)}"


def _tracking(tracking: Tracking) -> Iterator[str]:
    for name in tracking.trackers:
        yield f"--tracker {name}"
    if tracking.trackers and tracking.folder:
        yield f"--tracking-folder {shlex.quote(tracking.folder)}"


def _launcher(resources: Resources) -> str:
    if resources.device == "cpu" and resources.processes == 1:
        return f"flopscape train --threads {resources.threads}"
    return f"flopscape launch --machines {resources.machines} --threads {resources.threads}"


def _options(resources: Resources, prices: Prices) -> Iterator[str]:
    """The words of `flopscape train --help`."""
    gpu = resources.device == "gpu"
    # Of one process: a GPU's hour includes the cores that come with it, on CPUs each thread is a core.
    usd = prices.usd_per_gpu_hour if gpu else prices.usd_per_cpu_hour * resources.threads
    peak = prices.gpu_peak_flops_per_second if gpu else prices.cpu_peak_flops_per_second
    yield f"--device {resources.device} --processes {resources.processes} --usd-per-hour {usd:g}"
    if peak is not None:
        yield f"--peak-flops {peak * (1 if gpu else resources.threads):g}"
    if resources.micro_batch_units is not None:
        yield f"--micro-batch-units {resources.micro_batch_units}"
