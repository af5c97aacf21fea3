"""What a report of a scaling law should tell: the items of the checklist, in our own words, and where each comes from.

The source is (Mis)Fitting: A Survey of Scaling Laws (Li, Kudugunta & Zettlemoyer 2025, arXiv 2502.18969). It goes
through a study in four sections: §3 the form, §4 training, §5 what is taken from the runs, §6 the fit. The sheet that
it publishes (sheet.csv of https://github.com/hadasah/scaling_laws) has a column for each detail that it looked for in
some fifty papers. Each item here names the section, and that column in quotes where there is one.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

TITLE = "(Mis)Fitting: A Survey of Scaling Laws (Li, Kudugunta & Zettlemoyer 2025, arXiv 2502.18969)"
Who = Literal["whoever trained the runs", "whoever made the table", "whoever writes the paper"]
TRAINED: Who = "whoever trained the runs"
TABLED: Who = "whoever made the table"
WRITES: Who = "whoever writes the paper"


class Item(NamedTuple):
    """One thing to tell: its key, the question, where the checklist has it, and who else can tell it."""

    key: str
    question: str
    source: str
    who: Who


class Part(NamedTuple):
    """Items that belong together, under a title."""

    title: str
    items: tuple[Item, ...]


PARTS = (
    Part(
        "The claim",
        (
            Item("form", "Which formula is fitted?", "§3, “Power Law Form”", WRITES),
            Item(
                "purpose",
                "What is it for: a loss ahead, or the split of compute?",
                "§3, “Purpose of Power Law”",
                WRITES,
            ),
            Item("variables", "Which quantities does it relate, in which units?", "§3", WRITES),
            Item("free", "How many of its numbers are fitted?", "§3, “# Power Law parameters”", WRITES),
            Item(
                "laws", "How many laws are fitted, and on which does the claim rest?", "§3, “# of scaling laws”", WRITES
            ),
        ),
    ),
    Part(
        "The training of the runs",
        (
            Item("runs", "How many runs and sizes stand behind each law?", "§4, “Training Runs / Law”", TABLED),
            Item("compute", "From how little to how much compute?", "§4, “Max. Training FLOPs”", TABLED),
            Item("sizes", "From which smallest to which largest model?", "§4, “Max. Training Params”", TABLED),
            Item("amounts", "Trained on how little to how much data?", "§4, “Max. Training Data”", TABLED),
            Item("seeds", "How many seeds has each point?", "§4", TABLED),
            Item(
                "count_n",
                "What counts as a parameter, and are embeddings among them?",
                "§4, “How are model params counted”",
                TABLED,
            ),
            Item("count_c", "What counts as compute, and how is it computed?", "§4, “flop counts definition?”", TABLED),
            Item("architecture", "Which architecture, and how does its shape grow with size?", "§4", TRAINED),
            Item("dataset", "Which data, from where, under which licence?", "§4, “Data Described?”", TRAINED),
            Item(
                "tokenizer",
                "What is a unit of data: which tokenizer, how large a vocabulary?",
                "§4, “Data Described?”",
                TRAINED,
            ),
            Item("repeats", "Does any run see its data more than once?", "§4", TRAINED),
            Item("optimiser", "Which optimiser, with which numbers?", "§4, “Hyperparameters Described?”", TRAINED),
            Item(
                "schedule",
                "Which schedule of the learning rate, and does it end with the run?",
                "§4, “Hyperparameters Described?”",
                TRAINED,
            ),
            Item(
                "batch",
                "Which batch, and does it grow with size or compute?",
                "§4, “Hyperparameters Described?”",
                TRAINED,
            ),
            Item(
                "search",
                "How were rate and batch chosen, and for each size?",
                "§4, “Hyperparameters Described?”",
                TRAINED,
            ),
            Item("training_code", "Where is the code that trained the runs?", "§4, “Training Code?”", TRAINED),
        ),
    ),
    Part(
        "What is taken from the runs",
        (
            Item("points", "How many points is each law fitted to?", "§5, “Data points per law?”", WRITES),
            Item("checkpoints", "Which checkpoints of a run count?", "§5", TABLED),
            Item("metric", "Which loss or score, and on which data?", "§5, “Scaling law metric”", TRAINED),
            Item(
                "modified",
                "Is it changed before the fit: smoothed, interpolated, averaged?",
                "§5, “Modification of final metric?”",
                TABLED,
            ),
            Item("left_out", "Which runs are left out, and why?", "§5, “Subsets of Data Used”", WRITES),
            Item("scores", "Where are the losses of the runs to be had?", "§5, “Metric Scores?”", WRITES),
            Item("weights", "Where are the trained models to be had?", "§5, “Checkpoints?”", TRAINED),
        ),
    ),
    Part(
        "The fit",
        (
            Item("objective", "What is minimised?", "§6, “Loss Objective”", WRITES),
            Item("algorithm", "By which algorithm?", "§6, “Curve-fitting Method”", WRITES),
            Item(
                "settings",
                "With which settings of it?",
                "§6, “Hyperparameters Reported?”",
                WRITES,
            ),
            Item("starts", "From which starting values?", "§6, “Initialization”", WRITES),
            Item("intervals", "Where do the intervals come from?", "§6, “Bootstrapping?”", WRITES),
            Item(
                "validated",
                "Was the law tested on runs that it had not seen?",
                "§6, “Are scaling laws validated?”",
                WRITES,
            ),
            Item(
                "analysis_code",
                "Where is the code of the analysis, and which command repeats it?",
                "§6, “Analysis Code?”",
                WRITES,
            ),
        ),
    ),
)

ITEMS = {item.key: item for part in PARTS for item in part.items}


class Entry(NamedTuple):
    """An item and what is told of it; nothing where it is open."""

    item: Item
    told: str

    @property
    def is_open(self) -> bool:
        """Whether somebody has to fill it in."""
        return not self.told


class Filled(NamedTuple):
    """The entries by the title of their part, and the number of those that are open."""

    parts: Mapping[str, list[Entry]]

    @property
    def entries(self) -> list[Entry]:
        """All of them, in the checklist's order."""
        return [entry for entries in self.parts.values() for entry in entries]

    @property
    def n_open(self) -> int:
        """Items that nobody has filled in."""
        return sum(entry.is_open for entry in self.entries)
