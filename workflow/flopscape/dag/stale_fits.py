"""Whether the table of runs of a study and its fits are what they would be if they were made now: see stale.py."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from flopscape.config.fits import Fit
from flopscape.dag.commands import asked_options, curves_of
from flopscape.design.forecast import forecast_stamp
from flopscape.errors import FlopscapeError
from flopscape.files.json_text import read_json, short_hash
from flopscape.files.side_outputs import side_output
from flopscape.fitting.common.made_from import fit_code, stamp_of
from flopscape.plan.imported import PlannedImport
from flopscape.plan.price_table import plan_csv
from flopscape.plan.studies import PlannedStudy
from flopscape.records import stamps
from flopscape.records.stamps import WORDS, Stamp, why_first_stale, why_stale

Planned = PlannedStudy | PlannedImport
UNKNOWN = "without saying from what"


class TablesAndFits:
    """The table of runs of one study, what its plan says, and the fits of the table.

    Each `why_…` returns words such as "from another table with other options", and nothing for a file that is fresh.
    """

    def __init__(self, planned: Planned, folder: Path) -> None:
        self.planned, self.folder = planned, folder
        self.runs, self.curves = folder / "runs.csv", folder / "curves.parquet"
        self.forecast, self.archive = folder / "forecast.json", folder / "validation.jsonl"
        self.rungs = planned.rungs if isinstance(planned, PlannedStudy) else []
        self.fits = {fit.name: folder / "fits" / f"{fit.name}.json" for fit in planned.study.fits}

    def fit_named(self, name: str) -> Fit:
        """A fit of the study."""
        return next(fit for fit in self.planned.study.fits if fit.name == name)

    def table_stamp(self) -> Stamp:
        """What the tables of runs should carry."""
        if isinstance(self.planned, PlannedImport):
            return stamps.of_imported(self.planned.options, self.planned.files)
        return stamps.of_collected(self.planned.rows, self.folder / "runs")

    def asked_for(self) -> Stamp:
        """The part of the same that comes from the study alone."""
        if isinstance(self.planned, PlannedImport):
            return {"options": stamps.import_hash(self.planned.options)}
        return {"plan": stamps.plan_hash(self.planned.rows)}

    def why_table(self) -> str:
        """Why runs.csv, its copy or the training curves are stale."""
        if isinstance(self.planned, PlannedStudy) and self.planned.open_runs:
            return WORDS["plan"]
        tables = [self.folder / "runs.parquet", self.curves]
        try:
            expected = self.table_stamp()
        except FileNotFoundError:  # without what it was made from a table still says what it was made for
            expected = self.asked_for()
            carried = [stamps.read(path) for path in tables if path.exists()]
            comparable = ({name: stamp.get(name, "") for name in expected} for stamp in carried)
            return next(filter(None, (why_stale(stamp, expected) for stamp in comparable)), "")
        with suppress(FileNotFoundError):
            # A CSV has no room for a stamp: its copy in Parquet carries the hash of it, so that a table edited by hand
            # is seen.
            return why_first_stale(tables[:1], expected | {"csv": stamps.hash_of(self.runs)}) or why_first_stale(
                tables[1:], expected
            )
        return ""

    def why_plan(self) -> str:
        """Why plan.csv is stale: it has no room for a stamp, and is compared with what it would be now."""
        path = self.folder / "plan.csv"
        if isinstance(self.planned, PlannedImport) or not path.exists():
            return ""
        return "" if path.read_bytes() == plan_csv(self.planned.rows).encode() else WORDS["plan"]

    def why_forecast(self) -> str:
        """Why the forecast is stale."""
        if isinstance(self.planned, PlannedImport):
            return ""
        with suppress(FileNotFoundError):
            return why_stale(stamps.read(self.forecast), forecast_stamp(self.planned))
        return ""

    def why_fit(self, name: str) -> str:
        """Why one fit, or its draws, are stale: another table, other options, other code, or draws of another fit."""
        fit, path = self.fit_named(name), self.fits[name]
        try:
            written = read_json(path, "") if path.exists() else {}
        except FlopscapeError:
            return UNKNOWN
        carried = written.get("made_from")
        if not path.exists():
            return ""
        if not isinstance(carried, dict) or not {"table", "options", "code", "draws"} <= carried.keys():
            return UNKNOWN
        with suppress(FileNotFoundError):
            options = asked_options(fit, self.planned.study.recommend.flops)
            # A fingerprint hashes the syntax tree, which differs between versions of Python: with the version in the
            # stamp, `why_stale` leaves the code out where two of them cannot be compared.
            expected = {"code": fit_code(fit.method), "python": stamps.PYTHON, "options": short_hash(options)}
            expected |= {
                "runs": stamps.hash_of(self.runs),
                "draws": stamps.hash_of(side_output(path, ".draws.parquet")),
            }
            # Only a method that reads curves is stale with them.
            expected |= {"curves": stamps.hash_of(self.curves)} if curves_of(fit, "") else {}
            return why_stale(stamp_of(carried), expected)
        return ""

    def why_of_fits(self, fits: Iterable[str]) -> str:
        """Why what is made from these fits is stale for the first of them that is."""
        reasons = ((name, self.why_fit(name)) for name in fits)
        return next((f"from the fit {name}, which was made {why}" for name, why in reasons if why), "")
