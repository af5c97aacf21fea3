"""`flopscape next --compare`: reads both recipes, finds the runs, and writes what it was told to."""

import json
from collections.abc import Mapping, Sequence
from os.path import isfile
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from flopscape.comparison.recipes import Recipe, name_of, table_of
from flopscape.config.matrix import file_of
from flopscape.design.decide import Decision, Side, decide
from flopscape.design.decide_words import text
from flopscape.design.next_runs import Spend
from flopscape.design.run_next import Subject, read_subject
from flopscape.design.write_rows import NewRows, write_all
from flopscape.files.outputs import refuse_output, write_text
from flopscape.text import numbers


class Asked(NamedTuple):
    """What `flopscape next --compare` is asked, beside the two recipes."""

    targets: Sequence[float]
    spend: str
    write: bool = False
    out: Path | None = None
    as_json: bool = False
    columns: Mapping[str, str] = {}
    use_pairs: bool = True
    same_text: bool = False


def run(places: tuple[str, str], asked: Asked, config: Path, results: Path) -> str:
    """What is printed; the file of `out`, and with `write` those of both studies, are written.

    Raises
    ------
    FlopscapeError
        Whatever is wrong with what is asked; nothing is written then.
    """
    spend = Spend.read(asked.spend)
    subjects = [_subject_of(place, config, results) for place in places]
    if asked.out is not None:
        refuse_output(asked.out, subjects)
    read = [read_subject(subject, asked.columns, asked.write, config, results) for subject in subjects]
    sides = [Side(Recipe(name, one.runs), one.trainer) for name, one in zip(_names(subjects, read), read, strict=True)]
    found = decide(sides[0], sides[1], asked.targets, spend, asked.use_pairs, asked.same_text)
    added = [_added(subjects, places, found, asked, results)] if asked.write else []
    if asked.out is not None:
        write_text(asked.out, pd.DataFrame(found.runs()).to_csv(index=False))
        added = [f"{asked.out}: written", *added]
    if asked.as_json:
        return json.dumps(found.to_json(), indent=2, ensure_ascii=False, allow_nan=False)
    return "\n".join([text(found), *added])


def _subject_of(place: str, config: Path, results: Path) -> Path:
    """The study of this file or name, or the table that is there."""
    named = config.parent / "studies" / f"{place}.yaml"
    if place.endswith((".yaml", ".yml")):
        return Path(place)
    return named if not isfile(place) and isfile(file_of(named)) else table_of(place, results)


def _names(subjects: Sequence[Path], read: Sequence[Subject]) -> list[str]:
    """Those of studies, and of tables as `flopscape compare` calls them; whole paths where they would be one."""
    names = [one.name if one.trainer else name_of(path) for path, one in zip(subjects, read, strict=True)]
    return names if names[0] != names[1] else [str(path) for path in subjects]


def _added(subjects: Sequence[Path], places: Sequence[str], found: Decision, asked: Asked, results: Path) -> str:
    """Add the runs to both studies' files, where they are worth anything; in words what was done."""
    if found.is_nothing_worth_it:
        return "nothing was added"
    new = [NewRows(path, found.rows_of(is_b)) for path, is_b in zip(subjects, (False, True), strict=True)]
    new = [one for one in new if one.rows]
    targets = " ".join(f"--target {target:g}" for target in asked.targets)
    write_all(new, f"flopscape next --compare {' '.join(places)} {targets} --spend {asked.spend}", results)
    command = f"snakemake --config studies={','.join(path.stem for path, _ in new)}"
    told = [f"{path}: {numbers.plural(len(rows), 'row')} added" for path, rows in new]
    return "\n".join([*told, f"`{command} -n` prices them, `{command}` trains them"])
