"""Reading a study and config.yaml: which files, and their check against the models."""

import os
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from flopscape.config.complaints import sentences
from flopscape.config.fits import Fit, described
from flopscape.config.matrix import addresses, file_of, study_data
from flopscape.config.model import Model, plain_name
from flopscape.config.study import Config, ImportedStudy, Study
from flopscape.config.yaml12 import load_yaml
from flopscape.errors import FlopscapeError
from flopscape.files.json_text import parse_object
from flopscape.text.written import nearest

RESERVED = ("atlas", "bias", "compare", "data")
"""Folders of results/ that hold no study."""
TEXTS = ("studies",)
"""Keys of config.yaml whose values are names, whatever else they look like."""
M = TypeVar("M", bound=Model)


def read_study(path: str | Path) -> Study | ImportedStudy:
    """Read one study, whichever of the two kinds it is; raises FlopscapeError with one line for each wrong key."""
    data = study_data(Path(path))
    # One key tells the two kinds apart, so that a mistake is told in terms of the one that was meant.
    return validate(ImportedStudy, data, str(path)) if "runs" in data else validate(Study, data, str(path))


def load_study(path: str | Path) -> Study:
    """Read a study that trains its runs; any other raises FlopscapeError too."""
    study = read_study(path)
    if isinstance(study, ImportedStudy):
        raise FlopscapeError(why_no_plan(path, study))
    return study


def why_no_plan(path: str | Path, study: ImportedStudy) -> str:
    """The sentence for a study whose runs are imported, where one that trains them is asked for."""
    return f"{path}: its runs are imported from {study.runs.table}: there is no plan and no training"


def load_config(path: str | Path) -> Config:
    """Read config.yaml; raises FlopscapeError with one line for each wrong key."""
    return validate(Config, load_yaml(path, TEXTS), str(path))


def config_as_written(config: Mapping[str, Any], read: Mapping[str, Any], words: Iterable[str]) -> dict[str, Any]:
    """The config that Snakemake has made of files and `--config`, as people wrote it.

    Snakemake reads files as YAML 1.1, and makes numbers of `--config studies=007`, `1e3` and `2026_11_26`.

    Parameters
    ----------
    config : mapping
        What Snakemake has made of them all.
    read : mapping
        The same files, read by `load_yaml`.
    words : iterable of str
        The words of `--config`, such as `studies=007`.
    """
    # What stands on the command line wins over files, and is text unless Snakemake made something else of it than a
    # number, such as the list of `studies=[a,b]`.
    values = dict(word.split("=", 1) for word in words if "=" in word)
    files = {key: value for key, value in read.items() if key in config and key not in values}
    texts = {key: text.strip("'\"") for key, text in values.items() if isinstance(config.get(key), int | float)}
    return {**config, **files, **texts}


def validate(model: type[M], data: dict[str, Any], place: str) -> M:
    """Check data against a model; every wrong key becomes one line that names it."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise FlopscapeError("\n".join(sentences(error, model, place))) from error


def asked_fits(given: Iterable[str | Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Fits as a study writes them, each a name, JSON or a mapping, checked: `name`, `method` and its options.

    >>> asked_fits(["approach2-exact", '{"name": "kaplan", "method": "law", "law": "kaplan"}'])[1]
    {'name': 'kaplan', 'method': 'law', 'law': 'kaplan'}

    Raises
    ------
    FlopscapeError
        What a study may not write, or one name twice.
    """
    fits = [validate(Fit, _written(one), f"--fit {one}") for one in given]
    names = [fit.name for fit in fits]
    if twice := [name for name in names if names.count(name) > 1]:
        raise FlopscapeError(f"--fit: two fits are named {twice[0]}; give them different names")
    return [fit.asked for fit in fits]


def _written(text: str | Mapping[str, Any]) -> dict[str, Any]:
    """A fit of the command line, as a study would hold it."""
    if not isinstance(text, str):
        return dict(text)
    is_json = text.lstrip().startswith("{")
    fit: dict[str, Any] = parse_object(text, "--fit", "write it in quotes") if is_json else described(text)
    return fit


def study_paths(entries: Iterable[str], folder: str | Path = "config/studies") -> dict[str, Path]:
    """Study name → file, for a list of names and paths; a file of several studies gives the address of each.

    Raises
    ------
    FlopscapeError
        A name with characters that cannot be a folder, a file that is not there, or two files of one name.
    """
    paths: dict[str, Path] = {}
    for path in chain.from_iterable(map(addresses, [_path_of(entry, folder) for entry in entries])):
        name = path.stem
        if paths.setdefault(name, path).resolve() != path.resolve():
            raise FlopscapeError(f"studies: two studies are named {name}: {paths[name]} and {path}; rename one file")
    if not paths:
        raise FlopscapeError("studies: the list is empty; name at least one of config/studies/*.yaml")
    return paths


def _path_of(entry: str, folder: str | Path) -> Path:
    """The path of an entry of the list of studies."""
    is_path = entry.endswith((".yaml", ".yml"))
    path = Path(entry) if is_path else Path(folder) / f"{entry}.yaml"
    try:
        name = plain_name(path.stem if is_path else entry, "study")
    except ValueError as error:
        raise FlopscapeError(f"studies: {error}") from error
    if name in RESERVED:
        raise FlopscapeError(f"studies: results/{name}/ has another use; rename {path}")
    if not os.path.isfile(file_of(path)):  # Path.is_file raises for a name that is too long
        names = sorted(p.stem for p in Path(folder).glob("*.yaml"))
        raise FlopscapeError(f"studies: no file {path}{nearest(name, names)}")
    return path
