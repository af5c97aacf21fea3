"""Scoring a model on the fixed held-out set: the mean loss in nats per unit, and how far chance may have moved it.

All runs of a study are scored on the same units, so that their losses can be compared: the sampling error that is told
here is common to them, and never a weight in a fit.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from flopscape.errors import FlopscapeError
from flopscape.plugins.base import LossPlugin
from flopscape.training.components import Parts
from flopscape.training.further_sets import FurtherSet

if TYPE_CHECKING:
    from accelerate import Accelerator

MIN_GROUPS = 64
"""Groups of neighbours that a standard error is made from: with G of them it is itself known to 1/√(2G), 9 %."""
MAX_GROUP_UNITS = 4096
"""Most units that are scored at once, for their memory."""


@dataclass(frozen=True)
class HeldoutSet:
    """Rows (windows, images) of the held-out split, in order, and how many units one row has."""

    rows: dict[str, Tensor]
    n_units: int

    @property
    def n_rows(self) -> int:
        """Rows (windows, images) that are held out."""
        return len(next(iter(self.rows.values())))

    def evenly_spaced(self, n_units: int) -> "HeldoutSet":
        """A subset of about `n_units` units, spread over the whole; 0, or more than there are, gives all."""
        # Whole rows, as many as have about so many units; row i of n is row ⌊i·R/n⌋ of R, so that every part of the
        # text is in it.
        n_rows = max(1, round(self.n_rows * n_units / self.n_units))
        if n_units == 0 or n_rows >= self.n_rows:
            return self
        index = torch.arange(n_rows) * self.n_rows // n_rows
        return HeldoutSet({key: value[index] for key, value in self.rows.items()}, self.n_units * n_rows // self.n_rows)


@dataclass(frozen=True)
class Score:
    """Mean held-out loss in nats per unit, its standard error, and the units behind it."""

    loss: float
    standard_error: float | None
    n_units: int


def load_heldout(parts: Parts, of: FurtherSet | None = None) -> HeldoutSet:
    """The whole held-out split of a run's data, or of a further set, on the CPU."""
    data = of or parts
    # Seed 0, process 0 of 1, from step 0: the same rows in the same order in every process and every run of a study.
    batches = list(data.dataset.batches(data.folder, "heldout", parts.task.settings.batch_units, 0, 0, 1, 0))
    if not batches:
        raise FlopscapeError(f"{data.folder}: the held-out split is empty")
    rows = {key: torch.cat([batch[key] for batch in batches]) for key in batches[0]}
    return HeldoutSet(rows, data.manifest.n_units["heldout"])


@torch.no_grad()
def score(module: nn.Module, loss: LossPlugin, heldout: HeldoutSet, accelerator: "Accelerator") -> Score:
    """Mean loss over a held-out set; every process scores its share of it.

    `module` is not wrapped for distribution. Rows are scored in 64 groups of neighbours, more where groups would be
    large, and the standard error is that of the mean over groups: tokens of one window, and windows of one document,
    are not independent, so single tokens would understate it.

    Group g has the summed loss s_g and n_g units; the mean is the ratio m = Σ s_g / Σ n_g, not the mean of the groups'
    means, for groups need not be of one size. To first order its error is Σ (s_g − m·n_g) / Σ n_g, a sum of G terms
    whose own mean is zero, so that their scatter gives the variance

        Var(m) ≈ G/(G − 1) · Σ (s_g − m·n_g)² / (Σ n_g)²,

    that of a ratio of sums over clusters (Cochran 1977, Sampling Techniques, equation 6.13).

    Parameters
    ----------
    module : nn.Module
        Set to `eval` for the score and back afterwards.
    loss : LossPlugin
        Summed loss and number of units of a batch.
    heldout : HeldoutSet
        The rows to score.
    accelerator : Accelerator
        Device and processes.
    """
    was_training = module.training
    module.eval()
    sums, counts = _group_sums(module, loss, heldout, accelerator)
    module.train(was_training)
    n_units = int(counts.sum())
    mean = float(sums.sum()) / n_units
    # One group has no scatter, and the loss of a diverged model may not be finite: neither has an error.
    if len(counts) < 2 or not math.isfinite(mean):
        return Score(mean, None, n_units)
    n_groups = len(counts)
    variance = float((sums - mean * counts).square().sum()) * n_groups / (n_groups - 1) / n_units**2
    return Score(mean, math.sqrt(variance), n_units)


def _group_sums(
    module: nn.Module, loss: LossPlugin, heldout: HeldoutSet, accelerator: "Accelerator"
) -> tuple[Tensor, Tensor]:
    """Summed loss and number of units of each group of neighbouring rows: both float64 [groups].

    Process r of P scores the groups r, r + P, …; each sum is zero in all other processes, so that adding up the tables
    of all gives every group once, the same for any P.
    """
    # At least MIN_GROUPS, more where groups would exceed MAX_GROUP_UNITS (−(−a // b) rounds up), and never more than
    # rows. The groups do not depend on the number of processes, so that neither do the score and its error.
    n_groups = min(heldout.n_rows, max(MIN_GROUPS, -(-heldout.n_units // MAX_GROUP_UNITS)))
    edges = [heldout.n_rows * group // n_groups for group in range(n_groups + 1)]
    totals = torch.zeros(n_groups, 2, dtype=torch.float64)
    for group in range(accelerator.process_index, n_groups, accelerator.num_processes):
        rows = slice(edges[group], edges[group + 1])
        batch = {key: value[rows].to(accelerator.device) for key, value in heldout.rows.items()}
        value, count = loss(module, batch)
        # In float64, as sums over up to millions of units: their differences s_g − m·n_g are what the error is made
        # from.
        totals[group] = torch.tensor([float(value), count], dtype=torch.float64)
    if accelerator.num_processes > 1:
        totals = accelerator.reduce(totals.to(accelerator.device), reduction="sum").cpu()
    return totals[:, 0], totals[:, 1]
