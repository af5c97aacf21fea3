"""JSON: the one text of a spec and its hash, on which run ids rest, and files of it that cannot be read.

Imports no library: the trainer, the plan and every stage name things by these hashes.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from flopscape.errors import FlopscapeError

Spec = dict[str, Any]


def canonical(spec: Any) -> str:
    """The one JSON text of a spec: sorted keys, no spaces, integral floats written as integers.

    So a config that says 1e6 and one that says 1000000 plan the same runs.

    >>> canonical({"n": 1e6, "lr": 0.1})
    '{"lr":0.1,"n":1000000}'
    """
    return json.dumps(_integral_floats_to_int(spec), sort_keys=True, separators=(",", ":"), allow_nan=False)


def _integral_floats_to_int(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _integral_floats_to_int(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_integral_floats_to_int(item) for item in value]
    # JSON text of 1e6 is 1000000.0 and of 1000000 another, of which hashes would differ.
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def short_hash(value: Any, digits: int = 12) -> str:
    """First hex digits of the SHA-256 of a value's canonical JSON text.

    Twelve digits are 48 bits: among 100,000 runs two share an id with a chance of 2 in 100,000.

    >>> short_hash({"seed": 0, "size": {"width": 64}})
    '28dc9224f21e'
    """
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:digits]


def dataset_id(dataset: Spec) -> str:
    """Folder name of a prepared dataset under `results/data/`: its class, then a hash of plug-in and kwargs."""
    class_name = dataset["plugin"].rpartition(":")[2]
    return f"{class_name.lower()}-{short_hash(dataset, 8)}"


def sha256(path: str | os.PathLike[str]) -> str:
    """Hash of a file's bytes in hex digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_json(path: str | os.PathLike[str], fix: str) -> dict[str, Any]:
    """Parse a JSON object from a file; a broken one raises FlopscapeError with its path, the place and the fix."""
    try:
        return parse_object(Path(path).read_text(encoding="utf-8"), str(path), fix)
    except OSError as error:
        raise FlopscapeError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise FlopscapeError(f"{path}: not a text file ({error}); {fix}") from error


def parse_object(text: str, place: str, fix: str) -> dict[str, Any]:
    """Parse a JSON object from text; anything else raises FlopscapeError with the place and the fix."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits and lists in lists among them
        raise FlopscapeError(f"{place}: not whole JSON ({error}); {fix}") from error
    if not isinstance(data, dict):
        raise FlopscapeError(f"{place}: holds no JSON object; {fix}")
    return data
