"""How methods do on simulated copies of this sweep: the twin's verdict beside the fits."""

from pathlib import Path
from typing import Any, NamedTuple

from flopscape.report.blocks import Block, Grid, Paragraph, Picture
from flopscape.text import numbers
from flopscape.twin.sentences import deciding
from flopscape.twin.summary import share_error

HEAD = [
    "method", "bias of N*", "SD", "RMSE", "coverage", "RMSE, possible laws", "coverage, possible laws",
    "RMSE, all truths", "fits that fail",
]  # fmt: skip
CAPTION = (
    "Errors of every method on simulated copies of this study, under the fitted surface, laws that are possible after"
    " its runs, and truths that no method assumes."
)

REST = "What else it found, and which fits it left out, is in twin/verdict.json."


class Twin(NamedTuple):
    """The verdict of `flopscape twin`, and its figure."""

    verdict: dict[str, Any]
    figure: Path


def blocks(twin: Twin | None) -> list[Block]:
    """What decides, a row for each method, and the figure; nothing for a study without a twin.

    All else that a twin has found is in its verdict.json: the table has most of it.
    """
    if twin is None:
        return []
    verdict = twin.verdict
    if verdict["status"] != "completed" or not verdict.get("methods"):
        return [Paragraph(" ".join(verdict["sentences"]))]
    words = f"{verdict['simulations']} simulated copies of this study from {verdict['source']}."
    compute = numbers.flops(verdict["flops"])
    note = (
        f"N* at {compute} FLOPs where the fitted surface is true, and on laws that the answer holds possible; errors of"
        " ln N*, written as percentages of N*; ± is Monte Carlo error. All truths: RMSE over all, relative to"
        f" {verdict['reference']}."
    )
    first, *rest = deciding(verdict)
    return [
        Paragraph(f"{first} {words}"),
        *map(Paragraph, rest),
        Grid(HEAD, [_row(row) for row in verdict["methods"]], f"{note} {REST}"),
        Picture("twin", twin.figure, CAPTION),
    ]


def _row(row: dict[str, Any]) -> list[str]:
    possible = row.get("possible", {})
    elsewhere = "" if row.get("in_study", True) else ", not in this study"
    return [
        row["method"] + (f" ({row['simulations']} copies)" if "simulations" in row else "") + elsewhere,
        numbers.log_error(row["bias"], row["bias_se"], signed=True),
        numbers.log_error(row["spread"]) if row["spread"] else numbers.NOTHING,
        numbers.log_error(row["rmse"]),
        _coverage(row["coverage"], row["intervals"]),
        numbers.log_error(possible.get("rmse")),
        _coverage(possible.get("coverage"), possible.get("intervals", 0)),
        numbers.NOTHING if row["ratio"] is None else f"×{row['ratio']:.2f} ± {row['ratio_se']:.2f}",
        numbers.percent(row["failures"]),
    ]


def _coverage(share: float | None, intervals: int) -> str:
    """The share of intervals that hold the truth, ± its Monte Carlo error."""
    if share is None or not intervals:
        return numbers.NOTHING
    return f"{100 * share:.0f} ± {100 * share_error(share, intervals):.0f} %"
