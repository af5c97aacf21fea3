"""PlanRow, one planned run: a line of plan.csv, and what the trainer is told.

A plain dataclass of JSON values, known while Snakemake parses.
"""

from dataclasses import dataclass
from typing import Any, Literal

from flopscape.files.json_text import Spec

Role = Literal["fit", "scout", "validate"]
"""What a run is for: it is fitted; it places the budgets of a ladder and leaves the fits; it is never fitted, and what
the fits say of it is scored."""


@dataclass(frozen=True)
class PlanRow:
    """One planned run.

    `flops` is what the run will really cost, `flops_per_unit` × `n_tokens`; `budget` is what was asked for (None for
    explicit rows and grids) and `budget_remainder` = budget − flops, at most half a batch either way. `parent` is the
    run whose checkpoint this one can start from, after `n_tokens_shared` of its tokens; it decides no result. `role`
    says what the run is for, and is no part of its spec.
    """

    run_id: str
    budget: float | None
    size: dict[str, Any]
    seed: int
    n_params_body: int
    n_params_head: int
    n_params_embedding: int
    flops_per_unit: float
    n_tokens: int
    n_steps: int
    spec: Spec
    parent: str = ""
    n_tokens_shared: int = 0
    role: Role = "fit"

    @property
    def n_params(self) -> int:
        """Body + head, without the input embedding: the project's default N."""
        return self.n_params_body + self.n_params_head

    @property
    def flops(self) -> float:
        """What the run will cost, forward and backward."""
        return float(self.flops_per_unit * self.n_tokens)

    @property
    def budget_remainder(self) -> float | None:
        """Budget less cost, at most half a batch either way; None without a budget."""
        return None if self.budget is None else self.budget - self.flops
