"""Run records to tidy tables: one row per run, one row per point of a training curve."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import fields
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from flopscape.errors import FlopscapeError
from flopscape.files.json_text import canonical
from flopscape.records.checks import COUNTS, CURE, Recount, read_record, recounted, recounts_text
from flopscape.records.metrics import cells, columns_of
from flopscape.records.plan_row import PlanRow, Role
from flopscape.records.run_record import Curve, RunRecord, saw_other_data
from flopscape.records.stamps import of_collected
from flopscape.runs.speed import Speed, measured_speed, planned_usd
from flopscape.runs.study_tables import refuse_tables, write_tables


def collect(rows: list[PlanRow], runs: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables of a plan's runs: (runs, curves), with today's counts of every size.

    Parameters
    ----------
    rows : list of PlanRow
        The plan; records that it does not ask for are ignored.
    runs : Path
        Folder of `{run_id}.json`.

    Raises
    ------
    FlopscapeError
        Records are missing, broken, hold other numbers than their plan, or come from different data: all are named.
    """
    return _tables(rows, _read_all(rows, runs)[0])


def run(rows: list[PlanRow], runs: Path, out: Path, inputs: Iterable[Path] = ()) -> list[str]:
    """Write `out` (CSV), its copy as Parquet and the curves beside it; `inputs` are the files that the plan is of.

    Returns a sentence for each count that was made anew.

    Raises
    ------
    FlopscapeError
        As `collect`, and where one of the three must not be written.
    """
    refuse_tables(out, [*inputs, *(runs / f"{row.run_id}.json" for row in rows)])
    records, recounts = _read_all(rows, runs)
    write_tables(*_tables(rows, records), out, of_collected(rows, runs))
    return recounts_text(recounts)


def _tables(rows: list[PlanRow], records: list[RunRecord]) -> tuple[pd.DataFrame, pd.DataFrame]:
    speed = measured_speed(records)
    names = columns_of(record.metrics for record in records)
    runs = pd.DataFrame([_run_row(row, record, speed, names) for row, record in zip(rows, records, strict=True)])
    roles = [row.role for row in rows]
    return _with_roles(_with_scatter(runs, roles), roles), _curve_table(records)


def _read_all(rows: list[PlanRow], runs: Path) -> tuple[list[RunRecord], list[Recount]]:
    """The records of a plan, counted by its plug-in as it is today, and what differed."""
    records, recounts, problems = [], [], []
    for row in rows:
        try:
            record, changed = recounted(row, read_record(row, runs / f"{row.run_id}.json"))
        except FlopscapeError as error:
            problems.append(str(error))
            continue
        records.append(record)
        recounts += changed
    # All at once, so that a person mends a study's records in one round.
    if problems:
        raise FlopscapeError("\n".join(problems))
    _same_data(records)
    return records, recounts


def _same_data(records: Sequence[RunRecord]) -> None:
    """Refuse runs on different data, or counted in different units, in one table, and name the odd ones."""
    if odd := saw_other_data(records):
        raise FlopscapeError(
            f"runs {', '.join(odd)} saw other data than the rest; delete their records to retrain them"
        )
    units = {record.run_id: record.unit for record in records}
    # The most frequent unit is taken to be the right one, and the others are named.
    usual = Counter(units.values()).most_common(1)[0][0]
    if strange := [f"{run_id} ({unit})" for run_id, unit in units.items() if unit != usual]:
        raise FlopscapeError(f"runs {', '.join(strange)} count their data in another unit than {usual}; {CURE}")


def _run_row(row: PlanRow, record: RunRecord, speed: Speed | None, metrics: Sequence[str]) -> dict[str, Any]:
    """One tidy row with every convention of N, D and C and every metric in its own column; see results/README.md.

    `metrics` are the names of those that any run of the table has.
    """
    return {
        "run_id": record.run_id,
        "status": record.status,
        "reason": record.reason,
        "simulated": record.simulated,
        "unit": record.unit,
        "budget": row.budget,
        "size": canonical(row.size),
        **{f"size_{key}": value for key, value in row.size.items()},
        "seed": row.seed,
        "parent": record.parent,
        "n_params": record.n_params,
        "n_params_body": record.n_params_body,
        "n_params_non_embedding": record.n_params,
        "n_params_total": record.n_params + record.n_params_embedding,
        "n_tokens": record.n_tokens_seen,
        "n_tokens_planned": record.n_tokens_planned,
        "flops": record.flops_counted,
        "flops_counted": record.flops_counted,
        "flops_6nd": record.flops_6nd,
        "flops_spent": record.flops_spent,
        "flops_per_unit": record.flops_per_unit,
        "tokens_per_param": record.n_tokens_seen / record.n_params,
        "loss": record.loss,
        "loss_se": record.loss_se,
        "n_heldout_units": record.n_heldout_units,
        **cells(record.metrics, metrics),
        "seconds": record.timings.get("seconds_total"),
        "units_per_second": record.timings.get("units_per_second"),
        "flops_per_second": record.timings.get("flops_per_second"),
        "cpu_hours": record.cost.get("cpu_hours"),
        "gpu_hours": record.cost.get("gpu_hours"),
        "usd": record.cost.get("usd"),
        "usd_planned": planned_usd(row, record, speed),
        "recipe": record.spec["recipe"],
        "data_hash": record.data_hash,
        "code_fingerprint": record.code_fingerprint,
        "host": record.hardware.get("host"),
    }


def _with_roles(table: pd.DataFrame, roles: Sequence[Role]) -> pd.DataFrame:
    """Whether each run is a scout, and whether it stays hidden: columns only of a plan that has runs no fit sees."""
    if {*roles} <= {"fit"}:
        return table
    place = list(table.columns).index("budget")
    for role in ("validate", "scout"):
        table.insert(place, role, [one == role for one in roles])
    return table


def _with_scatter(table: pd.DataFrame, roles: Sequence[Role]) -> pd.DataFrame:
    """Completed seeds of each size, budget and tokens, and the variance of their losses; none where there is one."""
    # `dropna=False`: runs without a budget are points, too. A hidden seed says nothing of the noise of fitted ones.
    alike = ["size", "budget", "n_tokens_planned", pd.Series(roles, index=table.index, dtype=str)]
    points = table.assign(loss=table.loss.astype(float)).groupby(alike, dropna=False)
    place = list(table.columns).index("loss_se") + 1
    # Inserted at one place, so that the last one inserted, `n_seeds`, stands first.
    table.insert(place, "loss_seed_variance", points.loss.transform("var"))
    table.insert(place, "n_seeds", points.loss.transform("count"))
    return table


def _curve_table(records: list[RunRecord]) -> pd.DataFrame:
    """All curves below one another, column by column: a table for each of thousands of records takes far longer."""
    table: dict[str, Any] = {"run_id": [record.run_id for record in records for _ in record.curve.step]}
    for column in fields(Curve):
        values = chain.from_iterable(getattr(record.curve, column.name) for record in records)
        table[column.name] = pd.Series(list(values), dtype="int64" if column.name in COUNTS else "float64")
    return pd.DataFrame(table)
