"""The second half of a report: what was run, what was left out, and how to do it again."""

from collections.abc import Mapping

import pandas as pd

from flopscape.errors import joined, listed
from flopscape.plan.rung_words import warnings_of
from flopscape.records.columns import CONVENTIONS
from flopscape.records.fit_result import FitResult
from flopscape.report.blocks import Block, Bullets, Code, Grid, Paragraph
from flopscape.report.evidence import Evidence
from flopscape.runs.statuses import set_aside
from flopscape.text import numbers

ASIDE = {"scout": "scouts", "validate": "hidden from the fits"}
"""Runs that no fit sees, by what marks them."""


def runs(evidence: Evidence) -> list[Block]:
    """The runs by budget: how many, how long, what became of them."""
    runs = evidence.runs
    if runs.empty:
        return [Paragraph("No runs.")]
    groups = [(numbers.flops(budget), runs[runs.budget == budget]) for budget in evidence.budgets]
    without = runs[runs.budget.isna()]
    if len(without):
        groups.append(("no budget", without))
    unit = evidence.unit
    head = [
        "budget, FLOPs",
        "runs",
        "completed",
        "sizes",
        "seeds",
        f"{unit}s planned",
        f"{unit}s seen",
        "FLOPs",
        "time",
    ]
    aside = set_aside(evidence.aside)
    groups += [(name, evidence.aside[aside == mark]) for mark, name in ASIDE.items() if (aside == mark).any()]
    rows = [_run_row(label, group) for label, group in [*groups, ("total", evidence.trained)]]
    lines = _totals(evidence)
    return [without_blanks(head, rows), *([Bullets(lines)] if lines else [])]


def without_blanks(head: list[str], rows: list[list[str]], note: str = "") -> Grid:
    """A table without the columns of which nothing is known: other people's runs have few."""
    filled = filled_columns(rows)
    return Grid([head[i] for i in filled], [[row[i] for i in filled] for row in rows], note)


def filled_columns(rows: list[list[str]]) -> list[int]:
    """The columns in which any row, the total among them, has something."""
    return [i for i, column in enumerate(zip(*rows, strict=True)) if set(column) - {"", numbers.NOTHING}]


def _run_row(label: str, runs: pd.DataFrame) -> list[str]:
    return [
        label,
        str(len(runs)),
        str(int((runs.status == "completed").sum())),
        f"{runs.n_params.nunique()} ({numbers.count(float(runs.n_params.min()))} to {_largest(runs.n_params)})",
        str(runs.seed.nunique()),
        numbers.count(total(runs, "n_tokens_planned")),
        numbers.count(total(runs, "n_tokens")),
        numbers.flops(total(runs, "flops")),
        numbers.duration(total(runs, "seconds")),
    ]


def _largest(values: pd.Series) -> str:
    return numbers.count(float(values.max()))


def total(runs: pd.DataFrame, column: str) -> float | None:
    """Sum of a column, None where the table has nothing there."""
    return float(runs[column].sum()) if column in runs and runs[column].notna().any() else None


def _totals(evidence: Evidence) -> list[str]:
    """Cost, held-out set and coverage in sentences, and what rungs rest on that were planned from too little."""
    runs, unit = evidence.trained, evidence.unit
    lines: list[str] = []
    cost = [numbers.hours(total(runs, name)) for name in ("cpu_hours", "gpu_hours")]
    if any(text != numbers.NOTHING for text in cost):
        lines.append(f"Compute: {cost[0]} of CPU, {cost[1]} of GPU, {numbers.money(total(runs, 'usd'))}.")
    if heldout := total(runs.iloc[:1], "n_heldout_units"):
        error = (
            numbers.loss(float(runs.loss_se.median()))
            if "loss_se" in runs and runs.loss_se.notna().any()
            else "unknown"
        )
        lines.append(
            f"Held-out set: {numbers.count(heldout)} {unit}s; its sampling error, common to all runs, is {error} nats."
        )
    if evidence.coverage:
        lines.append(f"Coverage of the sweep: {evidence.coverage.grade}.")
        lines += [f"Coverage: {sentence(reason)}" for reason in evidence.coverage.reasons]
    return lines + [f"{text[0].upper()}{sentence(text[1:])}" for text in warnings_of(evidence.rungs)]


def left_out(evidence: Evidence) -> list[Block]:
    """Runs that did not complete, then what each fit excluded."""
    lost = evidence.trained[evidence.trained.status != "completed"]
    items = [
        f"{listed(names)} {status}: {sentence(reason or 'no reason was recorded')}"
        for (status, reason), names in _by_reason(lost).items()
    ]
    not_completed = set(lost.run_id.astype(str))
    # What all fits leave out alike, such as hidden runs and scouts, is told once for all of them.
    fits: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for name, fit in evidence.fits.items():
        for exclusion in fit.excluded:
            # Runs without a loss were named above already, and no fit could use them.
            if rows := tuple(row for row in exclusion.rows if row not in not_completed):
                fits.setdefault((exclusion.reason, rows), []).append(name)
    items += [
        f"{joined(names)}, {reason}: {numbers.plural(len(rows), 'run')} ({listed(rows)})."
        for (reason, rows), names in fits.items()
    ]
    return [Bullets(items)] if items else [Paragraph("Nothing: every run completed, and every fit used them all.")]


def _by_reason(lost: pd.DataFrame) -> dict[tuple[str, str], list[str]]:
    """Names of the runs of each status and reason."""
    names: dict[tuple[str, str], list[str]] = {}
    for run in lost.itertuples():
        names.setdefault((str(run.status), _text(run.reason)), []).append(str(run.run_id))
    return names


def data(evidence: Evidence) -> list[Block]:
    """What the runs were trained on: from the manifest, or from their records where the data are gone or replaced."""
    manifest, hashes = evidence.data, evidence.data_hashes
    if not manifest and hashes:
        return [Paragraph(f"The runs saw data of SHA-256 {', '.join(hashes)}, which are not prepared here any more.")]
    units = manifest.get("n_units")
    counts = ", ".join(f"{numbers.count(n)} {split}" for split, n in units.items()) if isinstance(units, dict) else ""
    facts = {
        "table": manifest.get("table"),
        "read as": ", ".join(manifest.get("format", {}).values()),
        "rows": "; ".join([f"{manifest['rows']} used", *manifest["notes"]]) if "rows" in manifest else "",
        "note": manifest.get("note"),
        "source": manifest.get("source"),
        f"{manifest.get('unit', 'unit')}s": counts,
        "split": manifest.get("split_rule"),
        "licence": manifest.get("licence"),
        "SHA-256": manifest.get("data_hash"),
    }
    return [Bullets([f"{label}: {value}" for label, value in facts.items() if value])] if manifest else []


def conventions(evidence: Evidence) -> list[Block]:
    """Which column each fit took for N, D and C."""
    meanings = evidence.manifest["columns"] if evidence.imported else CONVENTIONS
    rows = [[name, *_convention(fit, meanings)] for name, fit in evidence.fits.items()]
    whose = f"Loss is {meanings.get('loss', 'theirs')}" if evidence.imported else "Loss is the held-out loss"
    loss = f"{whose}, in {evidence.loss_unit}. Intervals are 95 %."
    return [Grid(["fit", "N", f"D ({evidence.unit}s)", "C"], rows), Paragraph(loss)]


def _convention(fit: FitResult, meanings: Mapping[str, str]) -> list[str]:
    columns = [fit.conventions.get(name, name) for name in ("n_params", "n_tokens", "flops")]
    return [f"{column} ({meanings[column]})" if column in meanings else column for column in columns]


def commands(evidence: Evidence) -> list[Block]:
    """What makes everything again, as lines of a shell."""
    return [Code("\n".join([f"snakemake --config studies={evidence.study}", *evidence.commands]))]


def environment(evidence: Evidence) -> list[Block]:
    """Versions and machines, and the hashes of what was read."""
    items = [f"{label}: {text}" for label, text in evidence.environment.items()]
    if "host" in evidence.runs and len(hosts := sorted(evidence.runs.host.dropna().astype(str).unique())):
        items.append(f"trained on: {listed(hosts)}")
    for column, label in (("recipe", "recipe"), ("data_hash", "data hash"), ("code_fingerprint", "code of the runs")):
        if column in evidence.runs and len(values := sorted(evidence.runs[column].dropna().astype(str).unique())):
            items.append(f"{label}: {listed(values)}")
    items += [f"{name}: fitted table {fit.input_hash[:12]}" for name, fit in evidence.fits.items() if fit.input_hash]
    return [Bullets(items)] if items else []


def _text(value: object) -> str:
    """A cell of text; blank cells of a CSV file are NaN."""
    return value.strip() if isinstance(value, str) else ""


def sentence(text: str) -> str:
    """A sentence with its full stop."""
    text = text.strip()
    return text if text.endswith((".", "!", "?")) or not text else f"{text}."
