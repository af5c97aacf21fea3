"""The report of a study: reads its files, writes report.html and report.md beside each other."""

import platform
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from flopscape.errors import FlopscapeError
from flopscape.figures.tables import VARIED, complete, read_csv, with_budgets
from flopscape.fitting.draws_file import read_fits
from flopscape.records import FitResult, read_json
from flopscape.report import twin as twins
from flopscape.report.content import build
from flopscape.report.evidence import Evidence
from flopscape.report.files import refuse_report, write_report

CAPTIONS = Path(__file__).resolve().parents[2] / "report"
"""Where the repository keeps one .rst file a figure, shared with `snakemake --report`."""
AGAIN = "delete its folder and run snakemake again"
PACKAGES = ("flopscape", "numpy", "scipy", "pandas", "matplotlib", "torch", "accelerate", "snakemake")


def run(
    study: str,
    title: str,
    runs: str | Path,
    fits: Iterable[str | Path],
    recommended: str,
    figures: Iterable[str | Path],
    out: str | Path,
    *,
    sensitivity: str | Path | None = None,
    twin: str | Path | None = None,
    manifest: str | Path | None = None,
    coverage: Mapping[str, Any] | None = None,
    commands: Sequence[str] = (),
    inputs: Iterable[str | Path] = (),
    not_shown: Sequence[str] = (),
    made_from: str = "",
) -> list[Path]:
    """Write the report as HTML and as Markdown beside it; the same inputs give the same bytes.

    Parameters
    ----------
    study, title : str
        The study's name, as in `results/{study}`, and its title.
    runs, fits, figures : path, paths, paths
        `runs.csv`; FitResults and SVG files, which go by their files' names and in this order.
    recommended : str
        Name of the fit that the recommendation rests on.
    sensitivity, manifest : path, optional
        The table of `flopscape sensitivity`; the dataset's `manifest.json`, which simulated runs have not, and which
        is gone with the data.
    twin : path, optional
        The folder that `flopscape twin` wrote.
    coverage : mapping, optional
        `grade`, and `reasons`, a list of sentences.
    commands : sequence of str
        What makes the fits again, each as a line of a shell.
    inputs : paths
        What else was read, such as the study's own file.
    not_shown : sequence of str
        Sentences on what belongs to another table, other options or other code, and is left out.
    made_from : str
        The stamp of the report: see stamps.py.

    Raises
    ------
    FlopscapeError
        A file cannot be read or must not be written, or the recommended fit is not among the fits.
    """
    fits, figures = list(fits), list(figures)
    parts = [Path(twin) / name for name in ("twin.csv", "verdict.json", "figure.svg")] if twin else []
    refuse_report(out, [*inputs, runs, *fits, *figures, sensitivity, *parts, manifest])
    results = _results(fits, recommended)
    shown = {Path(path).stem: Path(path) for path in figures}
    evidence = Evidence(
        study, title, with_budgets(complete(read_csv(runs)), results.values()), results, recommended, shown,
        sensitivity=None if sensitivity is None else read_csv(sensitivity, VARIED),
        captions={name: caption(CAPTIONS / f"{name}.rst") for name in shown},
        twin=twins.read(Path(twin)) if twin else None,
        manifest=read_json(manifest, AGAIN) if manifest and Path(manifest).exists() else {},
        coverage=coverage or {}, environment=versions(), commands=commands,
        not_shown=not_shown, made_from=made_from,
    )  # fmt: skip
    return write_report(build(evidence), out)


def _results(fits: Iterable[str | Path], recommended: str) -> dict[str, FitResult]:
    """Fits by name; the recommended one must be there."""
    results = read_fits(fits)
    if recommended not in results:
        known = ", ".join(results) or "the fits, for there are none"
        raise FlopscapeError(f"report: fit {recommended} is not among {known}")
    return results


def caption(path: Path) -> str:
    """A caption's text on one line; empty where there is no file."""
    return " ".join(path.read_text(encoding="utf-8").split()) if path.is_file() else ""


def versions() -> dict[str, str]:
    """Versions in this environment."""
    known = {"python": platform.python_version()}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            known[name] = version(name)
    return known
