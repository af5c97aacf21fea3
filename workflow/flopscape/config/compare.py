"""`compare` of config.yaml: which studies are set beside each other when they are finished.

compare:
  mlp: [kjv-gpt, kjv-gpt-swiglu]                  # the first is the baseline
  recipes: {studies: [recipes], flops: [1.0e+13]} # all studies of the matrix in recipes.yaml, in its order
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from flopscape.config.matrix import addresses, is_study
from flopscape.config.model import Distinct, Model, Positive, plain_name
from flopscape.errors import FlopscapeError, joined, shortened
from flopscape.text.written import Switch, flat, nearest, shown

FEWEST = 2


def _study(name: str) -> str:
    return plain_name(name, "study")


class Compared(Model):
    """Two or more studies that are compared, and the compute to answer for."""

    studies: Annotated[list[Annotated[str, AfterValidator(_study)]], Field(min_length=1), Distinct]
    """Names of studies, the baseline first; the name of a file with a `matrix` stands for all its studies."""
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


def studies_compared(
    asked: Mapping[str, Compared], selected: Mapping[str, Path], place: str, folder: str | Path = "config/studies"
) -> dict[str, list[str]]:
    """The studies of each comparison by its name, groups of a matrix written out, whether they are selected or not.

    Parameters
    ----------
    asked : mapping
        The comparisons of a config.
    selected : mapping
        Name → address of each selected study.
    place : str
        Where the comparisons were written, for sentences.
    folder : path
        Where studies lie that are not selected.

    Raises
    ------
    FlopscapeError
        A comparison with a study's name, of a name that no study has, with a study twice, or of fewer than two.
    """
    find = _Studies(selected, Path(folder)).meant
    return {name: _of_one(one.studies, selected, f"{place}: compare.{name}", name, find) for name, one in asked.items()}


def _of_one(
    entries: Iterable[str], selected: Iterable[str], place: str, name: str, find: Callable[[str, str], list[str]]
) -> list[str]:
    if name in selected:
        raise FlopscapeError(f"{place}: a selected study is named {name} too; give the comparison another name")
    studies = [study for entry in entries for study in find(entry, place)]
    if twice := [study for study in studies if studies.count(study) > 1]:
        raise FlopscapeError(f"{place}: study {twice[0]} is listed twice, by itself or by its file; name it once")
    if len(studies) < FEWEST:
        raise FlopscapeError(f"{place}: {joined(studies)} alone cannot be compared; name two studies at least")
    return studies


def differences(studies: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A line for each setting that is not the same in all studies: its path, and who has which value.

    >>> differences({"a": {"model": {"mlp": "relu2"}}, "b": {"model": {"mlp": "swiglu", "ratio": 3}}})
    ['model.mlp: relu2 (a), swiglu (b)', 'model.ratio: not given (a), 3 (b)']
    """
    settings = {name: flat(study) for name, study in studies.items()}
    lines = []
    for path in dict.fromkeys(chain.from_iterable(settings.values())):
        names: dict[str, list[str]] = {}
        for name, given in settings.items():
            names.setdefault(str(given.get(path, "not given")), []).append(name)
        if len(names) > 1:
            told = (f"{shortened(value)} ({joined(having)})" for value, having in names.items())
            lines.append(f"{path}: {', '.join(told)}")
    return lines


@dataclass(frozen=True)
class _Studies:
    """The studies that there are: the selected ones, those that lie beside them, and those of the usual folder."""

    selected: Mapping[str, Path]
    folder: Path

    def meant(self, entry: str, place: str) -> list[str]:
        """The study of this name, or all studies of the file of this name."""
        if entry in self.selected:
            return [entry]
        beside = (path.with_name(f"{entry}{path.suffix}") for path in self.selected.values())
        for path in dict.fromkeys([*beside, self.folder / f"{entry}.yaml"]):
            if is_study(path):
                return [address.stem for address in addresses(path)]
        names = sorted({*self.selected, *(file.stem for file in self.folder.glob("*.yaml"))})
        raise FlopscapeError(
            f"{place}: no study is named {shown(entry)}{nearest(entry, names)}; one that lies neither in {self.folder} "
            "nor beside a selected one must be selected"
        )
