"""Data files that packages bring along: how text and images are there without a download. Imports no torch."""

import importlib.util
from pathlib import Path

from flopscape.errors import FlopscapeError


def package_file(package: str, name: str, install: str) -> Path:
    """A data file of an installed package, found without importing it.

    Raises
    ------
    FlopscapeError
        The package or the file is not there; the sentence ends in the command `install`.
    """
    spec = importlib.util.find_spec(package)
    path = Path(spec.origin).parent / name if spec and spec.origin else None
    if path is None or not path.is_file():
        raise FlopscapeError(f"{package}/{name} is not installed; run {install}")
    return path
