"""The runs of a study beside their fits, as figures and report show them."""

from collections.abc import Mapping

import pandas as pd

from flopscape.records.fit_result import FitResult
from flopscape.records.metrics import LOSS
from flopscape.runs.statuses import with_loss


def of_the_loss(fits: Mapping[str, FitResult]) -> dict[str, FitResult]:
    """The fits of a study's own loss: those of other metrics have another unit and optimum, and compare with none."""
    return {name: fit for name, fit in fits.items() if fit.metric == LOSS}


class RunsAndFits:
    """What figures and report ask of a table of runs and the fits of it, by name.

    `aside` are the runs that no fit sees, hidden ones and scouts, and `runs` all others.
    """

    runs: pd.DataFrame
    fits: dict[str, FitResult]
    aside: pd.DataFrame = pd.DataFrame()

    @property
    def trained(self) -> pd.DataFrame:
        """All runs, those included that no fit sees: what was paid for."""
        return pd.concat([self.runs, self.aside], ignore_index=True) if len(self.aside) else self.runs

    @property
    def completed(self) -> pd.DataFrame:
        """The runs that completed with a finite loss."""
        return with_loss(self.runs)

    @property
    def budgets(self) -> list[float]:
        """Distinct budgets of the runs, ascending; empty for a grid."""
        return sorted(float(budget) for budget in self.runs.budget.dropna().unique())

    @property
    def simulated(self) -> bool:
        """Whether any run or fit is simulated: then the report and every figure say so."""
        return bool(self.runs.simulated.any()) or any(fit.simulated for fit in self.fits.values())

    @property
    def unit(self) -> str:
        """What D counts, in the singular: token, image."""
        return str(self.runs.unit.iloc[0]) if len(self.runs) else "token"

    @property
    def loss_unit(self) -> str:
        """What the loss is measured in; nats where the table says nothing."""
        return (
            str(self.runs.loss_unit.iloc[0]) if "loss_unit" in self.runs and len(self.runs) else f"nats per {self.unit}"
        )
