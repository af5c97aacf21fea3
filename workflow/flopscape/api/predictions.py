"""What a fit answered: a row a question, as text, as a DataFrame, in a notebook."""

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from flopscape.answers.asked import Answers
from flopscape.answers.sizes import SizePrediction
from flopscape.api.show import flat, page
from flopscape.errors import FlopscapeError
from flopscape.report import terminal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from flopscape.api.fits import Fit
    from flopscape.api.pictures import Quantity

TITLES = {
    "optimum": "the optimum at each compute",
    "run": "the runs that were asked for",
    "size": "the data for which each size is optimal",
    "served": "what trains and serves at the least cost",
}
WORDS_ALONE = ("near_optimal_n_params", "open_ends")
"""What `summary` tells and no column holds."""


@dataclass(frozen=True, repr=False)
class Predictions:
    """What `Fit.predict` returns: the fit, and its answers in the order asked."""

    fit: "Fit"
    answers: Answers

    def __len__(self) -> int:
        return len(self.answers.rows)

    def to_frame(self) -> pd.DataFrame:
        """A row an answer: flops, n_params, n_tokens, tokens_per_param, loss; ends of intervals with _low and _high."""
        return pd.DataFrame([flat(_named(answer)) for answer in self.answers.rows])

    def summary(self) -> str:
        """What `flopscape predict` prints: the table, and how far each answer lies from the runs."""
        return terminal.predictions(self.fit.result, self.answers)

    def plot(self, ax: "Axes | None" = None, quantity: "Quantity" = "n_params") -> "Axes":
        """As of the fit, with these answers; FlopscapeError where they are not of a compute."""
        if self.answers.kind not in ("optimum", "run"):
            raise FlopscapeError(f"plot: {TITLES[self.answers.kind]} has no place against compute; plot the fit")
        rows: Any = self.answers.rows
        return replace(self.fit, result=replace(self.fit.result, predictions=[*rows])).plot(ax, quantity)

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        head, *rows = terminal.prediction_cells(self.fit.result, self.answers)
        notes = terminal.prediction_notes(self.fit.result, self.answers)
        return page(f"{self.fit.name}: {TITLES[self.answers.kind]}", head, rows, notes)


def _named(answer: Any) -> dict[str, Any]:
    """The numbers of an answer by name, those among them that follow from others."""
    values = {field.name: getattr(answer, field.name) for field in fields(answer) if field.name not in WORDS_ALONE}
    if isinstance(answer, SizePrediction):
        low, high = values.pop("likely")
        values |= {"n_tokens_likely_low": low, "n_tokens_likely_high": high, "flops": answer.flops}
        values |= {"tokens_per_param": answer.tokens_per_param}
    return values
