"""One file for several studies: what differs between them is listed, and each combination is a study of its own.

    # config/studies/recipes.yaml
    matrix:
      mlp:
        relu2: {model.kwargs.mlp: relu2}
        swiglu: {model.kwargs.mlp: swiglu, model.kwargs.mlp_ratio: 2.6667}
      training.weight_decay: [0.1, 0.2]

An axis is a name with what each of its labels changes, keys of the study joined by dots, or a key with the values that
it takes. The study `recipes.relu2-0.1` is the file with the changes of both labels. Its address is
config/studies/recipes.relu2-0.1.yaml, where no file lies: whoever reads a study from that address gets it from
recipes.yaml. So every command and every rule takes it as it takes a file, and its results are in a folder of its name.

`runs: {table: theirs.csv, by: dataset}` is an axis too: a study for each value of a column of an imported table.
"""

import os
import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from flopscape.config.model import MAX_STUDIES, Axes, plain_name
from flopscape.config.yaml12 import dump_yaml, parse_yaml, text_of
from flopscape.errors import FlopscapeError
from flopscape.files.json_text import canonical
from flopscape.runs.published import source_file
from flopscape.text.written import nearest, shown

KEY = "matrix"
COLUMN = re.compile(r"[A-Za-z_]\w*")
"""A column that a condition on rows can name."""
NOT_OF_NAMES = re.compile(r"[^A-Za-z0-9_.]+")
"""What a label is cleared of, to be a part of a study's name."""


def study_data(path: Path) -> dict[str, Any]:
    """The keys of a study: of its file, or of the file whose matrix has a study at this address.

    Raises
    ------
    FlopscapeError
        Neither is there, or the file is of several studies and none is chosen.
    """
    file = file_of(path)
    data = _load(file)
    combined = combinations(data, file)
    if file == path:
        if not combined:
            return data
        first = address(path, next(iter(combined)))
        several = (
            f"{len(combined)} studies; name one of them, such as" if len(combined) > 1 else "one study; name it, as"
        )
        raise FlopscapeError(f"{path}: a file of {several} {first}")
    label = path.stem.removeprefix(f"{file.stem}.")
    if label not in combined:
        what = f"its matrix has no {label}{nearest(label, combined)}" if combined else "it has no matrix of studies"
        raise FlopscapeError(f"{path}: cannot be read (no such file; of {file.name}, {what})")
    return _changed(data, combined[label], label, file)


def study_text(path: Path) -> str:
    """The text of a study: that of its file, comments and all, or one that has the changes of its labels."""
    if file_of(path) != path:
        return dump_yaml(study_data(path)) + "\n"
    return path.read_text(encoding="utf-8-sig")


def file_of(path: Path) -> Path:
    """The file that a study is written in: its own, or one whose name the study's begins with."""
    parts = path.stem.split(".")
    holders = (path.with_name(f"{'.'.join(parts[:n])}{path.suffix}") for n in range(len(parts) - 1, 0, -1))
    return path if _is_file(path) else next(filter(_is_file, holders), path)


def _is_file(path: Path) -> bool:
    # Path.is_file raises for a name that is too long.
    return os.path.isfile(path)


def addresses(path: Path) -> list[Path]:
    """Where the studies of a file are read: at its own path where it is one study."""
    if not _is_file(path):
        return [path]
    return [address(path, label) for label in combinations(_load(path), path)] or [path]


def _load(file: Path) -> dict[str, Any]:
    """The keys of a file, which are asked for once to list its studies and again for each of them."""
    return deepcopy(_parsed(text_of(file), file))


@lru_cache(32)
def _parsed(text: str, file: Path) -> dict[str, Any]:
    return parse_yaml(text, file)


def is_study(path: Path) -> bool:
    """Whether a file lies here, of one study or of several, or one of several studies has this address."""
    file = file_of(path)
    if file == path:
        return _is_file(path)
    return path.stem.removeprefix(f"{file.stem}.") in combinations(_load(file), file)


def address(file: Path, label: str) -> Path:
    """Where one study of a file is read, which is where no file lies.

    >>> address(Path("config/studies/recipes.yaml"), "relu2-0.1").as_posix()
    'config/studies/recipes.relu2-0.1.yaml'
    """
    return file.with_name(f"{file.stem}.{label}{file.suffix}")


def refuse_address(path: Path, what: str) -> None:
    """Raise FlopscapeError for the address of a study that shares its file with others, which must not be changed."""
    if (file := file_of(path)) != path:
        raise FlopscapeError(f"{what}: {path.stem} is one of several studies in {file}; edit that file by hand")


def combinations(data: Mapping[str, Any], path: Path) -> dict[str, dict[str, Any]]:
    """What each study of a file changes, by its label, keys joined by dots; empty for a file of one study.

    >>> combinations({"matrix": {"training.beta1": [0.8, 0.9]}}, Path("recipes.yaml"))
    {'0.8': {'training.beta1': 0.8}, '0.9': {'training.beta1': 0.9}}

    Raises
    ------
    FlopscapeError
        An axis of another form, two labels that are one, two axes that change one key, or far too many studies.
    """
    axes = [_axis(name, written, path) for name, written in _axes(data[KEY], path).items()] if data.get(KEY) else []
    if by := (data.get("runs") or {}).get("by") if isinstance(data.get("runs"), dict) else None:
        axes.append(_axis_of_column(data["runs"], by, path))
    if not axes:
        return {}
    _refuse_many(axes, path)
    found: dict[str, dict[str, Any]] = {}
    for chosen in product(*(axis.items() for axis in axes)):
        label = "-".join(name for name, _ in chosen)
        changes: dict[str, Any] = {}
        for _, part in chosen:
            _refuse_both(part, changes, path)
            changes |= part
        if label in found:
            raise FlopscapeError(f"{path}: matrix: two studies would be named {label}; give labels that differ")
        found[label] = changes
    return found


def _refuse_both(part: Iterable[str], changes: Iterable[str], path: Path) -> None:
    """Raise FlopscapeError where two axes change one key, or one of them a mapping that holds the other's."""
    for mine, other in product(part, changes):
        if f"{mine}.".startswith(f"{other}.") or f"{other}.".startswith(f"{mine}."):
            raise FlopscapeError(f"{path}: matrix: two axes change {max(mine, other, key=len)}; leave one of them out")


def _axes(written: Any, path: Path) -> Axes:
    """The axes of a matrix, in the form that they may have."""
    try:
        return TypeAdapter(Axes).validate_python(written)
    except ValidationError as error:
        raise FlopscapeError(
            f"{path}: matrix: write an axis as a key and its values, such as training.weight_decay: [0.1, 0.2], or as "
            "a name and what each label changes, such as mlp: {relu2: {model.kwargs.mlp: relu2}}"
        ) from error


def _axis(name: str, written: Any, path: Path) -> dict[str, dict[str, Any]]:
    """Label → changes of one axis."""
    if isinstance(written, dict):
        return _labelled(written.items(), f"{path}: matrix: {name}")
    texts = (value if isinstance(value, str) else canonical(value) for value in written)
    changes = ({name: value} for value in written)
    return _labelled(zip(texts, changes, strict=True), f"{path}: matrix: {name}")


def _axis_of_column(runs: Mapping[str, Any], column: Any, path: Path) -> dict[str, dict[str, Any]]:
    """Label → changes of an imported table that is split by the values of a column."""
    if not isinstance(column, str) or not COLUMN.fullmatch(column):
        raise FlopscapeError(f"{path}: runs.by: {shown(column)} is no column's name of letters, digits and '_'")
    theirs = dict(runs.get("map") or {}).get(column, column)
    source = source_file(str(runs.get("table")), runs.get("mirror"))
    values = _values(source, source.stat().st_mtime_ns, theirs)
    own = f"({runs['exclude']}) or " if runs.get("exclude") else ""
    changes = ({"runs.exclude": f"{own}{column} != {value!r}", "runs.by": None} for value in values)
    return _labelled(zip(values, changes, strict=True), f"{path}: runs.by: {column}")


@lru_cache(8)
def _values(table: Path, _modified: int, column: str) -> tuple[str, ...]:
    """The distinct texts of a column, in the order of the rows."""
    # Here, for it needs pandas, and only tables that are split are read while the workflow is planned.
    from flopscape.runs.cells import require_column
    from flopscape.runs.read import read_any

    frame = read_any(table)
    require_column(frame, column, table)
    cells = frame[column]
    if not cells.map(lambda cell: isinstance(cell, str) and bool(cell)).all():
        raise FlopscapeError(f"{table}: column {column}: runs.by needs text in every row")
    return tuple(dict.fromkeys(cells))


def _labelled(pairs: Iterable[tuple[str, dict[str, Any]]], place: str) -> dict[str, dict[str, Any]]:
    """Label → changes, each label cleared of what no name can hold."""
    found: dict[str, dict[str, Any]] = {}
    for text, changes in pairs:
        try:
            label = plain_name(NOT_OF_NAMES.sub("_", text), "study")
        except ValueError as error:
            raise FlopscapeError(f"{place}: label {shown(text)}: {error}") from error
        if label in found:
            raise FlopscapeError(f"{place}: {label} stands there twice; give labels that differ")
        found[label] = changes
    return found


def _refuse_many(axes: list[dict[str, dict[str, Any]]], path: Path) -> None:
    count = 1
    for axis in axes:
        count *= len(axis)
    if count > MAX_STUDIES:
        raise FlopscapeError(f"{path}: matrix: {count:,} studies, and at most {MAX_STUDIES} are planned at once")


def _changed(data: Mapping[str, Any], changes: Mapping[str, Any], label: str, path: Path) -> dict[str, Any]:
    """The study with its changes, and its label in its title."""
    study = {key: deepcopy(value) for key, value in data.items() if key != KEY}
    if isinstance(study.get("title"), str):
        study["title"] += f" ({label})"
    for key, value in changes.items():
        *above, last = key.split(".")
        place = study
        for name in above:
            place = place.setdefault(name, {})
            if not isinstance(place, dict):
                raise FlopscapeError(f"{path}: matrix: {key}: {name} is no mapping that could hold it")
        place[last] = deepcopy(value)
    return study
