"""`compare` of config.yaml: which studies are set beside each other when they are finished.

compare:
  mlp: [kjv-gpt, kjv-gpt-swiglu]                  # the first is the baseline
  recipes: {studies: [recipes], flops: [1.0e+13]} # all studies of the matrix in recipes.yaml, in its order
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from flopscape.config.matrix import file_of
from flopscape.config.model import Distinct, Model, Positive, plain_name
from flopscape.errors import FlopscapeError, joined, listed
from flopscape.text.written import Switch, shown

FEWEST, MOST_SHOWN = 2, 8


class Compared(Model):
    """Two or more studies that are compared, and the compute to answer for."""

    studies: Annotated[list[str], Field(min_length=1), Distinct]
    """Names of selected studies, the baseline first; the name of a file with a `matrix` stands for all its studies."""
    flops: Annotated[list[Positive], Distinct] = []
    """Compute to answer for, the verdict being of the largest; the most that all have runs of when left out."""
    pairs: Switch = True
    """Runs of one seed and budget share the order of their data."""
    same_text: Switch = False
    """The losses are of one held-out text, though the data differ."""


def _listed(value: Any) -> Any:
    """A comparison in its short form is the list of its studies."""
    return {"studies": value} if isinstance(value, list | tuple) else value


def _nothing(value: Any) -> Any:
    """`compare:` without a value, and `--config compare=`, ask for nothing."""
    return {} if value in (None, "") else value


def _plain(name: str) -> str:
    return plain_name(name, "comparison")


Comparisons = Annotated[
    dict[
        Annotated[str, AfterValidator(_plain)],
        Annotated[Compared, BeforeValidator(_listed, json_schema_input_type=Compared | list[str])],
    ],
    BeforeValidator(_nothing),
]


def studies_compared(asked: Mapping[str, Compared], selected: Mapping[str, Path], place: str) -> dict[str, list[str]]:
    """The studies of each comparison by its name, groups of a matrix written out.

    Parameters
    ----------
    asked : mapping
        The comparisons of a config.
    selected : mapping
        Name → address of each selected study.
    place : str
        Where the comparisons were written, for sentences.

    Raises
    ------
    FlopscapeError
        A comparison with a study's name, with a study that is not selected, with one twice, or with fewer than two.
    """
    return {name: _of_one(one.studies, selected, f"{place}: compare.{name}", name) for name, one in asked.items()}


def _of_one(entries: Iterable[str], selected: Mapping[str, Path], place: str, name: str) -> list[str]:
    if name in selected:
        raise FlopscapeError(f"{place}: a selected study is named {name} too; give the comparison another name")
    studies = [study for entry in entries for study in _meant(entry, selected, place)]
    if twice := [study for study in studies if studies.count(study) > 1]:
        raise FlopscapeError(f"{place}: study {twice[0]} is listed twice, by itself or by its file; name it once")
    if len(studies) < FEWEST:
        raise FlopscapeError(f"{place}: {joined(studies)} alone cannot be compared; name two studies at least")
    return studies


def _meant(entry: str, selected: Mapping[str, Path], place: str) -> list[str]:
    """The study of this name, or all studies of the file of this name."""
    if entry in selected:
        return [entry]
    files = {study: file_of(path) for study, path in selected.items()}
    members = [study for study, file in files.items() if file.stem == entry and file != selected[study]]
    if members:
        return members
    raise FlopscapeError(
        f"{place}: {shown(entry)} is not among the selected studies ({listed(selected, MOST_SHOWN)}); add it to "
        "`studies`, or compare nothing this time with `--config compare=`"
    )
