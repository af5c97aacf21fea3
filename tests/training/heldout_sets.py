"""A second prepared text beside the one that tests train on, and the part of a spec that scores both."""

import numpy as np

from flopscape.files.json_text import dataset_id
from flopscape.plugins.prepare import prepare_dataset

ACCURACY = {"plugin": "flopscape.plugins.losses:Accuracy"}


def other_text(folder, context=32, letters="abcdefgh (){}=:\n"):
    """Spec of a text of random letters that is prepared in `folder`, under its id."""
    path = folder / "other.txt"
    rng = np.random.default_rng(1)
    path.write_text("\n\n".join("".join(rng.choice(list(letters), 60)) for _ in range(1500)))
    spec = {"plugin": "flopscape.plugins.text:TextFile", "kwargs": {"path": str(path), "context": context}}
    prepare_dataset(spec, folder / dataset_id(spec))
    return spec


def both(other):
    """The study's own rows with accuracy, and another text with loss and accuracy."""
    return {"own": {"metrics": {"accuracy": ACCURACY}}, "code": {"dataset": other, "metrics": {"accuracy": ACCURACY}}}
