"""What the terminal shows after the last job: every study's answer, every comparison's verdict, what is still to do.

Imports neither pandas nor matplotlib, for it runs in the Snakefile's own process.
"""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from flopscape.comparison.kept import NUMBERS, PAGES
from flopscape.comparison.results import Comparison
from flopscape.comparison.verdict import multiplier, simultaneous, verdict
from flopscape.dag.comparisons import ComparisonInputs
from flopscape.dag.stale import Files
from flopscape.files.json_text import read_json
from flopscape.plan.imported import PlannedImport
from flopscape.plan.studies import PlannedStudy
from flopscape.records.fit_file import read_fit
from flopscape.records.fit_result import FitResult
from flopscape.records.plan_row import PlanRow
from flopscape.report.markdown import bullets
from flopscape.report.summary import head, headline, reason, recommendation
from flopscape.text.terminal import aligned, say

FROM_THE_REPORT = {
    "What to distrust": "What to distrust, by what it could do to the answer, in half-widths of its 95 % interval",
    "Whether the checks agree": "Whether the checks agree",
    "What tasks will score": "What tasks will score",
}
"""Sections of the report that the terminal repeats, and how it calls them."""


def print_answers(studies: Mapping[str, PlannedStudy | PlannedImport], results: Path) -> None:
    """After a run: the answer of every study, and where its report is; branches that `--until` has cut off."""
    for name, planned in studies.items():
        folder = results / name
        if waiting := [row for row in planned.rows if _is_open(folder / "runs", row)]:
            print(f"study {name}: {len(waiting)} branches are still to be trained; run snakemake again", flush=True)
        recommended = planned.study.recommended_fit
        # A partial run (`--until`) leaves the last answer on disk: it is not told as this one's.
        if why := Files(planned, folder).why_fit(recommended):
            print(f"study {name}: its fit {recommended} was made {why}; run snakemake again", flush=True)
        elif (folder / "report.html").exists():
            print_summary(name, folder, recommended)
        verdict = folder / "transfer" / "verdict.json"
        if verdict.exists():
            reason = read_json(verdict, "delete it and run snakemake transfer again")["reason"]
            print(f"\nlearning rate of study {name}: {reason}\nsearch: {verdict}")


def print_verdict(name: str, compared: ComparisonInputs) -> None:
    """After a run: the verdict of a comparison and where its page is, or that it was not made this time."""
    page = compared.folder(name) / PAGES[0]
    if name in compared.left_out:
        print(f"\n{compared.left_out[name]}", flush=True)
    elif why := compared.why(name):
        print(f"\ncomparison {name} was made {why}; run snakemake again", flush=True)
    elif page.exists():
        said = verdicts(compared.folder(name) / NUMBERS)
        say("\n".join([f"\nComparison {name}", *said, f"page: {page}"]))


def verdicts(numbers: Path) -> list[str]:
    """What is said of each pair of a comparison that is kept, and of all together where there are several."""
    found = Comparison.from_json(read_json(numbers, "delete it and run snakemake again"))
    lines = [f"{verdict(pair)} {multiplier(pair)}".rstrip() for pair in found.pairs]
    mark = ["SIMULATED: losses come from a formula"] if found.simulated else []
    return [*mark, *lines, *([simultaneous(found)] if len(lines) > 1 else [])]


def _is_open(runs: Path, row: PlanRow) -> bool:
    """Whether a branch is without a record and its trunk is not."""
    return bool(row.parent) and not (runs / f"{row.run_id}.json").exists() and (runs / f"{row.parent}.json").exists()


def print_summary(study: str, folder: str | Path, recommended: str, file: TextIO | None = None) -> None:
    """Print the recommendation of the study in `folder`, the status of its fit, and where the report is."""
    fit = read_fit(Path(folder) / "fits" / f"{recommended}.json")
    text = summary(study, recommended, fit, *units(Path(folder) / "runs.csv"))
    written = Path(folder) / "report.md"
    found = checked(written.read_text(encoding="utf-8")) if written.is_file() else []
    say("\n".join([text, *found, f"report: {folder}/report.html"]), file)


def checked(report: str) -> list[str]:
    """What a report in Markdown has found to distrust, and whether the checks agree, as lines of a terminal."""
    return [line for title, said in FROM_THE_REPORT.items() for line in _lines(said, bullets(report, title))]


def _lines(title: str, items: list[str]) -> list[str]:
    return [f"{title}:", *(f"- {item}" for item in items)] if items else []


def summary(study: str, name: str, fit: FitResult, unit: str = "token", loss_unit: str = "") -> str:
    """The report's headline, the recommendation at every asked budget, and the status of its fit."""
    mark = " (SIMULATED: losses come from a formula)" if fit.simulated else ""
    lines = [f"\nRecommendation of study {study}{mark}"]
    if rows := recommendation(fit):
        lines.append(aligned([head(unit, loss_unit), *rows]))
        lines += headline(fit, unit, loss_unit)
    if fit.status in ("ok", "refused"):
        lines.append(f"fit {name}: {fit.status}: {reason(fit)}")
    return "\n".join(lines)


def units(runs: Path) -> tuple[str, str]:
    """What D counts and what the loss is measured in, as the first row of a study's table says."""
    with runs.open(newline="", encoding="utf-8") as file:
        row = next(csv.DictReader(file), {})
    unit = row.get("unit") or "token"
    return unit, row.get("loss_unit") or f"nats per {unit}"
