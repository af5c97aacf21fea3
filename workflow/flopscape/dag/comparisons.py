"""What `compare` of the config asks for: the files of each comparison, what it is made from, and whether it is stale.

The methods stand in workflow/rules/compare.smk as they are and take Snakemake's wildcards, here `comparison`.
"""

import re
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from flopscape.comparison.kept import FILES, page_options
from flopscape.config.compare import differences, studies_compared
from flopscape.dag.selection import CONFIG, NOTHING, RESULTS, Selection
from flopscape.dag.stale import TEMPLATE
from flopscape.errors import FlopscapeError, joined
from flopscape.records import stamps

Wildcards = Any
FOLDER = f"{RESULTS}/compare"
SETTINGS = {"recipe", "model", "dataset", "loss", "heldout", "trainer", "training", "sweep"}
"""Keys of a study that decide its runs."""


class ComparisonInputs:
    """The answers to what the rule of comparisons asks.

    Attributes
    ----------
    asked : dict
        What the config says of each comparison, by its name.
    made : list of str
        Those whose studies are all selected.
    left_out : dict
        Those that are not made this time: name → a sentence that says so.

    Raises
    ------
    FlopscapeError
        A comparison of a name that no study has, or of fewer than two studies.
    """

    def __init__(self, selection: Selection) -> None:
        self.selection, self.asked = selection, selection.settings.compare
        addresses = {name: planned.path for name, planned in selection.studies.items()}
        self.studies = studies_compared(self.asked, addresses, f"{CONFIG} or --config")
        self.left_out = {name: why for name in self.studies if (why := self._why_left_out(name))}
        self.made = [name for name in self.studies if name not in self.left_out]

    def _why_left_out(self, name: str) -> str:
        """A sentence where a study of a comparison is not selected; empty where all are."""
        missing = [study for study in self.studies[name] if study not in self.selection.studies]
        verb = "is" if len(missing) == 1 else "are"
        return f"comparison {name} is left out, for {joined(missing)} {verb} not selected" if missing else ""

    @cached_property
    def name(self) -> str:
        """The names of all comparisons, as a regular expression: of one that is left out a job says so itself."""
        return "|".join(map(re.escape, self.studies)) or NOTHING

    def targets(self) -> list[str]:
        """The files of all comparisons that are made."""
        return [f"{FOLDER}/{name}/{file}" for name in self.made for file in FILES]

    def tables(self, wildcards: Wildcards) -> list[str]:
        """The tables of runs, that of the baseline first."""
        return self._tables(self._made(wildcards))

    def fits(self, wildcards: Wildcards) -> list[str]:
        """The file of the fit that each study recommends by."""
        return self._fits(self._made(wildcards))

    def options(self, wildcards: Wildcards, input: Any) -> str:
        """The words of `flopscape compare-report` after its tables."""
        asked = self.asked[self._made(wildcards)]
        fits = [str(path) for path in input.fits]
        differ = self._differences(wildcards.comparison)
        return page_options(wildcards.comparison, fits, asked.flops, asked.pairs, asked.same_text, differ)

    def _differences(self, name: str) -> list[str]:
        """What the studies are told to do differently, where all of them train."""
        studies = [(study, self.selection.trained.get(study)) for study in self.studies[name]]
        told = {study: planned.study.model_dump(include=SETTINGS) for study, planned in studies if planned}
        return differences(told) if len(told) == len(studies) else []

    def why_stale(self, wildcards: Wildcards) -> str:
        """How the files of a comparison were made otherwise than they would be now; empty if they were not."""
        return self.why(self._made(wildcards))

    def why(self, name: str) -> str:
        """The same, of the comparison of this name."""
        # As the rule has them, but where they are read.
        named, results = (self._tables(name), self._fits(name)), self.selection.results
        runs, fits = ([results / Path(path).relative_to(RESULTS) for path in paths] for paths in named)
        with suppress(FileNotFoundError):
            options = self.asked[name].model_dump(exclude={"studies"})
            options |= {"name": name, "differences": self._differences(name)}
            expected = stamps.of_comparison(runs, fits, options, TEMPLATE)
            return stamps.why_first_stale([self.folder(name) / file for file in FILES], expected)
        return ""

    def folder(self, name: str) -> Path:
        """Where the files of a comparison are read."""
        return self.selection.results / "compare" / name

    def _tables(self, name: str) -> list[str]:
        return [f"{RESULTS}/{study}/runs.csv" for study in self.studies[name]]

    def _fits(self, name: str) -> list[str]:
        names = [(study, self.selection.recommended_fit(study).name) for study in self.studies[name]]
        return [f"{RESULTS}/{study}/fits/{fit}.json" for study, fit in names]

    def _made(self, wildcards: Wildcards) -> str:
        """The name of a comparison of this invocation; one that is left out, or has left the config, is told so."""
        name: str = wildcards.comparison
        if name not in self.asked:
            raise FlopscapeError(f"{CONFIG}: compare has no {name}; it or --config changed")
        if name in self.left_out:
            raise FlopscapeError(f"{self.left_out[name]}; select it in {CONFIG} or --config")
        return name
