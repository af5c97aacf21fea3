"""What a file was made from, as a line of text inside the file itself: in CSV, JSON, Parquet, SVG, PNG, HTML alike.

A stamp is `made-from[code=… options=… runs=…]`: a name and the beginning of a hash for each thing that decides what is
in the file. Whoever reads a file, or would make it again, computes the stamp that it should carry and compares the two:
the functions `of_…` are called by both. Time stamps play no part. Fits carry more, in fields of their own
(fitting/common/made_from.py).
"""

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256 as sha256_of
from pathlib import Path
from typing import Any

from flopscape.files.json_text import sha256, short_hash
from flopscape.fingerprint import fingerprint
from flopscape.records.plan_row import PlanRow

Stamp = dict[str, str]
StrPath = str | Path
Options = Mapping[str, Any]
PATTERN = re.compile(rb"made-from\[((?:[a-z]+=[0-9a-z]+ ?)+)\]")
DIGITS = 16
ENDS = 1 << 16
"""Bytes at either end of a file among which its stamp is looked for."""
SMALL = 1 << 25
"""Bytes of records that are read to compare them; of more, names and sizes alone, for a dry run is not to wait."""
PYTHON = f"{sys.version_info.major}{sys.version_info.minor}"
WORDS = {
    "archive": "with other earlier predictions",
    "backtest": "with another backtest",
    "code": "by other code",
    "csv": "as another table",
    "curves": "from other training curves",
    "draws": "with other draws",
    "figures": "with other figures",
    "fits": "from other fits",
    "forecast": "with another forecast",
    "manifest": "with another manifest of the data",
    "options": "with other options",
    "plan": "for another plan",
    "records": "from other records",
    "rungs": "with other rungs",
    "runs": "from another table",
    "sensitivity": "with another table of sensitivity",
    "source": "from another file",
    "table": "with another table beside it",
    "tasks": "with other accuracies of tasks",
    "transfer": "with another search for the learning rate",
    "texts": "with other captions",
    "twin": "with another twin",
    "validation": "with other scores of hidden runs",
}


def text_of(stamp: Stamp) -> str:
    """The line to write into a file."""
    return f"made-from[{' '.join(f'{name}={value}' for name, value in sorted(stamp.items()))}]"


def read(path: StrPath) -> Stamp:
    """The stamp that a file carries; empty for a file without one."""
    # Text formats have the stamp where they are written to have it, SVG and HTML at the beginning, CSV in every row;
    # Parquet and JSON keep their notes at the end. A gigabyte between the two need not be read.
    with open(path, "rb") as file:
        ends = file.read(ENDS)
        file.seek(max(len(ends), file.seek(0, 2) - ENDS))
        ends += file.read()
    match = PATTERN.search(ends)
    pairs = (pair.partition("=") for pair in match[1].decode().split()) if match else ()
    return {name: value for name, _, value in pairs}


def why_stale(carried: Stamp, right: Stamp) -> str:
    """How a file was made otherwise than it would be made now, in words; empty if it was not.

    Code that another Python has hashed is not compared: its hash may differ for that alone.
    """
    if not carried:
        return "without saying from what"
    skipped = {"python"} | ({"code"} if carried.get("python") != right.get("python") else set())
    names = [name for name in {**right, **carried} if name not in skipped and carried.get(name) != right.get(name)]
    return " and ".join(WORDS[name] for name in names)


def why_first_stale(files: Iterable[Path], expected: Stamp) -> str:
    """Why the first of several files is stale that are all made together; missing ones are the DAG's business."""
    return next(filter(None, (why_stale(read(path), expected) for path in files if path.exists())), "")


def why_folder_stale(folder: Path, table: str, expected: Stamp) -> str:
    """The same of a verdict that names its table, and the figures beside it."""
    whole = expected | ({"table": hash_of(folder / table)} if (folder / table).exists() else {})
    figures = [folder / "figure.svg", folder / "figure.png"]
    return why_first_stale([folder / "verdict.json"], whole) or why_first_stale(figures, expected)


def hash_of(path: StrPath) -> str:
    """Beginning of the SHA-256 of a file's bytes; each file is read once as long as it is not written anew."""
    state = Path(path).stat()
    return _hashed(str(path), state.st_mtime_ns, state.st_size, state.st_ino)


@lru_cache(4096)
def _hashed(path: str, *_state: int) -> str:
    return sha256(path)[:DIGITS]


def hash_of_all(paths: Iterable[StrPath]) -> str:
    """One hash of several files, their names included."""
    return short_hash([[Path(path).name, hash_of(path)] for path in paths], DIGITS)


def hash_of_records(paths: Iterable[Path]) -> str:
    """One hash of run records: their contents, or where they are too many for that their names and sizes."""
    records = [(path.name, path.stat().st_size, path) for path in paths]
    # Two plans differ in run ids, and so in names; an edited record nearly always differs in size. The mark s tells the
    # weaker hash from the stronger.
    if sum(size for _, size, _ in records) > SMALL:
        return "s" + short_hash([[name, size] for name, size, _ in records], DIGITS)
    digest = sha256_of()
    for name, size, path in records:
        digest.update(f"{name} {size}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:DIGITS]


def plan_hash(rows: Iterable[PlanRow]) -> str:
    """Changes when the plan does: a new run, a run in another budget or for another use, another count of a size."""
    return short_hash([_of_row(row) for row in rows])


def _of_row(row: PlanRow) -> list[Any]:
    # A run that is fitted says nothing of its role, as in plans from before there were others.
    role = [] if row.role == "fit" else [row.role]
    return [row.run_id, row.budget, row.n_params, row.n_params_embedding, row.flops, *role]


def of_collected(rows: Sequence[PlanRow], runs: Path) -> Stamp:
    """Of runs.parquet and curves.parquet; runs.csv is tied to the former by its hash."""
    records = hash_of_records(runs / f"{row.run_id}.json" for row in rows)
    return by("flopscape.runs.collect") | {"plan": plan_hash(rows), "records": records}


def of_imported(words: Sequence[str], files: Iterable[StrPath]) -> Stamp:
    """Of the same tables of a study whose runs were trained elsewhere; `words` are those of `flopscape import`."""
    return by("flopscape.runs.import_study") | {"options": import_hash(words), "source": hash_of_all(files)}


def import_hash(words: Sequence[str]) -> str:
    """Changes when other rows or columns are imported; where the mirror of a published table lies does not count."""
    at = words.index("--mirror") if "--mirror" in words else len(words)
    return _hashed_options([*words[:at], *words[at + 2 :]])


def of_sensitivity(modules: Iterable[str], runs: StrPath, curves: StrPath | None, options: Mapping[str, Any]) -> Stamp:
    """Of sensitivity.csv; `modules` make it: the code of answers/sensitivity.py does not import its methods."""
    code = by(*modules)
    read = {"runs": hash_of(runs)} | ({} if curves is None else {"curves": hash_of(curves)})
    return code | read | {"options": _hashed_options(options)}


def of_backtest(modules: Iterable[str], runs: StrPath, curves: StrPath | None, fits: Mapping[str, Options]) -> Stamp:
    """Of backtest.csv; `fits` are the options of each fit by name.

    What a fit was asked for, and how many resamples it has, is not the backtest's business.
    """
    code = by(*modules)
    read = {"runs": hash_of(runs)} | ({} if curves is None else {"curves": hash_of(curves)})
    chosen = {
        name: {key: value for key, value in options.items() if key not in ("flops", "bootstrap")}
        for name, options in fits.items()
    }
    return code | read | {"options": _hashed_options(chosen)}


def of_validation(runs: StrPath, fits: Iterable[StrPath]) -> Stamp:
    """Of validation.csv, which scores the fits as they are; a fit's file has the hash of its draws."""
    return by("flopscape.answers.validation") | {"runs": hash_of(runs), "fits": hash_of_all(fits)}


def of_atlas(modules: Iterable[str], source: StrPath | None, options: Options) -> Stamp:
    """Of the lines of one published table; without `source`, its file in the mirror, they say why there are no fits."""
    read = {} if source is None else {"source": hash_of(source)}
    return by(*modules) | read | {"options": _hashed_options(options)}


def of_atlas_page(table: StrPath) -> Stamp:
    """Of the page of the atlas, HTML and Markdown; `table` is the atlas.csv beside it."""
    return by("flopscape.atlas.write") | {"table": hash_of(table)}


def of_forecast(rows: Iterable[PlanRow], options: Mapping[str, Any]) -> Stamp:
    """Of forecast.json; `rows` are all runs as they are expected before the first one."""
    code = by("flopscape.design.forecast", "flopscape.design.improved")
    return code | {"plan": plan_hash(rows), "options": _hashed_options(options)}


def of_prediction(fit: StrPath, backtest: StrPath | None, options: Any, validation: StrPath | None = None) -> Stamp:
    """Of prediction.md; the fit's file has the hash of its draws."""
    read = {"fits": hash_of(fit)} | ({} if backtest is None else {"backtest": hash_of(backtest)})
    read |= {} if validation is None else {"validation": hash_of(validation)}
    return by("flopscape.report.prediction") | read | {"options": _hashed_options(options)}


def of_figure(
    name: str,
    runs: StrPath,
    curves: StrPath | None,
    fits: Sequence[StrPath],
    title: str,
    table: StrPath | None,
) -> Stamp:
    """Of one figure of a study, SVG and PNG; `table` is of the verb of the figure's name, where there is one."""
    read = {"runs": hash_of(runs), "fits": hash_of_all(fits), "options": _hashed_options(title)}
    read |= {} if curves is None else {"curves": hash_of(curves)}
    read |= {} if table is None else {name: hash_of(table)}
    return by("flopscape.figures.draw", f"flopscape.figures.{name}") | read


def of_downstream(runs: StrPath, fit: StrPath, options: Options) -> Stamp:
    """Of the accuracy of one task, numbers and figure; the fit's file has the hash of its draws."""
    read = {"runs": hash_of(runs), "fits": hash_of_all([fit])}
    return by("flopscape.downstream.run") | read | {"options": _hashed_options(options)}


def of_twin(
    modules: Iterable[str], runs: StrPath, options: Mapping[str, Any], validation: StrPath | None = None
) -> Stamp:
    """Of a twin's verdict and figures, made by `modules`; the verdict has the hash of twin.csv besides."""
    read = {"runs": hash_of(runs)} | ({} if validation is None else {"validation": hash_of(validation)})
    return by(*modules) | read | {"options": _hashed_options(options)}


def of_transfer(records: Iterable[Path], options: object) -> Stamp:
    """Of the verdict on a search for the learning rate; it has the hash of its table besides."""
    stamp = {"records": hash_of_records(records), "options": _hashed_options(options)}
    return by("flopscape.transfer.run") | stamp


def of_comparison(runs: Sequence[Path], fits: Iterable[StrPath], options: Options, texts: StrPath) -> Stamp:
    """Of all files of a comparison; a table is one of the study whose folder it lies in."""
    asked = {"studies": [path.parent.name for path in runs], **options}
    read = {"runs": hash_of_all(runs), "fits": hash_of_all(fits), "texts": hash_of(texts)}
    return by("flopscape.report.write_comparison") | read | {"options": _hashed_options(asked)}


def by(*modules: str) -> Stamp:
    """The code that makes a file."""
    return {"code": fingerprint(*modules), "python": PYTHON}


def _hashed_options(options: Any) -> str:
    """Hash of what was asked for; what was left out does not count."""
    chosen = {k: v for k, v in options.items() if v is not None} if isinstance(options, Mapping) else options
    return short_hash(chosen, DIGITS)
