"""Power laws of the learning rate and of the batch, published or one's own. Imports no torch.

c·N^n·D^d·C^f with whichever exponents are not zero. The published ones were fitted to language models of 10⁷ parameters
and more: at the sizes of a laptop's study they are an extrapolation by decades, which the transfer search can check.
"""

import math
from dataclasses import dataclass
from typing import Literal

from flopscape.text.written import Number

PublishedLaw = Literal["deepseek", "step-law"]


@dataclass(frozen=True)
class PowerLaw:
    """coefficient · N^n_params · D^n_tokens · C^flops."""

    __pydantic_config__ = {"extra": "forbid", "use_attribute_docstrings": True}  # noqa: RUF012  (read by pydantic, a ClassVar to everyone else)

    coefficient: Number
    """Value at N = D = C = 1."""
    n_params: Number = 0.0
    """Exponent of N: body and head, without the input embedding."""
    n_tokens: Number = 0.0
    """Exponent of D: units seen."""
    flops: Number = 0.0
    """Exponent of C: training FLOPs, counted."""

    def __post_init__(self) -> None:
        if not 0 < self.coefficient < math.inf:
            raise ValueError("coefficient must be positive")

    def at(self, n_params: float, n_tokens: float, flops: float) -> float:
        """The law's value for a run of N parameters, D units and C FLOPs.

        >>> round(LEARNING_RATES["deepseek"].at(n_params=1e9, n_tokens=2e10, flops=1.2e20), 6)
        0.000964
        """
        # In logarithms: an unused factor has the exponent 0 and adds nothing.
        logs = (math.log(n_params), math.log(n_tokens), math.log(flops))
        powers = (self.n_params, self.n_tokens, self.flops)
        return self.coefficient * math.exp(sum(power * log for power, log in zip(powers, logs, strict=True)))


LEARNING_RATES: dict[PublishedLaw, PowerLaw] = {
    "deepseek": PowerLaw(0.3118, flops=-0.1250),
    "step-law": PowerLaw(1.79, n_params=-0.713, n_tokens=0.307),
}
"""Published laws of AdamW's peak rate.

deepseek: Bi et al. 2024 (arXiv 2401.02954, section 3.1), C without embedding and vocabulary head. step-law: Li et al.
2025 (arXiv 2503.04715, equation 1), N without embeddings. Fitted to models of 10⁷ parameters and more.
"""

BATCHES: dict[PublishedLaw, PowerLaw] = {
    "deepseek": PowerLaw(0.2920, flops=0.3271),
    "step-law": PowerLaw(0.58, n_tokens=0.571),
}
"""Published laws of the batch in tokens, from the same papers."""
