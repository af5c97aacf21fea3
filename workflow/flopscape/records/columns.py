"""Names of the columns by which stages know each other's tables."""

from typing import Literal

RunColumn = Literal[
    "n_params", "n_tokens", "loss", "flops", "budget", "unique_tokens", "run_id", "seed", "status", "simulated",
    "validate", "scout",
]  # fmt: skip
"""Columns of a table of runs that a fit reads; any other is carried along. The last two say of a run that no fit sees
it."""
VARIED = ("what_changes", "setting", "method", "objective", "n_runs", "status", "reason", "a", "a_low", "a_high")
"""Columns of a table of `flopscape sensitivity`, besides the numbers at asked budgets."""
CHANGE = "n_tokens_change@"
"""What the column of the relative change of D* begins with in the same table; the budget follows."""
CONVENTIONS = {
    "n_params": "body + head, without the input embedding",
    "n_params_body": "body, without input embedding and head",
    "n_params_non_embedding": "everything but the input embedding",
    "n_params_total": "all parameters, the input embedding included",
    "n_tokens": "units of data seen",
    "flops": "counted: forward and backward, attention and head included",
    "flops_counted": "counted: forward and backward, attention and head included",
    "flops_6nd": "6·N·D",
}
"""What the columns of N, D and C of the workflow's own tables count."""
