"""A line of the atlas: one refit of one table, the claim beside it, how far apart they are, and its backtest."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from flopscape.atlas.claims import NUMBERS, Claim
from flopscape.laws.surface import Surface, closed_form_optimum, exponents
from flopscape.records.backtest import Score
from flopscape.records.fit_result import Estimate

SKIPPED = "skipped"
"""The status of a fit that was not made."""
PARTS = ("A", "B", "alpha", "beta")
"""Parameters that decide N*."""


@dataclass(frozen=True)
class Row:
    """One line of atlas.csv; `cells` gives its columns.

    `status` is that of the fit, or `skipped`; `numbers` are the refit's, `claimed` those of the claim, by the names of
    `NUMBERS`; `backtest` says why nothing could be hidden where `score` is None.
    """

    table: str
    title: str
    rows: str
    fit: str
    method: str
    options: str
    recipe: str
    convention: str
    flops: float
    claim: Claim
    status: str
    reason: str
    n_rows: int = 0
    interval: str = ""
    numbers: Mapping[str, Estimate] = field(default_factory=dict)
    score: Score | None = None
    backtest: str = ""

    def cells(self) -> dict[str, Any]:
        """The columns of the line, in the order of the file; None where there is no number."""
        claimed = claimed_numbers(self.claim, self.flops)
        cells: dict[str, Any] = {
            "table": self.table, "title": self.title, "rows": self.rows, "n_rows": self.n_rows, "fit": self.fit,
            "method": self.method, "options": self.options, "recipe": self.recipe, "convention": self.convention,
            "status": self.status, "reason": self.reason, "interval": self.interval, "flops": self.flops,
            "claim": self.claim.name, "claim_source": self.claim.source, "claim_level": self.claim.level,
        }  # fmt: skip
        for name in NUMBERS:
            found, said = self.numbers.get(name), claimed.get(name)
            cells |= _with_ends(name, found) | _with_ends(f"claim_{name}", said)
            cells |= dict(zip((f"drift_{name}_percent", f"drift_{name}_intervals"), drift(found, said), strict=True))
        return cells | dict(self._backtest())

    def _backtest(self) -> Iterator[tuple[str, Any]]:
        """Of the hidden optima how many, how many of their N* and L* the intervals held, and the errors."""
        one = self.score
        yield "hidden", max(one.n_n_params, one.n_loss) if one else None
        yield "held_n_params", one and one.held_n_params
        yield "held_loss", one and one.held_loss
        yield "error_log_n_params", one and one.rms_n_params
        yield "error_loss", one and one.rms_loss
        yield "hidden_runs", one and one.n_runs
        yield "held_runs", one and one.held_runs
        yield "backtest", self.backtest


def _with_ends(name: str, number: Estimate | None) -> dict[str, float | None]:
    values = (number.estimate, number.low, number.high) if number else (None, None, None)
    return dict(zip((name, f"{name}_low", f"{name}_high"), values, strict=True))


def claimed_numbers(claim: Claim, flops: float) -> dict[str, Estimate]:
    """What a claim says, with a and N* at a compute from its surface where it prints none.

    >>> from flopscape.atlas.claims import BESIROGLU
    >>> round(claimed_numbers(BESIROGLU, 5.76e23)["a"].estimate, 4)
    0.5126
    """
    said = dict(claim.numbers)
    if all(name in said for name in PARTS):
        surface = Surface(0.0, *(said[name].estimate for name in PARTS))
        said.setdefault("a", Estimate(float(exponents(surface)[0])))
        said.setdefault("n_params", Estimate(float(closed_form_optimum(surface, flops).n_params)))
    return said


def drift(found: Estimate | None, said: Estimate | None) -> tuple[float | None, float | None]:
    """How far a refit is from a claim: in per cent of the claim, and in units of the refit's own interval.

    The unit is the distance from the estimate to that end of its interval which lies towards the claim: beyond 1 in
    absolute value the claim is outside. Positive is a refit above the claim; None is what cannot be said.

    >>> drift(Estimate(0.55, 0.45, 0.60), Estimate(0.5))
    (10.0, 0.5)
    """
    if found is None or said is None:
        return None, None
    away = found.estimate - said.estimate
    end = found.low if away > 0 else found.high
    width = abs(found.estimate - end) if end is not None else 0.0
    return round(100 * away / said.estimate, 6), round(away / width, 6) if width else None
