"""What one experiment hands over: a tidy table, claims with their numbers, and a finding in words."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

import pandas as pd

COLUMNS = (
    "experiment", "surface", "bias", "width", "n_points", "noise", "trial", "method", "quantity",
    "truth", "estimate", "relative_error", "status",
)  # fmt: skip
"""Columns of every table.csv, in this order; `width` is the half-range in decades of N, `noise` σ in nats."""


@dataclass(frozen=True)
class Claim:
    """One checked number: `holds` is |value − expected| ≤ tolerance, or a comparison that `claim` spells out."""

    claim: str
    value: float | None
    expected: float | None
    tolerance: float | None
    holds: bool
    note: str = ""


@dataclass(frozen=True)
class Outcome:
    """The result of one experiment; `skipped` says why there is none, `partly` which part is missing and why.

    `claims` hold at any setting, `published` only at the published ones.
    """

    table: pd.DataFrame
    claims: list[Claim] = field(default_factory=list)
    published: list[Claim] = field(default_factory=list)
    finding: str = ""
    skipped: str = ""
    partly: str = ""

    @property
    def status(self) -> str:
        """`completed`, with the part that is missing, or `skipped`, with the reason."""
        if self.skipped:
            return f"skipped: {self.skipped}"
        return f"completed; {self.partly}" if self.partly else "completed"


def tidy(experiment: str, rows: list[dict[str, Any]] | pd.DataFrame) -> pd.DataFrame:
    """Rows as a table: absent columns are blank, the relative error is filled in, the status is `ok` unless given."""
    frame = pd.DataFrame(rows).assign(experiment=experiment)
    frame = frame.reindex(columns=[*COLUMNS, *(name for name in frame if name not in COLUMNS)]).reset_index(drop=True)
    frame["status"] = frame["status"].astype(object).fillna("ok")
    # Only where an experiment gave none of its own.
    frame["relative_error"] = frame["relative_error"].fillna(frame["estimate"] / frame["truth"] - 1)
    return frame


def errors(table: pd.DataFrame, label: str) -> dict[str, float]:
    """Relative errors in per cent by a label made of each row, such as `{surface} ±{width:.2f} {quantity}`."""
    rows = table.to_dict("records")
    return {label.format(**{str(k): v for k, v in row.items()}): 100 * float(row["relative_error"]) for row in rows}


def furthest(entries: Mapping[str, float]) -> tuple[str, float]:
    """The entry of largest absolute value."""
    return max(entries.items(), key=lambda item: abs(item[1]))


def nearest(entries: Mapping[str, float]) -> tuple[str, float]:
    """The entry of smallest absolute value."""
    return min(entries.items(), key=lambda item: abs(item[1]))


def agrees(claim: str, value: float, expected: float, tolerance: float, note: str = "") -> Claim:
    """A number that must lie within an absolute tolerance of what is expected."""
    holds = bool(abs(value - expected) <= tolerance)
    return Claim(claim, float(value), float(expected), float(tolerance), holds, note)


def at_least(claim: str, value: float, expected: float, note: str = "") -> Claim:
    """A number that must not be smaller than another."""
    return Claim(claim, float(value), float(expected), None, bool(value >= expected), note)


def at_most(claim: str, value: float, expected: float, note: str = "") -> Claim:
    """A number that must not be larger than another."""
    return Claim(claim, float(value), float(expected), None, bool(value <= expected), note)


def printed(values: Mapping[str, float], published: Mapping[str, str], note: str = "") -> list[Claim]:
    """Published numbers as they are printed: each is met within half a unit of its last digit.

    Parameters
    ----------
    values : mapping
        Claim → value, in the published unit.
    published : mapping
        Claim → the number as text, such as "0.32801" or "2.87e6"; those that are not found are left out.
    """
    claims = []
    for claim, text in published.items():
        if claim not in values:
            continue
        # The last digit's place, which a float would lose: "0.10" is printed to hundredths.
        unit = 10.0 ** int(Decimal(text).as_tuple().exponent)
        # Half a unit, and a little for a number that lies right between two.
        claims.append(agrees(claim, values[claim], float(text), 0.5000001 * unit, note))
    return claims


def checked(outcome: Outcome, setting: str) -> list[Claim]:
    """The claims that apply to a setting."""
    return [*outcome.claims, *(outcome.published if setting == "published" else [])]


def verdict(experiment: str, question: str, advice: str, setting: str, outcome: Outcome) -> str:
    """The text of verdict.json; `setting` is `published`, `changed` or `fast`."""
    claims = checked(outcome, setting)
    content = {
        "experiment": experiment,
        "question": question,
        "setting": setting,
        "status": outcome.status,
        "all_hold": all(claim.holds for claim in claims),
        "finding": outcome.finding,
        "advice": advice,
        "claims": [asdict(claim) for claim in claims],
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
