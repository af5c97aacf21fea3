"""Which flopscape plans and which flopscape does the jobs: the same one, and that of the workflow.

The plan, the prices and what is stale are computed while the Snakefile is read, and every job is a command
`flopscape …`: of another version it would make files that are stale for ever.
"""

import json
import os
import shutil
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.version import Version
from snakemake.exceptions import WorkflowError

import flopscape
from flopscape.errors import FlopscapeError
from flopscape.files.shipped import COPIES, workflow_files

COMMAND = "flopscape"
OURS = Path(flopscape.__file__ or "").resolve().parents[1]
"""The folder that this package was imported from: `workflow` of a checkout, or where pip installs packages."""


def refuse_other_version(needed: str, basedir: str) -> None:
    """Raise WorkflowError where an installed package of another version would stand in for the workflow's own.

    Parameters
    ----------
    needed : str
        The version of the workflow.
    basedir : str
        The folder or the address of its Snakefile. A folder holds the package, and then nothing can be wrong.
    """
    # A checkout, or the folder of a module that was fetched as one: workflow/ holds both the rules and the package.
    if Path(basedir).resolve() == OURS:
        return
    if flopscape.__version__ != needed:
        raise WorkflowError(
            f"the installed flopscape in {OURS} is version {flopscape.__version__} and this workflow {needed}; "
            f"pip install flopscape {needed} from where the workflow comes"
        )


def installed_workflow(made_with: str) -> str:
    """The installed workflow's Snakefile, for that of a folder which `flopscape init` has made.

    Parameters
    ----------
    made_with : str
        The version of flopscape that the folder was made with.

    Raises
    ------
    WorkflowError
        The installed flopscape is older or newer, or has no workflow.
    """
    installed = flopscape.__version__
    if installed != made_with:
        age = "older" if Version(installed) < Version(made_with) else "newer"
        raise WorkflowError(
            f"this folder was made with flopscape {made_with}, and version {installed} in {OURS} is {age}; "
            f"pip install flopscape {made_with}, or read its changelog and write {installed} in the Snakefile here"
        )
    try:
        return str(workflow_files() / "workflow" / "Snakefile")
    except FlopscapeError as error:
        raise WorkflowError(str(error)) from None


def use_own_package() -> None:
    """Have all jobs run the package that has made the plan, whichever is installed.

    A checkout's folder comes first in PYTHONPATH, and the folder of this Python, where pip puts its commands, last in
    PATH where no such command is found. An installed package has its command in that folder, which then comes first:
    in PYTHONPATH it would bring all other packages along, into images too, which see that variable. A job on another
    machine reads the Snakefile again, and so comes here itself. In conda environments Snakemake drops PYTHONPATH; what
    they install is named by FLOPSCAPE_REQUIREMENT, see envs/.
    """
    commands = str(Path(sys.executable).parent)
    if _is_checkout():
        _put_first("PYTHONPATH", str(OURS))
    elif shutil.which(COMMAND, path=commands):
        _put_first("PATH", commands)
    if not has_command():
        os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), commands])
    os.environ["FLOPSCAPE_REQUIREMENT"] = _requirement()


def _put_first(variable: str, place: str) -> None:
    """Have a folder stand first in a variable of folders, and only once, however often the Snakefile is read."""
    others = [path for path in os.environ.get(variable, "").split(os.pathsep) if path and path != place]
    os.environ[variable] = os.pathsep.join([place, *others])


def _is_checkout() -> bool:
    """Whether the package is that of a checkout, and not what a wheel has installed."""
    return not COPIES.is_dir()


def _requirement() -> str:
    """What pip installs to have this package: the checkout itself, what it was installed from, or the same version."""
    # What pip can install has a pyproject.toml; of a copy of the workflow alone only the version is known.
    if (OURS.parent / "pyproject.toml").is_file():
        return f"--editable {OURS.parent}"
    return requirement_of(_installed_from())


def _installed_from() -> dict[str, Any]:
    """What pip noted of a package that came from no index (PEP 610)."""
    try:
        noted = distribution("flopscape").read_text("direct_url.json")
    except PackageNotFoundError:
        noted = None
    return dict(json.loads(noted)) if noted else {}


def requirement_of(source: dict[str, Any]) -> str:
    """The requirement that installs what was installed from a source, as PEP 610 describes one.

    >>> requirement_of({"url": "https://a.org/b", "vcs_info": {"vcs": "git", "commit_id": "1f"}})
    'flopscape @ git+https://a.org/b@1f'
    """
    if vcs := source.get("vcs_info"):
        return f"flopscape @ {vcs['vcs']}+{source['url']}@{vcs['commit_id']}"
    # A folder may be another version by now, and a wheel is what it was.
    if "archive_info" in source:
        return f"flopscape @ {source['url']}"
    return f"flopscape=={flopscape.__version__}"


def has_command() -> bool:
    """Whether a shell finds the command."""
    return shutil.which(COMMAND) is not None


def refuse_without_command() -> None:
    """Raise WorkflowError where the command is not found that every job is."""
    if not has_command():
        raise WorkflowError(
            f"the command {COMMAND} is not there, which every job of this workflow is; install it with "
            f"{sys.executable} -m pip install and the folder or the address of the workflow, or run with --sdm conda"
        )


def refuse_without_image(image: str) -> None:
    """Raise WorkflowError where the image is a file that is not there; Snakemake fetches one that is an address."""
    if "://" not in image and not Path(image).is_file():
        raise WorkflowError(
            f"{image}: no such image, which jobs run in under --sdm apptainer; make it as "
            f"{workflow_files() / 'envs' / 'flopscape.def'} says, or name another as `container` in config/config.yaml"
        )
