"""Modules of the working directory can be imported, as under `python -m`."""

import sys
from pathlib import Path


def importable() -> None:
    """Put the working directory at the end of the import path."""
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
