"""The tables of the atlas: where each is, what was published of it, and by which recipes it is fitted again.

Tables that `flopscape import` knows by name are read as it reads them. The others need a file under the name given here
in the mirror, in the format of their source or with the columns of a study's runs.csv; without it they are skipped in
words. Imports no library, for the workflow reads the list of tables as it starts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flopscape.atlas.claims import (
    BESIROGLU,
    GEMSTONES,
    GOPHER,
    HOFFMANN_1,
    HOFFMANN_2,
    HOFFMANN_3,
    LLAMA_3,
    ML_SCALEFIT_HUBER,
    ML_SCALEFIT_LSQ,
    MUENNIGHOFF,
    PORIAN,
    Claim,
)
from flopscape.fitting.methods import RESAMPLES_OF_SENSITIVITY, described_by_name
from flopscape.runs.published import PUBLISHED


@dataclass(frozen=True)
class Recipe:
    """A way to fit: the name says method and first choice, as that of a fit does, `options` the rest.

    `published` says whose recipe it is and in what ours differs; `of` is the method where the name does not say it.
    """

    name: str
    published: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    bootstrap: int = RESAMPLES_OF_SENSITIVITY
    of: str = ""

    @property
    def method(self) -> str:
        """The method's name."""
        return described_by_name(self.of or self.name)["method"]

    @property
    def own(self) -> dict[str, Any]:
        """The method's options.

        >>> RECIPES["approach3-huber"].own
        {'objective': 'huber', 'delta': 0.001}
        """
        said = described_by_name(self.of or self.name)
        return {name: value for name, value in said.items() if name not in ("name", "method")} | dict(self.options)


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("answer"),
        Recipe("approach1-hull", "Hoffmann et al. 2022, approach 1, by a hull instead of bins"),
        Recipe("approach1-vertices", "Gemstones (McLeish et al. 2025): all vertices of the hull; C is 6·N·D here"),
        Recipe("approach2", "Hoffmann et al. 2022, approach 2, and Llama 3: a power law through vertices"),
        Recipe("approach2-exact"),
        Recipe(
            "approach2-seeds",
            "Porian et al. 2024: noise from seeds weighs the vertices; theirs are of Akima splines, ours of parabolas",
            {"weights": "seeds"},
            of="approach2",
        ),
        Recipe(
            "approach3-huber",
            "Besiroglu et al. 2024, and Hoffmann et al. 2022, approach 3: Huber, δ = 1e-3, 4,000 resamples of rows",
            {"delta": 1e-3},
            4000,
        ),
        Recipe("approach3-lad"),
        Recipe("approach3-log_lsq"),
        Recipe(
            "law-constrained",
            "Muennighoff et al. 2023: they fit E, A, B, α, β first, here all seven numbers are fitted at once",
        ),
        Recipe("law-coupled"),
        Recipe("vpnls"),
    )
}  # fmt: skip
METHODS = tuple(dict.fromkeys(recipe.method for recipe in RECIPES.values()))
ISOFLOP = (
    *("answer", "approach2", "approach2-exact", "approach3-huber", "approach3-lad", "approach3-log_lsq"),
    *("law-coupled", "vpnls"),
)
"""The recipes for any table of finished runs with budgets."""


@dataclass(frozen=True)
class Rows:
    """A choice of a table's rows: its name, an expression for those to leave out, and whether none is dropped first."""

    name: str = "all rows"
    exclude: str | None = None
    whole_file: bool = False


@dataclass(frozen=True)
class Convention:
    """A way to count C, and the columns (ours → theirs) that it takes."""

    name: str = "C = 6·N·D"
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Compared:
    """A claim and what it is compared with: fits by name, and a choice of rows; all those that no other is for."""

    claim: Claim
    fits: tuple[str, ...] = ()
    rows: str = ""


@dataclass(frozen=True)
class AtlasTable:
    """A published table: a title, what was claimed of it, the compute in FLOPs of its claims, and how it is fitted.

    `file` and `source` are of a table that `flopscape import` does not know by name; `columns` maps ours to its own.
    """

    title: str
    claims: tuple[Compared, ...]
    recipes: tuple[str, ...] = ISOFLOP
    flops: float = GOPHER
    rows: tuple[Rows, ...] = (Rows(),)
    conventions: tuple[Convention, ...] = (Convention(),)
    file: str = ""
    source: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)

    def claim(self, recipe: str, rows: str) -> Claim:
        """The claim for a fit: that of its recipe, or of its rows, or the common one.

        >>> TABLES["epochai"].claim("approach3-huber", "all rows").name
        'Hoffmann et al. 2022, approach 3'
        """
        fitting = [c for c in self.claims if recipe in (c.fits or (recipe,)) and c.rows in ("", rows)]
        return max(fitting, key=lambda c: 2 * bool(c.fits) + bool(c.rows)).claim


PARABOLAS = ("approach2", "approach2-exact")
HUBER = ("approach3-huber", "approach3-lad")
FIVE = Rows("with the five rows of highest loss", whole_file=True)
FLAGGED = (Rows(), Rows("without flagged rows", "outlier"))
SAME = (Convention("C = 6·N·D, which is the stated budget"),)
COUNTS = (Convention(), Convention("C = the stated budget", {"flops": "budget"}))
"""Both ways to count the compute of ml_scalefit, whose 6·N·D strays from the stated budgets by a tenth."""
TABLES = {
    "chinchilla": AtlasTable(
        "Chinchilla, read off Figure 4",
        (
            Compared(BESIROGLU),
            Compared(HOFFMANN_1, ("approach1-hull",)),
            Compared(HOFFMANN_2, PARABOLAS),
            Compared(HOFFMANN_3, rows=FIVE.name),
        ),
        ("approach1-hull", *ISOFLOP),
        rows=(Rows("without the five rows of highest loss"), FIVE),
        conventions=(Convention("C as published, D = C/(6·N)"),),
    ),
    "epochai": AtlasTable(
        "Chinchilla's IsoFLOP curves, by Epoch AI",
        (Compared(HOFFMANN_2), Compared(HOFFMANN_3, HUBER)),
        rows=FLAGGED,
        conventions=SAME,
    ),
    "ml_scalefit": AtlasTable(
        "Chinchilla's IsoFLOP curves, by ml-scalefit",
        (Compared(ML_SCALEFIT_LSQ), Compared(ML_SCALEFIT_HUBER, HUBER), Compared(HOFFMANN_2, PARABOLAS)),
        rows=FLAGGED,
        conventions=COUNTS,
    ),
    "llama_3_raw": AtlasTable("Llama 3, losses as printed", (Compared(LLAMA_3),), ISOFLOP, 3.8e25, FLAGGED, SAME),
    "llama_3_exp": AtlasTable("Llama 3, exp of the losses", (Compared(LLAMA_3),), ISOFLOP, 3.8e25, FLAGGED, SAME),
    "gemstones": AtlasTable(
        "Gemstones",
        (Compared(GEMSTONES),),
        ("answer", "approach1-hull", "approach1-vertices", "approach3-huber", "vpnls"),
        file="gemstones.jsonl",
        source="wandb_dfs/wandb_df_for_fitting_hot_477.jsonl of https://github.com/mcleish7/gemstone-scaling-laws",
        columns={
            "run_id": "run_name", "n_params": "params_active_precise", "n_tokens": "tokens", "loss": "final_loss",
        },
    ),
    "muennighoff": AtlasTable(
        "Repeated data, Muennighoff et al.",
        (Compared(MUENNIGHOFF),),
        ("answer", "law-constrained", "approach3-huber", "vpnls"),
        file="muennighoff.csv",
        source="the runs of https://github.com/huggingface/datablations, as a table with n_params, n_tokens,"
        " unique_tokens and loss",
    ),
    "porian": AtlasTable(
        "RefinedWeb, Porian et al.",
        (Compared(PORIAN),),
        ("answer", "approach2", "approach2-seeds", "approach3-huber", "vpnls"),
        file="porian.csv",
        source="data/experiment_results.pickle.xz of https://github.com/formll/resolving-scaling-law-discrepancies, as"
        " a table with n_params, n_tokens, seed and loss",
    ),
}  # fmt: skip


def loss_unit(name: str) -> str:
    """What the losses of a table are in."""
    return PUBLISHED[name].loss_unit if name in PUBLISHED else "nats per token"


def file_of(name: str, mirror: str | Path | None) -> Path | None:
    """The file of a table in a mirror; None where it is not there."""
    file = PUBLISHED[name].file if name in PUBLISHED else TABLES[name].file
    path = Path(mirror, file) if mirror else None
    return path if path and path.is_file() else None


def why_absent(name: str, mirror: str | Path | None) -> str:
    """Why a table cannot be fitted, or nothing.

    >>> why_absent("porian", None).partition(";")[0]
    'no mirror is given'
    """
    if file_of(name, mirror):
        return ""
    if name in PUBLISHED:
        file, source = PUBLISHED[name].file, PUBLISHED[name].source
    else:
        file, source = TABLES[name].file, TABLES[name].source
    missing = f"{file} is not in the mirror" if mirror else "no mirror is given"
    return f"{missing}; get {source}, and save it as {file}"
