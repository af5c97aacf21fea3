"""The plan and its price as text: what `flopscape plan` and the end of `snakemake -n` print."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from flopscape.config.study import Study
from flopscape.errors import listed
from flopscape.files.json_text import canonical
from flopscape.fingerprint import run_fingerprint
from flopscape.plan.coverage import Coverage
from flopscape.plan.finished import Finished
from flopscape.plan.price import Expected, Line, Price
from flopscape.plan.studies import data_unit
from flopscape.recipe.settings import TrainingSettings
from flopscape.records.plan_row import PlanRow
from flopscape.text import numbers
from flopscape.text.terminal import aligned

SHOWN = 3
"""Names listed before "and n more"."""


def price_text(study: Study, price: Price, coverage: Coverage, finished: Finished, expected: Sequence[str] = ()) -> str:
    """The price table of one study with everything a reader should know before starting it.

    `expected` are lines on the intervals that the runs are expected to give (design/of_plan.py), for the grade of the
    coverage is what it costs there.
    """
    mark = " (SIMULATED: losses come from a formula)" if study.simulated else ""
    parts = [
        f"Price of study {price.study}{mark}",
        aligned(price_cells(study, price), right=range(1, 7)),
        *_notes(price, coverage, finished, expected),
    ]
    return "\n".join(parts)


def price_cells(study: Study, price: Price) -> list[list[str]]:
    """The head of the table and a row a budget, the total, and what rungs still open may take."""
    hours = {"gpu": "GPU-hours", "cpu": "CPU-hours", "simulated": "hours"}[price.device]
    header = ["budget", "runs to do", f"{data_unit(study)}s", "FLOPs", hours, "USD", "longest", "why"]
    still_open = [*price.expected.lines, price.expected.total] if price.expected else []
    return [header, *(_cells(line) for line in [*price.lines, price.total, *still_open])]


def _cells(line: Line) -> list[str]:
    why = ", ".join(f"{count} {reason}" for reason, count in sorted(line.reasons.items()))
    return [
        line.label,
        f"{line.n_todo} of {line.n_all}",
        numbers.count(line.n_tokens),
        f"{line.flops:.3g}",
        f"{line.device_hours:.3g}",
        numbers.money(line.usd),
        numbers.duration(line.longest_seconds),
        why or "-",
    ]


def _notes(price: Price, coverage: Coverage, finished: Finished, expected: Sequence[str]) -> Iterator[str]:
    if price.total.n_todo:
        wall = f"about {numbers.duration(price.wall_seconds)} with {price.parallel} at a time"
        yield f"wall time: {wall}; disk: about {numbers.storage(price.disk_bytes)}"
    if price.expected:
        yield _still_open(price.expected)
    if price.search and price.search.n_todo:
        yield _search(price.search, "GPU-hours" if price.device == "gpu" else "CPU-hours")
    yield from _saving(price.total)
    if price.total.scoring_flops:
        yield _scoring(price.total)
    yield f"speed from: {price.speed_source}"
    yield f"coverage: {coverage.grade}{''.join(f'{chr(10)}  - {reason}' for reason in coverage.reasons)}"
    yield from expected
    if finished.orphans:
        names = listed(finished.orphans, SHOWN)
        yield f"{len(finished.orphans)} records that this plan does not ask for stay on disk: {names}"
    if finished.other_data:
        yield (
            f"warning: {len(finished.other_data)} of {len(finished.sample)} finished runs were trained on other data "
            f"({listed(finished.other_data, SHOWN)}) and will not be tabled with the rest; delete their records to "
            "retrain them"
        )
    yield from (f"unreadable: {sentence}" for sentence in finished.broken)
    yield from (f"warning: {sentence}" for sentence in finished.recounts)
    if changed := code_changed(finished):
        yield (
            f"warning: the training code has changed since {len(changed)} of {len(finished.sample)} finished runs were "
            f"trained ({listed(changed, SHOWN)}); they are kept. Bump `recipe` to retrain"
        )


def _still_open(expected: Expected) -> str:
    """What lines that are expected mean."""
    names = f"rung {expected.rungs[0]} is" if len(expected.rungs) == 1 else f"rungs {', '.join(expected.rungs)} are"
    return (
        f"expected: {names} still to be planned, each when the runs below it are finished; its sizes and its price may "
        f"then be others. Wall time with what is expected: about {numbers.duration(expected.wall_seconds)}"
    )


def _search(line: Line, hours: str) -> str:
    """What the search for the learning rate would take, beside the sweep."""
    work = f"{numbers.count(line.n_tokens)} tokens, {line.flops:.3g} FLOPs, {line.device_hours:.3g} {hours}"
    runs = f"{line.n_todo} of {line.n_all} runs to do"
    return f"learning rate search (`snakemake transfer`): {runs}, {work}, {numbers.money(line.usd)}"


def _saving(total: Line) -> Iterator[str]:
    """What checkpoints save, where they save anything."""
    if total.flops < total.flops_alone:
        saved = 1 - total.flops / total.flops_alone
        yield (
            f"checkpoints: {total.flops_alone:.3g} FLOPs of runs by training {total.flops:.3g}, {saved:.1%} saved by "
            "branches and interrupted runs"
        )


def _scoring(total: Line) -> str:
    """What the keys `heldout` of a study cost, which the FLOPs of a line do not hold and its hours do."""
    share = f", {numbers.percent(total.scoring_flops / total.flops)} of the training's" if total.flops else ""
    return f"further held-out sets: {total.scoring_flops:.3g} FLOPs at most to score the runs on{share}; in the hours"


def code_changed(finished: Finished) -> list[str]:
    """Ids of finished runs (of those sampled) that other code than today's has trained."""
    return [r.run_id for r in finished.sample if r.code_fingerprint != run_fingerprint(r.spec)]


def plan_csv(rows: list[PlanRow]) -> str:
    """The plan as CSV: every field of a PlanRow, its derived numbers, and the spec that `flopscape train` takes."""
    text = io.StringIO()
    table = plan_records(rows)
    writer = csv.DictWriter(text, fieldnames=list(table[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return text.getvalue()


def plan_records(rows: list[PlanRow]) -> list[dict[str, Any]]:
    """The lines of that CSV, by column."""
    return [_csv_row(row) for row in rows]


def _csv_row(row: PlanRow) -> dict[str, Any]:
    fields = asdict(row) | {"size": canonical(row.size), "spec": canonical(row.spec)}
    spec = fields.pop("spec")
    derived = {"n_params": row.n_params, "flops": row.flops, "budget_remainder": row.budget_remainder}
    # As the run will have them, after all rules: a law's value and not the law.
    recipe = {"batch_units": row.n_tokens // row.n_steps, "learning_rate": _rate(row)}
    return fields | derived | {"tokens_per_param": row.n_tokens / row.n_params} | recipe | {"spec": spec}


def _rate(row: PlanRow) -> float | None:
    """Peak learning rate of a run; None for a simulated size that has no width to scale it by."""
    settings = TrainingSettings(**row.spec.get("training", {}))
    return None if settings.needs_width and "width" not in row.size else settings.rate_at(row.size)


def plan_json(
    rows: list[PlanRow],
    price: Price,
    coverage: Coverage,
    expected: Mapping[str, Any] | None = None,
    open_runs: Mapping[str, Sequence[PlanRow]] | None = None,
    refused: str = "",
) -> str:
    """Plan, price, coverage, what is `expected` of it, and the runs of rungs still open, as one JSON object.

    `refused` is why the study would not start; null where it would.
    """
    whole = {"runs": _json_rows(rows), "price": asdict(price), "coverage": asdict(coverage), **(expected or {})}
    whole["refused"] = refused or None
    if open_runs:
        whole["open_runs"] = {rung: _json_rows(of) for rung, of in open_runs.items()}
    return json.dumps(whole, indent=1, allow_nan=False)


def _json_rows(rows: Sequence[PlanRow]) -> list[dict[str, Any]]:
    return [_csv_row(row) | {"size": row.size, "spec": row.spec} for row in rows]
