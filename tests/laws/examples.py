"""A law of every kind, with parameters like published ones."""

from flopscape.laws.constrained import Constrained
from flopscape.laws.coupled import Coupled
from flopscape.laws.kaplan import Kaplan
from flopscape.laws.power import Power
from flopscape.laws.precision import Precision
from flopscape.laws.sparsity import Sparse
from flopscape.laws.surface import Surface

CHINCHILLA = Surface(1.69, 406.4, 410.7, 0.34, 0.28)
TRUTH = {
    "surface": CHINCHILLA,
    "coupled": Coupled(1.8, 3900.0, 33000.0, 0.45, 0.49, 0.74),
    "kaplan": Kaplan(6.4e13, 1.8e13, 0.076, 0.103),
    "constrained": Constrained(1.8691436, 520.82495, 1487.7161, 0.3526596, 0.3526596, 15.387756, 5.309743),
    "precision": Precision(2.7648, 4299.0, 18060.0, 0.4965, 0.4965, 2.6745),
    "precision-all": Precision(2.7648, 4299.0, 18060.0, 0.4965, 0.4965, 2.6745),
    "sparsity": Sparse(0.9, 16000.0, 5400.0, 0.5, 17.0, 0.6, 0.4, 0.17, 0.16, 0.16),
    "power-n": Power(8.8e13, 0.076),
    "power-n-floor": Power(8.8e8, 0.3, 1.7),
    "power-d": Power(5.4e13, 0.095),
    "power-d-floor": Power(5.4e9, 0.3, 1.7),
    "power-c": Power(2.7e28, 0.05),
    "power-c-floor": Power(2.7e20, 0.15, 1.7),
}
