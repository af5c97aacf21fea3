"""What came of runs that no fit has seen, beside what a twin promises of the same fits on simulated copies.

A copy follows a law that was fitted to the study's own runs, or one that is possible after them. Where a fit holds such
copies and misses real runs, the copies lack something that the runs have, and the promise is not one for the runs. What
is a miss and what is chance is decided by fitting/backtest/misses.py alone, as everywhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from flopscape.answers.backtest.scores import by_fit, score
from flopscape.answers.outcomes import judged, missed
from flopscape.records.backtest import Outcome
from flopscape.twin.summary import share_error
from flopscape.twin.verdict import NOMINAL, allowed

COUNTS = ("n_runs", "held_runs", "n_n_params", "held_n_params", "n_loss", "held_loss", "log_score")
"""What is told of a fit's score on hidden runs: losses of single runs, N* and L*, and how many of each held."""


def beside_outcomes(content: Mapping[str, Any], lines: Sequence[Outcome]) -> dict[str, Any]:
    """What verdict.json says of hidden runs: `hidden_runs`, an entry a fit, and the twin's sentences with what follows.

    Parameters
    ----------
    content : mapping
        Of the verdict as it is without them.
    lines : sequence of Outcome
        From `validation.csv`.

    Returns
    -------
    dict
        Empty where no hidden run has been judged.
    """
    fits = {name: own for name, own in by_fit(judged(lines)).items() if own}
    if not fits:
        return {}
    entries = [_entry(name, row_of(content, name, own[0].method), own) for name, own in fits.items()]
    said = [
        f"Hidden runs speak against {entry['fit']}: {entry['missed']}. Simulated copies promise otherwise:"
        f" {entry['contradicted']}."
        for entry in entries
        if entry["contradicted"]
    ]
    return {"hidden_runs": entries, "sentences": [*content["sentences"], *said]}


def row_of(content: Mapping[str, Any], fit: str, method: str) -> Mapping[str, Any]:
    """What a verdict says of a fit, by its name or its method; empty where it did not judge it."""
    return next((row for row in content.get("methods", []) if row["method"] in (fit, method)), {})


def why_contradicted(row: Mapping[str, Any], lines: Sequence[Outcome]) -> str:
    """What a twin promises of a fit's intervals where hidden runs do not bear it out; empty where they do.

    Parameters
    ----------
    row : mapping
        Of the fit, in the verdict.
    lines : sequence of Outcome
        Of the same fit.

    Examples
    --------
    >>> off = Outcome("f", "vpnls", "", 30, "ok", "", "run", 1e21, 3.0, true_loss=2.0, loss=1.97, loss_low=1.96,
    ...     loss_high=1.98, loss_holds=False)
    >>> print(why_contradicted({"coverage": 0.95, "intervals": 200}, [off]))
    95 % intervals hold N* in 95 ± 2 % of simulated copies, so the copies lack something that the runs have
    """
    promise = _promise(row)
    if not promise or not missed(lines):
        return ""
    return f"95 % intervals hold N* in {promise} of simulated copies, so the copies lack something that the runs have"


def _promise(row: Mapping[str, Any]) -> str:
    """Coverage on copies of the possible laws, or else of the fitted surface; empty where it is too low to trust."""
    seen = next((part for part in (row.get("possible") or {}, row) if part.get("intervals")), {})
    if seen.get("coverage") is None or seen["coverage"] < NOMINAL - allowed(seen["intervals"]):
        return ""
    return f"{100 * seen['coverage']:.0f} ± {100 * share_error(seen['coverage'], seen['intervals']):.0f} %"


def _entry(name: str, row: Mapping[str, Any], lines: Sequence[Outcome]) -> dict[str, Any]:
    found = asdict(score(lines))
    return {
        "fit": name,
        "method": lines[0].method,
        **{what: found[what] for what in COUNTS},
        "missed": missed(lines),
        "contradicted": why_contradicted(row, lines),
    }
