"""Reading a study and config.yaml from YAML: every error is a sentence that names the file, the key and the fix."""

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from flopscape.config.model import Model, plain_name
from flopscape.config.study import Config, ImportedStudy, Study
from flopscape.errors import FlopscapeError

RESERVED = ("bias", "data")
"""Folders of results/ that hold no study."""
M = TypeVar("M", bound=Model)


class _Loader(yaml.SafeLoader):
    """Safe YAML that reads 1e12 as a number and refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for i, key in enumerate(keys):
            if key in keys[:i]:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def load_yaml(path: str | Path) -> dict[str, Any]:
    """Read a mapping from a YAML file; anything else raises FlopscapeError with the file and the line."""
    try:
        data = yaml.load(Path(path).read_text(encoding="utf-8"), _Loader)
    except OSError as error:
        raise FlopscapeError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise FlopscapeError(f"{path}: not a UTF-8 text file") from error
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise FlopscapeError(f"{path}{line}: not valid YAML ({error.problem})") from error
    if not isinstance(data, dict):
        raise FlopscapeError(f"{path}: empty, or not a mapping of keys")
    return data


def read_study(path: str | Path) -> Study | ImportedStudy:
    """Read one study, whichever of the two kinds it is; raises FlopscapeError with one line for each wrong key."""
    data = load_yaml(path)
    return validate(ImportedStudy, data, str(path)) if "runs" in data else validate(Study, data, str(path))


def load_study(path: str | Path) -> Study:
    """Read a study that trains its runs; any other raises FlopscapeError too."""
    study = read_study(path)
    if isinstance(study, ImportedStudy):
        raise FlopscapeError(f"{path}: its runs are imported from {study.runs.table}: there is no plan and no training")
    return study


def load_config(path: str | Path) -> Config:
    """Read config.yaml; raises FlopscapeError with one line for each wrong key."""
    return validate(Config, load_yaml(path), str(path))


def validate(model: type[M], data: dict[str, Any], place: str) -> M:
    """Check data against a model; every wrong key becomes one line that names it."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        lines = [f"{place}: {_sentence(model, problem)}" for problem in error.errors()]
        raise FlopscapeError("\n".join(dict.fromkeys(lines))) from error


def _sentence(model: type[BaseModel], problem: Any) -> str:
    """One sentence for one of pydantic's errors."""
    location = [part for part in problem["loc"] if not (isinstance(part, str) and "[" in part)]
    key = ".".join(str(part) for part in location)
    if problem["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"unknown key {key}{_nearest(str(location[-1]), _siblings(model, location[:-1]))}"
    if problem["type"] == "missing":
        return f"{key} is missing"
    message = problem["msg"].removeprefix("Value error, ")
    given = problem["input"]
    shown = f", not {given!r}" if isinstance(given, int | float | str) and repr(given) not in message else ""
    return f"{key}: {message}{shown}" if key else message


def _siblings(model: type[BaseModel], location: list[Any]) -> Iterable[str]:
    """The valid keys beside an unknown one."""
    schema = model.model_json_schema()
    node = schema
    for part in location:
        node = node["items"] if isinstance(part, int) else node.get("properties", {}).get(part, {})
        node = _follow(node, schema)
    return node.get("properties", {})


def _follow(node: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """A schema node with its reference, or the one that matters of its alternatives, resolved."""
    for alternative in node.get("anyOf", []):
        if alternative.get("type") != "null":
            node = alternative
            break
    reference = node.get("$ref", "").rpartition("/")[2]
    return schema["$defs"][reference] if reference else node


def _nearest(key: str, valid: Iterable[str]) -> str:
    names = list(valid)
    close = difflib.get_close_matches(key, names, n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else f"; valid here: {', '.join(names)}"


def study_paths(entries: Iterable[str], folder: str | Path = "config/studies") -> dict[str, Path]:
    """Study name → file, for a list of names and paths.

    Raises
    ------
    FlopscapeError
        A name with characters that cannot be a folder, a file that is not there, or two files of one name.
    """
    paths: dict[str, Path] = {}
    for entry in entries:
        is_path = entry.endswith((".yaml", ".yml"))
        path = Path(entry) if is_path else Path(folder) / f"{entry}.yaml"
        try:
            name = plain_name(path.stem if is_path else entry, "study")
        except ValueError as error:
            raise FlopscapeError(f"studies: {error}") from error
        if name in RESERVED:
            raise FlopscapeError(f"studies: results/{name}/ has another use; rename {path}")
        if not path.is_file():
            known = sorted(p.stem for p in Path(folder).glob("*.yaml"))
            raise FlopscapeError(f"studies: no file {path}{_nearest(name, known)}")
        if paths.setdefault(name, path).resolve() != path.resolve():
            raise FlopscapeError(f"studies: two studies are named {name}: {paths[name]} and {path}; rename one file")
    if not paths:
        raise FlopscapeError("studies: the list is empty; name at least one of config/studies/*.yaml")
    return paths


def split_studies(value: Any) -> list[str]:
    """The studies of `--config studies=a,b`, of `studies=[a,b]`, or of config.yaml's list."""
    items = value if isinstance(value, list | tuple) else str(value).split(",")
    return [str(item).strip() for item in items if str(item).strip()]
