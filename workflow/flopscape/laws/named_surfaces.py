"""Surfaces L(N, D) = E + A·N^−α + B·D^−β that have a name: what simulated losses can follow, with C = 6·N·D.

`chinchilla` is Hoffmann et al. 2022 (arXiv 2203.15556), approach 3; `soda`, `sparse_nmm` and `llama3` are fits of
published multimodal and language sweeps as the study of Approach 2's biases by Open-Athena (scaling-law-analysis)
uses them; the others vary the ratio of the exponents α/β at a fixed sum, because the ratio decides how lopsided the
loss is about its optimum, and so how wrong a parabola through it.
"""

from flopscape.errors import FlopscapeError
from flopscape.laws.surface import Surface

E, A, B = 1.69, 406.4, 410.7
"""Irreducible loss in nats, and the amplitudes, of Hoffmann et al. 2022."""
SUM_OF_EXPONENTS = 0.62
"""α + β of Hoffmann et al. 2022, 0.34 + 0.28."""


def with_ratio(ratio: float) -> Surface:
    """The surface with α/β = ratio and α + β = 0.62.

    Examples
    --------
    >>> round(with_ratio(3.0).alpha, 3), round(with_ratio(3.0).beta, 3)
    (0.465, 0.155)
    """
    return Surface(E, A, B, SUM_OF_EXPONENTS * ratio / (1 + ratio), SUM_OF_EXPONENTS / (1 + ratio))


SURFACES: dict[str, Surface] = {
    "symmetric": Surface(E, 400.0, 400.0, 0.31, 0.31),
    "balanced": with_ratio(1.0),
    "chinchilla": Surface(E, A, B, 0.34, 0.28),
    "ratio 1.5": with_ratio(1.5),
    "ratio 2": with_ratio(2.0),
    "asymmetric": with_ratio(3.0),
    "ratio 9": with_ratio(9.0),
    "soda": Surface(3.169, 215886.0, 4750.0, 0.684, 0.439),
    "sparse_nmm": Surface(2.158, 381773.0, 4659.0, 0.710, 0.372),
    "llama3": Surface(0.6047, 59.1, 155.1, 0.3100, 0.3136),
}


def named_surface(name: str) -> Surface:
    """One of `SURFACES` by its name.

    Raises
    ------
    FlopscapeError
        An unknown name; the sentence lists the known ones.

    Examples
    --------
    >>> named_surface("chinchilla").alpha
    0.34
    """
    if name not in SURFACES:
        raise FlopscapeError(f"surface {name!r}: there are {', '.join(SURFACES)}")
    return SURFACES[name]
