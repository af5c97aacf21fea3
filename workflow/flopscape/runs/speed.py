"""How fast the finished runs of a study were, by size, and what each of them should have cost.

A run of F FLOPs takes t = s + F / r seconds: a start-up s (Python, imports, evaluation) and a rate r in FLOP/s. Small
models use a machine badly, so that r rises with the size: it is looked up by the FLOPs that one unit costs. Of the runs
of one size, and of all start-ups, the median counts: a run on a busy machine, or one that was resumed, takes much
longer than the others, and none takes much less.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from flopscape.records.plan_row import PlanRow
from flopscape.records.run_record import RunRecord

FORWARD = 1 / 3
"""Share of a unit's FLOPs of training that scoring it takes: the backward pass costs twice the forward one."""


@dataclass(frozen=True)
class Speed:
    """Seconds of a run: `startup` + FLOPs over a rate that depends on the size. `source` says where both come from.

    >>> speed = Speed("an example", 10.0, [(1e6, 1e9), (1e8, 4e9)])
    >>> speed._rate(1e5), speed._rate(1e7), speed._rate(1e9)
    (1000000000.0, 2000000000.0, 4000000000.0)
    """

    source: str
    startup: float
    rates: list[tuple[float, float]]
    """(FLOPs per unit, FLOP/s), ascending; log-log interpolated, held constant beyond the ends."""
    scored_units: int = 0
    """Units that a trained model is scored on beside what `startup` holds: of runs that were timed it holds all."""

    def seconds(self, row: PlanRow, n_tokens: int) -> float:
        """Wall seconds of training one run on so many tokens, and of scoring it."""
        units = n_tokens + FORWARD * self.scored_units
        return self.startup + units * row.flops_per_unit / self._rate(row.flops_per_unit)

    def _rate(self, flops_per_unit: float) -> float:
        # Along a straight line in ln rate and ln FLOPs per unit, for both span decades; beyond the sizes that were
        # timed the rate of the nearest, for it levels off at the machine's peak above and nobody knows below.
        above = next((i for i, (size, _) in enumerate(self.rates) if size >= flops_per_unit), len(self.rates))
        if above == 0 or above == len(self.rates):
            return self.rates[min(above, len(self.rates) - 1)][1]
        (size0, rate0), (size1, rate1) = self.rates[above - 1], self.rates[above]
        share = math.log(flops_per_unit / size0) / math.log(size1 / size0)
        return rate0 * math.pow(rate1 / rate0, share)


def measured_speed(records: Sequence[RunRecord]) -> Speed | None:
    """The speed of finished runs; None where none of them was timed.

    Each run gives a rate: the FLOPs that it spent itself (not those that a branch inherited) over its seconds of
    training.
    """
    by_size = defaultdict(list)
    for record in records:
        if (seconds := record.timings.get("seconds_training", 0.0)) > 0 and record.flops_spent > 0:
            by_size[record.flops_per_unit].append(record.flops_spent / seconds)
    if not by_size:
        return None
    both = {"seconds_total", "seconds_training"}
    timed = [record.timings for record in records if both <= record.timings.keys()]
    startups = [seconds["seconds_total"] - seconds["seconds_training"] for seconds in timed] or [0.0]
    rates = sorted((size, median(values)) for size, values in by_size.items())
    return Speed(f"{len(records)} finished runs of this study, by size", median(startups), rates)


def planned_usd(row: PlanRow, record: RunRecord, speed: Speed | None) -> float | None:
    """What a plan says that a finished run costs, in USD: its tokens at the speed, at the price that was in force.

    The record has money and seconds, and so the price of a second; no price of today enters, so that a table stays the
    same when prices change. None where nothing was measured.
    """
    usd, seconds = record.cost.get("usd"), record.timings.get("seconds_total")
    if usd is None or not seconds or speed is None:
        return usd if record.simulated else None
    return usd / seconds * speed.seconds(row, row.n_tokens - record.n_tokens_inherited)
