"""What fits have said of the hidden runs of a study, kept for ever: a new fit replaces a file, and nothing in here.

`validation.csv` scores the fits as they are today. Once the hidden runs are finished somebody may fit more runs, or by
other options, and what was said first would be gone: it is the one prediction that nobody could have fitted to its
outcome. So each score is also added to a journal (files/journal.py), an entry for each fit and each state of it: the
runs that were fitted, the options, the predictions, and what came, or that nothing had come yet.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from flopscape.answers.residuals import fitted_table
from flopscape.files.journal import Kept, add_to_journal, read_journal
from flopscape.files.json_text import short_hash
from flopscape.fitting.backtest.hidden import holds, in_logs
from flopscape.fitting.common.draws_file import fit_name
from flopscape.records.backtest import Outcome
from flopscape.records.fit_file import read_fit
from flopscape.records.fit_result import Estimate

ABOUT = (
    "What the fits of this study said of its hidden runs, and what came: a line for each fit and each state of its"
    " runs and options, in the order in which they were made. Lines are added and never changed."
)
DIGITS = 6
"""Significant digits of what is kept: those behind differ from machine to machine, and would make another entry."""
OF_FIT = ("fit", "method", "cut", "n_runs", "status", "reason")
"""Fields of a line that are of the whole fit."""
TRUTHS = ("true_loss", "se_loss", "true_n_params", "se_log_n_params")
"""Fields of a line that are known when its runs are finished, whatever was predicted."""


@dataclass(frozen=True)
class Said:
    """What one fit said on one day; `fitted` and `options` are hashes of its runs' ids and of what it was told."""

    date: str
    fit: str
    n_runs: int
    fitted: str
    options: str
    lines: list[Outcome]

    @property
    def has_outcome(self) -> bool:
        """Whether any of the hidden runs had a loss by then."""
        return any(line.true_loss is not None for line in self.lines)


def read_archive(path: str | Path) -> list[Said]:
    """All that was said, the oldest first; raises FlopscapeError for a file that is damaged or was edited."""
    return [_said(kept) for kept in read_journal(path)]


def add_to_archive(
    path: str | Path,
    runs: str | Path,
    fits: Sequence[str | Path],
    lines: Sequence[Outcome],
    made_from: str = "",
    date: str = "",
) -> None:
    """Add what fits say of a table's hidden runs, as far as it is new; fits that predict nothing add nothing.

    Parameters
    ----------
    path : path
        The archive; begun where there is none.
    runs : path
        The table that the fits were made of.
    fits : sequence of paths
        FIT.json.
    lines : sequence of Outcome
        From `answers.validation`, of these fits.
    made_from, date : str, optional
        The stamp of all this, and the day to note; today unless given.
    """
    own = {fit_name(fit): [line for line in lines if line.fit == fit_name(fit)] for fit in fits}
    entries = [_entry(fit, runs, own[fit_name(fit)]) for fit in fits if any(map(_predicts, own[fit_name(fit)]))]
    add_to_journal(path, ABOUT, entries, made_from, date)


def _predicts(line: Outcome) -> bool:
    return line.loss is not None or line.n_params is not None


def _entry(fit: str | Path, runs: str | Path, lines: Sequence[Outcome]) -> dict[str, Any]:
    result = read_fit(fit)
    # What it was asked for beside the hidden runs decides nothing of what it says of these.
    options = {name: value for name, value in result.made_from.get("options", {}).items() if name != "flops"}
    return {
        "fit": fit_name(fit),
        "method": result.method,
        "status": result.status,
        "n_runs": result.n_runs,
        "fitted": short_hash(sorted(map(str, fitted_table(runs, result).run_id))),
        "options": short_hash(options),
        "lines": [_kept(line) for line in lines],
    }


def _kept(line: Outcome) -> dict[str, Any]:
    """The fields of a line that are of itself and hold something, floats to the digits that are kept."""
    own = {name: _rounded(value) for name, value in asdict(line).items() if name not in OF_FIT}
    return {name: value for name, value in own.items() if value not in (None, "")}


def _rounded(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    # JSON has no word for what is not finite: an end of an interval that is open, or compute that is not known.
    return float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None


def _said(kept: Kept) -> Said:
    of = kept.content
    shared = {"fit": of["fit"], "method": of["method"], "cut": "", "n_runs": of["n_runs"], "status": of["status"]}
    unknown = {"flops": np.nan, "extrapolation": np.nan}
    lines = [Outcome(**(shared | {"reason": ""} | unknown | line)) for line in of["lines"]]
    return Said(kept.date, of["fit"], of["n_runs"], of["fitted"], of["options"], lines)


# Of one fit: each prediction once, beside what came of it by now.


@dataclass(frozen=True)
class Prediction:
    """What a fit had said from `date` on; `is_before` tells that no outcome was there on that day."""

    date: str
    n_runs: int
    is_before: bool
    lines: list[Outcome]


def predictions_of(archive: Sequence[Said], fit: str) -> list[Prediction]:
    """Each different prediction of one fit, the first one first, every line judged by what is known by now."""
    found: list[tuple[Said, Said]] = []
    for said in (one for one in archive if one.fit == fit):
        if found and _goes_on(found[-1][1], said):
            found[-1] = found[-1][0], said
        else:
            found.append((said, said))
    came = {place_of(line): line for said in archive for line in said.lines if line.true_loss is not None}
    return [
        Prediction(first.date, first.n_runs, not first.has_outcome, [*_judged(last.lines, came)])
        for first, last in found
    ]


def _goes_on(before: Said, after: Said) -> bool:
    """Whether one entry says all that another does: the same prediction, with more that came."""
    if (before.fitted, before.options) != (after.fitted, after.options):
        return False
    later = {place_of(line): _prediction(line) for line in after.lines}
    return all(later.get(place_of(line)) == _prediction(line) for line in before.lines)


def place_of(line: Outcome) -> tuple[str, str | float]:
    """What a line is of: a run by its id, an optimum by its compute."""
    return line.what, line.run_id or line.flops


def _prediction(line: Outcome) -> list[float | None]:
    names = ("loss", "loss_low", "loss_high", "n_params", "n_params_low", "n_params_high")
    return [getattr(line, name) for name in names]


def _judged(lines: Sequence[Outcome], came: dict[tuple[str, str | float], Outcome]) -> Iterator[Outcome]:
    """Each line with what came: what a later entry knows where its own day did not."""
    for line in lines:
        truth = came.get(place_of(line))
        yield line if line.true_loss is not None or truth is None else _with_truth(line, truth)


def _with_truth(line: Outcome, truth: Outcome) -> Outcome:
    held: dict[str, Any] = {name: getattr(truth, name) for name in TRUTHS} | {"left_out": ""}
    if line.loss is not None and truth.true_loss is not None:
        loss = Estimate(line.loss, line.loss_low, line.loss_high)
        held["loss_holds"] = holds(truth.true_loss, truth.se_loss or 0.0, loss)
    if line.n_params is not None and truth.true_n_params is not None:
        size = in_logs(Estimate(line.n_params, line.n_params_low, line.n_params_high))
        held["n_params_holds"] = holds(float(np.log(truth.true_n_params)), truth.se_log_n_params or 0.0, size)
    return replace(line, **held)
