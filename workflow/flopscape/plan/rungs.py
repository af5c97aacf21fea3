"""The rungs of a ladder and of a refinement: budgets with their sizes, planned one after another and kept in files.

A rung is planned once all runs below it are finished, by design/rung.py, in `results/{study}/rungs/{name}.json`. From
then on its sizes stand: a record that arrives later moves nothing that was planned. With the files of all rungs a study
is one whose budgets have sizes of their own; without them the open rungs have expected sizes, which are priced and
never trained.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flopscape.config.ladder import Ladder
from flopscape.config.study import Study
from flopscape.errors import FlopscapeError
from flopscape.files.json_text import read_json, short_hash
from flopscape.files.outputs import write_text
from flopscape.plan.family import Member, guess, members, more, spread
from flopscape.plan.sizes import count_sizes
from flopscape.plugins.base import Size

REFINE = "refine"
"""The name of the rung after all others."""
SLOPE = 0.5
"""Of ln N* in ln C, before any run: published tables put it between 0.40 and 0.58."""
LN10 = math.log(10.0)
BEYOND_DEX = 1.0
"""Decades of N beyond the sizes around the guess up to which a family is counted: so far off may a guess be."""


@dataclass(frozen=True)
class Planned:
    """Runs at one budget of a rung: C in FLOPs, sizes, and the seeds of each; a budget may stand in several parts."""

    flops: float
    sizes: list[Size]
    seeds: list[int]


@dataclass(frozen=True)
class Center:
    """The optimum that a finished budget points at: ln N and its standard error, and in words how it was found.

    `n_finished` of the budget's `n_runs` runs have a loss; both are 0 in files of earlier versions.
    """

    flops: float
    log_n: float
    sd: float
    how: str
    n_runs: int = 0
    n_finished: int = 0

    @property
    def is_thinned(self) -> bool:
        """Whether runs are missing that were planned to find it."""
        return self.n_finished < self.n_runs


@dataclass(frozen=True)
class Line:
    """Where the optimum is taken to lie: ln N*(C) = log_n + slope·(ln C − log_flops)."""

    log_flops: float
    log_n: float
    slope: float

    def at(self, log_flops: float) -> float:
        """ln N* at ln C."""
        return self.log_n + self.slope * (log_flops - self.log_flops)


@dataclass(frozen=True)
class Rung:
    """One step of a plan that grows: its budgets, and what their sizes rest on.

    `options` is a hash of all that the config says of it and of the rungs below, `records` one of the records that it
    was planned from. `is_expected` marks a rung that is still open.
    """

    name: str
    budgets: list[Planned]
    line: Line | None = None
    centers: tuple[Center, ...] = ()
    options: str = ""
    records: str = ""
    is_expected: bool = False

    @property
    def content(self) -> str:
        """A hash of what was planned."""
        return short_hash([self.name, [asdict(budget) for budget in self.budgets], self.options, self.records])

    @property
    def told(self) -> str:
        """A hash of what is told of how it was planned, which decides no run."""
        return short_hash([self.line and asdict(self.line), [asdict(center) for center in self.centers]])

    def write(self, path: Path) -> None:
        """Write the rung's file, whole or not at all."""
        plain = {name: value for name, value in asdict(self).items() if name != "is_expected"}
        hashes = {"content": self.content, "told": self.told}
        write_text(path, json.dumps(plain | hashes, indent=1, allow_nan=False) + "\n")


def read_rung(path: Path) -> Rung:
    """A rung from its file.

    Raises
    ------
    FlopscapeError
        The file is cut short, or was edited: what was planned is paid for, and is not changed by hand.
    """
    data = read_json(path, "delete it, and the rung is planned again")
    try:
        budgets = [Planned(**budget) for budget in data["budgets"]]
        centers = tuple(Center(**center) for center in data["centers"])
        line = Line(**data["line"]) if data["line"] else None
        rung = Rung(data["name"], budgets, line, centers, data["options"], data["records"])
        # Files of earlier versions have no hash of what is told.
        is_whole = (data["content"], data.get("told", rung.told)) == (rung.content, rung.told)
        is_whole &= data["name"] == path.stem
    except (KeyError, TypeError, AttributeError):
        is_whole = False
    if not is_whole:
        raise FlopscapeError(
            f"{path}: not as it was planned; delete it, and the rung is planned again from the runs below it. Runs of "
            "your own choice go into sweep.rows"
        )
    return rung


def names_of(study: Study) -> list[str]:
    """The rungs of a study, in the order in which they are planned; none for a study that is planned at once."""
    ladder = [str(i + 1) for i in range(study.sweep.ladder.budgets)] if study.sweep.ladder else []
    return [*ladder, *([REFINE] if study.sweep.refine else [])]


def options_of(study: Study, name: str, below: Sequence[Rung]) -> str:
    """A hash of all that decides a rung besides the records: what the study says of it, and the rungs below."""
    sweep, training = study.sweep, study.training.changes()
    said: list[Any] = [name, sweep.ladder and sweep.ladder.model_dump(), sweep.family and sweep.family.model_dump()]
    # Losses depend on all of this: after a change of it the records that a rung was planned from are none any more.
    said += [study.model.spec(), study.dataset and study.dataset.spec(), study.loss.spec(), study.trainer.spec()]
    said += [study.recipe, training, [rung.content for rung in below]]
    if name == REFINE:
        said += [sweep.refine and sweep.refine.model_dump(), sweep.isoflop and sweep.isoflop.model_dump()]
    return short_hash(said)


def read_rungs(study: Study, folder: Path) -> list[Rung]:
    """The rungs that are planned and as the study asks for, in order; `folder` is `results/{study}/rungs`.

    One that is missing, or was planned for other options, is open, and so are all above it.
    """
    rungs: list[Rung] = []
    for name in names_of(study):
        path = folder / f"{name}.json"
        if not path.exists():
            break
        rung = read_rung(path)
        if rung.options != options_of(study, name, rungs):
            break
        rungs.append(rung)
    return rungs


def scouts(study: Study) -> Rung | None:
    """The first runs of a ladder, around the guess: a function of the config alone."""
    ladder = study.sweep.ladder
    if ladder is None:
        return None
    flops = ladder.scouts_flops
    family = family_in_reach(study, ladder)
    center = guess(family, flops, ladder.tokens_per_param)
    chosen = spread(family, center, LN10 * ladder.scouts.half_span_dex, ladder.scouts.sizes)
    return Rung("scouts", with_repeats(flops, [member.size for member in chosen], ladder.scouts.sizes, 1))


def family_in_reach(study: Study, ladder: Ladder) -> list[Member]:
    """The members of the family that the ladder may ever want: up to a decade above the sizes around the guess."""
    # C = κ·r·N² with κ near 6 or above.
    at_top = math.sqrt(ladder.top_flops / (6 * ladder.tokens_per_param))
    return members(study, at_top * 10 ** (ladder.half_span_dex + BEYOND_DEX))


def rung_at(ladder: Ladder, number: int, line: Line, family: Sequence[Member]) -> list[Planned]:
    """The budget of a ladder's rung, counted from 0, with its sizes around a line."""
    flops, count = ladder.top_flops * ladder.shares[number], ladder.counts[number]
    chosen = spread(family, line.at(math.log(flops)), LN10 * ladder.half_span_dex, count)
    return with_repeats(flops, [member.size for member in chosen], count, ladder.seeds_of_budgets[number])


def with_repeats(flops: float, sizes: list[Size], wished: int, n_seeds: int) -> list[Planned]:
    """A budget with as many runs as were wished: where the family has fewer sizes, seeds take the place of the missing.

    With half of the noise shared by runs of one N and D, seven sizes with two seeds tell L* nearly as well as fourteen
    sizes. Other depths would give other N, but another loss for their shape as well, which bends the curve.

    Examples
    --------
    >>> [(len(one.sizes), one.seeds) for one in with_repeats(1e9, [{"width": w} for w in (8, 12, 16, 20)], 9, 1)]
    [(4, [0, 1]), (1, [2])]
    """
    full, rest = divmod(wished * n_seeds, len(sizes))
    # Evenly over the sizes.
    again = [sizes[int((i + 0.5) * len(sizes) / rest)] for i in range(rest)]
    return [Planned(flops, sizes, list(range(full))), *([Planned(flops, again, [full])] if again else [])]


def first_line(ladder: Ladder, family: Sequence[Member]) -> Line:
    """Through the guess at the scouts' compute, with the slope of published tables."""
    flops = ladder.scouts_flops
    return Line(math.log(flops), guess(family, flops, ladder.tokens_per_param), SLOPE)


def open_rungs(study: Study, rungs: Sequence[Rung]) -> list[Rung]:
    """The rungs that are not planned yet, with the sizes to be expected: around the last line, or the first guess."""
    names = names_of(study)[len(rungs) :]
    expected = _open_budgets(study, study.sweep.ladder, rungs) if study.sweep.ladder else []
    if REFINE in names:
        budgets = refined(study, sizes_to_refine(study, [*rungs, *expected]))
        expected.append(Rung(REFINE, budgets, is_expected=True))
    return expected


def _open_budgets(study: Study, ladder: Ladder, rungs: Sequence[Rung]) -> list[Rung]:
    """The rungs of a ladder that are not planned yet."""
    family = family_in_reach(study, ladder)
    line = next((rung.line for rung in reversed(rungs) if rung.line), first_line(ladder, family))
    return [
        Rung(str(i + 1), rung_at(ladder, i, line, family), line, is_expected=True)
        for i in range(len(rungs), ladder.budgets)
    ]


def sizes_to_refine(study: Study, rungs: Sequence[Rung]) -> dict[float, list[Size]]:
    """The budgets that a refinement adds to, with their sizes: the sweep's own and the ladder's, without the scouts."""
    isoflop = study.sweep.isoflop
    own = {budget.flops: list(budget.sizes or isoflop.sizes or []) for budget in isoflop.budgets} if isoflop else {}
    for budget in (budget for rung in rungs for budget in rung.budgets):
        sizes = own.setdefault(budget.flops, [])
        sizes += [size for size in budget.sizes if size not in sizes]
    return own


def refined(
    study: Study, budgets: Mapping[float, list[Size]], centers: Mapping[float, float] | None = None
) -> list[Planned]:
    """The sizes that `sweep.refine` adds to each budget whose ln N* is known; without any, around the middle of all.

    Raises
    ------
    FlopscapeError
        The family has no size to add at any budget.
    """
    refine = study.sweep.refine
    assert refine is not None
    taken = {
        flops: [math.log(one.n_params_body + one.n_params_head) for one in count_sizes(study.model, sizes, study.loss)]
        for flops, sizes in budgets.items()
    }
    family = members(study, math.exp(max(map(max, taken.values()))) * 10**BEYOND_DEX)
    added = []
    for flops, own in taken.items():
        center = (min(own) + max(own)) / 2 if centers is None else centers.get(flops)
        sizes = [] if center is None else [member.size for member in more(family, own, center, refine.sizes)]
        added += [Planned(flops, sizes, list(range(refine.seeds)))] if sizes else []
    if not added:
        raise FlopscapeError(
            "sweep.refine: the family has no size to add at any budget; give sweep.family a smaller width_multiple, or "
            "other widths and depths"
        )
    return added
