"""What a dry run and `flopscape plan` say of a plan that takes numpy, which nothing may import that Snakemake parses.

The interval of the answer that a plan is expected to give is worked out in a process of its own (plan/ask.py), once
for each plan and code, and kept in `.flopscape/expected/`. A dry run says what is kept there, and is not held up for
it. Why a ladder has stopped is worked out so too, where all runs below a rung are finished and it is not planned.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from flopscape.errors import FlopscapeError
from flopscape.files.json_text import Spec
from flopscape.plan.ask import answer_of, kept_answer
from flopscape.plan.coverage import LEAST_NARROWED
from flopscape.plan.rows import plan_rows, runs_below
from flopscape.plan.rung_words import warnings_of
from flopscape.plan.rungs import open_rungs, options_of
from flopscape.plan.studies import PlannedStudy
from flopscape.records.plan_row import PlanRow
from flopscape.records.stamps import hash_of_records
from flopscape.text import numbers

MODULE, RUNGS = "flopscape.design.improved", "flopscape.design.planned_rung"
KEPT, KEPT_STOPS = Path(".flopscape/expected"), Path(".flopscape/rungs")
Told = Mapping[str, Any]
"""What design/improved.py answers."""


def first_rows(planned: PlannedStudy) -> list[PlanRow]:
    """The runs as they are to be expected before any of them is there: of a ladder all rungs are open."""
    open_at_first = open_rungs(planned.study, [])
    return plan_rows(planned.study, open_at_first) if open_at_first else planned.rows


def expected_of(planned: PlannedStudy) -> Told:
    """What is expected of a plan before its first run, worked out where nothing is kept of it.

    Raises
    ------
    FlopscapeError
        It could not be worked out.
    """
    return answer_of(MODULE, _question(planned), (), f"{planned.path}: the expected intervals", KEPT)


def _question(planned: PlannedStudy) -> Spec:
    rows = first_rows(planned)
    # Those that the fits will see; where all others are hidden there is nothing to tell them apart by.
    rows = [row for row in rows if row.role == "fit"] or rows
    return {
        "runs": [[row.n_params for row in rows], [row.n_tokens for row in rows], [row.flops for row in rows]],
        "budget": [row.budget for row in rows],
        "flops": planned.study.recommend.flops,
    }


def kept_sentences(planned: PlannedStudy, is_due: bool = True) -> list[str]:
    """The sentences of a dry run: what is known without waiting, or how to know it where runs are still due."""
    if told := kept_answer(MODULE, _question(planned), (), KEPT):
        return sentences(told)
    return [f"expected intervals of the answer: `flopscape plan {planned.path}` works them out"] if is_due else []


def sentences_of(planned: PlannedStudy) -> list[str]:
    """The same, worked out if need be; a reason where that fails, for a plan is not refused for it."""
    try:
        return sentences(expected_of(planned))
    except FlopscapeError as error:
        return [f"expected intervals of the answer are not known: {error}"]


def why_stopped(planned: PlannedStudy, results: Path) -> str:
    """Why the next rung of a study cannot be planned from its finished runs; empty where it can, or waits for runs.

    The reason hangs on the study and on the records below that rung, and is forgotten with them.
    """
    if not planned.open_runs:
        return ""
    name, study, folder = next(iter(planned.open_runs)), planned.study, results / planned.name
    records = [folder / "runs" / f"{row.run_id}.json" for row in runs_below(study, name, planned.rungs)]
    if not all(path.exists() for path in records):
        return ""
    read = [options_of(study, name, planned.rungs), hash_of_records(records)]
    question: Spec = {"study": str(planned.path), "rung": name, "results": str(folder), "read": read}
    modules = [plugin.plugin.partition(":")[0] for plugin in (study.model, study.loss)]
    try:
        return str(answer_of(RUNGS, question, modules, f"{planned.path}: rung {name}", KEPT_STOPS)["why"])
    except FlopscapeError as error:  # a preview goes on
        return str(error)


def stopped_sentences(planned: PlannedStudy, results: Path) -> list[str]:
    """What a dry run and `flopscape plan` say where a study does not grow any more, and of what its rungs rest on."""
    why = why_stopped(planned, results)
    return [f"stopped: {why}"] * bool(why) + [f"warning: {text}" for text in warnings_of(planned.rungs)]


def sentences(told: Told) -> list[str]:
    r"""One for each asked compute, and for the largest what each lacking thing would change, where it changes any.

    Examples
    --------
    >>> width = {"typical": 0.4, "low": 0.3, "high": 0.7}
    >>> loss = {"typical": 0.012, "low": 0.01, "high": 0.02}
    >>> print(*sentences({"expected": [{"flops": 1e13, "n_params": width, "loss": loss}], "improved": []}), sep="\n")
    expected of the answer before any run, 95 % intervals (in brackets under 8 of 10 possible laws):
      - at 10¹³ FLOPs N* within a factor 1.49 (1.35 to 2.01), L* within 1.2 % (1 to 2 %)
    """
    lines = [f"  - at {numbers.flops(one['flops'])} FLOPs {_widths(one)}" for one in told["expected"]]
    lines += [f"  - {text}" for text in _improvements(told["improved"])]
    return (
        ["expected of the answer before any run, 95 % intervals (in brackets under 8 of 10 possible laws):", *lines]
        if lines
        else []
    )


def _improvements(improved: Sequence[Told]) -> Iterator[str]:
    worth = [one for one in improved if one["narrows"] >= LEAST_NARROWED]
    if improved and not worth:
        tried = ", ".join(one["change"] for one in improved)
        yield f"none of the usual changes narrows an interval by {100 * LEAST_NARROWED:.0f} %: {tried}"
    for one in worth:
        last = one["expected"][-1]
        yield (
            f"with {one['change']}, for {numbers.ratio(one['cost'])} times the FLOPs, at {numbers.flops(last['flops'])}"
            f" {_widths(last, spread=False)}"
        )


def _widths(one: Told, spread: bool = True) -> str:
    """Half the widths of N* and L* in words."""
    parts = []
    if n := one["n_params"]:
        factors = {name: numbers.ratio(math.exp(half)) for name, half in n.items()}
        parts.append(f"N* within a factor {factors['typical']}{_between(factors, '') if spread else ''}")
    if part := one["loss"]:
        percents = {name: f"{100 * half:.2g}" for name, half in part.items()}
        parts.append(f"L* within {percents['typical']} %{_between(percents, ' %') if spread else ''}")
    return ", ".join(parts) or "no optimum is expected to be found"


def _between(ends: Mapping[str, str], unit: str) -> str:
    return f" ({ends['low']} to {ends['high']}{unit})"
