"""Exponents that others published: context for a study's own, never a check of it.

They come from other data, other architectures and other conventions of N and C, so that a study need not agree.
"""

from dataclasses import dataclass


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
