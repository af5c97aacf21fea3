"""A folder to work in without a checkout: a Snakefile, a config, studies, profiles. What `flopscape init` lays out."""

import re
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import flopscape
from flopscape.errors import FlopscapeError, joined, listed
from flopscape.files.outputs import cannot_write, refuse_output, temporary_name
from flopscape.files.shipped import workflow_files

FIRST_STUDIES = ("quick", "digits-mlp")
"""A look in a minute, and a small sweep that is really trained; neither needs a download."""
STUDIES = Path("config/studies")
COPIED = ("config/README.md", "config/bias.yaml", "results/README.md", "workflow/schemas", "profiles")
TEMPLATE = {"Snakefile": "Snakefile", "README.md": "README.md", "gitignore": ".gitignore"}
"""Files of workflow/template with their names in the new folder. pip and git would heed the last under its own name."""


def shipped_studies() -> list[str]:
    """Names of the example studies that come with the workflow."""
    return sorted(path.stem for path in (workflow_files() / STUDIES).glob("*.yaml"))


def make_working_folder(folder: Path, studies: Sequence[str] = FIRST_STUDIES) -> None:
    """Lay out a new folder in which `snakemake` runs studies by the installed workflow.

    Parameters
    ----------
    folder : path
        A new folder, or an empty one.
    studies : sequence of str
        Example studies to copy and to select in its config.yaml.

    Raises
    ------
    FlopscapeError
        The folder has something in it, is a file or cannot be written, or a study is unknown. Nothing is left behind.

    Examples
    --------
    ``flopscape init sweeps --study quick``
    """
    known = shipped_studies()
    if unknown := [name for name in studies if name not in known]:
        raise FlopscapeError(f"{listed(unknown)}: no example study; there are {joined(known)}")
    if why := _why_not_here(folder):
        raise FlopscapeError(f"{folder}: {why}; name a new folder or an empty one")
    is_new = not folder.exists()
    try:
        _lay_out(folder, list(dict.fromkeys(studies)))
    except OSError as error:
        if is_new:
            shutil.rmtree(folder, ignore_errors=True)
        raise cannot_write(folder, error) from error


def _why_not_here(folder: Path) -> str:
    """Why a working folder cannot be made at a path; empty where it can."""
    refuse_output(folder / "Snakefile")
    if folder.is_dir() and any(folder.iterdir()):
        return "not empty, and nothing in it is touched"
    return ""


def _lay_out(folder: Path, studies: list[str]) -> None:
    """Put everything below a name that nobody can foresee, and then in its place: whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    hidden = folder / temporary_name()
    try:
        _write_all(hidden, studies)
        for path in list(hidden.iterdir()):
            path.rename(folder / path.name)
        # As in a checkout: `--profile slurm` is looked for in the working folder. Some file systems have no links.
        with suppress(OSError):
            (folder / "slurm").symlink_to("profiles/slurm")
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def _write_all(folder: Path, studies: list[str]) -> None:
    source = workflow_files()
    for name in (*COPIED, *(str(STUDIES / f"{study}.yaml") for study in studies)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (source / name).is_dir() else shutil.copyfile)(source / name, folder / name)
    for name, renamed in TEMPLATE.items():
        text = (source / "workflow" / "template" / name).read_text(encoding="utf-8")
        (folder / renamed).write_text(_filled_in(text, studies), encoding="utf-8")
    config = (source / "config" / "config.yaml").read_text(encoding="utf-8")
    selected = re.sub(r"(?m)^studies: .*$", f"studies: [{', '.join(studies)}]", config)
    (folder / "config" / "config.yaml").write_text(selected, encoding="utf-8")


def _filled_in(text: str, studies: list[str]) -> str:
    return text.replace("VERSION", flopscape.__version__).replace("STUDY", studies[0])
