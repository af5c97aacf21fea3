"""What was published, beside which a study's answer is shown.

The published ones are context and no check: they come from other data, other architectures and other conventions of N
and C, so that a study need not agree.
"""

from dataclasses import dataclass

from flopscape.laws import surface
from flopscape.laws.named_surfaces import SURFACES
from flopscape.laws.surface import Surface


@dataclass(frozen=True)
class PublishedExponent:
    """The exponent a of N* ∝ C^a as printed, or from what is printed; b = 1 − a where C = 6·N·D."""

    name: str
    a: float
    source: str


EXPONENTS = (
    PublishedExponent("Kaplan et al. 2020", 0.73, "arXiv 2001.08361, as in Table 2 of Hoffmann et al. 2022"),
    PublishedExponent("Hoffmann et al. 2022, approach 1", 0.50, "arXiv 2203.15556, Table 2"),
    PublishedExponent("Hoffmann et al. 2022, approach 2", 0.49, "arXiv 2203.15556, Table 2"),
    PublishedExponent("Hoffmann et al. 2022, approach 3", 0.46, "arXiv 2203.15556, Table 2"),
    PublishedExponent(
        "Besiroglu et al. 2024, approach 3", 0.513, "arXiv 2404.10102: β/(α + β) of its α = 0.3478, β = 0.3658"
    ),
    PublishedExponent(
        "Grattafiori et al. 2024 (Llama 3)", 0.47, "arXiv 2407.21783, section 3.2.1: 1 − 0.53 of D* ∝ C^0.53"
    ),
)


@dataclass(frozen=True)
class PublishedOptimum:
    """N*(C) ∝ C^a through a point that was printed, or that printed parameters give; D* from C = 6·N·D.

    Examples
    --------
    >>> chinchilla = OPTIMA[0]
    >>> f"{chinchilla.n_params(5.76e23) / 1e9:.0f} billion parameters"
    '69 billion parameters'
    >>> f"{chinchilla.tokens_per_param(1e9):.1f} tokens a parameter"
    '20.2 tokens a parameter'
    """

    name: str
    a: float
    at_flops: float
    at_n_params: float
    source: str

    def n_params(self, flops: float) -> float:
        """N* at C."""
        return float(self.at_n_params * (flops / self.at_flops) ** self.a)

    def tokens_per_param(self, n_params: float) -> float:
        """D*/N at the compute C of which N is the optimal size: (C/6N)/N."""
        flops = self.at_flops * (n_params / self.at_n_params) ** (1 / self.a)
        return float(flops / 6 / n_params**2)


def _of_surface(name: str, law: Surface, source: str) -> PublishedOptimum:
    """N* of a surface, which is a power law where C = 6·N·D; 10²¹ FLOPs is as good a point as any."""
    best, (a, _) = surface.closed_form_optimum(law, 1e21), surface.exponents(law)
    return PublishedOptimum(name, float(a), 1e21, float(best.n_params), source)


OPTIMA = (
    PublishedOptimum(
        "Hoffmann et al. 2022, approach 1", 0.50, 1.21e20, 1e9, "arXiv 2203.15556, Tables 2 and 3: 20.2 B tokens at 1 B"
    ),
    _of_surface(
        "Hoffmann et al. 2022, approach 3",
        SURFACES["chinchilla"],
        "arXiv 2203.15556, section D.3: optimum of its E, A, B, α, β",
    ),
    _of_surface(
        "Besiroglu et al. 2024, approach 3",
        Surface(1.8172, 482.01, 2085.43, 0.3478, 0.3658),
        "arXiv 2404.10102: optimum of its E, A, B, α, β",
    ),
    PublishedOptimum(
        "Grattafiori et al. 2024 (Llama 3)",
        0.47,
        3.8e25,
        402e9,
        "arXiv 2407.21783, section 3.2.1: 402 B at 3.8×10²⁵ FLOPs, and 1 − 0.53",
    ),
)
"""Of language models and tokens."""
