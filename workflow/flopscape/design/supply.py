"""What the data of a new study allow: how much of them a run may see, and D over N for the ladder's first guess.

Repeated data are worth less and less (Muennighoff et al. 2023, arXiv 2305.16264), so that beyond a few epochs a sweep
measures repetition and not scale. Of a ladder the smallest size at the largest budget sees most, about four times as
much as the optimum there: it goes as far as that run may, and a least ladder is made where its optimum still may.
"""

import math
from typing import NamedTuple

from flopscape.config.ladder import Ladder
from flopscape.config.study import Study
from flopscape.config.sweep import Sweep
from flopscape.plan.coverage import MAX_EPOCHS
from flopscape.plan.rows import plan_rows
from flopscape.text import numbers

MOST_EPOCHS = 2 * MAX_EPOCHS
"""Of the data in the longest run of a ladder: about two at the optimum."""
USUAL = Ladder(top=1.0)
"""The ladder of a new study, but for its budgets."""


class Supply(NamedTuple):
    """Units in an epoch of the data, None where they are not known, what one is called, and whether they may repeat."""

    epoch: int | None = None
    unit: str = "token"
    may_repeat: bool = False

    def allows(self, units: float, epochs: float = MOST_EPOCHS) -> bool:
        """Whether a run may see so many units, if they are no more than some epochs.

        >>> Supply(epoch=4000).allows(32_000), Supply(epoch=4000).allows(33_000), Supply().allows(1e30)
        (True, False, True)
        """
        return self.may_repeat or not self.epoch or units <= epochs * self.epoch

    def seen(self, units: float) -> str:
        """So many units in words, in epochs too.

        >>> Supply(epoch=4000, unit="image").seen(24_000)
        '24.0 k images, 6 epochs of 4.00 k'
        """
        known = f", {numbers.ratio(units / self.epoch)} epochs of {numbers.count(self.epoch)}" if self.epoch else ""
        return f"{numbers.count(units)} {self.unit}s{known}"


ANY = Supply()
"""Data of which nothing is known."""


def units_per_param(base: Study, unit: str) -> float:
    """D over N at the optimum as far as it is known before any run: what the scouts of a new study start from.

    Of text it is 20 tokens a parameter. Of images and what else there is it may be a hundredth of that, and who chose
    the sizes of the base's budgets put them around a guess: their geometric mean, of two digits.
    """
    if base.sweep.ladder:
        return base.sweep.ladder.tokens_per_param
    if unit == "token" or not base.sweep.isoflop:
        return USUAL.tokens_per_param
    rows = plan_rows(base.model_copy(update={"sweep": Sweep(isoflop=base.sweep.isoflop), "transfer": None}))
    middle = sum(math.log(row.n_tokens / row.n_params) for row in rows) / len(rows)
    return float(f"{math.exp(middle):.2g}")
