"""What a study came to, without what differs between two undisturbed runs: times, rates, costs and the host."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

OF_THE_MACHINE = ("hours", "usd", "seconds", "_per_second", "mfu", "host", "device_name", "memory", "made_from")
"""Parts of the names of columns that say how long a run took, where, and for how much, or hash a table that does."""


def outcome(folder: Path, study: str) -> dict[str, Any]:
    """Every table of a finished study, and what its fits found."""
    results = folder / "results" / study
    found: dict[str, Any] = {"runs.csv": _of_the_result(pd.read_csv(results / "runs.csv"))}
    found["curves.parquet"] = pd.read_parquet(results / "curves.parquet")
    for path in sorted((results / "fits").glob("*.json")):
        fit = json.loads(path.read_text())
        found[path.name] = {key: fit[key] for key in ("status", "reason", "surface", "exponents", "predictions")}
    for name in ("sensitivity.csv", "backtest.csv", "twin/twin.csv"):
        if (results / name).exists():
            found[name] = _of_the_result(pd.read_csv(results / name))
    return found


def differences(expected: dict[str, Any], seen: dict[str, Any]) -> list[str]:
    """Names of the tables and fits that are not the same to the last digit."""
    return [name for name in expected | seen if not _same(expected.get(name), seen.get(name))]


def _same(expected: Any, seen: Any) -> bool:
    return expected.equals(seen) if isinstance(expected, pd.DataFrame) else expected == seen


def _of_the_result(table: pd.DataFrame) -> pd.DataFrame:
    return table[[name for name in table if not any(part in name for part in OF_THE_MACHINE)]]
