"""The files of a report, read into what the report rests on."""

import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pandas as pd
from jinja2 import Environment

from flopscape.answers.archive import read_archive
from flopscape.answers.evaluate import formula_of
from flopscape.answers.runs_and_fits import of_the_loss
from flopscape.checklist.items import Filled
from flopscape.downstream.results import read_numbers
from flopscape.errors import FlopscapeError
from flopscape.figures.names import CAPTIONS, EXPLANATIONS
from flopscape.figures.tables import complete, read_backtest, read_csv, read_validation, with_budgets
from flopscape.files.json_text import read_json
from flopscape.fitting.common.draws_file import fit_name, has_draws, read_draws, read_fits
from flopscape.guide.walk import Walk
from flopscape.plan.coverage import Coverage
from flopscape.plan.rungs import Rung
from flopscape.records.columns import VARIED
from flopscape.records.fit_result import FitResult
from flopscape.report.addresses import Addresses
from flopscape.report.evidence import Evidence
from flopscape.report.tasks import Task
from flopscape.report.twin import Twin
from flopscape.runs.statuses import set_aside, without_set_aside

AGAIN = "delete its folder and run snakemake again"
PACKAGES = ("flopscape", "numpy", "scipy", "pandas", "matplotlib", "torch", "accelerate", "snakemake")


@dataclass(frozen=True)
class Sources:
    """The files that a report is made from, and what is said of them.

    Attributes
    ----------
    study, title : str
        The study's name, as in `results/{study}`, and its title.
    runs : path
        `runs.csv`.
    fits, figures : sequence of paths
        FitResults and SVG files, which go by their files' names and in this order.
    recommended : str
        Name of the fit that the recommendation rests on.
    sensitivity, backtest, validation, manifest : path, optional
        The tables of `flopscape sensitivity`, `flopscape backtest` and `flopscape validate`; the dataset's
        `manifest.json`, which simulated runs have not, and which is gone with the data.
    archive : path, optional
        What fits have ever said of hidden runs.
    tasks : mapping
        The numbers of each task whose accuracy is predicted, by its name; its figure lies beside them.
    twin : path, optional
        The folder that `flopscape twin` wrote.
    guide : Walk, optional
        The path of the decision guide for this design.
    checklist : Filled, optional
        The reporting checklist as far as it is filled in.
    forecast : path, optional
        What the plan expected before its first run; nothing was planned for imported runs.
    rungs : sequence of Rung
        The planned rungs of a ladder or a refinement.
    coverage : Coverage, optional
        The plan's grade and the reasons for it; None where nothing was planned.
    commands : sequence of str
        What makes the fits again, each as a line of a shell.
    not_shown : sequence of str
        Sentences on what belongs to another table, other options or other code, and is left out.
    made_from : str
        The stamp of the report: see records/stamps.py.
    addresses : Addresses
        Where the files behind the report lie, as its page sees them.
    """

    study: str
    title: str
    runs: str | Path
    fits: Sequence[str | Path]
    recommended: str
    figures: Sequence[str | Path] = ()
    sensitivity: str | Path | None = None
    backtest: str | Path | None = None
    validation: str | Path | None = None
    archive: str | Path | None = None
    tasks: Mapping[str, Path] = field(default_factory=dict)
    twin: str | Path | None = None
    guide: Walk | None = None
    checklist: Filled | None = None
    forecast: str | Path | None = None
    rungs: Sequence[Rung] = ()
    manifest: str | Path | None = None
    coverage: Coverage | None = None
    commands: Sequence[str] = ()
    not_shown: Sequence[str] = ()
    made_from: str = ""
    addresses: Addresses = field(default_factory=Addresses)

    @property
    def files(self) -> list[str | Path | None]:
        """All that is read, and so is not to be written over."""
        parts = [Path(self.twin) / name for name in ("twin.csv", "verdict.json", "figure.svg")] if self.twin else []
        tables = [self.sensitivity, self.backtest, self.validation, self.archive, self.forecast]
        tasks = [path.with_suffix(ending) for path in self.tasks.values() for ending in (".json", ".svg")]
        return [self.runs, *self.fits, *self.figures, *tables, *parts, *tasks, self.manifest]


def read_evidence(sources: Sources) -> Evidence:
    """Read every file of a report; the same files give the same report, byte for byte.

    Raises
    ------
    FlopscapeError
        A file cannot be read, or the recommended fit is not among the fits.
    """
    everything = read_fits(sources.fits)
    fits = _of_the_loss(everything, sources.recommended)
    figures = {Path(path).stem: Path(path) for path in sources.figures}
    manifest = Path(sources.manifest) if sources.manifest else None
    runs = complete(read_csv(sources.runs))
    return Evidence(
        study=sources.study,
        title=sources.title,
        runs=with_budgets(without_set_aside(runs), fits.values()),
        aside=runs[set_aside(runs) != ""],
        fits=fits,
        other_metrics={name: fit for name, fit in everything.items() if name not in fits},
        recommended=sources.recommended,
        draws=_draws(sources, fits[sources.recommended]),
        formulas=formulas_of(fits),
        figures=figures,
        captions={name: caption(name) for name in figures},
        explanations=[f"{name}: {text}" for name in figures if (text := caption(name, EXPLANATIONS))],
        sensitivity=None if sources.sensitivity is None else read_csv(sources.sensitivity, VARIED),
        backtest=None if sources.backtest is None else [x for x in read_backtest(sources.backtest) if x.fit in fits],
        validation=None if sources.validation is None else read_validation(sources.validation),
        archive=[] if sources.archive is None else read_archive(sources.archive),
        tasks={name: Task(read_numbers(path), path.with_suffix(".svg")) for name, path in sources.tasks.items()},
        twin=_twin(Path(sources.twin)) if sources.twin else None,
        guide=sources.guide,
        checklist=sources.checklist,
        forecast={} if sources.forecast is None else read_json(sources.forecast, "delete it and run snakemake again"),
        rungs=sources.rungs,
        manifest=read_json(manifest, AGAIN) if manifest and manifest.exists() else {},
        coverage=sources.coverage,
        environment=versions(),
        commands=sources.commands,
        not_shown=sources.not_shown,
        made_from=sources.made_from,
        addresses=sources.addresses,
    )


def _of_the_loss(fits: Mapping[str, FitResult], recommended: str) -> dict[str, FitResult]:
    """The fits of the study's loss by name; the recommended one must be there."""
    results = of_the_loss(fits)
    if recommended in fits and recommended not in results:
        raise FlopscapeError(f"report: fit {recommended} is of {fits[recommended].metric}; recommend a fit of the loss")
    if recommended not in results:
        names = ", ".join(results) or "the fits, for there are none"
        raise FlopscapeError(f"report: fit {recommended} is not among {names}")
    return results


def _draws(sources: Sources, fit: FitResult) -> pd.DataFrame | None:
    """The draws of the recommended fit, from the file beside its own."""
    path = next(Path(path) for path in sources.fits if fit_name(Path(path)) == sources.recommended)
    return read_draws(path, fit) if has_draws(path) else None


def formulas_of(fits: Mapping[str, FitResult]) -> dict[str, str]:
    """The formula of each fit that has a law of N, D or C."""
    formulas = {name: formula_of(fit) for name, fit in fits.items() if fit.status != "refused"}
    return {name: formula for name, formula in formulas.items() if formula}


def _twin(folder: Path) -> Twin:
    """The verdict and the figure that `flopscape twin` wrote."""
    verdict = read_json(folder / "verdict.json", "delete it and run snakemake again")
    return Twin(verdict, folder / "figure.svg")


def caption(figure: str, texts: Path = CAPTIONS) -> str:
    """The caption of a figure on one line, or what else stands of it in such a file; empty where there is nothing.

    >>> caption("loss").split(",")[0]
    'The final loss of the compute-optimal run against compute'
    """
    # `snakemake --report` renders the same captions, with an object of this name and shape.
    template = Environment(trim_blocks=True).from_string(texts.read_text(encoding="utf-8"))
    return " ".join(template.render(snakemake={"wildcards": {"figure": figure}}).split())


def versions() -> dict[str, str]:
    """The versions of Python and of the packages that results depend on, in this environment."""
    versions_here = {"python": platform.python_version()}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            versions_here[name] = version(name)
    return versions_here
