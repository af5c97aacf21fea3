"""Published tables of runs by name: where each comes from, and how its columns map.

None of the sources states a licence for its data, so no copies are shipped and nothing is downloaded: the file is read
from a folder of yours and its SHA-256 checked.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from flopscape.errors import FlopscapeError
from flopscape.fitting.read_table import read_any
from flopscape.other_runs import renamed


@dataclass(frozen=True)
class Published:
    """One table: its file in the mirror, its source, and how to read it.

    `columns` maps our names to theirs, `experiment` picks rows of a file that holds several tables, and the
    `leave_out_highest` rows of highest loss are dropped, as those who published a fit of it did.
    """

    file: str
    repository: str
    commit: str
    path: str
    sha256: str
    columns: dict[str, str]
    note: str
    licence: str = "none stated"
    experiment: str | None = None
    leave_out_highest: int = 0


@dataclass(frozen=True)
class _IsoFlops(Published):
    """A table of the collection of IsoFLOP experiments."""

    file: str = "isoflops.csv"
    repository: str = "https://github.com/Open-Athena/scaling-law-analysis"
    commit: str = "3e0656e"
    path: str = "data/isoflops/transform/isoflops.csv"
    sha256: str = "0e6680179d4d9f5705c9073da301c061495245f0dfdb80bf7482fd5ffd12121c"
    columns: dict[str, str] = field(default_factory=lambda: {"n_params": "params", "n_tokens": "tokens"})
    note: str = ""


PUBLISHED: dict[str, Published] = {
    "chinchilla": Published(
        file="chinchilla_svg.csv",
        repository="https://github.com/epoch-research/analyzing-chinchilla",
        commit="9225883",
        path="data/svg_extracted_data.csv",
        sha256="193478df4e90f040016431996c45682659306840ecdadf83cfb9cd5ca0aa1b30",
        columns={"n_params": "Model Size", "flops": "Training FLOP"},
        note="off Figure 4 of Hoffmann et al. 2022; without its five rows of highest loss, as Besiroglu et al. 2024",
        leave_out_highest=5,
    ),
    "llama_3_raw": _IsoFlops(experiment="llama_3__raw_loss", note="normalised nats, Grattafiori et al. 2024"),
    "llama_3_exp": _IsoFlops(experiment="llama_3__exp_loss", note="exponential of the normalised nats"),
    "ml_scalefit": _IsoFlops(experiment="ml_scalefit__massivetext__chinchilla", note="Chinchilla, from ml-scalefit"),
    "epochai": _IsoFlops(experiment="epochai_chinchilla__massivetext__chinchilla", note="Chinchilla, from Epoch AI"),
}


def load_published(name: str, mirror: Path | None) -> pd.DataFrame:
    """A published table with our column names, from a local mirror.

    Raises
    ------
    FlopscapeError
        No mirror, the file is not in it, or it is another file than the one that is known.
    """
    known = PUBLISHED[name]
    wanted = f"{known.file} is {known.path} of {known.repository} at {known.commit} (licence: {known.licence})"
    if mirror is None or not (mirror / known.file).is_file():
        raise FlopscapeError(f"{name}: give a folder that holds {known.file} with --mirror; {wanted}")
    found = hashlib.sha256((mirror / known.file).read_bytes()).hexdigest()
    if found != known.sha256:
        raise FlopscapeError(f"{mirror / known.file}: SHA-256 {found[:8]}…, not {known.sha256[:8]}…; {wanted}")
    frame = renamed(read_any(mirror / known.file), name, known.columns)
    if known.experiment:
        frame = frame[frame["experiment"] == known.experiment]
    kept = np.argsort(frame["loss"].astype(float), kind="stable")[: len(frame) - known.leave_out_highest]
    return frame.iloc[np.sort(kept)].reset_index(drop=True)
