"""Which flopscape plans and which flopscape does the jobs: the same one, and that of the workflow.

The plan, the prices and what is stale are computed while the Snakefile is read, and every job is a command
`flopscape …`: of another version it would make files that are stale for ever.
"""

import os
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from snakemake.exceptions import WorkflowError

import flopscape

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
    try:
        installed = version("flopscape")
    except PackageNotFoundError:
        installed = "unknown"
    if installed != needed:
        raise WorkflowError(
            f"the installed flopscape in {OURS} is version {installed} and this workflow {needed}; "
            f"pip install flopscape {needed} from where the workflow comes"
        )


def use_own_package() -> None:
    """Have all jobs run the package that has made the plan, whichever is installed.

    Its folder comes first in PYTHONPATH, and the folder of this Python, where pip puts its commands, last in PATH
    where no such command is found. A job on another machine reads the Snakefile again, and so comes here itself. In
    conda environments Snakemake drops PYTHONPATH; what they install is named by FLOPSCAPE_REQUIREMENT, see envs/.
    """
    # First of all places and only once, however often the Snakefile is read.
    others = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path and path != str(OURS)]
    os.environ["PYTHONPATH"] = os.pathsep.join([str(OURS), *others])
    if not has_command():
        os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)])
    os.environ["FLOPSCAPE_REQUIREMENT"] = _requirement()


def _requirement() -> str:
    """What pip installs to have this package: the checkout itself, or the same version."""
    # Beside workflow/ in a checkout; pip keeps none beside what it installs.
    if (OURS.parent / "pyproject.toml").is_file():
        return f"--editable {OURS.parent}"
    return f"flopscape=={version('flopscape')}"


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
