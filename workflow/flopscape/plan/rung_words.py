"""What is said of rungs: how the budgets below placed them, and what to doubt of that.

A rung's file keeps all of it, so that a dry run, a report and the command that plans the rung say the same, however
long ago it was planned.
"""

import math
from collections.abc import Iterator, Sequence

from flopscape.errors import joined
from flopscape.plan.rungs import REFINE, Center, Rung
from flopscape.text import numbers

FOUND = "the lowest point of the parabola"
FOUND_ALONE = f"{FOUND}, whose error no run to spare could tell"


def warnings_of(rungs: Sequence[Rung]) -> list[str]:
    """A sentence for each budget whose optimum was not seen, or by fewer runs than were planned, with what rests on it.

    One more for each budget that a refinement adds nothing to.

    Parameters
    ----------
    rungs : sequence of Rung
        Planned ones; what several of them rest on is said once.

    Examples
    --------
    >>> center = Center(1e10, 9.0, 0.2, FOUND, n_runs=7, n_finished=4)
    >>> warnings_of([Rung("1", [], None, (center,)), Rung("2", [], None, (center,))])
    ['rungs 1 and 2: at budget 10¹⁰ 4 of 7 runs have a loss; the lowest point of the parabola, 8.10 k parameters']
    """
    names: dict[str, list[str]] = {}
    for rung in rungs:
        for text in _doubts(rung):
            names.setdefault(text, []).append(rung.name)
    return [f"{_subject(of)}: {text}" for text, of in names.items()]


def _subject(names: Sequence[str]) -> str:
    return f"rung{'s' if len(names) > 1 else ''} {joined(names)}"


def _doubts(rung: Rung) -> Iterator[str]:
    for center in rung.centers:
        words = [_finished(center)] if center.is_thinned else []
        # How it was found is said where runs are missing as well: it is then found by few.
        words += [center.how] if words or center.how != FOUND else []
        if words:
            where = f"{numbers.count(math.exp(center.log_n))} parameters"
            yield f"at budget {numbers.flops(center.flops)} {'; '.join(words)}, {where}"
    grown = {budget.flops for budget in rung.budgets}
    for center in rung.centers if rung.name == REFINE else ():
        if center.flops not in grown:
            yield f"at budget {numbers.flops(center.flops)} sweep.family has no size to add"


def _finished(center: Center) -> str:
    return f"{center.n_finished} of {numbers.plural(center.n_runs, 'run')} have a loss"


def placed_by_few(rungs: Sequence[Rung]) -> list[tuple[str, float]]:
    """Each budget of which runs are missing: what it placed, as a sentence, and the share of its runs without a loss.

    Examples
    --------
    >>> center = Center(1e10, 9.0, 0.2, FOUND, n_runs=8, n_finished=4)
    >>> placed_by_few([Rung("1", [], None, (center,))])
    [('At budget 10¹⁰, which placed rung 1, 4 of 8 runs have a loss.', 0.5)]
    """
    thinned = [(center, rung.name) for rung in rungs for center in rung.centers if center.is_thinned]
    # A budget's optimum may be told anew by each rung, with the noise of more budgets: its runs are the same.
    found = []
    for one in {center.flops: center for center, _ in thinned}.values():
        placed = _subject([name for center, name in thinned if center.flops == one.flops])
        text = f"At budget {numbers.flops(one.flops)}, which placed {placed}, {_finished(one)}."
        found.append((text, 1 - one.n_finished / one.n_runs))
    return found
