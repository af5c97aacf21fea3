"""A law of every kind, with published parameters or ones like these."""

import numpy as np

from flopscape.laws.constrained import Constrained
from flopscape.laws.coupled import Coupled
from flopscape.laws.kaplan import Kaplan
from flopscape.laws.power import Power
from flopscape.laws.precision import Precision
from flopscape.laws.registry import LAWS
from flopscape.laws.sparsity import Sparse
from flopscape.laws.surface import Surface

CHINCHILLA = Surface(1.69, 406.4, 410.7, 0.34, 0.28)
ABNAR = Sparse(0.94, 16612.50, 5455.67, 0.4598, 17.26, 0.5962, 0.3954, 0.1666, 0.1603, 0.1595)
"""Abnar et al. 2025 (arXiv 2501.12370), table 3, as two public transcriptions give it; λ is −0.1666 in their signs."""
GEMSTONES = LAWS["depth-width"].kind(
    *np.exp([0.39245797, 7.9700333376, 10.0594263846, -0.0781020281, 1.4520106404]),
    *(0.5000838843, 0.4761055541, 0.3871516764, 0.2446914313),
)
"""McLeish et al. 2025 (arXiv 2502.06857), mcleish7/gemstone-scaling-laws, parameters_delta-4,
approach_3_width_depth_parameters_grid_search_0_hot.json, whose floor and coefficients are logarithms."""
TAO = LAWS["vocabulary"].kind(
    E=-5.5327846803337435,
    A=1.8313851559554126 * 1e6**0.44660634152009615,
    B=2.1241123120064955 * 1e9**0.44660634152009615,
    c_vocabulary_params=0.19584238398665638 * 1e6**0.6707374679896795,
    alpha=0.44660634152009615,
    beta=0.44660634152009615,
    gamma_vocabulary_params=0.6707374679896795,
)
"""Tao et al. 2024 (arXiv 2407.13623), sail-sg/scaling-with-vocab, optimal_Nv_predict.py, in parameters and tokens in
place of millions and billions of them."""
TRUTH = {
    "surface": CHINCHILLA,
    "coupled": Coupled(1.8, 3900.0, 33000.0, 0.45, 0.49, 0.74),
    "kaplan": Kaplan(6.4e13, 1.8e13, 0.076, 0.103),
    "constrained": Constrained(1.8691436, 520.82495, 1487.7161, 0.3526596, 0.3526596, 15.387756, 5.309743),
    "precision": Precision(2.7648, 4299.0, 18060.0, 0.4965, 0.4965, 2.6745),
    "precision-all": Precision(2.7648, 4299.0, 18060.0, 0.4965, 0.4965, 2.6745),
    "sparsity": ABNAR,
    "depth-width": GEMSTONES,
    "vocabulary": TAO._replace(E=1.5),  # of a loss in nats, which is above zero
    "context": LAWS["context"].kind(1.5, 406.4, 410.7, 10.0, 0.34, 0.28, 0.5),
    "power-n": Power(8.8e13, 0.076),
    "power-n-floor": Power(8.8e8, 0.3, 1.7),
    "power-d": Power(5.4e13, 0.095),
    "power-d-floor": Power(5.4e9, 0.3, 1.7),
    "power-c": Power(2.7e28, 0.05),
    "power-c-floor": Power(2.7e20, 0.15, 1.7),
}
