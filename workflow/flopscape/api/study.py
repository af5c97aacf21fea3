"""A study built in Python: checked as its YAML is, planned in memory, and written where the workflow finds it."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, TypeAlias

from flopscape.api.asked import PathLike, path_of
from flopscape.config.matrix import study_data
from flopscape.config.model import plain_name
from flopscape.config.read import RESERVED, validate
from flopscape.config.study import ImportedStudy
from flopscape.config.study import Study as Checked
from flopscape.config.yaml12 import dump_yaml
from flopscape.errors import FlopscapeError
from flopscape.files.outputs import write_text

STUDIES = Path("config/studies")
"""Where the workflow looks for studies."""


@dataclass(frozen=True, init=False, repr=False)
class Study:
    """A study with its name: the keys of its YAML as keywords (config/README.md), checked when it is made.

    Parameters
    ----------
    name : str
        Of the study, its file and its folder of results.
    **keys
        As in the file: `title`, `model`, `dataset`, `sweep`, `fits`, `recommend` and the others; with `runs`, a study
        of finished runs of other people's.

    Raises
    ------
    FlopscapeError
        A line for each wrong key, as the workflow says it of a file.

    Examples
    --------
    `fs.Study("mine", **fs.read_study("config/studies/quick.yaml").keys | {"title": "Mine"}).write()`
    """

    name: str
    keys: Mapping[str, Any]
    checked: Checked | ImportedStudy

    def __init__(self, name: str, **keys: Any) -> None:
        plain = {key: _plain(value) for key, value in keys.items()}
        kind = ImportedStudy if "runs" in plain else Checked
        object.__setattr__(self, "name", _refuse_name(name))
        object.__setattr__(self, "keys", plain)
        object.__setattr__(self, "checked", validate(kind, plain, str(self.name)))

    def to_yaml(self) -> str:
        """The study as its file holds it."""
        return dump_yaml(dict(self.keys)) + "\n"

    def write(self, path: PathLike | None = None, *, replace: bool = False) -> Path:
        """Write the study as YAML and return the path, `config/studies/{name}.yaml` unless another is given.

        Raises
        ------
        FlopscapeError
            There is a file already, and `replace` is not set.
        """
        place = STUDIES / f"{self.name}.yaml" if path is None else path_of(path, "study")
        if place.exists() and not replace:
            raise FlopscapeError(f"{place}: there is a file already; give another path, or replace=True")
        write_text(place, self.to_yaml())
        return place

    def summary(self) -> str:
        """The study as YAML."""
        return self.to_yaml()

    def __repr__(self) -> str:
        return f"Study {self.name}\n{self.to_yaml()}"

    def _repr_html_(self) -> str:
        return f"<div><strong>Study {escape(self.name)}</strong><pre>{escape(self.to_yaml())}</pre></div>"


AnyStudy: TypeAlias = Study | PathLike
"""What takes a study takes the path of its file too."""


def read_study(path: PathLike) -> Study:
    """Read a study from its YAML; of a file of several studies by the address of one.

    Raises
    ------
    FlopscapeError
        The file cannot be read, or a line for each wrong key.

    Examples
    --------
    `fs.read_study("config/studies/quick.yaml").keys["sweep"]`
    """
    place = path_of(path, "study")
    return Study(place.stem, **study_data(place))


def _refuse_name(name: str) -> str:
    if not isinstance(name, str):
        raise FlopscapeError(f"study: {type(name).__name__} is no name; give a text")
    try:
        plain_name(name, "study")
    except ValueError as error:
        raise FlopscapeError(str(error)) from error
    if name in RESERVED:
        raise FlopscapeError(f"study name {name}: results/{name}/ has another use; choose another name")
    return name


def _plain(value: Any) -> Any:
    """NumPy's numbers and arrays, tuples and paths as what YAML can hold; all else is left to the checks."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | range):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):  # a number or an array of NumPy's, which need not be imported to know it
        return value.tolist()
    return str(value) if isinstance(value, Path) else value
