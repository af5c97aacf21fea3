"""Published tables of runs by name: where each comes from, and how its columns map.

None of the sources states a licence for its data, so no copies are shipped and nothing is downloaded: the file is read
from a folder of yours and its SHA-256 checked. No table is given budgets that its source does not state.
"""

from dataclasses import dataclass, field
from pathlib import Path

from flopscape.errors import FlopscapeError
from flopscape.files.json_text import sha256


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
    loss_unit: str = "nats per token"
    experiment: str | None = None
    leave_out_highest: int = 0

    @property
    def source(self) -> str:
        """Where the file comes from, for a reader."""
        return f"{self.path} of {self.repository} at {self.commit}"


@dataclass(frozen=True)
class _IsoFlops(Published):
    """A table of the collection of IsoFLOP experiments, which states the budget of every run."""

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
    "llama_3_raw": _IsoFlops(
        experiment="llama_3__raw_loss",
        note="normalised nats, Grattafiori et al. 2024",
        loss_unit="normalised nats per token",
    ),
    "llama_3_exp": _IsoFlops(
        experiment="llama_3__exp_loss",
        note="exponential of the normalised nats",
        loss_unit="exponential of normalised nats per token",
    ),
    "ml_scalefit": _IsoFlops(experiment="ml_scalefit__massivetext__chinchilla", note="Chinchilla, from ml-scalefit"),
    "epochai": _IsoFlops(experiment="epochai_chinchilla__massivetext__chinchilla", note="Chinchilla, from Epoch AI"),
}


def source_file(table: str, mirror: str | Path | None) -> Path:
    """The file behind a table: the file itself, or that of a published table in the mirror.

    Raises
    ------
    FlopscapeError
        There is no such file, a folder instead, or no mirror that holds it.
    """
    if table in PUBLISHED:
        published = PUBLISHED[table]
        if mirror is None or not Path(mirror, published.file).is_file():
            where = "no mirror is given" if mirror is None else f"{published.file} is not in {mirror}"
            raise FlopscapeError(
                f"{table}: {where}; get {published.source} (licence: {published.licence}), save it as {published.file} "
                "and name its folder as the mirror (--mirror, runs.mirror, or data_mirror in config.yaml)"
            )
        return Path(mirror, published.file)
    path = Path(table)
    if path.is_dir():
        raise FlopscapeError(f"{table}: a folder; name the table inside it")
    if not path.is_file():
        raise FlopscapeError(f"{table}: no such file, and no published table ({', '.join(PUBLISHED)})")
    return path


def refuse_another(table: str, path: Path) -> None:
    """Raise FlopscapeError when a published table's file is not the one that is known."""
    published, hashed = PUBLISHED[table], sha256(path)
    # Another file of that name would be fitted under the name of the published one.
    if hashed != published.sha256:
        raise FlopscapeError(
            f"{path}: SHA-256 {hashed[:8]}…, not {published.sha256[:8]}…; get {published.source} "
            f"(licence: {published.licence})"
        )
