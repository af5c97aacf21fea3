"""What `compare` of the config asks for: the files of each comparison, what it is made from, and whether it is stale.

The methods stand in workflow/rules/compare.smk as they are and take Snakemake's wildcards, here `comparison`.
"""

import re
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from flopscape.comparison.kept import FILES, page_options
from flopscape.config.compare import Compared, studies_compared
from flopscape.dag.selection import CONFIG, NOTHING, RESULTS, Selection
from flopscape.dag.stale import TEMPLATE
from flopscape.errors import FlopscapeError
from flopscape.records import stamps

Wildcards = Any
FOLDER = f"{RESULTS}/compare"


class ComparisonInputs:
    """The answers to what the rule of comparisons asks.

    Raises
    ------
    FlopscapeError
        A comparison of studies that are not selected, or of fewer than two.
    """

    def __init__(self, selection: Selection) -> None:
        self.selection, self.asked = selection, selection.settings.compare
        addresses = {name: planned.path for name, planned in selection.studies.items()}
        self.studies = studies_compared(self.asked, addresses, f"{CONFIG} or --config")

    @cached_property
    def name(self) -> str:
        """The names of all comparisons, as a regular expression."""
        return "|".join(map(re.escape, self.studies)) or NOTHING

    def targets(self) -> list[str]:
        """The files of all comparisons."""
        return [f"{FOLDER}/{name}/{file}" for name in self.studies for file in FILES]

    def tables(self, wildcards: Wildcards) -> list[str]:
        """The tables of runs, that of the baseline first."""
        return [f"{RESULTS}/{study}/runs.csv" for study in self._studies(wildcards)]

    def fits(self, wildcards: Wildcards) -> list[str]:
        """The file of the fit that each study recommends by."""
        names = [(study, self.selection.recommended_fit(study).name) for study in self._studies(wildcards)]
        return [f"{RESULTS}/{study}/fits/{fit}.json" for study, fit in names]

    def options(self, wildcards: Wildcards, input: Any) -> str:
        """The words of `flopscape compare-report` after its tables."""
        asked = self._asked(wildcards)
        fits = [str(path) for path in input.fits]
        return page_options(wildcards.comparison, fits, asked.flops, asked.pairs, asked.same_text)

    def why_stale(self, wildcards: Wildcards) -> str:
        """How the files of a comparison were made otherwise than they would be now; empty if they were not."""
        asked, results = self._asked(wildcards), self.selection.results
        # As the rule has them, but where they are read.
        named = self.tables(wildcards), self.fits(wildcards)
        runs, fits = ([results / Path(path).relative_to(RESULTS) for path in paths] for paths in named)
        with suppress(FileNotFoundError):
            options = asked.model_dump(exclude={"studies"}) | {"name": wildcards.comparison}
            expected = stamps.of_comparison(runs, fits, options, TEMPLATE)
            folder = results / "compare" / wildcards.comparison
            return stamps.why_first_stale([folder / file for file in FILES], expected)
        return ""

    def _studies(self, wildcards: Wildcards) -> list[str]:
        self._asked(wildcards)
        return self.studies[wildcards.comparison]

    def _asked(self, wildcards: Wildcards) -> Compared:
        """A comparison of this invocation; a job that outlived a change of the config is told so."""
        if wildcards.comparison not in self.asked:
            raise FlopscapeError(f"{CONFIG}: compare has no {wildcards.comparison}; it or --config changed")
        return self.asked[wildcards.comparison]
