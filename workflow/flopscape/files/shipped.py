"""Where the workflow's own files are: Snakefile, rules, environments, profiles, example studies. Imports no library."""

from pathlib import Path

from flopscape.errors import FlopscapeError

PACKAGE = Path(__file__).resolve().parents[1]
COPIES = PACKAGE / "shipped"
"""In an installed package: copies of these files, put there by setup.py when the wheel is built."""


def workflow_files() -> Path:
    """Folder that is laid out as the root of a checkout: the checkout itself, or the copies in an installed package.

    Both are laid out alike, so that the paths from one of these files to another are the same.

    Raises
    ------
    FlopscapeError
        The package was copied without the files, or installed in some other way than by pip.

    Examples
    --------
    >>> (workflow_files() / "workflow/Snakefile").is_file()
    True
    """
    folder = COPIES if COPIES.is_dir() else PACKAGE.parents[1]
    if not (folder / "workflow" / "Snakefile").is_file():
        raise FlopscapeError(
            f"{PACKAGE}: the package is there without the files of its workflow; "
            "install it with pip from a wheel, the repository or a checkout"
        )
    return folder
